package tape

import (
	"cmp"
	"slices"

	"penstock/event"
	"penstock/market"
)

// enterLit takes an order at a lit venue.
func (m *Market) enterLit(now int64, b *lit, o *order) {
	post := o.ExecInst == market.ExecInstPostOnly
	switch {
	case !b.live:
		m.reject(now, o, event.ReasonVenueHalted)
		return
	case o.OrdType != market.OrdLimit && o.OrdType != market.OrdMarket,
		o.OrdType == market.OrdMarket && o.TIF != market.TIFIOC && o.TIF != market.TIFFOK,
		o.TIF != market.TIFIOC && o.TIF != market.TIFFOK && o.TIF != market.TIFDay,
		post && o.TIF != market.TIFDay,
		!post && o.ExecInst != market.ExecInstNone:
		m.reject(now, o, event.ReasonUnsupportedType)
		return
	case post && b.available(o) > 0:
		m.reject(now, o, event.ReasonWouldTake)
		return
	}
	m.state(now, o, market.StatusNew)
	if o.TIF != market.TIFFOK || b.available(o) >= o.Qty {
		m.take(now, b, o)
	}
	switch {
	case o.status == market.StatusFilled:
	case o.TIF == market.TIFDay:
		o.ahead = b.sides[o.Side.Index()].Qty(o.Price)
		b.resting = append(b.resting, o)
	default:
		m.done(now, o, market.StatusCanceled)
	}
}

// offers calls yield with every level within the limit of o that still has
// something, best first, until it returns false.
func (b *lit) offers(o *order, yield func(price market.Price, shown, left market.Qty) bool) {
	contra := o.Side.Contra()
	ladder := &b.sides[contra.Index()]
	for i := range ladder.Len() {
		level := ladder.At(i)
		if o.OrdType == market.OrdLimit && o.Side.Better(o.Price, level.Price) {
			return
		}
		left := level.Qty
		if c := b.consumedAt(contra, level.Price); c != nil {
			left -= c.qty
		}
		if _, ok := level.Price.Notional(min(left, o.Qty)); !ok {
			continue // absurd: nothing could be booked
		}
		if left > 0 && !yield(level.Price, level.Qty, left) {
			return
		}
	}
}

func (b *lit) available(o *order) (sum market.Qty) {
	b.offers(o, func(_ market.Price, _, left market.Qty) bool {
		sum += left
		return sum < o.Qty
	})
	return sum
}

func (m *Market) take(now int64, b *lit, o *order) {
	b.offers(o, func(price market.Price, shown, left market.Qty) bool {
		qty := min(left, o.leaves())
		b.consume(o.Side.Contra(), price, shown, qty)
		m.fill(now, o, price, qty, market.LiquidityRemoved)
		return o.leaves() > 0
	})
}

// tradeResting lets a recorded trade reach our resting orders on the side that
// the aggressor hit, or on both when the recording does not say.
func (m *Market) tradeResting(b *lit, e *event.Event) {
	for _, side := range [2]market.Side{market.Buy, market.Sell} {
		if len(b.resting) > 0 && b.live && e.Side != side {
			m.tradeSide(b, side, e)
		}
	}
}

// tradeSide fills orders with a better price than the trade's first, then those
// at its price as far as it goes beyond what is ahead of them.
func (m *Market) tradeSide(b *lit, side market.Side, e *event.Event) {
	left, ours := e.Qty, market.Qty(0)
	for _, o := range b.queue(side) {
		var qty market.Qty
		switch {
		case side.Better(e.Price, o.Price): // through our price
			qty = min(left, o.leaves())
			left -= qty
		case e.Price == o.Price:
			passed := min(o.ahead, left)
			o.ahead -= passed
			qty = min(max(0, left-passed-ours), o.leaves())
			ours += qty
		}
		if qty == 0 {
			continue
		}
		m.fill(e.RecvTime, o, o.Price, qty, market.LiquidityAdded)
		if o.status == market.StatusFilled {
			b.remove(o)
		}
	}
}

// queue returns the resting orders of a side in order of price, then age.
func (b *lit) queue(side market.Side) []*order {
	var queue []*order
	for _, o := range b.resting {
		if o.Side == side {
			queue = append(queue, o)
		}
	}
	slices.SortStableFunc(queue, func(x, y *order) int {
		return int(side.Sign()) * cmp.Compare(y.Price, x.Price) // the highest bid first
	})
	return queue
}
