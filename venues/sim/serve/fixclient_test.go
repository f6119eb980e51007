package serve

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"penstock/fix"
	"penstock/market"
	"penstock/venues/sim"
)

const (
	testClient = "PENSTOCK"
	patience   = 20 * time.Second // for what must happen; far above what it takes
)

func testInstrument() market.Instrument {
	return market.Instrument{
		Symbol: "PNSK", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1,
	}
}

// startMarket starts the demonstration venues, changed by each of change.
func startMarket(t testing.TB, change ...func(*Config)) *Market {
	t.Helper()
	cfg := Config{
		Instrument: testInstrument(), Flow: sim.DefaultFlow(1, 0, 1_000_000),
		Venues: DemoVenues(testInstrument(), 1, testClient),
	}
	for _, f := range change {
		f(&cfg)
	}
	m, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// message is a received application message: tag → last value, in text.
type message map[int]string

func (m message) String() string {
	var b strings.Builder
	for _, tag := range []int{
		35, 11, 41, 37, 17, 150, 39, 38, 44, 14, 151, 31, 32, 6, 851, 103, 102, 58, 43, 117,
	} {
		if v, ok := m[tag]; ok {
			fmt.Fprintf(&b, "%d=%s ", tag, v)
		}
	}
	return b.String()
}

// fixClient is a client with an initiator session on a goroutine of its own.
type fixClient struct {
	t       testing.TB
	session *fix.Session
	conn    net.Conn
	in      chan []byte // from the socket
	app     []message   // received and not yet looked at
	seen    []message
	rest    []byte // half a message
}

func newFIXClient(t testing.TB, venue string) *fixClient {
	c := &fixClient{t: t}
	session, err := fix.NewSession(fix.Config{
		Role: fix.Initiator, BeginString: "FIX.4.4", SenderCompID: testClient, TargetCompID: venue,
		HeartBtIntSecs: 30, App: func(m *fix.Message, _ int64) bool {
			fields := message{}
			for i := range m.Len() {
				tag, value := m.Field(i)
				fields[tag] = string(value)
			}
			c.app = append(c.app, fields)
			c.seen = append(c.seen, fields)
			return true
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.session = session
	t.Cleanup(c.hangUp)
	return c
}

// connect dials and waits for the Logon.
func (c *fixClient) connect(addr string) {
	c.t.Helper()
	c.dial(addr)
	c.until("logon", func() bool { return c.session.State() == fix.Active })
}

// dial connects and sends the Logon.
func (c *fixClient) dial(addr string) {
	c.t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		c.t.Fatal(err)
	}
	c.rest = nil
	c.conn, c.in = conn, make(chan []byte, 1024)
	go func(in chan []byte) {
		defer close(in)
		for {
			buf := make([]byte, 64<<10)
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			in <- buf[:n]
		}
	}(c.in)
	c.session.Connected(time.Now().UnixNano())
	c.flush()
}

func (c *fixClient) hangUp() {
	if c.conn == nil {
		return
	}
	c.conn.Close()
	for range c.in { // until the reader has ended
	}
	c.session.Disconnected(time.Now().UnixNano())
	c.conn = nil
}

func (c *fixClient) flush() {
	if p := c.session.Out(); len(p) > 0 {
		if _, err := c.conn.Write(p); err != nil {
			c.t.Logf("write: %v", err)
		}
		c.session.Wrote(len(p))
	}
}

// until reads until done, or fails the test.
func (c *fixClient) until(what string, done func() bool) {
	c.t.Helper()
	deadline := time.After(patience)
	for !done() {
		select {
		case p, ok := <-c.in:
			if !ok {
				c.t.Fatalf("connection closed while waiting for %s", what)
			}
			c.rest = append(c.rest, p...)
			n := c.session.Receive(time.Now().UnixNano(), c.rest)
			c.rest = c.rest[n:]
			c.flush()
		case <-deadline:
			c.t.Fatalf("no %s; received %v", what, c.app)
		}
	}
}

// untilClosed waits until the peer closes the connection.
func (c *fixClient) untilClosed() {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case p, ok := <-c.in:
			if !ok {
				return
			}
			c.session.Receive(time.Now().UnixNano(), p)
		case <-deadline:
			c.t.Fatal("the venue did not close the connection")
		}
	}
}

// take waits for a message with these values and removes it and those before it.
func (c *fixClient) take(want message) message {
	c.t.Helper()
	return c.takeEither(want, want)
}

func (c *fixClient) takeEither(want, other message) message {
	c.t.Helper()
	var found message
	c.until(want.String(), func() bool {
		for i, m := range c.app {
			if m.has(want) || m.has(other) {
				found, c.app = m, c.app[i+1:]
				return true
			}
		}
		return false
	})
	return found
}

func (m message) has(want message) bool {
	for tag, value := range want {
		if m[tag] != value {
			return false
		}
	}
	return true
}

// order sends NewOrderSingle; more are pairs of tag and value.
func (c *fixClient) order(id string, side market.Side, qty int64, more ...any) {
	c.t.Helper()
	now := time.Now().UnixNano()
	w := c.session.Begin(now, fix.MsgNewOrderSingle)
	w.Str(fix.TagClOrdID, id)
	w.Char(fix.TagSide, byte(side))
	w.Int(fix.TagOrderQty, qty)
	w.Time(fix.TagTransactTime, now)
	c.finish(w, more)
}

func (c *fixClient) cancel(id, orig string) {
	c.t.Helper()
	now := time.Now().UnixNano()
	w := c.session.Begin(now, fix.MsgCancelRequest)
	w.Str(fix.TagClOrdID, id)
	w.Str(fix.TagOrigClOrdID, orig)
	w.Char(fix.TagSide, '1')
	w.Time(fix.TagTransactTime, now)
	c.finish(w, nil)
}

func (c *fixClient) send(msgType string, more ...any) {
	c.t.Helper()
	c.finish(c.session.Begin(time.Now().UnixNano(), msgType), more)
}

func (c *fixClient) finish(w *fix.Writer, more []any) {
	c.t.Helper()
	symbol := true
	for i := 0; i < len(more); i += 2 {
		w.Str(more[i].(int), fmt.Sprint(more[i+1]))
		symbol = symbol && more[i] != fix.TagSymbol
	}
	if symbol {
		w.Str(fix.TagSymbol, "PNSK")
	}
	if err := c.session.Send(); err != nil {
		c.t.Fatal(err)
	}
	c.flush()
}

// within waits for a condition that another goroutine brings about.
func within(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
