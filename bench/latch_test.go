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
	"penstock/venues/fixgw"
)

// latchOpen is how many child orders are open when the firm is killed.
const latchOpen = 1000

// latchRig is a core with one venue behind the firewall and a FIX session on a socket, and
// latchOpen orders that rest there.
type latchRig struct {
	tb      testing.TB
	core    *router.Core
	seq     *loop.Sequencer
	gateway *fixgw.Gateway
	wall    *firewall.Firewall
	latch   firewall.Latch
	peer    *counterparty
	later   []event.Command // that the gateway had no room for

	accepted int // orders that the venue has accepted
}

func newLatchRig(tb testing.TB) *latchRig {
	r := &latchRig{tb: tb, peer: newCounterparty(tb)}
	cfg := &router.Config{
		Instruments: []market.Instrument{{Symbol: "PSTK", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}},
		Limits:      []risk.Limits{{ParentMaxQty: 1e9, ParentMaxNotional: 1e17, ChildMaxQty: 1e6, ChildMaxNotional: 1e13, CollarBps: 500}},
		Venues:      []market.Venue{{Name: "V0", MIC: "X", Kind: market.Lit, MsgRate: 1 << 20, AckNanos: 60e9}},
		Listings:    []router.Listing{{}}, Book: book.Capacity{Levels: 64}, MaxParents: 2 * latchOpen, MaxChildren: 1 << 20, Tactics: router.DefaultTactics(),
	}
	cfg.Tactics.MaxChildren, cfg.Tactics.MaxLife = 1<<20, 1<<20
	var err error
	if r.core, err = router.New(cfg); err != nil {
		tb.Fatal(err)
	}
	r.seq = loop.NewSequencer(r.core, nil, r.dispatch)
	r.open(cfg)
	now := readClock()
	r.seq.Take(now, &event.Event{Kind: event.SessionStart, Ref: 217_000_000})
	for !r.gateway.Up() {
		r.gateway.Work(readClock())
		if r.peer.conn < 0 {
			r.peer.accept()
			r.peer.begin()
		}
		r.peer.serve(r.peer.read())
	}
	for i, side := range []market.Side{market.Buy, market.Sell} {
		r.seq.Take(readClock(), &event.Event{Kind: event.BookLevel, Side: side, Price: market.Price(1_000_000 + 200*i), Qty: 1000})
	}
	r.seq.Take(readClock(), &event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
	for n := range latchOpen {
		p := event.Event{Kind: event.ParentNew, Side: market.Buy, Qty: 600, OrdType: market.OrdLimit, Price: 999_900, TIF: market.TIFDay,
			Strategy: event.StrategyTWAP, Until: readClock() + 10*3600e9, SliceNanos: 10 * 3600e9}
		p.ID, _ = event.MakeID(fmt.Sprint("P", n))
		r.wall.Ordered(&firewall.Order{ID: p.ID, Side: p.Side, Qty: p.Qty, Limit: p.Price, Strategy: uint16(p.Strategy)})
		r.seq.Take(readClock(), &p)
		r.turn()
	}
	return r
}

// open puts the gateway behind a firewall of wide limits.
func (r *latchRig) open(cfg *router.Config) {
	var err error
	r.wall, err = firewall.New(firewall.Config{Credit: []market.Money{market.MaxMoney}, MaxParents: cfg.MaxParents, MaxChildren: cfg.MaxChildren,
		Limits: []firewall.Limits{{MaxQty: 1e6, MaxNotional: 1e13, Low: 1, High: market.MaxPrice, Decimals: 4}}, Latch: &r.latch,
		Ask: func() bool { return false }, Trip: func(v *firewall.Violation) { panic(fmt.Sprintf("%+v", *v)) }})
	if err != nil {
		r.tb.Fatal(err)
	}
	dialect, ok := fixgw.DialectByName("sim")
	if !ok {
		r.tb.Fatal("no dialect sim")
	}
	guard, err := r.wall.Session(firewall.SessionConfig{BeginString: dialect.BeginString, IDs: dialect.IDs, ParentTag: dialect.ParentTag,
		Rate: 1 << 20, Symbols: []firewall.Symbol{{Text: "PSTK", PriceDecimals: 4}}})
	if err != nil {
		r.tb.Fatal(err)
	}
	r.gateway, err = fixgw.New(fixgw.Config{Addr: r.peer.addr(), SenderCompID: "PENSTOCK", TargetCompID: "VENUE", HeartBtIntSecs: 600,
		Dialect: dialect, Kind: market.Lit, Clock: readClock, Symbols: []fixgw.Symbol{{Text: "PSTK", PriceDecimals: 4}},
		Firewall: guard, Latch: &r.latch, CancelBase: 217_000_000*1_000_000_000 + 900_000_000,
		Sink: func(e *event.Event) bool { r.seq.Take(readClock(), e); return true }})
	if err != nil {
		r.tb.Fatal(err)
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
	r.peer.serve(r.peer.read())
}

// say answers with an execution report of one kind.
func (p *counterparty) say(id uint64, qty int64, kind string, leaves int64) {
	w := p.session.Begin(readClock(), "8")
	p.execs++
	w.Uint(11, id)
	w.Int(37, int64(p.execs))
	w.Str(17, fmt.Sprint("X", p.execs))
	w.Str(55, "PSTK")
	w.Str(54, "1")
	w.Int(38, qty)
	w.Int(151, leaves)
	w.Str(150, kind)
	w.Str(39, kind)
	w.Int(14, 0)
	if err := p.session.Send(); err != nil {
		p.tb.Fatal(err)
	}
	p.flush()
}

// fill lets the router send until latchOpen orders are open at the venue.
func (r *latchRig) fill() {
	open := func() (n int) {
		for i := range r.core.Parents() {
			if r.core.Parents()[i].Reserved > 0 {
				n++
			}
		}
		return n
	}
	r.peer.await("open orders", func() bool {
		r.turn()
		for _, o := range r.peer.orders {
			r.peer.say(o.id, o.qty, "0", o.qty)
			r.accepted++
		}
		r.peer.orders = r.peer.orders[:0]
		return r.accepted == len(r.core.Children()) && open() == latchOpen && len(r.later) == 0
	})
	for range 200 { // the last acknowledgements
		r.turn()
	}
}

// BenchmarkLatchToLastCancel kills the firm with latchOpen orders open at a venue: from the
// latch until the venue has read the last of the cancels from its socket, the venue's own
// parsing included. The core cancels; each message passes the firewall. One thread is all of it,
// so its processor time is what a kill takes where nobody else wants the processor.
func BenchmarkLatchToLastCancel(b *testing.B) {
	r := newLatchRig(b)
	r.fill()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	wall, processor := hist.New(), hist.New()
	act := func(a event.OperatorAct) {
		r.seq.Take(readClock(), &event.Event{Kind: event.Operator, Code: uint8(a), Venue: market.NoVenue, Instrument: market.NoInstrument})
	}
	for b.Loop() {
		start, spent := readClock(), threadTime(b)
		r.latch.Kill(firewall.Scope{})
		act(event.OperatorKill)
		r.peer.await("cancels", func() bool {
			r.turn()
			return len(r.peer.cancel) >= latchOpen
		})
		wall.Record(readClock() - start)
		processor.Record(threadTime(b) - spent)
		if len(r.peer.cancel) != latchOpen || len(r.peer.orders) > 0 {
			b.Fatalf("%d cancels, %d orders after the latch", len(r.peer.cancel), len(r.peer.orders))
		}
		for _, id := range r.peer.cancel {
			r.peer.say(id, 100, "4", 0)
			r.turn()
		}
		r.peer.cancel = r.peer.cancel[:0]
		r.peer.await("the ends", func() bool {
			r.turn()
			for i := range r.core.Parents() {
				if r.core.Parents()[i].Reserved > 0 {
					return false
				}
			}
			return true
		})
		r.latch.Release(firewall.Scope{})
		act(event.OperatorResume)
		r.fill()
	}
	note := "core, firewall, FIX, loopback socket, venue's parsing"
	keep("kill", fmt.Sprintf("latch to last of %d cancels", latchOpen), wall, note)
	b.ReportMetric(float64(wall.Percentile(50)), "wall-p50-ns")
	b.ReportMetric(float64(wall.Percentile(99)), "wall-p99-ns")
	report(b, "kill", fmt.Sprintf("latch to last of %d cancels, processor time", latchOpen), processor, note)
}

// threadTime returns the processor time that this thread has had, ns.
func threadTime(tb testing.TB) int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		tb.Fatal(err)
	}
	return t.Nano()
}
