package fix_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quickfixgo/quickfix"

	"penstock/fix"
	"penstock/internal/freeport"
	"penstock/venues/wire"
)

// These tests run our session against quickfix, which shares no code with it,
// over a loopback socket. Nothing sleeps: the driver waits in poll(2) for the
// socket or for quickfix's callbacks to ring.

const patience = 20 * time.Second

// counterparty is the quickfix application. It answers orders with reports and
// keeps what it hears.
type counterparty struct {
	ring func()
	mu   sync.Mutex
	log  []string // "in 35=… body", "out …", "logon", "logout"
	id   quickfix.SessionID
}

func (c *counterparty) note(format string, args ...any) {
	c.mu.Lock()
	c.log = append(c.log, fmt.Sprintf(format, args...))
	c.mu.Unlock()
	c.ring()
}

func text(m *quickfix.Message) string { return strings.ReplaceAll(m.String(), "\x01", "|") }

func (c *counterparty) OnCreate(id quickfix.SessionID)                    { c.id = id }
func (c *counterparty) OnLogon(quickfix.SessionID)                        { c.note("logon") }
func (c *counterparty) OnLogout(quickfix.SessionID)                       { c.note("logout") }
func (c *counterparty) ToAdmin(m *quickfix.Message, _ quickfix.SessionID) { c.note("out %s", text(m)) }

func (c *counterparty) ToApp(m *quickfix.Message, _ quickfix.SessionID) error {
	c.note("out %s", text(m))
	return nil
}

func (c *counterparty) FromAdmin(m *quickfix.Message, _ quickfix.SessionID) quickfix.MessageRejectError {
	c.note("in %s", text(m))
	return nil
}

func (c *counterparty) FromApp(m *quickfix.Message, id quickfix.SessionID) quickfix.MessageRejectError {
	c.note("in %s", text(m))
	if m.IsMsgTypeOf("D") {
		c.report(m, id)
	}
	return nil
}

// report fills an order.
func (c *counterparty) report(order *quickfix.Message, id quickfix.SessionID) {
	clOrdID, _ := order.Body.GetString(11)
	er := quickfix.NewMessage()
	er.Header.SetString(35, "8")
	for tag, value := range map[quickfix.Tag]string{6: "10.02", 11: clOrdID, 14: "300", 17: "E" + clOrdID,
		31: "10.02", 32: "300", 37: "O1", 38: "300", 39: "2", 54: "1", 55: "ACME", 150: "F", 151: "0"} {
		er.Body.SetString(tag, value)
	}
	if err := quickfix.SendToTarget(er, id); err != nil {
		c.note("error %v", err)
	}
}

// count returns how many notes contain every part.
func (c *counterparty) count(parts ...string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, line := range c.log {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			n++
		}
	}
	return n
}

func settings(t *testing.T, kind string, port int) *quickfix.Settings {
	t.Helper()
	role := fmt.Sprintf("SocketAcceptPort=%d\nSocketAcceptHost=127.0.0.1\n", port)
	if kind == "initiator" {
		role = fmt.Sprintf("SocketConnectHost=127.0.0.1\nSocketConnectPort=%d\nHeartBtInt=30\nReconnectInterval=1\n", port)
	}
	s, err := quickfix.ParseSettings(strings.NewReader("[DEFAULT]\nConnectionType=" + kind + "\n" + role +
		"BeginString=FIX.4.4\nSenderCompID=XLIT\nTargetCompID=SOR\n[SESSION]\n"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// side is our end: a session, its connection and what it was told.
type side struct {
	t       *testing.T
	s       *fix.Session
	conn    *wire.Conn
	poller  *wire.Poller
	shift   int64 // ns by which our clock is ahead
	reports []string
	in      []byte
}

func newSide(t *testing.T, poller *wire.Poller, store *fix.Store) *side {
	t.Helper()
	sd := &side{t: t, poller: poller}
	s, err := fix.NewSession(fix.Config{
		BeginString: "FIX.4.4", SenderCompID: "SOR", TargetCompID: "XLIT", HeartBtIntSecs: 30, App: sd.app,
	}, store)
	if err != nil {
		t.Fatal(err)
	}
	sd.s = s
	return sd
}

func (sd *side) app(m *fix.Message, _ int64) bool {
	sd.reports = append(sd.reports, strings.ReplaceAll(string(m.Frame()), "\x01", "|"))
	return true
}

func (sd *side) now() int64 { return time.Now().UnixNano() + sd.shift }

func (sd *side) connect(addr string) {
	sd.t.Helper()
	conn, err := wire.Dial(addr)
	if err != nil {
		sd.t.Fatal(err)
	}
	sd.conn = conn
	sd.until("open", func() bool { state, err := conn.Poll(); return state == wire.Open || err != nil })
	sd.s.Connected(sd.now())
}

// drop breaks the connection without a Logout.
func (sd *side) drop() {
	sd.conn.Close()
	sd.conn = nil
	sd.s.Disconnected(sd.now())
}

// until drives the session until done, at most patience long.
func (sd *side) until(what string, done func() bool) {
	sd.t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		if time.Now().After(deadline) {
			reason, _ := sd.s.WantClose()
			sd.t.Fatalf("%s: not in time; session %v %s", what, sd.s.State(), reason)
		}
		pfd := wire.PollFD{FD: -1}
		if sd.conn != nil {
			sd.work()
			pfd = wire.PollFD{FD: sd.conn.FD(), Write: len(sd.s.Out()) > 0 || sd.s.State() == fix.Disconnected}
			if done() {
				return
			}
		}
		if _, err := sd.poller.Wait([]wire.PollFD{pfd}, 50*time.Millisecond); err != nil {
			sd.t.Fatal(err)
		}
	}
}

func (sd *side) work() {
	var buf [4096]byte
	for sd.s.State() != fix.Disconnected {
		n, err := sd.conn.Read(buf[:])
		if n == 0 || err != nil {
			break
		}
		sd.in = append(sd.in, buf[:n]...)
		sd.in = sd.in[sd.s.Receive(sd.now(), sd.in):]
	}
	sd.s.Tick(sd.now())
	n, err := sd.conn.Write(sd.s.Out())
	if err == nil {
		sd.s.Wrote(n)
	}
}

func (sd *side) logOn(addr string) {
	sd.t.Helper()
	sd.connect(addr)
	sd.until("logon", func() bool { return sd.s.State() == fix.Active })
}

func (sd *side) order(id uint64) {
	sd.t.Helper()
	w := sd.s.Begin(sd.now(), fix.MsgNewOrderSingle)
	if w == nil {
		sd.t.Fatalf("order %d: cannot send in state %v", id, sd.s.State())
	}
	w.Uint(fix.TagClOrdID, id)
	w.Uint(fix.TagOrderQty, 300)
	w.Char(fix.TagOrdType, '2')
	w.Decimal(fix.TagPrice, 1002, 2)
	w.Char(fix.TagSide, '1')
	w.Str(fix.TagSymbol, "ACME")
	w.Time(fix.TagTransactTime, sd.now())
	if err := sd.s.Send(); err != nil {
		sd.t.Fatal(err)
	}
}

// acceptor starts quickfix as the venue and returns its address.
func acceptor(t *testing.T) (*counterparty, *wire.Poller, string) {
	t.Helper()
	poller, err := wire.NewPoller(1)
	if err != nil {
		t.Fatal(err)
	}
	app := &counterparty{ring: poller.Ring}
	for try := 0; ; try++ { // the port found free may be taken by another process
		port := freeport.TCP(t)
		a, err := quickfix.NewAcceptor(app, quickfix.NewMemoryStoreFactory(), settings(t, "acceptor", port),
			quickfix.NewNullLogFactory())
		if err != nil {
			t.Fatal(err)
		}
		if err = a.Start(); err == nil {
			t.Cleanup(func() { a.Stop(); poller.Close() })
			return app, poller, fmt.Sprintf("127.0.0.1:%d", port)
		}
		if try == 5 {
			t.Fatal(err)
		}
	}
}

func TestOrdersAndReportsWithQuickfix(t *testing.T) {
	venue, poller, addr := acceptor(t)
	sd := newSide(t, poller, nil)
	sd.logOn(addr)
	for i := range 100 {
		sd.order(uint64(i + 1))
	}
	sd.until("reports", func() bool { return len(sd.reports) == 100 })
	for i, r := range sd.reports {
		if !strings.Contains(r, fmt.Sprintf("|17=E%d|", i+1)) || !strings.Contains(r, "|150=F|") {
			t.Fatalf("report %d: %s", i, r)
		}
	}
	sd.s.Logout(sd.now(), "done")
	sd.until("logout", func() bool { return sd.s.State() == fix.Closing })
	if reason, _ := sd.s.WantClose(); reason != "done" {
		t.Errorf("closed because %q", reason)
	}
	sd.drop()
	sd.until("venue logout", func() bool { return venue.count("logout") == 1 })
	if n := venue.count("out", "|35=3|") + venue.count("out", "|35=j|"); n != 0 {
		t.Errorf("quickfix rejected %d messages: %q", n, venue.log)
	}
	if out, in := sd.s.NextOut(), sd.s.NextIn(); out != 103 || in != 103 {
		t.Errorf("next out %d in %d, want 103 each", out, in)
	}
}

func TestHeartbeatsAndTestRequestsWithQuickfix(t *testing.T) {
	venue, poller, addr := acceptor(t)
	sd := newSide(t, poller, nil)
	sd.logOn(addr)
	sd.shift += int64(30 * time.Second) // our interval is over, the venue's is not
	sd.until("heartbeat", func() bool { return venue.count("in", "|35=0|") == 1 })
	sd.shift += int64(7 * time.Second) // it was silent too long: we ask, it answers
	sd.until("answer", func() bool { return venue.count("out", "|35=0|", "|112=3|") == 1 })
	sd.until("answer taken", func() bool { return sd.s.NextIn() == 3 })
}

func TestQuickfixAsksForAGapAndGetsAGapFill(t *testing.T) {
	venue, poller, addr := acceptor(t)
	path := t.TempDir() + "/seq"
	store, err := fix.OpenStore(path)
	if err != nil {
		t.Fatal(err)
	}
	sd := newSide(t, poller, store)
	sd.logOn(addr)
	sd.order(1)
	sd.until("report", func() bool { return len(sd.reports) == 1 })
	// The process dies: nothing is closed in order. The new one goes on ahead of
	// every number that was used, so quickfix sees a gap, never a low number.
	sd.conn.Close()
	store.Close()
	if store, err = fix.OpenStore(path); err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	again := newSide(t, poller, store)
	if again.s.NextOut() <= 3 || again.s.NextIn() != 3 {
		t.Fatalf("after the crash: next out %d in %d", again.s.NextOut(), again.s.NextIn())
	}
	again.until("venue logout", func() bool { return venue.count("logout") == 1 })
	again.logOn(addr)
	again.until("resend request", func() bool { return venue.count("out", "|35=2|", "|7=3|") >= 1 })
	again.until("gap fill", func() bool { return venue.count("in", "|35=4|", "|123=Y|") >= 1 })
	again.order(2)
	again.until("report after the gap", func() bool { return len(again.reports) == 1 })
	if n := venue.count("in", "|35=D|", "|11=1|"); n != 1 {
		t.Errorf("order 1 arrived %d times", n)
	}
}

func TestNumbersGoOnAcrossReconnectAndRestart(t *testing.T) {
	venue, poller, addr := acceptor(t)
	path := t.TempDir() + "/seq"
	store, err := fix.OpenStore(path)
	if err != nil {
		t.Fatal(err)
	}
	sd := newSide(t, poller, store)
	for i := 1; i <= 3; i++ {
		sd.logOn(addr)
		sd.order(uint64(i))
		sd.until("report", func() bool { return len(sd.reports) == 1 })
		sd.drop()
		sd.until("venue logout", func() bool { return venue.count("logout") == i })
		sd.reports = nil
		if i == 2 { // a clean restart in between
			if err := sd.s.Close(); err != nil {
				t.Fatal(err)
			}
			store.Close()
			if store, err = fix.OpenStore(path); err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			sd = newSide(t, poller, store)
		}
	}
	if n := venue.count("|35=2|"); n != 0 {
		t.Errorf("%d resend requests where no message was lost", n)
	}
	if sd.s.NextOut() != 7 || sd.s.NextIn() != 7 {
		t.Errorf("next out %d in %d, want 7 each", sd.s.NextOut(), sd.s.NextIn())
	}
}

// A host that died may know less than it was told: its store has an older inbound
// number. What it missed comes again, marked as possible duplicate.
func TestReportsMissedAreSentAgain(t *testing.T) {
	venue, poller, addr := acceptor(t)
	sd := newSide(t, poller, nil)
	sd.logOn(addr)
	sd.order(1)
	sd.order(2)
	sd.until("reports", func() bool { return len(sd.reports) == 2 })
	sd.drop()
	sd.until("venue logout", func() bool { return venue.count("logout") == 1 })

	store, err := fix.OpenStore(t.TempDir() + "/seq")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	fix.SetNext(store, 4, 3) // the Logon and the first report
	again := newSide(t, poller, store)
	again.logOn(addr)
	again.until("report again", func() bool { return len(again.reports) == 1 && !again.s.GapOpen() })
	if r := again.reports[0]; !strings.Contains(r, "|17=E2|") || !strings.Contains(r, "|43=Y|") {
		t.Errorf("got %s, want E2 with PossDup", r)
	}
	again.order(3)
	again.until("next report", func() bool { return len(again.reports) == 2 })
}
