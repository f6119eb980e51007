package sim

import "penstock/market"

// offsets are the weights of the distances, in ticks, from the touch at which
// makers add and cancel.
var offsets = [flowDepth]int64{22, 18, 15, 12, 10, 8, 6, 5, 4}

const offsetsSum = 100

func drawOffset(draw uint64) int64 {
	x := below(draw, offsetsSum)
	for k, w := range offsets {
		if x < w {
			return int64(k)
		}
		x -= w
	}
	return flowDepth - 1
}

// candidate plays candidate event n; thinning may make it nothing.
func (f *Flow) candidate(at int64) {
	f.n++
	base := f.n * drawsPerEvent
	draw := func(k uint64) uint64 { return f.events.at(base + k) }
	f.nextEvent = at + f.gaps.draw(draw(0), f.gapNanos)
	kind := below(draw(1), 10_000)
	e, index := f.venue(draw(2))
	if e.halted {
		return
	}
	side := market.Buy
	if draw(3)&1 == 0 {
		side = market.Sell
	}
	switch {
	case kind < f.cfg.TradesPer10k:
		f.takeSome(at, draw(4), draw(5), draw(6))
	case kind < f.cfg.TradesPer10k+(10_000-f.cfg.TradesPer10k)/3:
		f.add(at, e, index, side, draw(4), draw(5), draw(6))
	default:
		f.cancelOne(at, e, side, draw(4), draw(5), draw(6))
	}
}

// venue picks an exchange by its share.
func (f *Flow) venue(draw uint64) (*Exchange, int) {
	x := below(draw, f.shareSum)
	for i, s := range f.shares {
		if x < s {
			return f.exchanges[i], i
		}
		x -= s
	}
	return f.exchanges[0], 0
}

// add is a maker's new order. Later venues of the list quote a tick wider at
// times, so that their touches differ.
func (f *Flow) add(at int64, e *Exchange, index int, side market.Side, d0, d1, d2 uint64) {
	k := drawOffset(d0)
	if below(d2, 100) < int64(15*index) {
		k++
	}
	price := f.tick * market.Price(f.fair.touch(side)-side.Sign()*k)
	f.post(at, e, side, price, f.size(d1))
}

func (f *Flow) size(draw uint64) market.Qty {
	return f.cfg.Unit * market.Qty(f.sizes.draw(draw))
}

// post adds an order to e. What would lock or cross another exchange goes there
// first, as its sender would not pass a better price by.
func (f *Flow) post(at int64, e *Exchange, side market.Side, price market.Price, qty market.Qty) {
	o := Order{Side: side, Price: price, OrdType: market.OrdLimit}
	for qty > 0 {
		other := f.bestVenue(side.Contra())
		if other == nil {
			break
		}
		if l, _ := other.Best(side.Contra()); !o.reaches(l.Price) {
			break
		}
		qty -= other.take(at, side, price, qty)
	}
	if qty > 0 {
		e.rest(at, side, price, qty, e.nextOrder(), nil)
	}
}

// bestVenue returns the exchange with the best price of side, the one with more
// size of equal ones; nil when there is none.
func (f *Flow) bestVenue(side market.Side) *Exchange {
	var chosen *Exchange
	var best Level
	for _, e := range f.exchanges {
		l, ok := e.Best(side)
		if !ok || e.halted {
			continue
		}
		if chosen == nil || side.Better(best.Price, l.Price) ||
			l.Price == best.Price && l.Qty > best.Qty {
			chosen, best = e, l
		}
	}
	return chosen
}

// cancelOne is a maker's cancel. Orders better than the touch are stale and go
// first; else the draw names a level, and the longer its queue the surer one of
// its orders goes.
func (f *Flow) cancelOne(at int64, e *Exchange, side market.Side, d0, d1, d2 uint64) {
	ladder := &e.sides[side.Index()]
	n := len(ladder.levels)
	if n == 0 {
		return
	}
	touch := f.tick * market.Price(f.fair.touch(side))
	chosen := &ladder.levels[n-1]
	if !side.Better(touch, chosen.price) {
		k := int(drawOffset(d0))
		if n > flowDepth+3 && d2&7 == 0 {
			k = n - 1 // far from the touch since the price moved on
		}
		if k >= n {
			return
		}
		chosen = &ladder.levels[n-1-k]
		if k < flowDepth && below(d1, queueCap) >= int64(chosen.count) {
			return
		}
	}
	f.cancelAt(at, e, chosen, d1, d2)
}

// queueCap is the number of orders at which a level's cancel is certain.
const queueCap = 10

// cancelAt takes one order of a level away, or a part of it, unless the draw
// falls on somebody else's order.
func (f *Flow) cancelAt(at int64, e *Exchange, l *level, d1, d2 uint64) {
	i := l.head
	for skip := below(d1<<20, int64(l.count)); skip > 0; skip-- {
		i = e.pool.slots[i].next
	}
	o := e.pool.slots[i]
	if o.own != nil {
		return
	}
	part := (o.qty / 2).FloorTo(f.cfg.Unit)
	if part > 0 && below(d2<<20, 10_000) < partialPer10k {
		e.shrink(at, i, part)
		return
	}
	e.removeSlot(at, i)
}

// takeSome is a taker: it hits a stale price if there is one, else it is a piece
// of a metaorder or noise, at the best price of the market.
func (f *Flow) takeSome(at int64, d0, d1, d2 uint64) {
	side := f.sign(d0)
	for _, s := range [2]market.Side{market.Buy, market.Sell} {
		if e := f.bestVenue(s.Contra()); e != nil {
			l, _ := e.Best(s.Contra())
			touch := f.tick * market.Price(f.fair.touch(s.Contra()))
			if s.Better(l.Price, touch) {
				side = s
			}
		}
	}
	e := f.bestVenue(side.Contra())
	if e == nil {
		return
	}
	l, _ := e.Best(side.Contra())
	limit := l.Price
	if below(d2, 20) == 0 {
		limit += f.tick * market.Price(side.Sign()) // one in twenty sweeps a level
	}
	e.take(at, side, limit, f.size(d1))
}

// sign draws the side of a taker: one of the metaorders, or noise.
func (f *Flow) sign(draw uint64) market.Side {
	if below(draw, 10_000) < noisePer10k {
		if draw&1 == 0 {
			return market.Buy
		}
		return market.Sell
	}
	m := &f.metaorders[draw>>1&1]
	side := m.side
	m.left--
	if m.left == 0 {
		f.renew(m)
	}
	return side
}

// renew starts another metaorder.
func (f *Flow) renew(m *metaorder) {
	m.side = market.Sell
	if f.metas.next()&1 == 0 {
		m.side = market.Buy
	}
	m.left = f.lengths.draw(f.metas.next())
}

// arbitrage trades a locked or crossed market apart, at both exchanges.
func (f *Flow) arbitrage(at int64) {
	f.nextArbitrage = Never
	for {
		low, high := f.bestVenue(market.Sell), f.bestVenue(market.Buy)
		if low == nil || high == nil || low == high {
			return
		}
		ask, _ := low.Best(market.Sell)
		bid, _ := high.Best(market.Buy)
		if bid.Price < ask.Price {
			return
		}
		qty := min(bid.Qty, ask.Qty)
		low.take(at, market.Buy, ask.Price, qty)
		high.take(at, market.Sell, bid.Price, qty)
	}
}

// fill puts the first orders on an exchange.
func (f *Flow) fill(e *Exchange) {
	for _, side := range [2]market.Side{market.Buy, market.Sell} {
		for k := int64(0); k < flowDepth; k++ {
			price := f.tick * market.Price(f.fair.touch(side)-side.Sign()*k)
			for range startingOrders {
				e.rest(f.cfg.Start, side, price, f.size(f.metas.next()), e.nextOrder(), nil)
			}
		}
	}
}
