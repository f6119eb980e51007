// Package rehearsal keeps an idle loop in practice: a tick, the order that it makes and the
// venue's answer, walked again and again through the code that a real one takes, so that the
// next finds it in the caches and its branches learned.
//
//	ITCH packet → receiver → decoder → loop → journal → core → gateway: FIX, firewall → memory
//	                                                                                  └→ kernel: TCP to itself
//
// All of that is of its own. It shares nothing with the real router but the policy table, which
// nobody writes; its journal is overwritten, its session ends in memory. With Connect the bytes of its
// orders go through the kernel too, over a connection of this process with itself.
package rehearsal

import (
	"errors"
	"fmt"
	"math"

	"penstock/book"
	"penstock/event"
	"penstock/internal/ring"
	"penstock/journal"
	"penstock/market"
	"penstock/policy"
	"penstock/router"
	"penstock/router/loop"
	"penstock/router/risk"
	"penstock/venues/wire"
)

// Rehearsal is a small router of its own. When its children are used up it forgets them, so it
// lasts and its memory stays small. One goroutine.
type Rehearsal struct {
	core    *router.Core
	seq     *loop.Sequencer
	loop    *loop.Loop // inline, worked turn by turn: it never runs
	io      *loop.IO
	events  *ring.SPSC[event.Event]
	journal *journal.Writer
	feeds   [tellOrders]*feed
	session *session
	now     int64
	sent    [4]event.Command // orders unanswered
	count   int
	walks   uint64
	part    int // of the walk: how many were done
}

const (
	limit  = 500_000
	venues = 4
	// tellOrders of them tell orders, in ITCH, the others levels.
	tellOrders = 2
	levels     = 10 // a side of their books
	children   = 1 << 8
	rate       = 1 << 14     // orders a second of its time and venue: more than it walks
	pace       = 100_000     // ns of its time from walk to walk
	qty        = 100         // a lot, so that whatever a table wants, there is one order at a time
	firstRun   = 100_000_000 // its numbers have as many digits as those of any day
	gateway    = tellOrders  // of the loop's workers
	slice      = 1 << 60     // ns: its order is at the last decision of it for ever, which takes
)

// New returns a rehearsal that decides by table, nil for the compiled-in one, in an instrument where better quotes
// are protected, or not, as in those of the real router.
func New(table *policy.Table, protected bool) (*Rehearsal, error) {
	cfg := router.Config{
		Instruments: []market.Instrument{{Symbol: symbol, Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: qty}},
		Limits: []risk.Limits{{ParentMaxQty: 1e12, ParentMaxNotional: 1e18, ChildMaxQty: 1000, ChildMaxNotional: 1e13,
			CollarBps: 500}},
		Table: table, Book: book.Capacity{Levels: 64, Orders: 64}, MaxParents: 2, MaxChildren: children,
		Tactics: router.DefaultTactics(), Controls: controls(), Protect: [][]router.Protection{{{On: protected}}},
	}
	cfg.Tactics.MaxChildren, cfg.Tactics.MaxLife = math.MaxInt, math.MaxInt
	for i := range venues {
		id := market.VenueID(i)
		cfg.Venues = append(cfg.Venues, market.Venue{ID: id, Name: string(rune('A' + i)), MIC: "X", Kind: market.Lit,
			ByOrder: i < tellOrders, MsgRate: rate, AckNanos: 1e9, TakeFee: market.Fee{PerLotMilli: 30_000}})
		cfg.Listings = append(cfg.Listings, router.Listing{Venue: id})
	}
	r := &Rehearsal{journal: journal.Scratch(), events: ring.New[event.Event](children), now: 1_800_000_000_000_000_000}
	var err error
	if r.core, err = router.New(&cfg); err == nil {
		r.seq = loop.NewSequencer(r.core, r.journal, r.dispatch)
	}
	if err == nil {
		r.session, err = newSession(r.now)
	}
	if err == nil {
		err = r.openLoop()
	}
	if err == nil {
		err = r.open()
	}
	if err != nil {
		if r.io != nil {
			err = errors.Join(err, r.io.Close())
		}
		return nil, fmt.Errorf("rehearsal: %w", err)
	}
	return r, nil
}

// openLoop makes the loop, what feeds it, and what it sends through.
func (r *Rehearsal) openLoop() (err error) {
	var workers []loop.Worker
	for v := range r.feeds {
		if r.feeds[v], err = newFeed(market.VenueID(v), r.events.Push); err != nil {
			return err
		}
		workers = append(workers, loop.Worker{Work: r.feeds[v].work})
	}
	workers = append(workers, loop.Worker{Work: func(int64) int { return 0 }, Obey: r.session.send, Commands: ring.New[event.Command](children)})
	clock := func() int64 { return r.now }
	if r.io, err = loop.NewIO(workers, r.events.Push, clock); err == nil {
		r.loop = loop.NewInline(r.seq, []*ring.SPSC[event.Event]{r.events}, r.io, loop.IdleYield, clock, nil)
		r.loop.Venues(r.events)
	}
	return err
}

// controls are those of its one client, who may do all that it does.
func controls() *risk.Controls {
	return &risk.Controls{FirmCredit: market.MaxMoney, StrategyRate: rate, RepeatOrders: rate, RepeatNanos: 1, SameOrders: 1, SameNanos: 1,
		Restricted: []bool{false}, Decimals: []uint8{4},
		Clients: []risk.Client{{Credit: market.MaxMoney, Instruments: []bool{true}, Venues: []bool{true, true, true, true}}}}
}

// Connect lets the bytes of an order leave over a TCP connection to this process itself now and then, because the
// kernel's way from a send to the device grows cold as any other: for a loop that writes to its
// sockets itself. That takes a hundredth of the time at most, by clock, ns. Without it, and with an error,
// orders end in memory. Before the first walk.
func (r *Rehearsal) Connect(clock func() int64) (err error) {
	k := &r.session.venue.kernel
	k.clock = clock
	k.way, err = wire.NewLoopback()
	return err
}

// Close ends it, after the last walk. The error says what had ended the connection of Connect before.
func (r *Rehearsal) Close() error {
	err := r.io.Close()
	if k := &r.session.venue.kernel; k.way != nil {
		err = errors.Join(err, k.broken, k.way.Close())
	}
	return err
}

// open brings its market up and gives it an order that takes whatever comes to its limit.
func (r *Rehearsal) open() error {
	r.take(event.Event{Kind: event.SessionStart, Ref: firstRun})
	for v := range market.VenueID(venues) {
		r.take(event.Event{Kind: event.VenueSession, Venue: v, Code: uint8(event.SessionUp)})
	}
	for _, f := range r.feeds {
		if err := f.open(r.now, r.turn); err != nil {
			return err
		}
	}
	for v := market.VenueID(tellOrders); v < venues; v++ {
		for i := range levels {
			r.level(v, market.Buy, resting(v, market.Buy, i), 500, event.More)
			r.level(v, market.Sell, resting(v, market.Sell, i), 500, event.More)
		}
		r.take(event.Event{Kind: event.BookStatus, Venue: v, Code: uint8(event.BookLive)})
	}
	parent := event.Event{Kind: event.ParentNew, Side: market.Buy, Qty: qty, OrdType: market.OrdLimit,
		Price: limit, TIF: market.TIFDay, Strategy: event.StrategyTWAP, Until: r.now + slice, SliceNanos: slice}
	parent.ID, _ = event.MakeID(symbol)
	r.session.ordered(&parent)
	r.take(parent)
	r.now += slice / 60 * 55
	r.take(event.Event{Kind: event.Timer})
	for range 4 {
		r.answer() // what it rests until then
	}
	return nil
}

// resting is a price of a venue's book, the best first: no two venues have the same.
func resting(v market.VenueID, side market.Side, level int) market.Price {
	return limit - market.Price(side.Sign())*100*market.Price(2+int(v)+venues*level)
}

func (r *Rehearsal) level(v market.VenueID, side market.Side, price market.Price, qty market.Qty, flags event.Flags) {
	r.take(event.Event{Kind: event.BookLevel, Venue: v, Side: side, Price: price, Qty: qty, Flags: flags})
}

func (r *Rehearsal) take(e event.Event) {
	e.RecvTime = r.now
	r.events.Push(&e)
	r.turn()
}

// turn is one of its loop. It makes room in the journal before: a sequencer waits for one that is full, and nobody
// empties this one.
func (r *Rehearsal) turn() {
	r.journal.Discard()
	r.loop.Work()
}

func (r *Rehearsal) dispatch(c *event.Command) {
	switch {
	case c.Kind == event.Report && c.ExecType == market.ExecNew:
		r.session.accepted(c)
	case c.Kind == event.SendOrder && r.count < len(r.sent):
		r.sent[r.count] = *c
		r.count++
		r.io.Push(gateway, c)
	}
}

// answer lets the venues cancel what was sent. What that makes the parent send is answered
// by the next walk.
func (r *Rehearsal) answer() {
	n := r.count
	for i := range n {
		c := r.sent[i]
		r.session.ended(c.Child)
		r.take(event.Event{Kind: event.Exec, Venue: c.Venue, Ref: c.Child, Code: uint8(market.ExecCanceled),
			OrdStatus: market.StatusCanceled})
	}
	r.count = copy(r.sent[:], r.sent[n:r.count])
}

// Walk is one tick that comes to the limit, the order that it makes, the venue's answer, and
// the tick away again.
func (r *Rehearsal) Walk() {
	for over := false; !over; {
		over, _ = r.Step()
	}
}

// Step is the next of the three parts of a walk, for who has no time for all of it at once. It
// reports whether the walk is over, and whether it went through the kernel, which takes what it takes.
func (r *Rehearsal) Step() (over, kernel bool) {
	before := r.session.venue.kernel.passes
	over = r.step()
	return over, r.session.venue.kernel.passes != before
}

func (r *Rehearsal) step() (over bool) {
	v := market.VenueID(r.walks % venues)
	switch r.part++; r.part {
	case 1:
		r.now += pace
		if v < tellOrders {
			r.feeds[v].add()
			r.turn()
		} else {
			r.level(v, market.Sell, limit, 300, 0)
		}
		return false
	case 2:
		r.session.venue.kernel.receive()
		r.answer()
		return false
	}
	if v < tellOrders {
		r.feeds[v].remove()
		r.turn()
	} else {
		r.level(v, market.Sell, limit, 0, 0)
	}
	if len(r.core.Children()) > children*7/8 && r.core.Forget() {
		r.session.forget()
		r.now = r.session.renew(r.now)
	}
	r.walks, r.part = r.walks+1, 0
	return true
}
