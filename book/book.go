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
	State  event.BookState
	Reason event.Reason // why it has this state
	Bids   Ladder
	Asks   Ladder
	Orders Orders
	Quote  Quote

	MaxAge int64 // how long a LIVE book may hear nothing, ns; 0: its feed alone decides

	aged bool // STALE for nothing but its age
	kept bool // STALE, but the depth is a true past state that its feed will complete

	RecvTime int64 // receive time of the last event, ns since epoch
	SrcTime  int64 // source time of the last event that had one
	Changes  uint64
	Absurd   uint64 // events that contradicted the book
}

// Capacity bounds one Book.
type Capacity struct {
	Levels int // per side
	Orders int // displayed orders; 0 for level feeds
}

// New returns an empty book.
func New(c Capacity) *Book {
	return &Book{
		Bids:   NewLadder(market.Buy, c.Levels),
		Asks:   NewLadder(market.Sell, c.Levels),
		Orders: NewOrders(c.Orders),
	}
}

// Ladder returns the ladder of side.
func (b *Book) Ladder(side market.Side) *Ladder {
	if side == market.Buy {
		return &b.Bids
	}
	return &b.Asks
}

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
		return false, false
	}
	if b.State == event.BookStale && !b.kept {
		return false, false
	}
	touched, reason := b.applyDepth(e)
	if reason == event.ReasonNone && e.Flags&event.More == 0 && b.Live() && b.Crossed() {
		reason = event.ReasonAbsurd
	}
	if reason != event.ReasonNone {
		return b.distrust(reason)
	}
	return touched, false
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
	case event.BookLevel:
		if e.Qty < 0 || e.Qty > market.MaxQty || !e.Side.Valid() || badPrice(e.Price) {
			return false, event.ReasonAbsurd
		}
		return b.Ladder(e.Side).Set(e.Price, e.Qty), event.ReasonNone
	case event.OrderAdd:
		return b.addOrder(e)
	case event.OrderExecuted, event.OrderReduced:
		return b.reduceOrder(e.Ref, e.Qty)
	case event.OrderDeleted:
		order := b.Orders.Find(e.Ref)
		if order == nil {
			return false, event.ReasonAbsurd
		}
		return b.reduceOrder(e.Ref, order.Qty)
	}
	return false, event.ReasonAbsurd
}

func (b *Book) addOrder(e *event.Event) (touched bool, reason event.Reason) {
	if e.Qty <= 0 || e.Qty > market.MaxQty || !e.Side.Valid() || badPrice(e.Price) ||
		b.Orders.Find(e.Ref) != nil {
		return false, event.ReasonAbsurd
	}
	ladder := b.Ladder(e.Side)
	if ladder.Qty(e.Price) > market.MaxQty-e.Qty {
		return false, event.ReasonAbsurd
	}
	if ladder.Full() && ladder.Qty(e.Price) == 0 {
		return false, event.ReasonBookFull
	}
	if !b.Orders.Insert(Order{Ref: e.Ref, Price: e.Price, Qty: e.Qty, Side: e.Side}) {
		return false, event.ReasonBookFull
	}
	touched, _ = ladder.Add(e.Price, e.Qty)
	return touched, event.ReasonNone
}

func (b *Book) reduceOrder(ref uint64, qty market.Qty) (touched bool, reason event.Reason) {
	order := b.Orders.Find(ref)
	if order == nil || qty <= 0 || qty > order.Qty {
		return false, event.ReasonAbsurd
	}
	touched, ok := b.Ladder(order.Side).Add(order.Price, -qty)
	if !ok {
		return false, event.ReasonAbsurd
	}
	if qty == order.Qty {
		b.Orders.Delete(ref)
	} else {
		order.Qty -= qty
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
	}
	return b.setState(state, e.Reason), false
}

func (b *Book) applyQuote(e *event.Event) (touched, resync bool) {
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

func badPrice(p market.Price) bool { return p <= 0 || p > market.MaxPrice }

func (b *Book) clear() {
	b.Bids.Clear()
	b.Asks.Clear()
	b.Orders.Clear()
	b.Quote = Quote{}
}

func (b *Book) setState(s event.BookState, r event.Reason) (changed bool) {
	changed = b.State != s
	b.State, b.Reason = s, r
	return changed
}

// Crossed reports whether the best bid is at or above the best ask.
func (b *Book) Crossed() bool {
	bid, okBid := b.Bids.Best()
	ask, okAsk := b.Asks.Best()
	return okBid && okAsk && bid.Price >= ask.Price
}

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
