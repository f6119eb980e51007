package bench

import (
	"fmt"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"penstock/book"
	"penstock/event"
	"penstock/internal/hist"
	"penstock/market"
	"penstock/router"
	"penstock/router/loop"
	"penstock/router/risk"
	"penstock/venues/firewall"
)

// latchOpen is how many child orders are open when the firm is killed.
const latchOpen = 1000

// latchRig is a core with one venue behind the firewall and an order session on a socket, and
// latchOpen orders that rest there.
type latchRig struct {
	tb      testing.TB
	core    *router.Core
	seq     *loop.Sequencer
	gateway interface {
		Work(now int64) int
		Send(now int64, c *event.Command) bool
		Up() bool
	}
	venue latchVenue
	wall  *firewall.Firewall
	latch firewall.Latch
	later []event.Command // that the gateway had no room for

	accepted int   // orders that the venue has accepted
	left     int64 // when the socket took the last cancel
}

// latchVenue is the other end of the session.
type latchVenue interface {
	// open makes the gateway of the rig, behind a firewall of wide limits.
	open(r *latchRig)
	// work does what there is to do; it accepts orders.
	work()
	// cancels returns how many cancels were read and parsed since the last end.
	cancels() int
	// placed returns how many orders have come.
	placed() int
	// end cancels what was to be cancelled.
	end(r *latchRig)
	// ask is the best price at which others sell; nothing rests within a cent of it.
	ask() market.Price
}

// latchOrders is how many orders the sessions of one run have room for.
const latchOrders = 1 << 18

func newLatchRig(tb testing.TB, v latchVenue) *latchRig {
	r := &latchRig{tb: tb, venue: v}
	cfg := &router.Config{
		Instruments: []market.Instrument{{Symbol: "PSTK", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}},
		Limits:      []risk.Limits{{ParentMaxQty: 1e9, ParentMaxNotional: 1e17, ChildMaxQty: 1e6, ChildMaxNotional: 1e13, CollarBps: 500}},
		Venues:      []market.Venue{{Name: "V0", MIC: "X", Kind: market.Lit, MsgRate: 1 << 20, AckNanos: 60e9}},
		Listings:    []router.Listing{{}}, Book: book.Capacity{Levels: 64}, MaxParents: 2 * latchOpen, MaxChildren: latchOrders, Tactics: router.DefaultTactics(),
	}
	cfg.Tactics.MaxChildren, cfg.Tactics.MaxLife = latchOrders, latchOrders
	var err error
	if r.core, err = router.New(cfg); err != nil {
		tb.Fatal(err)
	}
	r.seq = loop.NewSequencer(r.core, nil, r.dispatch)
	r.wall, err = firewall.New(firewall.Config{Credit: []market.Money{market.MaxMoney}, MaxParents: cfg.MaxParents, MaxChildren: cfg.MaxChildren,
		Limits: []firewall.Limits{{MaxQty: 1e6, MaxNotional: 1e13, Low: 1, High: market.MaxPrice, Decimals: 4}}, Latch: &r.latch,
		Ask: func() bool { return false }, Trip: func(v *firewall.Violation) { panic(fmt.Sprintf("%+v", *v)) }})
	if err != nil {
		tb.Fatal(err)
	}
	v.open(r)
	now := readClock()
	r.seq.Take(now, &event.Event{Kind: event.SessionStart, Ref: latchRun})
	await(tb, "session", func() bool {
		r.turn()
		return r.gateway.Up()
	})
	ask := v.ask()
	for i, side := range []market.Side{market.Buy, market.Sell} {
		r.seq.Take(readClock(), &event.Event{Kind: event.BookLevel, Side: side, Price: ask - market.Price(200*(1-i)), Qty: 1000})
	}
	r.seq.Take(readClock(), &event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
	for n := range latchOpen {
		p := event.Event{Kind: event.ParentNew, Side: market.Buy, Qty: 600, OrdType: market.OrdLimit, Price: ask - 300, TIF: market.TIFDay,
			Strategy: event.StrategyTWAP, Until: readClock() + 10*3600e9, SliceNanos: 10 * 3600e9}
		p.ID, _ = event.MakeID(fmt.Sprint("P", n))
		r.wall.Ordered(&firewall.Order{ID: p.ID, Side: p.Side, Qty: p.Qty, Limit: p.Price, Strategy: uint16(p.Strategy)})
		r.seq.Take(readClock(), &p)
		r.turn()
	}
	return r
}

// latchRun numbers the start of the router.
const latchRun = 217_000_000

// sink takes what the gateway tells.
func (r *latchRig) sink(e *event.Event) bool {
	if e.Kind == event.Exec && e.Code == uint8(market.ExecNew) {
		r.accepted++
	}
	r.seq.Take(readClock(), e)
	return true
}

func (r *latchRig) sent(c *event.Command, at int64) {
	if c.Kind == event.SendCancel {
		r.left = at
	}
}

func (r *latchRig) dispatch(c *event.Command) {
	switch {
	case c.Kind == event.Report && c.ExecType == market.ExecNew:
		r.wall.Accept(&firewall.Accepted{Number: c.Parent, Client: c.Client, ID: c.ID})
	case c.Kind.ToVenue() && (len(r.later) > 0 || !r.gateway.Send(readClock(), c)):
		r.later = append(r.later, *c)
	}
}

// turn works the gateway and the venue once: what is waiting leaves, orders are accepted.
func (r *latchRig) turn() {
	r.gateway.Work(readClock())
	for len(r.later) > 0 && r.gateway.Send(readClock(), &r.later[0]) {
		r.later = r.later[1:]
	}
	r.venue.work()
}

// open returns how many parents have an order at the venue.
func (r *latchRig) open() (n int) {
	for i := range r.core.Parents() {
		if r.core.Parents()[i].Reserved > 0 {
			n++
		}
	}
	return n
}

// fill lets the router send until latchOpen orders are open at the venue.
func (r *latchRig) fill() {
	await(r.tb, "open orders", func() bool {
		r.turn()
		return r.accepted == len(r.core.Children()) && r.open() == latchOpen && len(r.later) == 0
	})
	for range 200 { // the last acknowledgements
		r.turn()
	}
}

// BenchmarkLatchToLastCancel kills the firm with latchOpen orders open at a venue: from the
// latch until the venue has read the last of the cancels from its socket, the venue's own
// parsing included. The core cancels; each message passes the firewall. In FIX one thread is all
// of it, so its processor time is what a kill takes where nobody else wants the processor; in
// OUCH the venue is the simulated one, on threads of its own.
func BenchmarkLatchToLastCancel(b *testing.B) {
	for _, c := range []struct {
		name, prefix, note string
		venue              func(testing.TB) latchVenue
	}{
		{"FIX", "", "core, firewall, FIX, loopback socket, venue's parsing", newFIXLatchVenue},
		{"OUCH", "OUCH, ", "core, firewall, OUCH 5.0, loopback socket, reading and parsing of the simulated venue", newOUCHLatchVenue},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkLatch(b, newLatchRig(b, c.venue(b)), c.prefix, c.note) })
	}
}

func benchmarkLatch(b *testing.B, r *latchRig, prefix, note string) {
	r.fill()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	wall, left, processor := hist.New(), hist.New(), hist.New()
	act := func(a event.OperatorAct) {
		r.seq.Take(readClock(), &event.Event{Kind: event.Operator, Code: uint8(a), Venue: market.NoVenue, Instrument: market.NoInstrument})
	}
	for b.Loop() {
		placed := r.venue.placed()
		start, spent := readClock(), threadTime(b)
		r.latch.Kill(firewall.Scope{})
		act(event.OperatorKill)
		await(b, "cancels", func() bool {
			r.turn()
			return r.venue.cancels() >= latchOpen
		})
		wall.Record(readClock() - start)
		left.Record(r.left - start)
		processor.Record(threadTime(b) - spent)
		if n, more := r.venue.cancels(), r.venue.placed()-placed; n != latchOpen || more != 0 {
			b.Fatalf("%d cancels and %d orders after the latch", n, more)
		}
		r.venue.end(r)
		await(b, "the ends", func() bool {
			r.turn()
			return r.open() == 0
		})
		r.latch.Release(firewall.Scope{})
		act(event.OperatorResume)
		r.fill()
	}
	keep("kill", fmt.Sprintf("%slatch to last of %d cancels", prefix, latchOpen), wall, note)
	keep("kill", fmt.Sprintf("%slatch to last of %d cancels taken by the socket", prefix, latchOpen), left, note)
	b.ReportMetric(float64(left.Percentile(50)), "left-p50-ns")
	b.ReportMetric(float64(left.Percentile(99)), "left-p99-ns")
	b.ReportMetric(float64(wall.Percentile(50)), "wall-p50-ns")
	b.ReportMetric(float64(wall.Percentile(99)), "wall-p99-ns")
	report(b, "kill", fmt.Sprintf("%slatch to last of %d cancels, processor time", prefix, latchOpen), processor, note)
}

// threadTime returns the processor time that this thread has had, ns.
func threadTime(tb testing.TB) int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		tb.Fatal(err)
	}
	return t.Nano()
}
