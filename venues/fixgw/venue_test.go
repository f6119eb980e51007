package fixgw

import (
	"net"
	"strings"
	"testing"
	"time"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
	"penstock/venues/wire"
)

// patience bounds every wait; none takes a fraction of it.
const patience = 20 * time.Second

// venue is the other end over loopback: an acceptor session that does what the
// test tells it to. One goroutine owns the session; tell runs a function there.
type venue struct {
	t     *testing.T
	l     net.Listener
	s     *fix.Session
	tasks chan func()
	conn  net.Conn
	read  chan []byte
	rest  []byte
	ring  func()
	got   chan string // application messages, readable, from 35= to before 10=
	mute  bool        // leave what the gateway sends unread by the session
	dials chan struct{}
}

func newVenue(t *testing.T, ring func()) *venue {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &venue{t: t, l: l, tasks: make(chan func()), ring: ring, got: make(chan string, 4096),
		dials: make(chan struct{}, 64)}
	v.s, err = fix.NewSession(fix.Config{Role: fix.Acceptor, BeginString: "FIX.4.4", SenderCompID: "XLIT",
		TargetCompID: "SOR", App: v.app}, nil)
	if err != nil {
		t.Fatal(err)
	}
	conns := make(chan net.Conn)
	go func() {
		defer close(conns)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns <- c
		}
	}()
	done := make(chan struct{})
	go func() { v.run(conns); close(done) }()
	t.Cleanup(func() {
		l.Close()
		v.tell(v.drop)
		close(v.tasks)
		<-done
	})
	return v
}

func (v *venue) run(conns <-chan net.Conn) {
	for {
		select {
		case c, ok := <-conns:
			if !ok {
				conns = nil
				continue
			}
			v.drop()
			v.conn, v.read, v.rest = c, make(chan []byte), nil
			go pump(c, v.read)
			v.s.Connected(time.Now().UnixNano())
			v.dials <- struct{}{}
		case b, ok := <-v.read:
			if !ok {
				v.read = nil
				v.drop()
				continue
			}
			if !v.mute {
				v.rest = append(v.rest, b...)
				v.rest = v.rest[v.s.Receive(time.Now().UnixNano(), v.rest):]
			}
		case task, ok := <-v.tasks:
			if !ok {
				return
			}
			task()
		}
		v.flush()
		v.ring()
	}
}

func pump(c net.Conn, to chan<- []byte) {
	defer close(to)
	for {
		buf := make([]byte, 4096)
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		to <- buf[:n]
	}
}

func (v *venue) flush() {
	if v.conn == nil {
		return
	}
	if _, err := v.conn.Write(v.s.Out()); err == nil {
		v.s.Wrote(len(v.s.Out()))
	}
	if _, want := v.s.WantClose(); want {
		v.drop()
	}
}

func (v *venue) drop() {
	if v.conn != nil {
		v.conn.Close()
		v.conn = nil
		v.s.Disconnected(0)
		if v.read != nil {
			for range v.read {
			}
			v.read = nil
		}
	}
}

func (v *venue) app(m *fix.Message, _ int64) bool {
	text := strings.ReplaceAll(string(m.Frame()), "\x01", "|")
	v.got <- text[strings.Index(text, "|35=")+1 : strings.Index(text, "|10=")]
	return true
}

// tell runs task in the venue's goroutine and waits for it.
func (v *venue) tell(task func()) {
	done := make(chan struct{})
	v.tasks <- func() { task(); close(done) }
	<-done
}

// say sends one application message: MsgType|tag=value|…
func (v *venue) say(text string) {
	v.t.Helper()
	v.tell(func() { v.write(text) })
}

func (v *venue) write(text string) {
	msgType, body, _ := strings.Cut(text, "|")
	w := v.s.Begin(time.Now().UnixNano(), msgType)
	for _, f := range strings.Split(body, "|") {
		tag, value, _ := strings.Cut(f, "=")
		n, _ := fix.ParseInt([]byte(tag))
		w.Str(int(n), value)
	}
	if err := v.s.Send(); err != nil {
		v.t.Errorf("%s: %v", text, err)
	}
}

// rig is a gateway with its venue and everything that it emitted.
type rig struct {
	t      *testing.T
	g      *Gateway
	v      *venue
	poller *wire.Poller
	events []event.Event
	sent   []uint64 // Child, or Ref of a cancel, from OnSent
	full   bool     // the Sink has no room
	now    int64
}

var testSymbols = []Symbol{
	{ID: 3, Text: "ACME", PriceDecimals: 4},
	{ID: 5, Text: "EUR/USD", Currency: "EUR", PriceDecimals: 6, QtyDecimals: 2},
}

func newRig(t *testing.T, adjust func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Now().UnixNano()}
	var err error
	if r.poller, err = wire.NewPoller(1); err != nil {
		t.Fatal(err)
	}
	r.v = newVenue(t, r.poller.Ring)
	r.start(adjust)
	t.Cleanup(func() { r.g.Close() })
	return r
}

func (r *rig) start(adjust func(*Config)) {
	r.t.Helper()
	d, _ := DialectByName("sim")
	cfg := Config{Addr: r.v.l.Addr().String(), SenderCompID: "SOR", TargetCompID: "XLIT", HeartBtIntSecs: 30,
		Dialect: d, Venue: 2, Symbols: testSymbols, Sink: r.sink, Seed: 1,
		OnSent: func(c *event.Command, _ int64) {
			if c.Kind == event.SendCancel {
				r.sent = append(r.sent, c.Ref)
			} else {
				r.sent = append(r.sent, c.Child)
			}
		}}
	if adjust != nil {
		adjust(&cfg)
	}
	g, err := New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.g = g
}

func (r *rig) sink(e *event.Event) bool {
	if r.full {
		return false
	}
	r.events = append(r.events, *e)
	return true
}

// until works the gateway, as a loop does that glanced before, until done. The clock is ours: it follows the wall but
// can be moved ahead.
func (r *rig) until(what string, done func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		worked := r.g.Glance(r.now) + r.g.Work(r.now)
		if done() {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: not in time; events %+v, stats %+v", what, r.events, r.g.Stats())
		}
		if worked > 0 {
			continue
		}
		if _, err := r.poller.Wait([]wire.PollFD{r.g.PollFD()}, 100*time.Millisecond); err != nil {
			r.t.Fatal(err)
		}
	}
}

// next works until there is an event and takes it.
func (r *rig) next() event.Event {
	r.t.Helper()
	r.until("an event", func() bool { return len(r.events) > 0 })
	e := r.events[0]
	r.events = r.events[1:]
	return e
}

// up waits for the session.
func (r *rig) up() {
	r.t.Helper()
	e := r.next()
	if e.Kind != event.VenueSession || e.Code != uint8(event.SessionUp) || e.Venue != 2 {
		r.t.Fatalf("got %+v, want session up", e)
	}
}

// wire waits for the next application message at the venue.
func (r *rig) wire() string {
	r.t.Helper()
	r.until("a message at the venue", func() bool { return len(r.v.got) > 0 })
	return <-r.v.got
}

// Numbers of the orders that tests send.
const (
	child  = 261120143000000001
	parent = 261120143000000009
)

func takeOrder() *event.Command {
	return &event.Command{Kind: event.SendOrder, Child: child, Parent: parent, Venue: 2, Instrument: 3, Side: market.Buy,
		Price: 1002500, Qty: 300, OrdType: market.OrdLimit, TIF: market.TIFIOC}
}

// wall is the time of day, which the simulated venues live by.
func wall() int64 { return time.Now().UnixNano() }

// gaps returns how often the venue missed messages.
func (v *venue) gaps() (n uint64) {
	v.tell(func() { n = v.s.Stats().Gaps })
	return n
}
