package fixgw

import (
	"fmt"
	"strings"
	"testing"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// body cuts the session header off a message and blanks its times.
func body(s string) string {
	fields := strings.Split(s, "|")
	out := fields[:1]
	for _, f := range fields[1:] {
		switch tag, _, _ := strings.Cut(f, "="); tag {
		case "34", "49", "52", "56":
		case "60":
			out = append(out, "60=T")
		default:
			out = append(out, f)
		}
	}
	return strings.Join(out, "|")
}

func TestCommandsAreSpelledInTheDialect(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Kind = market.SDP })
	r.up()
	quote, _ := event.MakeID("Q77")
	for _, tt := range []struct {
		name string
		c    event.Command
		want string
	}{
		{"take", event.Command{Qty: 300, Price: 1002500, OrdType: '2', TIF: '3', Side: '1', Instrument: 3},
			"35=D|11=261120143000000001|526=261120143000000009|40=2|54=1|55=ACME|59=3|60=T|38=300|44=100.25"},
		{"post", event.Command{Qty: 300, Price: 1002500, OrdType: '2', TIF: '0', ExecInst: '6', Side: '2', Instrument: 3},
			"35=D|11=261120143000000001|526=261120143000000009|18=6|40=2|54=2|55=ACME|59=0|60=T|38=300|44=100.25"},
		{"dark sweep", event.Command{Qty: 300, Price: 1002550, MinQty: 100, OrdType: 'P', TIF: '3', ExecInst: 'M',
			Side: '1', Instrument: 3},
			"35=D|11=261120143000000001|526=261120143000000009|18=M|40=P|54=1|55=ACME|59=3|60=T|38=300|44=100.255|110=100"},
		{"dark rest", event.Command{Qty: 300, Price: 1002550, OrdType: 'P', TIF: '0', ExecInst: 'M', Side: '1',
			Instrument: 3},
			"35=D|11=261120143000000001|526=261120143000000009|18=M|40=P|54=1|55=ACME|59=0|60=T|38=300|44=100.255"},
		{"on a quote", event.Command{Qty: 100000000, Price: 1085300, OrdType: 'D', TIF: '3', Side: '1', Instrument: 5,
			ID: quote},
			"35=D|11=261120143000000001|526=261120143000000009|15=EUR|40=D|54=1|55=EUR/USD|59=3|60=T|38=1000000|44=1.0853|117=Q77"},
		{"cancel", event.Command{Kind: event.SendCancel, Ref: 261120143000000002, Qty: 300, Side: '2', Instrument: 3},
			"35=F|11=261120143000000002|41=261120143000000001|54=2|55=ACME|60=T|38=300"},
		{"status", event.Command{Kind: event.SendStatus, Qty: 300, Price: 1002500, Side: '2', Instrument: 3},
			"35=H|11=261120143000000001|54=2|55=ACME"},
	} {
		c := tt.c
		c.Child, c.Parent = child, parent
		if c.Kind == 0 {
			c.Kind = event.SendOrder
		}
		if !r.g.Send(r.now, &c) {
			t.Errorf("%s: refused", tt.name)
			continue
		}
		if got := body(r.wire()); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
	if len(r.sent) != 7 || r.sent[5] != child+1 {
		t.Errorf("OnSent heard of %v", r.sent)
	}
}

func TestWhatCannotBeSaidIsRefused(t *testing.T) {
	r := newRig(t, nil)
	if r.g.Send(r.now, takeOrder()) {
		t.Error("accepted before the logon")
	}
	r.up()
	for name, spoil := range map[string]func(*event.Command){
		"unknown instrument": func(c *event.Command) { c.Instrument = 4 },
		"no instrument":      func(c *event.Command) { c.Instrument = market.NoInstrument },
		"no side":            func(c *event.Command) { c.Side = 0 },
		"no child":           func(c *event.Command) { c.Child = 0 },
		"no quantity":        func(c *event.Command) { c.Qty = 0 },
		"a report":           func(c *event.Command) { c.Kind = event.Report },
		"cancel without ref": func(c *event.Command) { c.Kind = event.SendCancel },
		"odd style":          func(c *event.Command) { c.TIF = market.TIFGTC },
	} {
		c := takeOrder()
		spoil(c)
		if r.g.Send(r.now, c) {
			t.Errorf("%s: accepted", name)
		}
	}
	if n := r.g.Stats().Refused; n != 9 {
		t.Errorf("refused %d, want 9", n)
	}
}

func TestDisconnectIsToldAtOnceAndTheSessionComesBack(t *testing.T) {
	r := newRig(t, nil)
	for i := range 3 {
		r.up()
		r.v.tell(r.v.drop)
		e := r.next()
		if e.Kind != event.VenueSession || e.Code != uint8(event.SessionDown) || e.Reason != event.ReasonDisconnect {
			t.Fatalf("round %d: got %+v, want session down", i, e)
		}
		if r.g.Up() || r.g.Send(r.now, takeOrder()) {
			t.Error("orders are taken while the session is down")
		}
		r.now += 31_000 * milli // past any back-off; our clock may be ahead of the venue's
	}
	r.up()
	if s := r.g.Stats(); s.Connects != 4 || s.Disconnects != 3 {
		t.Errorf("stats %+v", s)
	}
}

func TestBackoffDoublesWithJitterAndIsRepeatable(t *testing.T) {
	delays := func(seed uint64) (d []int64) {
		g := &Gateway{cfg: Config{BackoffMinNanos: 100, BackoffMaxNanos: 1000, Seed: seed}}
		for range 8 {
			g.stats.Disconnects++
			d = append(d, g.backoff())
		}
		return d
	}
	a := delays(1)
	for i, full := range []int64{100, 200, 400, 800, 1000, 1000, 1000, 1000} {
		if a[i] < full/2 || a[i] > full {
			t.Errorf("attempt %d: %d ns, want %d to %d", i, a[i], full/2, full)
		}
	}
	if fmt.Sprint(a) != fmt.Sprint(delays(1)) || fmt.Sprint(a) == fmt.Sprint(delays(2)) {
		t.Error("the same seed must give the same delays, another one others")
	}
}

func TestUnreachableVenueIsTriedAgain(t *testing.T) {
	r := newRig(t, nil)
	r.v.l.Close() // nobody listens
	r.until("three refusals", func() bool {
		r.now += 31_000 * milli
		return r.g.Stats().Disconnects >= 3
	})
	if s := r.g.Stats(); !strings.Contains(s.LastClose, "refused") || len(r.events) != 0 {
		t.Errorf("closed because %q; events %+v", s.LastClose, r.events)
	}
}

func TestCommandsThatNeverLeftAreReturned(t *testing.T) {
	r := newRig(t, nil)
	r.up()
	r.now += 0
	// The venue stops reading; the socket fills up, then the connection breaks.
	stuck := make(chan struct{})
	r.v.tasks <- func() { <-stuck }
	c := takeOrder()
	accepted := 0
	for r.g.unsent.Front() == nil || r.g.unsent.Len() < 3 {
		c.Child++
		if !r.g.Send(r.now, c) {
			t.Fatalf("refused after %d", accepted)
		}
		accepted++
	}
	cancel := &event.Command{Kind: event.SendCancel, Child: child + 1, Ref: child + 900000, Instrument: 3,
		Side: market.Buy, Qty: 300}
	if !r.g.Send(r.now, cancel) {
		t.Fatal("cancel refused")
	}
	left := len(r.sent)
	r.full = true // and the Sink has no room for a while
	r.g.conn.Close()
	r.g.Work(r.now)
	r.g.Work(r.now)
	if r.g.Up() || len(r.events) != 0 {
		t.Fatalf("up %v, events %+v", r.g.Up(), r.events)
	}
	r.full = false
	if e := r.next(); e.Kind != event.VenueSession || e.Code != uint8(event.SessionDown) {
		t.Fatalf("got %+v, want session down first", e)
	}
	for i := range accepted - left {
		e := r.next()
		if e.Kind != event.Exec || e.Code != uint8(market.ExecRejected) || e.Ref != child+uint64(left+i+1) ||
			e.Reason != event.ReasonVenueDown || e.CumQty != 0 || e.Qty != 300 {
			t.Fatalf("got %+v, want order %d rejected", e, left+i+1)
		}
	}
	if e := r.next(); e.Kind != event.OrderCancelReject || e.Ref != child+1 {
		t.Fatalf("got %+v, want the cancel rejected", e)
	}
	if len(r.sent) != left {
		t.Error("OnSent was called for a command that never left")
	}
	close(stuck)
}

func TestNumbersSurviveARestartOfTheProcess(t *testing.T) {
	path := t.TempDir() + "/XLIT.seq"
	withStore := func(c *Config) { c.StorePath = path }
	r := newRig(t, withStore)
	r.up()
	r.g.Send(r.now, takeOrder())
	r.wire()
	r.g.Close()
	r.v.say("8|" + fill(1, 300)) // the venue fills while we are away
	r.events = nil
	r.start(withStore)
	e := r.next()
	if e.Kind != event.Exec || e.Ref != child || e.Flags&event.PossDup == 0 || e.CumQty != 300 {
		t.Fatalf("got %+v, want the missed fill first", e)
	}
	r.up()
	if s := r.g.Stats(); s.Session.Gaps != 1 || r.g.StoreErr() != nil {
		t.Errorf("stats %+v, store %v", s, r.g.StoreErr())
	}
}

func TestLogoutEndsInOrder(t *testing.T) {
	r := newRig(t, nil)
	r.up()
	r.g.Logout(r.now, "end of day")
	if e := r.next(); e.Kind != event.VenueSession || e.Code != uint8(event.SessionDown) {
		t.Fatalf("got %+v", e)
	}
	r.until("done", r.g.Done)
	if s := r.g.Stats(); s.LastClose != "end of day" || r.g.Why() != s.LastClose {
		t.Errorf("closed because %q, it says %q", s.LastClose, r.g.Why())
	}
	r.now += 3_600_000 * milli
	if r.g.Work(r.now) != 0 {
		t.Error("it works on after the logout")
	}
}

func TestBadConfigIsRefused(t *testing.T) {
	d, _ := DialectByName("sim")
	good := Config{Addr: "127.0.0.1:1", SenderCompID: "S", TargetCompID: "T", HeartBtIntSecs: 30, Dialect: d,
		Symbols: testSymbols, Sink: func(*event.Event) bool { return true }}
	for name, spoil := range map[string]func(*Config){
		"no sink":          func(c *Config) { c.Sink = nil },
		"no symbols":       func(c *Config) { c.Symbols = nil },
		"symbol twice":     func(c *Config) { c.Symbols = append(c.Symbols[:1:1], c.Symbols[0]) },
		"symbol with SOH":  func(c *Config) { c.Symbols = []Symbol{{Text: "A\x01"}} },
		"ten decimals":     func(c *Config) { c.Symbols = []Symbol{{Text: "A", PriceDecimals: 10}} },
		"bad address":      func(c *Config) { c.Addr = "nowhere" },
		"bad venue":        func(c *Config) { c.Venue = market.MaxVenues },
		"bad CompID":       func(c *Config) { c.SenderCompID = "" },
		"no dialect":       func(c *Config) { c.Dialect = Dialect{} },
		"negative backoff": func(c *Config) { c.BackoffMinNanos = -1 },
		"no store folder":  func(c *Config) { c.StorePath = t.TempDir() + "/no/such" },
	} {
		cfg := good
		spoil(&cfg)
		if g, err := New(cfg); err == nil {
			g.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestEveryDialectMakesAGateway(t *testing.T) {
	for _, d := range dialects {
		cfg := dialectConfig(t, d.Name)
		cfg.Symbols = testSymbols
		g, err := New(cfg)
		if err != nil {
			t.Errorf("%s: %v", d.Name, err)
			continue
		}
		g.Close()
	}
	if _, ok := DialectByName("nobody"); ok {
		t.Error("an unknown dialect was found")
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	r := newRig(t, nil)
	r.up()
	r.g.cfg.Sink = func(*event.Event) bool { return true }
	r.g.cfg.OnSent = func(*event.Command, int64) {}
	c := takeOrder()
	if n := leastAllocs(100, func() {
		c.Child++
		if !r.g.Send(r.now, c) {
			t.Fatal("refused")
		}
		r.g.Work(r.now)
	}); n != 0 {
		t.Errorf("sending: %v allocations", n)
	}
	frame := wrap("35=8|34=1|49=XLIT|52=20261120-14:30:00.123|56=SOR|" + fill(1, 100))
	var m fix.Message
	if err := m.Parse(frame); err != nil {
		t.Fatal(err)
	}
	if n := leastAllocs(100, func() { r.g.onMessage(&m, r.now) }); n != 0 {
		t.Errorf("a report: %v allocations", n)
	}
	if r.g.Stats().Malformed != 0 {
		t.Error(r.g.Stats().LastMalformed)
	}
}

// wrap completes a body with header and trailer.
func wrap(body string) []byte {
	b := strings.ReplaceAll(body, "|", "\x01") + "\x01"
	m := fmt.Sprintf("8=FIX.4.4\x019=%d\x01%s", len(b), b)
	sum := byte(0)
	for _, c := range []byte(m) {
		sum += c
	}
	return fmt.Appendf([]byte(m), "10=%03d\x01", sum)
}

// fill is the body of a report of a trade that brings CumQty to cum of 300.
func fill(exec, cum int) string {
	status := "1"
	if cum == 300 {
		status = "2"
	}
	return fmt.Sprintf("6=100.25|11=%d|14=%d|17=X%d|31=100.2450|32=%d|37=9|38=300|39=%s|44=100.25|54=1|55=ACME|"+
		"60=20261120-14:30:00.122|150=F|151=%d|851=2", child, cum, exec, cum, status, 300-cum)
}
