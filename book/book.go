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
	// What every event touches comes first: one cache line.
	State    event.BookState
	Reason   event.Reason // why it has this state
	aged     bool         // STALE for nothing but its age
	kept     bool         // STALE, but the depth is a true past state that its feed will complete
	owner    uint16       // of its levels, in orders
	resting  int32        // our own orders that are followed
	count    int32        // displayed orders
	hint     hint         // where the guesses of its levels lie
	RecvTime int64        // receive time of the last event, ns since epoch
	orders   *Orders      // nil for a level feed
	tops     [2]int64     // best keys by Side.Index, noKey when there is none: an index is no branch that nobody can foretell
	tick     uint64       // of which every key of an order-by-order book is a multiple, so far

	sides [2]Ladder

	Bids   *Ladder
	Asks   *Ladder
	Quote  Quote
	Absurd uint64 // events that contradicted the book
	// Transitions counts changes of State, by the state before and after.
	Transitions [event.BookStates][event.BookStates]uint32

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
	b := &Book{orders: orders, tops: [2]int64{noKey, noKey}}
	var levels *pool
	if orders != nil {
		b.owner, levels = orders.join(), orders.pool
		b.hint = newHint(b.owner)
	} else {
		levels = newPool(2*c.Levels, 2*leavesFor(c.Levels))
	}
	for i, side := range []market.Side{market.Buy, market.Sell} {
		b.sides[i] = newLadder(side, c.Levels, levels)
		b.sides[i].owner = b.owner
	}
	b.Bids, b.Asks = &b.sides[0], &b.sides[1]
	if c.Levels > 0 {
		b.rests = newRests()
	}
	return b
}

// Orders returns the number of displayed orders, 0 for a level feed.
func (b *Book) Orders() int { return int(b.count) }

// Order returns the displayed order ref.
func (b *Book) Order(ref uint64) (Order, bool) {
	if b.orders == nil {
		return Order{}, false
	}
	f := b.orders.find(b.owner, ref)
	if !f.ok() {
		return Order{}, false
	}
	side, price := b.place(f.level())
	return Order{Ref: ref, Price: price, Qty: f.qty(), Side: side}, true
}

// place returns where a level of this book lies.
func (b *Book) place(number uint32) (market.Side, market.Price) {
	if key := b.orders.levels[number].key; key < 0 {
		return market.Sell, market.Price(-key)
	} else {
		return market.Buy, market.Price(key)
	}
}

// Ladder returns the ladder of side.
func (b *Book) Ladder(side market.Side) *Ladder { return &b.sides[side.Index()] }

// Live reports whether the book may be routed on.
func (b *Book) Live() bool { return b.State == event.BookLive }

// applyAny takes any event in any state.
func (b *Book) applyAny(e *event.Event) (touched, resync bool) {
	b.RecvTime = e.RecvTime
	if b.State == event.BookStale {
		if b.hear(); b.State == event.BookStale && !b.kept {
			return b.applyShut(e)
		}
	}
	var reason event.Reason
	switch {
	case b.orders != nil && orderKinds>>(e.Kind&63)&1 != 0:
		if e.Kind == event.OrderAdd {
			touched, reason = b.addOrder(e.Ref, uint64(e.Side-market.Buy), e)
		} else {
			touched, reason = b.takeOff(e)
		}
	case e.Kind == event.BookLevel || orderKinds>>(e.Kind&63)&1 != 0:
		touched, reason = b.setLevel(e)
	default:
		return b.applyOther(e)
	}
	return b.judge(e, touched, reason)
}

// judge ends an event of depth.
func (b *Book) judge(e *event.Event, touched bool, reason event.Reason) (_, resync bool) {
	if reason == event.ReasonNone && b.Crossed() && e.Flags&event.More == 0 && b.Live() {
		reason = event.ReasonAbsurd
	}
	if reason != event.ReasonNone {
		return b.distrust(reason)
	}
	return touched, false
}

const orderKinds = 1<<event.OrderAdd | 1<<event.OrderExecuted | 1<<event.OrderReduced | 1<<event.OrderDeleted |
	1<<event.OrderReplaced

// applyShut takes an event for a STALE book that has lost its depth: only what is not
// depth counts.
func (b *Book) applyShut(e *event.Event) (touched, resync bool) {
	if e.Kind == event.BookLevel || orderKinds>>(e.Kind&63)&1 != 0 {
		return false, false
	}
	return b.applyOther(e)
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
	case event.PriceBand, event.MarketStatus, event.ShortRestriction:
		return false, false // of trading, not of depth
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

// setLevel takes a level. A level feed has no index of orders, and a feed of orders
// says nothing of levels.
func (b *Book) setLevel(e *event.Event) (touched bool, reason event.Reason) {
	switch {
	case e.Kind == event.OrderAdd:
		return false, event.ReasonBookFull
	case e.Kind != event.BookLevel || b.orders != nil:
		return false, event.ReasonAbsurd
	}
	if e.Qty < 0 || e.Qty > market.MaxQty || badSide(e.Side) || badPrice(e.Price) {
		return false, event.ReasonAbsurd
	}
	if b.resting != 0 {
		b.restLevel(e)
	}
	side := e.Side.Index()
	l := &b.sides[side]
	touched = l.Set(e.Price, e.Qty)
	b.tops[side] = l.top()
	return touched, event.ReasonNone
}

// addOrder adds order ref of side at the price and quantity of e.
func (b *Book) addOrder(ref, side uint64, e *event.Event) (touched bool, reason event.Reason) {
	if badQty(e.Qty) || badPrice(e.Price) || side > 1 {
		return false, event.ReasonAbsurd
	}
	b.orders.bareDead(ref)
	key := int64(e.Price) * b.sides[side].sign
	number := b.joinLevel(e.Instrument, side, key)
	if number == 0 {
		return false, event.ReasonBookFull
	}
	v := &b.orders.levels[number]
	before := v.qty()
	if before > market.MaxQty-e.Qty {
		return false, event.ReasonAbsurd
	}
	switch b.orders.insert(b.owner, ref, number, e.Qty) {
	case known:
		return false, event.ReasonAbsurd
	case full:
		return false, event.ReasonBookFull
	}
	v.word += uint64(e.Qty) << ownerBits
	b.count++
	if b.resting != 0 {
		b.restAdd(ref, before)
	}
	return key == b.tops[side], event.ReasonNone
}

// joinLevel returns the number of the level at key, which is made where there is none; 0
// when there is no room for it.
func (b *Book) joinLevel(id market.InstrumentID, side uint64, key int64) (number uint32) {
	guess := b.orders.guess(b.hint, key)
	if v := &b.orders.levels[*guess]; v.key == key && v.owner() == b.owner {
		return *guess
	}
	number, ok := b.sides[side].join(key)
	if !ok {
		return 0
	}
	b.guessAt(id, key, number)
	b.tops[side] = b.sides[side].top()
	return number
}

// guessAt lets a new level be guessed from its key.
func (b *Book) guessAt(id market.InstrumentID, key int64, number uint32) {
	// Keys are multiples of a tick: those of neighbouring levels, less their last bits,
	// are neighbours, so that the guesses of a book lie together.
	if price := uint64(max(key, -key)); b.tick == 0 || price%b.tick != 0 {
		b.tick = gcd(b.tick, price)
		b.hint = b.hint.of(b.tick)
		if b.orders.hints != nil {
			b.orders.hints[id] = b.hint
		}
	}
	*b.orders.guess(b.hint, key) = number
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// takeOff takes an order off the book, in part or as a whole; one that is replaced
// comes back as another one.
func (b *Book) takeOff(e *event.Event) (touched bool, reason event.Reason) {
	f := b.orders.find(b.owner, e.Ref)
	if !f.ok() {
		return false, event.ReasonAbsurd
	}
	qty := e.Qty
	if e.Kind >= event.OrderDeleted {
		qty = f.qty()
	}
	if qty <= 0 || qty > f.qty() {
		return false, event.ReasonAbsurd
	}
	if b.resting != 0 {
		b.restReduce(f, qty)
	}
	v := &b.orders.levels[f.level()]
	if f.reduce(qty) {
		b.count--
		b.orders.remove(f)
	}
	v.word -= uint64(qty) << ownerBits
	key := v.key
	side := uint64(key) >> 63
	touched = key == b.tops[side]
	if v.word <= ownerMask {
		b.vacate(side, key)
	}
	if e.Kind == event.OrderReplaced {
		joined, reason := b.addOrder(e.OrderRef, side, e)
		return touched || joined, reason
	}
	return touched, event.ReasonNone
}

// vacate takes a level away that has lost its last order.
func (b *Book) vacate(side uint64, key int64) {
	l := &b.sides[side&1]
	if key != b.tops[side&1] {
		l.leave(key)
		return
	}
	l.pop()
	b.tops[side&1] = l.top()
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
	case event.BookHalted, event.BookAuction:
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

// badPrice is one comparison as well.
func badPrice(p market.Price) bool { return uint64(p-1) >= uint64(market.MaxPrice) }

func badQty(q market.Qty) bool { return uint64(q-1) >= uint64(market.MaxQty) }

func (b *Book) clear() {
	levels := b.Bids.Len() + b.Asks.Len()
	b.Bids.Clear()
	b.Asks.Clear()
	b.tops = [2]int64{noKey, noKey}
	if b.orders != nil && levels > 0 {
		b.orders.clear(int(b.count), levels)
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
func (b *Book) Crossed() bool { return b.tops[0]+b.tops[1] >= 0 } // the key of an ask is -price

// Locked reports whether the best bid is at the best ask, which is a case of Crossed.
func (b *Book) Locked() bool { return b.tops[0]+b.tops[1] == 0 }

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
