package book

import (
	"penstock/event"
	"penstock/market"
)

// Quote is the current two-sided quote of a dealer. A side with quantity 0 is
// not quoted.
type Quote struct {
	ID     event.ID
	Bid    market.Price
	BidQty market.Qty
	Ask    market.Price
	AskQty market.Qty
	Until  int64 // ValidUntilTime, ns since epoch; 0 until replaced
}

// Alive reports whether the quote can still be traded at now (ns since epoch).
func (q *Quote) Alive(now int64) bool { return q.Until == 0 || now < q.Until }

// Book is the depth of one instrument at one venue. Single writer.
type Book struct {
	// What every event touches comes first: three cache lines.
	State    event.BookState
	Reason   event.Reason // why it has this state
	aged     bool         // STALE for nothing but its age
	kept     bool         // STALE, but the depth is a true past state that its feed will complete
	owner    uint32       // of its orders, in index
	resting  int32        // our own orders that are followed
	count    int          // displayed orders
	orders   *Orders      // nil for a level feed
	RecvTime int64        // receive time of the last event, ns since epoch
	SrcTime  int64        // source time of the last event that had one
	Changes  uint64
	sides    [2]Ladder // by Side.Index: an index is no branch that nobody can foretell
	short    [2][few]rung

	Bids   *Ladder
	Asks   *Ladder
	Quote  Quote
	Absurd uint64 // events that contradicted the book
	// Transitions counts changes of State, by the state before and after.
	Transitions [5][5]uint32

	// MaxAge is how long a LIVE book may hear nothing, ns; 0: its feed alone decides.
	MaxAge int64

	rests []rest // of our own orders, the first resting are in use
}

// Capacity bounds the books of a venue.
type Capacity struct {
	Levels int // per side of a book
	Orders int // displayed orders of all books of an order-by-order venue
}

// New returns an empty book with c.Levels on a side. orders is the order index of
// its venue, shared by the venue's books; nil for a level feed.
func New(c Capacity, orders *Orders) *Book {
	b := &Book{
		orders: orders,
	}
	for i, side := range []market.Side{market.Buy, market.Sell} {
		b.sides[i] = newLadder(side, c.Levels, b.short[i][:])
	}
	b.Bids, b.Asks = &b.sides[0], &b.sides[1]
	if orders != nil {
		b.owner = orders.join()
	}
	if c.Levels > 0 {
		b.rests = newRests()
	}
	return b
}

// Orders returns the number of displayed orders, 0 for a level feed.
func (b *Book) Orders() int { return b.count }

// Order returns the displayed order ref.
func (b *Book) Order(ref uint64) (Order, bool) {
	if b.orders == nil {
		return Order{}, false
	}
	s := b.orders.find(b.owner, ref)
	if s == nil {
		return Order{}, false
	}
	return Order{Ref: s.ref, Price: s.price, Qty: s.qty, Side: s.side()}, true
}

// Ladder returns the ladder of side.
func (b *Book) Ladder(side market.Side) *Ladder { return &b.sides[side.Index()] }

// Live reports whether the book may be routed on.
func (b *Book) Live() bool { return b.State == event.BookLive }

// Apply takes one market data event. It reports whether the touch, the quote or
// the state changed. An event that contradicts the book, or finds it full, makes
// it STALE and empty; the caller asks the feed for a resync when resync is true.
//
// Depth is kept while a book is SYNCING, so that a snapshot can build it up. It is
// kept as well in a STALE book whose feed only misses messages (a gap, silence):
// when the feed has delivered them it says LIVE. Any other STALE book is empty and
// ignores depth until a snapshot.
func (b *Book) Apply(e *event.Event) (touched, resync bool) {
	b.RecvTime = e.RecvTime
	if e.SrcTime != 0 {
		b.SrcTime = e.SrcTime
	}
	b.Changes++
	b.hear()
	if e.Kind < event.BookLevel || e.Kind > event.OrderDeleted {
		return b.applyOther(e)
	}
	if b.State == event.BookStale && !b.kept {
		return false, false
	}
	touched, reason := b.applyDepth(e)
	if reason == event.ReasonNone && b.Crossed() && e.Flags&event.More == 0 && b.Live() {
		reason = event.ReasonAbsurd
	}
	if reason != event.ReasonNone {
		return b.distrust(reason)
	}
	return touched, false
}

// applyOther takes the events that are not of depth.
func (b *Book) applyOther(e *event.Event) (touched, resync bool) {
	switch e.Kind {
	case event.BookClear:
		b.clear()
		return b.setState(event.BookSyncing, event.ReasonSnapshot), false
	case event.BookStatus:
		return b.applyStatus(e)
	case event.Quote:
		return b.applyQuote(e)
	case event.QuoteCancel:
		b.Quote = Quote{}
		return true, false
	case event.MarketTrade:
		if b.resting != 0 {
			b.restTrade(e)
		}
		return false, false
	}
	if b.State == event.BookStale && !b.kept {
		return false, false
	}
	return b.distrust(event.ReasonAbsurd)
}

func (b *Book) distrust(reason event.Reason) (touched, resync bool) {
	b.Absurd++
	b.clear()
	b.kept = false
	b.setState(event.BookStale, reason)
	return true, true
}

func (b *Book) applyDepth(e *event.Event) (touched bool, reason event.Reason) {
	switch e.Kind {
	case event.OrderAdd:
		return b.addOrder(e)
	case event.OrderExecuted, event.OrderReduced:
		return b.reduceOrder(e)
	case event.OrderDeleted:
		return b.deleteOrder(e.Ref)
	}
	if e.Qty < 0 || e.Qty > market.MaxQty || badSide(e.Side) || badPrice(e.Price) {
		return false, event.ReasonAbsurd
	}
	if b.resting != 0 {
		b.restLevel(e)
	}
	return b.Ladder(e.Side).Set(e.Price, e.Qty), event.ReasonNone
}

func (b *Book) addOrder(e *event.Event) (touched bool, reason event.Reason) {
	if e.Qty <= 0 || e.Qty > market.MaxQty || badSide(e.Side) || badPrice(e.Price) {
		return false, event.ReasonAbsurd
	}
	if b.orders == nil {
		return false, event.ReasonBookFull
	}
	s, known := b.orders.insert(b.owner, &Order{e.Ref, e.Price, e.Qty, e.Side})
	if known {
		return false, event.ReasonAbsurd
	}
	if s == nil {
		return false, event.ReasonBookFull
	}
	b.count++
	touched, before, reason := b.Ladder(e.Side).join(e.Price, e.Qty)
	if b.resting != 0 && reason == event.ReasonNone {
		b.restAdd(s, before)
	}
	return touched, reason
}

func (b *Book) reduceOrder(e *event.Event) (touched bool, reason event.Reason) {
	if b.orders == nil {
		return false, event.ReasonAbsurd
	}
	s := b.orders.find(b.owner, e.Ref)
	if s == nil || e.Qty <= 0 || e.Qty > s.qty {
		return false, event.ReasonAbsurd
	}
	return b.takeOff(s, e.Qty)
}

func (b *Book) deleteOrder(ref uint64) (touched bool, reason event.Reason) {
	if b.orders == nil {
		return false, event.ReasonAbsurd
	}
	s := b.orders.find(b.owner, ref)
	if s == nil {
		return false, event.ReasonAbsurd
	}
	return b.takeOff(s, s.qty)
}

// takeOff takes qty off an order and its level. A level holds less only when the
// feed spoke of levels and of orders at once.
func (b *Book) takeOff(s *slot, qty market.Qty) (touched bool, reason event.Reason) {
	if b.resting != 0 {
		b.restReduce(s, qty)
	}
	touched, ok := b.sides[s.index()&1].Add(s.price, -qty)
	if !ok {
		return false, event.ReasonAbsurd
	}
	if s.qty -= qty; s.qty == 0 {
		b.count--
		b.orders.delete(s)
	}
	return touched, event.ReasonNone
}

// applyStatus moves the book to the announced state. A STALE book that lost its
// depth becomes LIVE only by way of a snapshot (BookClear first).
func (b *Book) applyStatus(e *event.Event) (touched, resync bool) {
	state := event.BookState(e.Code)
	switch state {
	case event.BookLive:
		if b.State == event.BookStale && !b.kept || b.Crossed() {
			return b.distrust(event.ReasonAbsurd)
		}
	case event.BookStale:
		lost := b.State == event.BookStale && !b.kept
		b.kept = !lost && (e.Reason == event.ReasonGap || e.Reason == event.ReasonStale)
		if !b.kept {
			b.clear()
		}
		b.Quote = Quote{}
	case event.BookEmpty, event.BookSyncing:
		b.clear()
	case event.BookHalted:
	default:
		return b.distrust(event.ReasonAbsurd)
	}
	return b.setState(state, e.Reason), false
}

func (b *Book) applyQuote(e *event.Event) (touched, resync bool) {
	if e.Code > 0 {
		return false, false // a further size band: only the best one is dealt on
	}
	crossed := e.Qty > 0 && e.LastQty > 0 && e.Price > e.LastPx // locked quotes are real
	absurd := e.Qty < 0 || e.Qty > market.MaxQty || e.LastQty < 0 || e.LastQty > market.MaxQty ||
		e.Qty > 0 && badPrice(e.Price) || e.LastQty > 0 && badPrice(e.LastPx)
	if absurd || crossed {
		b.Absurd++
		b.Quote = Quote{}
		return true, false
	}
	b.Quote = Quote{ID: e.ID, Bid: e.Price, BidQty: e.Qty, Ask: e.LastPx, AskQty: e.LastQty,
		Until: e.Until}
	b.setState(event.BookLive, event.ReasonSnapshot)
	return true, false
}

// badSide is written so that it is one comparison.
func badSide(s market.Side) bool { return s-market.Buy > market.Sell-market.Buy }

func badPrice(p market.Price) bool { return p <= 0 || p > market.MaxPrice }

func (b *Book) clear() {
	b.Bids.Clear()
	b.Asks.Clear()
	if b.orders != nil {
		b.owner = b.orders.clear(b.owner, b.count)
		b.count = 0
	}
	b.Quote = Quote{}
	b.restClear()
}

func (b *Book) setState(s event.BookState, r event.Reason) (changed bool) {
	if changed = b.State != s; changed {
		b.Transitions[b.State][s]++
	}
	b.State, b.Reason = s, r
	if b.resting != 0 && s == event.BookLive {
		b.restLive()
	}
	return changed
}

// Crossed reports whether the best bid is at or above the best ask.
func (b *Book) Crossed() bool { return b.sides[0].top+b.sides[1].top >= 0 } // the key of an ask is -price

// Locked reports whether the best bid is at the best ask, which is a case of Crossed.
func (b *Book) Locked() bool { return b.sides[0].top+b.sides[1].top == 0 }

// Touch returns the best level of side that can be traded at now: displayed
// depth, or the dealer's living quote.
func (b *Book) Touch(side market.Side, now int64) (Level, bool) {
	if !b.Live() {
		return Level{}, false
	}
	if best, ok := b.Ladder(side).Best(); ok {
		return best, true
	}
	q := &b.Quote
	switch {
	case !q.Alive(now):
	case side == market.Buy && q.BidQty > 0:
		return Level{q.Bid, q.BidQty}, true
	case side == market.Sell && q.AskQty > 0:
		return Level{q.Ask, q.AskQty}, true
	}
	return Level{}, false
}
