package book

import (
	"penstock/event"
	"penstock/market"
)

// Apply takes one market data event. It reports whether the touch, the quote or
// the state changed. An event that contradicts the book, or finds it full, makes
// it STALE and empty; the caller asks the feed for a resync when resync is true.
//
// Depth is kept while a book is SYNCING, so that a snapshot can build it up. It is
// kept as well in a STALE book whose feed only misses messages (a gap, silence):
// when the feed has delivered them it says LIVE. Any other STALE book is empty and
// ignores depth until a snapshot.
//
// What is usual is here and calls nothing, in a LIVE order-by-order book that is not crossed
// and where no order of ours rests: an order that leaves lies in front; one that comes finds its place in front empty, and the guess of its level right or
// no level as good as its own. It is what addOrder and takeOff do with them. No level comes to
// cross the book.
func (b *Book) Apply(e *event.Event) (touched, resync bool) {
	o := b.orders
	if o == nil && e.Kind == event.BookLevel {
		return b.applyLevel(e)
	}
	if o == nil || b.State != event.BookLive || b.resting != 0 || b.Crossed() {
		return b.applyAny(e)
	}
	ref, i := e.Ref, e.Ref&o.mask
	s := at[slot](o.places, i)
	side := uint64(e.Side - market.Buy)
	if e.Kind != event.OrderAdd {
		if orderKinds>>(e.Kind&63)&1 == 0 {
			return b.applyAny(e)
		}
		v := at[level](o.named, uint64(s.level))
		has, qty := uint64(s.qty), uint64(e.Qty)
		if e.Kind >= event.OrderDeleted {
			qty = has
		}
		if (uint64(s.lap)^ref>>(o.lapBits&63))|(v.word&ownerMask^uint64(b.owner)) != 0 || qty-1 >= has {
			return b.applyAny(e)
		}
		b.RecvTime = e.RecvTime
		v.word -= qty << ownerBits
		side = uint64(v.key) >> 63
		touched = v.key == b.tops[side&1]
		if s.qty = uint32(has - qty); has == qty {
			s.level = 0
			b.count--
			o.live--
		}
		if v.word <= ownerMask {
			b.vacate(side, v.key)
		}
		if e.Kind != event.OrderReplaced {
			return touched, false
		}
		ref, i = e.OrderRef, e.OrderRef&o.mask
		s = at[slot](o.places, i)
	}
	key := (int64(e.Price) ^ -int64(side)) + int64(side) // negative for an ask
	number := *o.guess(b.hint, key)
	v := at[level](o.named, uint64(number))
	word := v.word
	wrong := uint64(key^v.key) | (word&ownerMask ^ uint64(b.owner)) // another level
	lap := ref >> (o.lapBits & 63)
	other := uint64(s.level|*at[uint32](o.strayed, i)) | (lap|uint64(e.Qty))>>32 | uint64(e.Price)>>63
	b.RecvTime = e.RecvTime
	switch {
	case other|side>>1 != 0 || e.Qty == 0 || o.live == o.capacity:
		return b.addAny(ref, side, e, touched)
	case wrong == 0 && word < roomyLevel:
		v.word = word + uint64(e.Qty)<<ownerBits
		touched = touched || key == b.tops[side&1]
	case key > b.tops[side&1] && key+b.tops[side&1^1] < 0 && !badPrice(e.Price) && !b.sides[side&1].Full():
		number = b.sides[side&1].push(key, e.Qty)
		b.tops[side&1] = key
		b.guessAt(e.Instrument, key, number)
		touched = true
	default:
		return b.addAny(ref, side, e, touched)
	}
	o.live++
	o.arrived++
	o.latest = ref
	b.count++
	*s = slot{uint32(lap), uint32(e.Qty), number, o.arrived}
	return touched, false
}

// applyLevel is what is usual in a LIVE book of a level feed where no order of ours rests: what
// setLevel does with a level that can be.
func (b *Book) applyLevel(e *event.Event) (touched, resync bool) {
	if b.State != event.BookLive || b.resting != 0 || uint64(e.Qty) > uint64(market.MaxQty) || badSide(e.Side) || badPrice(e.Price) {
		return b.applyAny(e)
	}
	b.RecvTime = e.RecvTime
	side := uint64(e.Side - market.Buy)
	if touched = b.sides[side&1].Set(e.Price, e.Qty); touched {
		b.tops[side&1] = b.sides[side&1].top()
	}
	if b.Crossed() {
		return b.judge(e, touched, event.ReasonNone)
	}
	return touched, false
}

// addAny is what Apply does with an order that comes, in any case.
func (b *Book) addAny(ref, side uint64, e *event.Event, touched bool) (_, resync bool) {
	joined, reason := b.addOrder(ref, side, e)
	return b.judge(e, touched || joined, reason)
}

// roomyLevel is the word of a level to which any quantity of 32 bits can come.
const roomyLevel = (uint64(market.MaxQty) - 1<<32) << ownerBits
