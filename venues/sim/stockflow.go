package sim

import "penstock/market"

// Candidates per second at activity one, over all exchanges, both sides together.
// Makers add at the fair price ± half and behind; their cancels are proportional to
// the number of orders, up to a cap; stale levels are pulled; takers are few.
const (
	litVenues    = 4
	addLevels    = 8
	cancelLevels = 5   // the last is any deeper level
	orderCap     = 10  // orders of a level at a venue beyond which cancels do not grow
	staleRate    = 20  // looks at a venue's best level
	tradesMilli  = 420 // per thousand seconds
	classEntries = 1 << 14
	historyBeats = 36_000
	stockLongest = 30_000 // longest metaorder, in trades
	stockNoise   = 1000   // of 10,000 trades: neither metaorder's
	maxQuote     = 10     // lots

	makersHalf  = one16 * 50 / 100  // distance of the makers from the fair price
	followBeats = 12                // time in which makers follow it
	eager       = one16 * 100 / 100 // beyond half at which a maker is sure to add
	eagerLeast  = 50                // of 1000: chance to add right at half
	flight      = 3                 // times by which the first level's cancels grow on the way
	staleWithin = one16 * 5 / 100   // nearer than half by this much: pulled
)

var (
	litShares   = [litVenues]int{35, 30, 20, 15}
	addRates    = [addLevels]int64{800, 500, 400, 200, 150, 120, 100, 80}
	cancelRates = [cancelLevels]int64{35, 25, 20, 15, 12}
)

// Classes of candidates.
const (
	classAdd    = iota
	classCancel = classAdd + addLevels
	classStale  = classCancel + cancelLevels
	classTrade  = classStale + 1
)

// layOutClasses makes the table that maps a draw to a class and returns the mean gap.
func (t *stockTables) layOutClasses() (meanGap int64) {
	var rates [classTrade + 1]int64 // per 100,000 seconds
	for k, r := range addRates {
		rates[classAdd+k] = 2 * r * 1000
	}
	for k, r := range cancelRates {
		rates[classCancel+k] = 2 * r * litVenues * orderCap * 1000
	}
	rates[classCancel+cancelLevels-1] *= deepLevels
	rates[classStale] = 2 * staleRate * 100_000
	rates[classTrade] = tradesMilli * 100
	sum := int64(0)
	for _, r := range rates {
		sum += r
	}
	at, run := 0, int64(0)
	for class, r := range rates {
		run += r
		for end := int(run * classEntries / sum); at < end; at++ {
			t.classes[at] = uint8(class)
		}
	}
	return 100_000 * 1_000_000_000 / sum
}

const deepLevels = 5

func (s *Stock) gap(draw uint64) int64 {
	if s.now >= s.gapUntil {
		second := min((s.now-s.cfg.Start)/1e9, int64(len(s.path.gap)-1))
		s.meanGap, s.gapUntil = s.path.gap[second], s.cfg.Start+(second+1)*1e9
	}
	return stockShared.gaps.draw(draw, s.meanGap)
}

// play takes the candidate that is due.
func (s *Stock) play(at int64) {
	s.n++
	s.Candidates++
	base := s.n * 3
	u := s.draws.at(base)
	s.candidate = at + s.gap(s.draws.at(base+1))
	class := int(stockShared.classes[u>>50])
	side := market.Buy
	if u&1 == 0 {
		side = market.Sell
	}
	venue := int(stockShared.venueOf[u>>1&255])
	switch {
	case class < classCancel:
		s.add(venue, side, int64(class), u, s.draws.at(base+2))
	case class < classStale:
		s.cancelOne(int(u>>9&3), side, class-classCancel, u, s.draws.at(base+2))
	case class == classStale:
		s.pullStale(venue, side)
	default:
		s.trade(u>>9, s.draws.at(base+2))
	}
}

// makersTouch is the best price, in ticks, at which makers quote a side.
func (s *Stock) makersTouch(side market.Side) int64 {
	if side == market.Buy {
		return (s.slow - s.half) >> 16
	}
	return (s.slow + s.half + one16 - 1) >> 16
}

// add is a maker's order, k ticks behind the makers' touch.
func (s *Stock) add(venue int, side market.Side, k int64, u, v uint64) {
	e := s.Exchanges[venue]
	if e.halted || below(v<<20, 1000) >= s.cfg.Regime.DepthMilli {
		return
	}
	price := s.makersTouch(side) - side.Sign()*k
	if k == 0 {
		// The nearer a price is to the fair one, the fewer dare to quote it.
		room := side.Sign()*(s.fair-price<<16) - s.half
		chance := max(eagerLeast+(1000-eagerLeast)*room/eager, eagerLeast)
		if below(u<<20, 1000) >= chance {
			return
		}
	}
	s.Accepted++
	in := &s.cfg.Instrument
	qty := in.Lot * market.Qty(stockShared.quotes.draw(v))
	limit := market.Price(price) * in.Tick
	if side == market.Buy && s.ask > 0 && price >= s.ask || side == market.Sell && s.bid > 0 && price <= s.bid {
		qty -= s.hit(side, limit, qty) // it only catches up with the news: no impact of its own
	}
	if qty > 0 {
		e.rest(s.now, side, limit, qty, e.nextOrder(), nil)
	}
	if side == market.Buy && price <= s.bid || side == market.Sell && price >= s.ask && s.ask > 0 {
		return // behind the touch
	}
	s.settle()
}

// cancelOne is a maker's cancel at level k of a venue, the likelier the more orders wait.
func (s *Stock) cancelOne(venue int, side market.Side, k int, u, v uint64) {
	e := s.Exchanges[venue]
	ladder := &e.sides[side.Index()]
	i := len(ladder.levels) - 1 - k
	if k == cancelLevels-1 {
		i = len(ladder.levels) - cancelLevels - int(below(u<<20, deepLevels))
	}
	if i < 0 || e.halted {
		return
	}
	l := &ladder.levels[i]
	weight := int64(l.count) << 10
	if k == 0 {
		// Makers leave first where the fair price comes near.
		room := side.Sign()*(s.fair-int64(l.price/s.cfg.Instrument.Tick)<<16) - s.half
		weight += weight * flight * max(eager-max(room, 0), 0) / eager
	}
	if below(v, orderCap<<10) >= weight {
		return
	}
	slot := l.head
	for skip := below(v<<20, int64(l.count)); skip > 0; skip-- {
		slot = e.pool.slots[slot].next
	}
	if e.pool.slots[slot].own != nil {
		return
	}
	s.Accepted++
	last := l.count == 1
	e.removeSlot(s.now, slot)
	if k == 0 && last {
		s.settle()
	}
}

// pullStale takes a venue's best level away when the fair price has come too near.
func (s *Stock) pullStale(venue int, side market.Side) {
	e := s.Exchanges[venue]
	l := e.sides[side.Index()].best()
	if l == nil || e.halted {
		return
	}
	tick := int64(s.cfg.Instrument.Tick) // both sides times the tick: a product for a division
	if side.Sign()*(s.slow*tick-int64(l.price)<<16) >= (s.half-staleWithin)*tick {
		return
	}
	s.Accepted++
	s.clear(e, l.head)
	s.settle()
}

// trade is a taker: a piece of a metaorder or noise, larger when the book leans its
// way, seldom beyond the best price.
func (s *Stock) trade(u, v uint64) {
	side := s.sign(u)
	lots := stockShared.sizes.draw(v)
	best := s.ask
	if side == market.Sell {
		best = s.bid
	}
	if best == 0 {
		return
	}
	bid, ask := s.depth()
	lean := side.Sign() * (bid - ask) * 800 / max(bid+ask, 1)
	lots = max((lots*(1000+lean)+below(v<<24, 1000))/1000, 1)
	limit := best
	if below(v<<34, 20) == 0 {
		limit += side.Sign()
	}
	s.Accepted++
	in := &s.cfg.Instrument
	if got := s.hit(side, market.Price(limit)*in.Tick, market.Qty(lots)*in.Lot); got > 0 {
		s.moved(side.Sign() * int64(got) * 1000 / int64(in.Lot))
	}
	s.settle()
}

// depth returns the lots at the best bid and ask.
func (s *Stock) depth() (bid, ask int64) {
	in := &s.cfg.Instrument
	bestBid, bestAsk := s.Touch()
	for _, e := range s.Exchanges {
		if l := e.sides[0].best(); l != nil && l.price == bestBid {
			bid += int64(l.qty / in.Lot)
		}
		if l := e.sides[1].best(); l != nil && l.price == bestAsk {
			ask += int64(l.qty / in.Lot)
		}
	}
	return bid, ask
}

// hit takes up to qty at the best prices within limit, the largest venue first.
func (s *Stock) hit(side market.Side, limit market.Price, qty market.Qty) (got market.Qty) {
	for got < qty {
		var chosen *Exchange
		var best *level
		for _, e := range s.Exchanges {
			l := e.sides[side.Contra().Index()].best()
			if l == nil || e.halted || side.Better(limit, l.price) {
				continue
			}
			if best == nil || side.Better(l.price, best.price) || l.price == best.price && l.qty > best.qty {
				chosen, best = e, l
			}
		}
		if chosen == nil {
			break
		}
		n := chosen.take(s.now, side, limit, min(qty-got, best.qty))
		if n == 0 {
			break
		}
		got += n
		s.Trades++
		s.Volume += n
	}
	return got
}

// sign draws the side of a taker (Lillo, Mike, Farmer 2005).
func (s *Stock) sign(draw uint64) market.Side {
	if below(draw<<9, 10_000) < stockNoise {
		if draw>>1&1 == 0 {
			return market.Buy
		}
		return market.Sell
	}
	m := &s.active[draw&1]
	side := m.side
	if m.left--; m.left == 0 {
		s.renew(m)
	}
	return side
}

func (s *Stock) renew(m *metaorder) {
	m.side = market.Sell
	if s.metas.next()&1 == 0 {
		m.side = market.Buy
	}
	m.left = s.lengths.draw(s.metas.next())
}

// fillBooks puts about what is usual on the exchanges.
func (s *Stock) fillBooks() {
	draws := newRandom(s.cfg.Seed, streamContra)
	in := &s.cfg.Instrument
	for v, e := range s.Exchanges {
		for _, side := range [2]market.Side{market.Buy, market.Sell} {
			for k := range int64(addLevels) {
				price := market.Price(s.makersTouch(side)-side.Sign()*k) * in.Tick
				for n := below(draws.next(), int64(litShares[v]/3)); n > 0; n-- {
					e.rest(s.now, side, price, in.Lot*market.Qty(stockShared.quotes.draw(draws.next())), e.nextOrder(), nil)
				}
			}
		}
	}
}
