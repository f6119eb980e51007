package trial

import (
	"fmt"
	"math"
	"strconv"

	"penstock/event"
	"penstock/market"
	"penstock/router"
	"penstock/venues/sim"
)

// Watch sees every event of a trial and what the core wanted; both are valid during
// the call. It is how decision logs are made.
type Watch func(e *event.Event, out *event.Output)

// owner is the router's number at the venues.
const owner = 1

// world is one trial under way.
type world struct {
	setup  *Setup
	stock  *sim.Stock
	core   *router.Core
	out    *event.Output
	watch  Watch
	venues []sim.StockVenue
	event  event.Event
	in     []inbound // by venue
	heard  int       // venue that is heard next, and when; math.MaxInt64: none
	hearAt int64
	way    []outbound // commands under way, by time of arrival
	sent   uint64     // messages, which number the draws of latency
	seq    uint64
	fills  []Fill
	mids   []int64 // mid × 2 by second from begin, 0 for none
}

// inbound is what a venue has said and the router has not heard, in order.
type inbound struct {
	head   int
	events []event.Event
}

func (q *inbound) next() int64 {
	if q.head == len(q.events) {
		return math.MaxInt64
	}
	return q.events[q.head].RecvTime
}

type outbound struct {
	at  int64
	cmd event.Command
}

// Fill is one execution of the router's orders.
type Fill struct {
	Time  int64 // ns since epoch
	Venue market.VenueID
	Kind  market.VenueKind
	Added bool
	Price market.Price
	Qty   market.Qty
	Fee   market.Notional
	Mid2  int64 // mid × 2 just before
}

// Run works the parent of a setup by a policy. watch may be nil.
func Run(s Setup, p *Policy, watch Watch) (*Result, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	w := &world{setup: &s, watch: watch, venues: sim.StockVenues(&s.Regime)}
	w.in, w.hearAt = make([]inbound, len(w.venues)), math.MaxInt64
	var err error
	if w.stock, err = s.stock(w.listener()); err != nil {
		return nil, err
	}
	if w.core, err = router.New(s.config(p, w.venues)); err != nil {
		return nil, err
	}
	w.out = w.core.OutputFor()
	w.start(p)
	w.play(p)
	if err := w.check(); err != nil {
		return nil, err
	}
	return w.result(p), nil
}

// check compares the router's account of the parent with the venues'.
func (w *world) check() error {
	sold := market.Qty(0)
	for i := range w.fills {
		sold += w.fills[i].Qty
	}
	parents := w.core.Parents()
	if len(parents) != 1 {
		return fmt.Errorf("trial: seed %d: the router accepted %d parents, not one", w.setup.Seed, len(parents))
	}
	if p := &parents[0]; p.Cum != sold || p.Reserved != 0 || p.Live() {
		return fmt.Errorf("trial: seed %d: venues executed %d, the router says %d, reserved %d, live %v",
			w.setup.Seed, sold, p.Cum, p.Reserved, p.Live())
	}
	return nil
}

// start opens the run: sessions are up, books live.
func (w *world) start(p *Policy) {
	now := w.stock.Now()
	w.take(now, &event.Event{Kind: event.SessionStart, Ref: w.setup.Seed&0xffff + 1, RecvTime: now})
	if p.Params != nil {
		for _, e := range router.ParamEvents(p.Params) {
			e.RecvTime = now
			w.take(now, &e)
		}
	}
	for v := range w.venues {
		id := market.VenueID(v)
		w.take(now, &event.Event{Kind: event.VenueSession, Venue: id, Code: uint8(event.SessionUp), RecvTime: now})
		if w.venues[v].Kind == market.Lit {
			w.say(&event.Event{Kind: event.BookStatus, Venue: id, Code: uint8(event.BookLive), SrcTime: now})
		}
	}
}

// play runs until the parent ended and its last report is in, or the time is over.
func (w *world) play(p *Policy) {
	end := w.setup.begin() + w.setup.seconds()*1e9
	parentAt := w.setup.Arrival()
	for w.stock.Now() < end {
		second := w.setup.begin() + int64(len(w.mids))*1e9
		if second >= end {
			second = math.MaxInt64
		}
		timer := min(w.core.NextTimer(), parentAt)
		heard := w.hearAt
		arrives := int64(math.MaxInt64)
		if len(w.way) > 0 {
			arrives = w.way[0].at
		}
		until := min(second, timer, heard, arrives, end)
		if w.stock.Now() < until && w.stock.Run(until) < until {
			continue // a venue said something that may be heard sooner
		}
		switch until {
		case arrives:
			w.deliver()
		case heard:
			q := &w.in[w.heard]
			w.event = q.events[q.head]
			if q.head++; q.head == len(q.events) {
				q.head, q.events = 0, q.events[:0]
			}
			w.nextHeard()
			w.take(until, &w.event)
		case parentAt:
			e := w.setup.parent(p)
			e.RecvTime = until
			parentAt = math.MaxInt64
			w.take(until, &e)
		case second:
			bid, ask := w.stock.Touch()
			mid2 := int64(bid + ask)
			if bid == 0 || ask == 0 {
				mid2 = 0
			}
			w.mids = append(w.mids, mid2)
		case timer:
			w.take(until, &event.Event{Kind: event.Timer, RecvTime: until})
		}
	}
}

// nextHeard finds who is heard next after something was.
func (w *world) nextHeard() {
	w.hearAt = math.MaxInt64
	for v := range w.in {
		if t := w.in[v].next(); t < w.hearAt {
			w.heard, w.hearAt = v, t
		}
	}
}

// take steps the core and sends what it wants.
func (w *world) take(now int64, e *event.Event) {
	w.seq++
	e.Seq, e.StepTime = w.seq, max(now, w.core.Now())
	w.out.Reset()
	w.core.Step(e, w.out)
	if w.watch != nil {
		w.watch(e, w.out)
	}
	for i := range w.out.Commands {
		if c := &w.out.Commands[i]; c.Kind.ToVenue() {
			w.sent++
			w.send(now+w.stock.LatencyNanos(&w.venues[c.Venue], w.sent), c)
		}
	}
}

// send puts a command on its way; one to a venue does not overtake the one before.
func (w *world) send(at int64, c *event.Command) {
	i := len(w.way)
	for j := range w.way {
		if w.way[j].cmd.Venue == c.Venue {
			at = max(at, w.way[j].at)
		}
	}
	for i > 0 && w.way[i-1].at > at {
		i--
	}
	w.way = append(w.way, outbound{})
	copy(w.way[i+1:], w.way[i:])
	w.way[i] = outbound{at, *c}
}

func clOrdID(n uint64) (id event.ID) {
	strconv.AppendUint(id[:0], n, 10)
	return id
}

func childOf(id event.ID) uint64 {
	n, _ := strconv.ParseUint(id.String(), 10, 64)
	return n
}

// deliver hands the first command under way to its venue.
func (w *world) deliver() {
	c := w.way[0].cmd
	w.way = w.way[:copy(w.way, w.way[1:])]
	switch c.Kind {
	case event.SendOrder:
		w.stock.Enter(c.Venue, sim.Order{
			Owner: owner, ClOrdID: clOrdID(c.Child), Side: c.Side, Price: c.Price, Qty: c.Qty, MinQty: c.MinQty,
			OrdType: c.OrdType, TIF: c.TIF, ExecInst: c.ExecInst, QuoteID: c.ID,
		})
	case event.SendCancel:
		w.stock.Cancel(c.Venue, owner, clOrdID(c.Ref), clOrdID(c.Child))
	case event.SendStatus:
		s, ok := w.stock.Status(c.Venue, owner, clOrdID(c.Child))
		if !ok {
			s.OrdStatus = market.StatusRejected
		}
		w.say(&event.Event{
			Kind: event.Exec, Code: uint8(market.ExecOrderStatus), Venue: c.Venue, Ref: c.Child, Side: c.Side,
			OrdStatus: s.OrdStatus, Price: s.Price, Qty: s.OrderQty, CumQty: s.CumQty, LeavesQty: s.LeavesQty,
			SrcTime: w.stock.Now(),
		})
	}
}

// say lets the router hear an event of a venue after the venue's latency.
func (w *world) say(e *event.Event) {
	e.RecvTime = e.SrcTime + w.venues[e.Venue].LatencyNanos
	q := &w.in[e.Venue]
	q.events = append(q.events, *e)
	if v := int(e.Venue); e.RecvTime < w.hearAt || e.RecvTime == w.hearAt && v < w.heard {
		w.heard, w.hearAt = v, e.RecvTime
	}
	if w.stock != nil {
		w.stock.Interrupt()
	}
}

// listener turns what happens at the venues into events.
func (w *world) listener() sim.StockListener {
	return sim.StockListener{
		Book: func(v market.VenueID, c *sim.BookChange) {
			w.say(&event.Event{
				Kind: event.BookLevel, Venue: v, Side: c.Side, Price: c.Price, Qty: c.LevelQty, SrcTime: c.Time,
			})
		},
		Trade: func(v market.VenueID, t *sim.Trade) {
			w.say(&event.Event{
				Kind: event.MarketTrade, Venue: v, Side: t.Aggressor, Price: t.Price, Qty: t.Qty, SrcTime: t.Time,
			})
		},
		Quote: func(v market.VenueID, q *sim.Quote) {
			w.say(&event.Event{
				Kind: event.Quote, Venue: v, ID: q.QuoteID, Until: q.Until, Price: q.BidPx, Qty: q.BidQty,
				LastPx: q.AskPx, LastQty: q.AskQty, SrcTime: q.Time,
			})
		},
		QuoteCancelled: func(v market.VenueID, now int64) {
			w.say(&event.Event{Kind: event.QuoteCancel, Venue: v, SrcTime: now})
		},
		Halt: func(v market.VenueID, now int64, halted bool) {
			e := event.Event{Kind: event.BookStatus, Venue: v, Code: uint8(event.BookLive), SrcTime: now}
			if halted {
				e.Code, e.Reason = uint8(event.BookHalted), event.ReasonVenueHalted
			}
			w.say(&e)
		},
		Report: w.report,
		Reject: func(v market.VenueID, r *sim.CancelReject) {
			w.say(&event.Event{
				Kind: event.OrderCancelReject, Venue: v, Ref: childOf(r.OrigClOrdID), OrdStatus: r.OrdStatus,
				Reason: r.Reason, SrcTime: r.Time,
			})
		},
	}
}

func (w *world) report(v market.VenueID, r *sim.Report) {
	child := r.ClOrdID
	if r.OrigClOrdID != (event.ID{}) {
		child = r.OrigClOrdID
	}
	e := event.Event{
		Kind: event.Exec, Venue: v, Ref: childOf(child), Side: r.Side, Price: r.Price, Qty: r.OrderQty,
		Code: uint8(r.ExecType), OrdStatus: r.OrdStatus, LastPx: r.LastPx, LastQty: r.LastQty, CumQty: r.CumQty,
		LeavesQty: r.LeavesQty, Reason: r.Reason, Liquidity: r.Liquidity, SrcTime: r.Time,
	}
	e.ID, _ = event.MakeID(strconv.AppendUint(nil, r.ExecID, 10))
	w.say(&e)
	if r.ExecType != market.ExecTrade {
		return
	}
	venue := &w.venues[v]
	fee, added := venue.TakeFee, r.Liquidity == market.LiquidityAdded
	if added {
		fee = venue.MakeFee
	}
	notional, _ := r.LastPx.Notional(r.LastQty)
	bid, ask := w.stock.Touch()
	w.fills = append(w.fills, Fill{
		Time: r.Time, Venue: v, Kind: venue.Kind, Added: added, Price: r.LastPx, Qty: r.LastQty,
		Fee: fee.Of(notional, r.LastQty), Mid2: int64(bid + ask),
	})
}
