package book

import (
	"math/bits"

	"penstock/event"
	"penstock/market"
)

// MaxRests bounds our own orders that one book follows.
const MaxRests = 64

// Ahead is the displayed quantity in front of one of our own orders at its price.
// The truth is within Low and High; Expected is the estimate between them. Exact
// says that all three are the truth.
//
// On a feed that names orders it is exact once the order has been seen: what came
// before it counts, until it is executed, cancelled, deleted or replaced. Before
// that, everything displayed at the price may be in front.
//
// A level feed does not say which order was cancelled. High takes every cancel to
// have been behind us, Low in front; trades at our price take from the front
// (which says that the venue matches by price and time, and that nothing hidden
// trades there). Expected shares a cancel out by P(back) = f(back) / (f(back) +
// f(front)), f(x) = ln(1+x), as hftbacktest does, with our own order not counted.
// The bounds hold as far as the feed sends every change by itself: an add and a
// cancel that a venue has merged into one update look like less of either.
//
// While the book is not LIVE or HALTED nothing is known: Low is 0 and High all that
// is displayed. A book that keeps its depth (a gap that was filled) goes on as
// before. After a snapshot High is all that it displays at the price, Low 0,
// until an order-by-order feed shows the order again: replays and snapshots
// list the orders of a price in their order of time.
type Ahead struct {
	Low, High, Expected market.Qty
	Exact               bool
}

// rest is one of our own orders.
type rest struct {
	child uint32
	side  market.Side
	state restState
	ref   uint64 // the feed's number of the order, 0 unknown
	price market.Price
	qty   market.Qty // not filled yet
	low   market.Qty
	high  market.Qty
	// expected is in 1/256 lots.
	expected int64
	traded   market.Qty // at the price, since its level was last told
	arrival  int32
}

type restState uint8

const (
	restUnknown restState = iota // no position until a snapshot or the order itself is seen
	restBounded
	restExact
)

const lotBits = 8

func newRests() []rest { return make([]rest, MaxRests) }

// Rest follows our own order child, which lies at the back of its price now: call
// it when the venue has acknowledged the order. ref is the feed's number of the
// order, 0 when it is not known; the feed may show the order before or after. false
// means that nothing is followed: MaxRests orders are, child already is one, or a
// value is not that of an order.
//
// On a level feed the displayed size may hold the order itself already, but nothing
// that came after it.
func (b *Book) Rest(
	child uint32, ref uint64, side market.Side, price market.Price, qty market.Qty,
) bool {
	if int(b.resting) == len(b.rests) || b.rest(child) != nil || !side.Valid() || badPrice(price) ||
		qty <= 0 || qty > market.MaxQty {
		return false
	}
	r := &b.rests[b.resting]
	b.resting++
	*r = rest{child: child, ref: ref, side: side, price: price, qty: qty}
	if !b.positioned() {
		return true
	}
	if b.orders == nil || ref == 0 {
		shown := b.Ladder(side).Qty(price)
		b.bound(r, max(shown-qty, 0), shown)
		return true
	}
	if f := b.orders.find(b.owner, ref); f.ok() {
		b.see(r, f, b.orders.before(f.level(), b.orders.arrival(f)))
	}
	return true
}

// bound sets what is in front to low to high lots, expected to be high. On a feed
// that names orders, those that came before now are the ones that count.
func (b *Book) bound(r *rest, low, high market.Qty) {
	r.state, r.low, r.high, r.expected, r.traded = restBounded, low, high, int64(high)<<lotBits, 0
	if b.orders != nil {
		r.arrival = int32(b.orders.arrived)
	}
}

// see takes the order's place in the feed, behind the quantity ahead.
func (b *Book) see(r *rest, f found, ahead market.Qty) {
	r.state, r.low, r.arrival = restExact, ahead, b.orders.arrival(f)
	r.side, r.price = b.place(f.level()) // a venue may have slid the price
}

// positioned reports whether what the book displays is what the venue displays.
func (b *Book) positioned() bool {
	return b.State == event.BookLive || b.State == event.BookHalted || b.State == event.BookAuction
}

func (b *Book) rest(child uint32) *rest {
	for i := range b.rests[:b.resting] {
		if b.rests[i].child == child {
			return &b.rests[i]
		}
	}
	return nil
}

// Leave ends following child, if it is followed.
func (b *Book) Leave(child uint32) {
	if r := b.rest(child); r != nil {
		b.resting--
		*r = b.rests[b.resting]
	}
}

// Reduce tells that qty of our order child was filled: nothing is in front of an
// order that trades. An order that is filled is not followed any more.
func (b *Book) Reduce(child uint32, qty market.Qty) {
	r := b.rest(child)
	if r == nil || qty <= 0 {
		return
	}
	if r.qty -= qty; r.qty <= 0 {
		b.Leave(child)
		return
	}
	r.low, r.high, r.expected = 0, 0, 0
}

// Queue returns what is in front of our order child; false when it is not followed.
func (b *Book) Queue(child uint32) (Ahead, bool) {
	r := b.rest(child)
	switch {
	case r == nil:
		return Ahead{}, false
	case r.state == restUnknown || !b.positioned():
		shown := b.Ladder(r.side).Qty(r.price)
		return Ahead{High: shown, Expected: shown}, true
	case r.state == restExact:
		return Ahead{Low: r.low, High: r.low, Expected: r.low, Exact: true}, true
	}
	expected := market.Qty((r.expected + 1<<(lotBits-1)) >> lotBits)
	return Ahead{Low: r.low, High: r.high, Expected: min(max(expected, r.low), r.high)}, true
}

// restAdd sees order ref come in behind the quantity before at its price.
func (b *Book) restAdd(ref uint64, before market.Qty) {
	for i := range b.rests[:b.resting] {
		if r := &b.rests[i]; r.ref == ref && r.ref != 0 {
			b.see(r, b.orders.find(b.owner, ref), before)
		}
	}
}

// restReduce sees qty leave an order, which is still there.
func (b *Book) restReduce(f found, qty market.Qty) {
	side, price := b.place(f.level())
	arrival := b.orders.arrival(f)
	for i := range b.rests[:b.resting] {
		r := &b.rests[i]
		if r.price != price || r.side != side {
			continue
		}
		switch age := arrival - r.arrival; {
		case r.state == restExact && age < 0:
			r.low = max(r.low-qty, 0)
		case r.state == restBounded && age <= 0:
			r.low, r.high = max(r.low-qty, 0), max(r.high-qty, 0)
			r.expected = max(r.expected-int64(qty)<<lotBits, 0)
		}
	}
}

// restTrade sees a trade of others on a level feed; an order-by-order feed tells
// of the same trade by the order.
func (b *Book) restTrade(e *event.Event) {
	if b.orders != nil || e.Qty <= 0 || e.Qty > market.MaxQty {
		return
	}
	for i := range b.rests[:b.resting] {
		r := &b.rests[i]
		if r.price != e.Price || r.state != restBounded || e.Side == r.side {
			continue // Side is the aggressor's: it takes from the other side
		}
		r.low, r.high = max(r.low-e.Qty, 0), max(r.high-e.Qty, 0)
		r.expected = max(r.expected-int64(e.Qty)<<lotBits, 0)
		r.traded = min(r.traded+e.Qty, market.MaxQty)
	}
}

// restLevel sees a level before it changes. What trades took since it was last told
// is not taken again.
func (b *Book) restLevel(e *event.Event) {
	shown := b.Ladder(e.Side).Qty(e.Price)
	for i := range b.rests[:b.resting] {
		r := &b.rests[i]
		if r.price != e.Price || r.side != e.Side || r.state != restBounded {
			continue
		}
		gone := max(shown-e.Qty, 0)
		netted := min(gone, r.traded)
		r.traded = 0
		r.cancel(shown-netted, e.Qty, gone-netted)
	}
}

// cancel takes qty off a level that showed before, and shows after now.
func (r *rest) cancel(before, after, qty market.Qty) {
	r.low = max(r.low-qty, 0)
	r.high = min(r.high, after)
	r.low = min(r.low, r.high)
	front := market.Qty(r.expected >> lotBits)
	back := max(before-front-r.qty, 0)
	r.expected -= frontShare(front, back, qty)
	r.expected = min(max(r.expected, int64(r.low)<<lotBits), int64(r.high)<<lotBits)
}

// frontShare returns how much of a cancelled qty is expected to have been in front,
// in 1/256 lots: qty × f(front) / (f(front) + f(back)).
func frontShare(front, back, qty market.Qty) int64 {
	f, g := log2(uint64(front)+1), log2(uint64(back)+1)
	if f+g == 0 {
		return 0
	}
	return int64(qty) * int64(f<<12/(f+g)) >> (12 - lotBits)
}

// log2 returns the logarithm of x > 0 in 1/65536, at most 2/65536 too small: the
// ratio of two logarithms does not depend on their base. The fraction comes digit
// by digit, by squaring.
func log2(x uint64) uint64 {
	whole := uint64(bits.Len64(x) - 1)
	m := x << (63 - whole) >> 32 // in 1 to 2, 31 bits after the point
	fraction := uint64(0)
	for range 16 {
		m = m * m >> 31
		fraction <<= 1
		if m >= 1<<32 {
			m >>= 1
			fraction |= 1
		}
	}
	return whole<<16 | fraction
}

// restClear makes every position unknown.
func (b *Book) restClear() {
	for i := range b.rests[:b.resting] {
		b.rests[i].state = restUnknown
	}
}

// restLive bounds the positions that a snapshot has left unknown. An order whose
// number is known is seen again when the feed names it.
func (b *Book) restLive() {
	for i := range b.rests[:b.resting] {
		if r := &b.rests[i]; r.state == restUnknown && (b.orders == nil || r.ref == 0) {
			b.bound(r, 0, b.Ladder(r.side).Qty(r.price))
		}
	}
}
