package loop

import (
	"fmt"
	"math"

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
// send goes nowhere: it has no journal, no dispatch and no venue. When its children are used up
// it forgets them, so it lasts and its memory stays small.
type Rehearsal struct {
	core  *router.Core
	out   *event.Output
	e     event.Event
	seq   uint64
	now   int64
	sent  [256]event.Command // orders of the last event, unanswered
	count int
	walks uint64
}

const (
	rehearsalLimit    = 500_000
	rehearsalVenues   = 3
	rehearsalChildren = 1 << 10
	rehearsalRate     = 1 << 14 // orders a second of its time and venue: more than it walks
	rehearsalStep     = 100_000 // ns of its time from walk to walk
	rehearsalQty      = 100
	rehearsalSlice    = 1 << 60 // ns: its order is at the last decision of it for ever, which takes
)

// NewRehearsal returns a rehearsal that decides by table, nil for the compiled-in one.
func NewRehearsal(table *policy.Table) (*Rehearsal, error) {
	cfg := router.Config{
		Instruments: []market.Instrument{{Symbol: "REHEARSAL", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}},
		Limits: []risk.Limits{{ParentMaxQty: 1e12, ParentMaxNotional: 1e18, ChildMaxQty: 1000, ChildMaxNotional: 1e13,
			CollarBps: 500}},
		Table: table, Book: book.Capacity{Levels: 64}, MaxParents: 2, MaxChildren: rehearsalChildren,
		Tactics: router.DefaultTactics(),
	}
	cfg.Tactics.MaxChildren, cfg.Tactics.MaxLife = math.MaxInt, math.MaxInt
	for i := range rehearsalVenues {
		id := market.VenueID(i)
		cfg.Venues = append(cfg.Venues, market.Venue{ID: id, Name: string(rune('A' + i)), MIC: "X", Kind: market.Lit,
			MsgRate: rehearsalRate, AckNanos: 1e9, TakeFee: market.Fee{PerLotMilli: 30_000}})
		cfg.Listings = append(cfg.Listings, router.Listing{Venue: id})
	}
	core, err := router.New(&cfg)
	if err != nil {
		return nil, fmt.Errorf("rehearsal: %w", err)
	}
	r := &Rehearsal{core: core, out: event.NewOutput(1024, 64), now: 1_800_000_000_000_000_000}
	r.open()
	return r, nil
}

// open brings its market up and gives it an order that takes whatever comes to its limit.
func (r *Rehearsal) open() {
	r.step(event.Event{Kind: event.SessionStart, Ref: 1})
	for v := range market.VenueID(rehearsalVenues) {
		r.step(event.Event{Kind: event.VenueSession, Venue: v, Code: uint8(event.SessionUp)})
		for i := range market.Price(10) {
			r.level(v, market.Buy, rehearsalLimit-100*(i+2), 500, event.More)
			r.level(v, market.Sell, rehearsalLimit+100*(i+2), 500, event.More)
		}
		r.step(event.Event{Kind: event.BookStatus, Venue: v, Code: uint8(event.BookLive)})
	}
	parent := event.Event{Kind: event.ParentNew, Side: market.Buy, Qty: rehearsalQty, OrdType: market.OrdLimit,
		Price: rehearsalLimit, TIF: market.TIFDay, Strategy: event.StrategyTWAP, Until: r.now + rehearsalSlice, SliceNanos: rehearsalSlice}
	parent.ID, _ = event.MakeID("REHEARSAL")
	r.step(parent)
	r.now += rehearsalSlice / 60 * 55
	r.step(event.Event{Kind: event.Timer})
	for range 4 {
		r.answer() // what it rests until then
	}
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

// Walk is one tick that comes to the limit, the order that it makes, the venue's answer, and
// the tick away again. Only the loop's goroutine.
func (r *Rehearsal) Walk() {
	r.walks++
	r.now += rehearsalStep
	v := market.VenueID(r.walks % rehearsalVenues)
	r.level(v, market.Sell, rehearsalLimit, 300, 0)
	r.answer()
	r.level(v, market.Sell, rehearsalLimit, 0, 0)
	if len(r.core.Children()) > rehearsalChildren*7/8 {
		r.core.Forget()
	}
}
