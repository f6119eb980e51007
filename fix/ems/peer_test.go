package ems

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"penstock/event"
	"penstock/fix"
	"penstock/fix/ems/guard"
	"penstock/internal/quiet"
	"penstock/market"
)

// patience bounds every wait of a test; reaching it is a failure. It is longer than the heartbeat of 30 s: QuickFIX/Go forgets a report
// that comes while it is served what it missed, and asks for it when the next message comes.
const patience = 50 * time.Second

var testInstruments = []market.Instrument{
	{ID: 0, Symbol: "ACME", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1},
	{ID: 1, Symbol: "BTC-USDT", Currency: "USDT", PriceDecimals: 2, QtyDecimals: 5, Tick: 1, Lot: 10},
}

var testVenues = []market.Venue{{ID: 0, Name: "lit", MIC: "XLIT"}, {ID: 1, Name: "dark",
	MIC: "XDRK"}}

// desk collects what the acceptor passes to the router.
type desk struct {
	events chan event.Event
	full   atomic.Bool
}

func newDesk() *desk { return &desk{events: make(chan event.Event, 1024)} }

func (d *desk) sink(e *event.Event) bool {
	if d.full.Load() {
		return false
	}
	d.events <- *e
	return true
}

// next returns the next event of the kind, skipping ClientSession unless it is
// asked for.
// TestMain gives Go as many processors as a router with a core has (quiet.Begin). While a peer does not read, the
// library's session asks again and again whether it may write, and takes one for that: where it has the only
// one, or two sessions have two, whoever writes gets a message out every 10 ms.
func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(max(quiet.Procs, runtime.NumCPU()))
	os.Exit(m.Run())
}

func (d *desk) next(t *testing.T, kind event.Kind) event.Event {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case e := <-d.events:
			if e.Kind == kind {
				return e
			}
			if e.Kind != event.ClientSession {
				t.Fatalf("event %v, want %v", e.Kind, kind)
			}
		case <-timeout:
			t.Fatalf("no %v event", kind)
		}
	}
}

var acceptors atomic.Int32

// testConfig returns a configuration with sessions of names that no other test has.
func testConfig(t testing.TB, d *desk, clients int) Config {
	t.Helper()
	cfg := Config{Listen: "127.0.0.1:0", StoreDir: t.TempDir(), LogDir: t.TempDir(),
		Instruments: testInstruments, Venues: testVenues, Sink: d.sink}
	n := acceptors.Add(1)
	for i := range clients {
		cfg.Sessions = append(cfg.Sessions, Session{Session: guard.Session{
			SenderCompID: "PENSTOCK", TargetCompID: fmt.Sprintf("EMS%d-%d", n, i)}})
	}
	return cfg
}

func listen(t testing.TB, cfg Config) *Acceptor {
	t.Helper()
	a, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// peer is a FIX client written by hand, which can send anything.
type peer struct {
	t      *testing.T
	conn   net.Conn
	name   string // its SenderCompID
	begin  string // BeginString
	seq    int    // next to send
	buf    []byte
	unread []byte
	once   sync.Once
}

func dial(t *testing.T, a *Acceptor, client int) *peer {
	t.Helper()
	conn, err := net.Dial("tcp", a.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return newPeer(t, conn, a.cfg.Sessions[client].TargetCompID)
}

func newPeer(t *testing.T, conn net.Conn, name string) *peer {
	p := &peer{t: t, conn: conn, name: name, begin: "FIX.4.4", seq: 1, buf: make([]byte, 64<<10)}
	t.Cleanup(p.close)
	return p
}

func (p *peer) close() { p.once.Do(func() { p.conn.Close() }) }

// message frames fields written with '|', adding header and trailer.
func message(fields string) []byte { return frame("FIX.4.4", fields) }

func frame(begin, fields string) []byte {
	body := strings.ReplaceAll(fields, "|", "\x01")
	msg := fmt.Sprintf("8=%s\x019=%d\x01%s", begin, len(body), body)
	var sum byte
	for _, c := range []byte(msg) {
		sum += c
	}
	return fmt.Appendf(nil, "%s10=%03d\x01", msg, sum)
}

func now() string { return time.Now().UTC().Format("20060102-15:04:05.000") }

// header returns the standard header with the next sequence number.
func (p *peer) header(msgType string) string {
	h := fmt.Sprintf("35=%s|49=%s|56=PENSTOCK|34=%d|52=%s|", msgType, p.name, p.seq, now())
	p.seq++
	return h
}

// send sends a message of the type with body fields.
func (p *peer) send(msgType, fields string) { p.write(frame(p.begin, p.header(msgType)+fields)) }

func (p *peer) write(b []byte) {
	p.t.Helper()
	p.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatalf("write: %v", err)
	}
}

// read returns the next message that is no heartbeat.
func (p *peer) read() *fix.Message {
	p.t.Helper()
	for {
		m, err := p.tryRead()
		if err != nil {
			p.t.Fatalf("read: %v", err)
		}
		if string(m.Type()) != fix.MsgHeartbeat {
			return m
		}
	}
}

func (p *peer) tryRead() (*fix.Message, error) {
	for {
		n, err := fix.Frame(p.unread)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			m := new(fix.Message)
			err := m.Parse(append([]byte(nil), p.unread[:n]...))
			p.unread = p.unread[n:]
			return m, err
		}
		p.conn.SetReadDeadline(time.Now().Add(patience))
		n, err = p.conn.Read(p.buf)
		p.unread = append(p.unread, p.buf[:n]...)
		if err != nil {
			return nil, err
		}
	}
}

// expect reads the next message and checks its type.
func (p *peer) expect(msgType string) *fix.Message {
	p.t.Helper()
	m := p.read()
	if string(m.Type()) != msgType {
		p.t.Fatalf("got %s, want 35=%s", pretty(m), msgType)
	}
	return m
}

// expectClosed checks that the other side closes the connection, and returns the
// last message before it, if any.
func (p *peer) expectClosed() (last *fix.Message) {
	p.t.Helper()
	for {
		m, err := p.tryRead()
		if err == nil {
			last = m
			continue
		}
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			p.t.Fatal("connection is still open")
		}
		return last
	}
}

// logon logs on and checks the answer.
func (p *peer) logon() *peer {
	p.t.Helper()
	p.send("A", "98=0|108=30|")
	p.expect("A")
	return p
}

// ping shows that the session lives: everything sent before has been handled.
func (p *peer) ping() {
	p.t.Helper()
	p.send("1", "112=ping|")
	for {
		m, err := p.tryRead()
		if err != nil {
			p.t.Fatalf("read: %v", err)
		}
		if id, _ := m.Get(fix.TagTestReqID); string(id) == "ping" {
			return
		}
	}
}

func pretty(m *fix.Message) string {
	return strings.ReplaceAll(string(m.Frame()), "\x01", "|")
}

func get(m *fix.Message, tag int) string {
	v, _ := m.Get(tag)
	return string(v)
}

// newOrder is a NewOrderSingle(D) that is in order.
func newOrder(id string) string {
	return "11=" + id + "|55=ACME|54=1|38=100|40=2|44=10.01|59=0|60=" + now() + "|847=1000|"
}

func readLog(t *testing.T, cfg Config) string {
	t.Helper()
	text, err := os.ReadFile(cfg.LogDir + "/ems.log")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func testPrefixes(text ...string) (all []netip.Prefix) {
	for _, s := range text {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}
