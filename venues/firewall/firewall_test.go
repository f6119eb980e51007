package firewall

import (
	"fmt"
	"strings"
	"testing"

	"penstock/fix"
	"penstock/market"
)

// TestEachViolationIsNamedAndKills sends one bad order to a firewall that let a good one
// through. The bad one must not leave, the latch must be set, and a good one afterwards
// must not leave either, until somebody releases the latch.
func TestEachViolationIsNamedAndKills(t *testing.T) {
	replace := func(old, new string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, new, 1) }
	}
	for _, c := range []struct {
		want Reason
		bend func(string) string
	}{
		{Malformed, replace("|38=300", "|38=300|38=1")},
		{Malformed, replace("38=300", "38=3e2")},
		{Malformed, replace("38=300", "38=300.5")},
		{Malformed, replace("|44=49.95", "")},
		{Malformed, replace("44=49.95", "44=-49.95")},
		{Malformed, replace("44=49.95", "44=9999999999999999999")},
		{Malformed, replace("38=300", "38=9223372036854775807")},
		{Unsupported, replace("35=D", "35=E")},
		{Unsupported, replace("35=D", "35=AB")},
		{Unsupported, func(string) string { return "35=AJ|34=9|693=7|694=1|117=Q1|55=PSTK|54=1|38=100" }}, // it would deal
		{Unsupported, func(string) string { return "35=AJ|34=9|693=7|694=6|694=1|117=Q1|55=PSTK" }},
		{Unsupported, func(string) string { return "35=AJ|34=9|693=7|694=61|117=Q1|55=PSTK" }},
		{Unsupported, func(string) string { return "35=AJ|34=9|693=7|117=Q1|55=PSTK" }},
		{UnknownParent, replace("526=261120143000000001", "526=261120143000000009")},
		{UnknownParent, replace("|526=261120143000000001", "")},
		{WrongSymbol, replace("55=PSTK", "55=BTC-USD")},
		{WrongSide, replace("54=1", "54=2")},
		{Duplicate, replace("11=261120143000001001", "11=261120143000001000")},
		{Quantity, replace("38=300", "38=0")},
		{Quantity, replace("38=300", "38=1001")},
		{Notional, func(s string) string { return replace("44=49.95", "44=50")(replace("38=300", "38=900")(s)) }},
		{Band, replace("44=49.95", "44=39.99")},
		{Limit, replace("44=49.95", "44=50.01")},
		{Limit, func(s string) string { return replace("40=2", "40=1")(replace("|44=49.95", "")(s)) }},
	} {
		p := newPair(t)
		if got := p.check(wrap(p.orderText(childA))); got != Clear {
			t.Fatal(got)
		}
		bad := c.bend(p.orderText(childA + 1))
		if got := p.check(wrap(bad)); got != c.want || len(p.trips) != 1 || p.trips[0].Reason != c.want || p.trips[0].Venue != 2 {
			t.Errorf("%s: %v, want %v; trips %+v", bad, got, c.want, p.trips)
		}
		if got := p.check(wrap(p.orderText(childA + 2))); got != Killed {
			t.Errorf("%v: a good order after the violation is %v", c.want, got)
		}
		if got := p.check(wrap(fmt.Sprintf("35=F|34=9|11=%d|41=%d|54=1|55=PSTK", uint64(childA+9), uint64(childA)))); got != Clear {
			t.Errorf("%v: a cancel after the violation is %v", c.want, got)
		}
		p.latch.Release(Scope{})
		p.twin.killed = false
		if got := p.check(wrap(p.orderText(childA + 2))); got != Clear {
			t.Errorf("%v: after the release %v", c.want, got)
		}
		if s := p.f.Stats(); s.Violations() != 1 || s.Count(c.want) != 1 || s.Count(Killed) != 1 {
			t.Errorf("%v: %+v", c.want, s)
		}
	}
}

// TestQuestionsPass: what asks, or turns a quote down, and cannot trade.
func TestQuestionsPass(t *testing.T) {
	p := newPair(t)
	for _, text := range []string{"35=AF|34=9|584=7|585=7", "35=H|34=9|11=7|54=1|55=PSTK",
		"35=AJ|34=9|693=7|694=6|117=Q1|55=PSTK|54=1|38=100", "35=AJ|34=9|693=7|694=3|117=Q1|55=PSTK|54=1|38=100"} {
		msg := wrap(text)
		if n, why := p.s.Out(p.now, []byte(msg), Said{}); why != Clear || n != len(msg) {
			t.Errorf("%s: %v", text, why)
		}
	}
}

// TestNoMoreThanTheClientOrdered fills a parent up and frees it by the venue's words alone.
func TestNoMoreThanTheClientOrdered(t *testing.T) {
	p := newPair(t)
	release := func() { p.latch.Release(Scope{}); p.twin.killed = false; p.now += second }
	for i := range uint64(6) { // 1800 of 2000
		if got := p.check(wrap(p.orderText(childA + i))); got != Clear {
			t.Fatal(i, got)
		}
	}
	if got := p.check(wrap(p.orderText(childA + 6))); got != Overfill {
		t.Fatalf("2100 of 2000: %v", got)
	}
	release()
	p.report(childA, 0, '4', '4')      // 300 come free
	p.report(childA+1, 100, '4', '4')  // 200 come free
	p.report(childA+2, 100, 'F', '1')  // nothing comes free
	p.report(childA+2, 50, '4', '4')   // less than it executed: nothing
	p.report(childA+3, 300, '6', '6')  // filled, it says between the lines
	p.report(childA+77, 300, 'F', '2') // nobody's
	for i := range uint64(2) {         // 1300 + 600 of 2000
		if got := p.check(wrap(p.orderText(childA + 10 + i))); got != Clear {
			t.Fatal(i, got)
		}
	}
	if got := p.check(wrap(p.orderText(childA + 12))); got != Overfill {
		t.Fatalf("2200 of 2000: %v", got)
	}
	release()
	p.order(parentA, Order{ID: [20]byte{'A', '2'}, Client: 1, Qty: 2300, Limit: 500_000}) // replaced up
	if got := p.check(wrap(p.orderText(childA + 13))); got != Clear {
		t.Fatalf("2200 of 2300: %v", got)
	}
	if s := p.f.Stats(); s.Orphans != 1 || s.Reports != 5 || s.Unknown != 0 {
		t.Errorf("%+v", s)
	}
}

// TestWhatNeverLeftComesFree covers a broken socket, a session reject and the authority of
// a drop copy.
func TestWhatNeverLeftComesFree(t *testing.T) {
	p := newPair(t)
	for i := range uint64(4) {
		p.check(wrap(p.orderText(childA + i)))
	}
	out := func() market.Qty { return p.f.parents[0].out }
	p.f.Unsent(childA)
	p.f.Unsent(childA)
	if out() != 900 {
		t.Errorf("%d out after one of four never left", out())
	}
	var m fix.Message
	if err := m.Parse([]byte(wrap("35=3|34=9|45=2|373=5"))); err != nil {
		t.Fatal(err)
	}
	p.s.In(&m)
	p.s.In(&m)
	if out() != 600 {
		t.Errorf("%d out after a reject", out())
	}
	p.f.Resolve(childA+2, 100, false)
	if out() != 500 || p.f.parents[0].cum != 100 {
		t.Errorf("%d out, %d executed", out(), p.f.parents[0].cum)
	}
	p.f.Resolve(childA+2, 50, true) // less than we know: not over
	p.f.Resolve(childA+2, 100, true)
	if out() != 300 {
		t.Errorf("%d out after the drop copy's end", out())
	}
	if trouble := p.f.Recount(); trouble != "" {
		t.Error(trouble)
	}
}

// TestAStatusAnswerReleasesWhatTheVenueNeverHad, but not what it confirmed before.
func TestAStatusAnswerReleasesWhatTheVenueNeverHad(t *testing.T) {
	p := newPair(t)
	answer := func(id uint64) {
		var m fix.Message
		if err := m.Parse([]byte(wrap(fmt.Sprintf("35=8|34=7|11=%d|17=E|150=I|39=8|103=5|14=0|151=0", id)))); err != nil {
			t.Fatal(err)
		}
		p.s.In(&m)
	}
	p.check(wrap(p.orderText(childA)))
	p.check(wrap(p.orderText(childA + 1)))
	p.report(childA, 0, '0', '0')
	answer(childA)
	answer(childA + 1)
	if out := p.f.parents[0].out; out != 300 {
		t.Errorf("%d out", out)
	}
}

// TestKillScopes kills one thing of two.
func TestKillScopes(t *testing.T) {
	for _, s := range []Scope{{ScopeVenue, 2}, {ScopeSymbol, 0}, {ScopeClient, 1}, {ScopeStrategy, 1001}, {ScopePolicy, 77}, {}} {
		p := newPair(t)
		p.latch.Kill(Scope{ScopeVenue, 1})
		p.latch.Kill(Scope{ScopePolicy, 78})
		msg := func(id uint64) []byte { return []byte(wrap(p.orderText(id))) }
		if _, why := p.s.Out(p.now, msg(childA), Said{Policy: 77}); why != Clear {
			t.Fatalf("%v: %v", s, why)
		}
		p.latch.Kill(s)
		if _, why := p.s.Out(p.now, msg(childA+1), Said{Policy: 77}); why != Killed || len(p.trips) != 0 {
			t.Errorf("%v: %v", s, why)
		}
		open := 0
		p.s.EachOpen(func(o *Open) bool {
			if o.Number != childA || o.Qty != 300 || o.Side != market.Buy || p.s.Killed(o) != (s.Kind != ScopePolicy) {
				t.Errorf("%v: open %+v, killed %v", s, o, p.s.Killed(o))
			}
			open++
			return true
		})
		p.latch.Release(s)
		if _, why := p.s.Out(p.now, msg(childA+1), Said{Policy: 77}); why != Clear || open != 1 {
			t.Errorf("%v: after the release %v; %d open", s, why, open)
		}
	}
}

// TestRestartKnowsWhatIsOpen rebuilds the accounts from what another one knew.
func TestRestartKnowsWhatIsOpen(t *testing.T) {
	p := newPair(t)
	o := Order{ID: [20]byte{'C'}, Client: 1, Instrument: 0, Side: market.Buy, Qty: 1000, Limit: 500_000}
	const number = parentA + 50
	if !p.f.RestoreParent(number, &o) || p.f.RestoreParent(number, &o) {
		t.Fatal("a parent is restored once")
	}
	for _, r := range []Restored{{Number: 1, Parent: number, Venue: 2, Qty: 300, Cum: 300, Price: 499_000},
		{Number: 2, Parent: number, Venue: 2, Qty: 300, Cum: 100, Price: 499_000, Open: true},
		{Number: 3, Parent: number, Venue: 1, Qty: 300, Price: 499_000, Open: true}} {
		if !p.f.RestoreChild(&r) || p.f.RestoreChild(&r) {
			t.Fatalf("%+v is restored once", r)
		}
	}
	if p.f.RestoreChild(&Restored{Number: 4, Parent: 99}) {
		t.Error("a child without a parent was restored")
	}
	text := strings.Replace(p.orderText(childA), fmt.Sprint(uint64(parentA)), fmt.Sprint(uint64(number)), 1)
	if _, why := p.s.Out(p.now, []byte(wrap(text)), Said{}); why != Overfill { // 900 + 300 of 1000
		t.Errorf("%v", why)
	}
	if _, why := p.s.Out(p.now, []byte(wrap(strings.Replace(text, "11=", "11=1", 1))), Said{}); why == Clear {
		t.Errorf("%v", why)
	}
	if trouble := p.f.Recount(); trouble != "" {
		t.Error(trouble)
	}
}

// TestRestartKnowsWhatCannotTrade: two pools show all of a client's order from before a restart.
// Nothing of it is out with them.
func TestRestartKnowsWhatCannotTrade(t *testing.T) {
	p := newPair(t)
	p.tell()
	for i := range uint64(2) {
		if !p.f.RestoreChild(&Restored{Number: 1 + i, Parent: parentA, Venue: 1, Qty: 2000, Price: 499_000, Open: true, Conditional: true}) {
			t.Fatal("no room")
		}
	}
	if _, why := p.s.Out(p.now, []byte(wrap(p.orderText(childA))), Said{}); why != Clear {
		t.Error(why)
	}
	if trouble := p.f.Recount(); trouble != "" {
		t.Error(trouble)
	}
}

// TestRateHolds sends ten times what may go.
func TestRateHolds(t *testing.T) {
	p := newPair(t)
	clear := 0
	for i := range uint64(10 * rate) {
		text := strings.Replace(p.orderText(childA+i), "38=300", "38=1", 1)
		if _, why := p.s.Out(p.now+int64(i), []byte(wrap(text)), Said{}); why == Clear {
			clear++
		} else if why != Rate && why != Killed {
			t.Fatal(why)
		}
	}
	if clear != rate || p.trips[0].Reason != Rate {
		t.Errorf("%d of at most %d left, %+v", clear, rate, p.trips)
	}
}

func TestMissingLimitsAreRefused(t *testing.T) {
	good := Config{Limits: testLimits(), Credit: []market.Money{1}, MaxParents: 1, MaxChildren: 1, Latch: &Latch{},
		Trip: func(*Violation) {}, Ask: func() bool { return false }}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Config){
		"no limits": func(c *Config) { c.Limits = nil }, "no credit": func(c *Config) { c.Credit = nil },
		"credit 0": func(c *Config) { c.Credit = []market.Money{0} }, "no latch": func(c *Config) { c.Latch = nil },
		"no band": func(c *Config) { c.Limits = testLimits(); c.Limits[1].High = 0 }, "no room": func(c *Config) { c.MaxParents = 0 },
		"no trip": func(c *Config) { c.Trip = nil }, "no ask": func(c *Config) { c.Ask = nil },
	} {
		c := good
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// stream is a firewall under orders without end: the bytes are hot, as when the session
// has just written them, and every order is a new one.
type stream struct {
	*pair
	order  []byte
	idAt   int
	next   uint64
	report fix.Message
	answer []byte
	repAt  int
}

const streamRoom = 1 << 18

func newStream(tb testing.TB) *stream {
	s := &stream{pair: newPair(tb), next: childA}
	f, err := New(Config{Ask: func() bool { return false }, Limits: testLimits(), Credit: []market.Money{1, 1 << 60}, MaxParents: 64,
		MaxChildren: streamRoom, Latch: &s.latch, Trip: func(v *Violation) { tb.Fatalf("%+v", *v) }})
	if err != nil {
		tb.Fatal(err)
	}
	s.f = f
	s.s, _ = f.Session(SessionConfig{Venue: 2, BeginString: "FIX.4.4", ParentTag: fix.TagSecondaryClOrdID,
		Symbols: testSymbols, Rate: 1 << 16})
	o := Order{ID: [20]byte{'A'}, Client: 1, Side: market.Buy, Qty: 1 << 40, Limit: 500_000}
	f.Ordered(&o)
	f.Accept(&Accepted{Number: parentA, Client: 1, ID: o.ID})
	s.order = []byte(wrap(s.orderText(childA)))
	s.idAt = strings.Index(string(s.order), "\x0111=") + 4
	s.answer = []byte(wrap(fmt.Sprintf("35=8|34=7|37=O1|11=%d|17=E1|55=PSTK|54=1|38=300|150=4|39=4|14=0|151=0|"+
		"60=20261120-14:30:00.123", uint64(childA))))
	s.repAt = strings.Index(string(s.answer), "\x0111=") + 4
	if err := s.report.Parse(s.answer); err != nil {
		tb.Fatal(err)
	}
	return s
}

// send lets the next order out.
func (s *stream) send() Reason {
	copyNumber(s.order[s.idAt:], s.next)
	s.now += 1e9
	s.next++
	_, why := s.s.Out(s.now, s.order, Said{})
	return why
}

// end reports the last order as cancelled.
func (s *stream) end() {
	copyNumber(s.answer[s.repAt:], s.next-1)
	s.s.In(&s.report)
}

func copyNumber(b []byte, v uint64) {
	for i := 17; v > 0; i-- {
		b[i] = byte('0' + v%10)
		v /= 10
	}
}

func TestChecksDoNotAllocate(t *testing.T) {
	s := newStream(t)
	if n := testing.AllocsPerRun(10_000, func() {
		if why := s.send(); why != Clear {
			t.Fatal(why)
		}
		s.end()
	}); n != 0 {
		t.Errorf("%v allocations an order", n)
	}
	if st := s.f.Stats(); st.Open != 0 || st.Reports != st.Orders {
		t.Errorf("%+v", st)
	}
}

// BenchmarkOut is the cost of an order's bytes, accounts included.
func BenchmarkOut(b *testing.B) {
	s := newStream(b)
	b.ReportAllocs()
	for b.Loop() {
		if s.next-childA == streamRoom {
			b.StopTimer()
			s = newStream(b)
			b.StartTimer()
		}
		s.send()
	}
}

// BenchmarkOutAndIn adds the report that ends the order, already split into fields.
func BenchmarkOutAndIn(b *testing.B) {
	s := newStream(b)
	b.ReportAllocs()
	for b.Loop() {
		if s.next-childA == streamRoom {
			b.StopTimer()
			s = newStream(b)
			b.StartTimer()
		}
		s.send()
		s.end()
	}
}
