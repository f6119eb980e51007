package loop

import (
	"fmt"
	"sync/atomic"

	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/policy"
	"penstock/router"
	"penstock/router/risk"
)

// Rehearsal is a core of its own that an idle loop steps through a tick and its order, so
// that the next real tick finds the code in the caches and the branches learned. It shares
// nothing with the real core but the policy table, which nobody writes. What it wants to
// send goes nowhere: it has no journal, no dispatch and no venue.
type Rehearsal struct {
	core  *router.Core
	out   *event.Output
	e     event.Event
	seq   uint64
	now   int64
	sent  [256]event.Command // orders of the last event, unanswered
	count int
	walks uint64
	spent atomic.Bool

	children int
}

const (
	rehearsalLimit    = 500_000
	rehearsalChildren = 1 << 16
	// rehearsalRate is how many walks in a second of its time end with an order. The others
	// end at the gate, because a core has a limit of children.
	rehearsalRate = 100
	rehearsalStep = 100_000 // ns of its time from walk to walk
)

// NewRehearsal returns a rehearsal that decides by table, nil for the compiled-in one.
func NewRehearsal(table *policy.Table) (*Rehearsal, error) {
	return newRehearsal(table, rehearsalChildren)
}

func newRehearsal(table *policy.Table, children int) (*Rehearsal, error) {
	cfg := router.Config{
		Instruments: []market.Instrument{{Symbol: "REHEARSAL", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}},
		Limits: []risk.Limits{{ParentMaxQty: 1e12, ParentMaxNotional: 1e18, ChildMaxQty: 1000, ChildMaxNotional: 1e13,
			CollarBps: 500}},
		Table: table, Book: book.Capacity{Levels: 64}, MaxParents: 2, MaxChildren: children,
		Tactics: router.DefaultTactics(),
	}
	cfg.Tactics.MaxChildren, cfg.Tactics.MaxLife = children, children
	for i, kind := range []market.VenueKind{market.Lit, market.Lit, market.Lit, market.Dark, market.SDP} {
		id := market.VenueID(i)
		cfg.Venues = append(cfg.Venues, market.Venue{ID: id, Name: string(rune('A' + i)), MIC: "X", Kind: kind,
			MsgRate: rehearsalRate, AckNanos: 1e9, TakeFee: market.Fee{PerLotMilli: 30_000}})
		cfg.Listings = append(cfg.Listings, router.Listing{Venue: id})
	}
	core, err := router.New(&cfg)
	if err != nil {
		return nil, fmt.Errorf("rehearsal: %w", err)
	}
	r := &Rehearsal{core: core, out: event.NewOutput(1024, 64), now: 1_800_000_000_000_000_000, children: children}
	r.open()
	return r, nil
}

// open brings its market up and gives it an order that takes whatever comes to its limit.
func (r *Rehearsal) open() {
	r.step(event.Event{Kind: event.SessionStart, Ref: 1})
	for v := range market.VenueID(5) {
		r.step(event.Event{Kind: event.VenueSession, Venue: v, Code: uint8(event.SessionUp)})
		if v > 2 {
			continue
		}
		for i := range market.Price(10) {
			r.level(v, market.Buy, rehearsalLimit-100*(i+2), 500, event.More)
			r.level(v, market.Sell, rehearsalLimit+100*(i+2), 500, event.More)
		}
		r.step(event.Event{Kind: event.BookStatus, Venue: v, Code: uint8(event.BookLive)})
	}
	parent := event.Event{Kind: event.ParentNew, Side: market.Buy, Qty: 1e11, OrdType: market.OrdLimit,
		Price: rehearsalLimit, TIF: market.TIFDay, Strategy: event.StrategyTWAP, Until: r.now + 1<<60, SliceNanos: 1 << 60}
	parent.ID, _ = event.MakeID("REHEARSAL")
	r.step(parent)
}

func (r *Rehearsal) level(v market.VenueID, side market.Side, price market.Price, qty market.Qty, flags event.Flags) {
	r.step(event.Event{Kind: event.BookLevel, Venue: v, Side: side, Price: price, Qty: qty, Flags: flags})
}

func (r *Rehearsal) step(e event.Event) {
	r.seq++
	r.e = e
	r.e.Seq, r.e.StepTime, r.e.RecvTime = r.seq, r.now, r.now
	r.out.Reset()
	r.core.Step(&r.e, r.out)
	for i := range r.out.Commands {
		if c := &r.out.Commands[i]; c.Kind == event.SendOrder && r.count < len(r.sent) {
			r.sent[r.count] = *c
			r.count++
		}
	}
}

// answer lets the venues cancel what was sent. What that makes the parent send is answered
// by the next walk.
func (r *Rehearsal) answer() {
	n := r.count
	for i := range n {
		c := r.sent[i]
		r.step(event.Event{Kind: event.Exec, Venue: c.Venue, Ref: c.Child, Code: uint8(market.ExecCanceled),
			OrdStatus: market.StatusCanceled})
	}
	r.count = copy(r.sent[:], r.sent[n:r.count])
}

// Walk is one tick that comes to the limit, the order that it makes if the rate allows,
// the venue's answer, and the tick away again. Only the loop's goroutine.
func (r *Rehearsal) Walk() {
	r.walks++
	r.now += rehearsalStep
	v := market.VenueID(r.walks % 3)
	r.level(v, market.Sell, rehearsalLimit, 300, 0)
	r.answer()
	r.level(v, market.Sell, rehearsalLimit, 0, 0)
	if len(r.core.Children()) > r.children*7/8 {
		r.spent.Store(true)
	}
}

// Spent reports that its core has nearly used up its children and another rehearsal should
// take its place. Any goroutine.
func (r *Rehearsal) Spent() bool { return r.spent.Load() }
