package router

import (
	"math/bits"

	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// take gives the taking share of an action, bounded by its cap on the displayed
// size at the touch. An epoch takes once, and again when the touch moves.
func (c *Core) take(p *Parent, a *policy.Action, want market.Qty) market.Qty {
	if want <= 0 || p.tried&triedTake != 0 {
		return 0
	}
	if a.DepthCap != policy.Whole {
		shown := int64(c.composites[p.Instrument].Touch(p.Side.Contra()).Qty)
		want = min(want, market.Qty(mulDiv(shown, int64(a.DepthCap), int64(policy.Whole))))
	}
	placed := c.sweep(p, want, false)
	if placed > 0 {
		p.tried |= triedTake
	}
	return placed
}

// sweep takes up to want on all lit venues at once, best net price first, within
// the bound: one immediate-or-cancel order a venue, at the worst price it needs.
// With quotes, dealers' living quotes compete as one level each.
func (c *Core) sweep(p *Parent, want market.Qty, quotes bool) (placed market.Qty) {
	m := c.composites[p.Instrument]
	bound, ok := c.bound(p)
	if !ok || want <= 0 {
		return 0
	}
	if best := m.Touch(p.Side.Contra()); !quotes && best.OK && p.Side.Better(bound, best.Price) {
		c.outside(p) // no displayed level is better than the touch
		return 0
	}
	c.walk.start(p.Side)
	if c.walk.price = c.protects(p.Instrument); c.walk.price {
		bound = c.protectedBound(p, bound)
	}
	lot := c.instruments[p.Instrument].Lot
	if !quotes && want >= lot {
		if placed, ok = c.takeFirst(p, want.FloorTo(lot), bound); ok {
			return placed
		}
	}
	if !c.scratch.weighed {
		c.weigh(p)
	}
	c.walkTo(p, want, quotes, bound)
	iso := c.walk.price && c.beyondTouch(p, &c.walk)
	if iso && !c.leaveTogether(p, &c.walk) {
		c.walk.start(p.Side)
		c.walk.price, iso = true, false
		c.walkTo(p, want, quotes, m.Touch(p.Side.Contra()).Price)
	}
	return c.sendWalk(p, iso)
}

// walkTo decides what a sweep takes of each venue, within bound.
func (c *Core) walkTo(p *Parent, want market.Qty, quotes bool, bound market.Price) {
	w, lot, banded := &c.walk, c.instruments[p.Instrument].Lot, c.trading[p.Instrument].banded
	c.openVenues(w, p, quotes)
	for want >= lot {
		best := w.best()
		if best == nil {
			break
		}
		if banded>>best.venue&1 != 0 && !c.inBand(p.Instrument, market.VenueID(best.venue), best.price) {
			c.scratch.shares[best.venue].Why = event.WhyBand
			best.close()
			continue
		}
		if p.Side.Better(bound, best.price) {
			c.scratch.shares[best.venue].Why = event.WhyOutsideLim
			best.close()
			continue
		}
		want -= best.take(want, lot)
		best.next()
	}
}

// sendWalk sends the orders of a walk. With iso those that take what is better displayed are among them.
func (c *Core) sendWalk(p *Parent, iso bool) (placed market.Qty) {
	w := &c.walk
	latest := int64(0)
	if !iso { // the exemption is for orders that leave at the same time
		latest = c.together(w)
	}
	for i := range w.at[:w.count] {
		at := &w.at[i]
		if at.got == 0 {
			continue
		}
		pl := placement{venue: market.VenueID(at.venue), tactic: event.TacticTake, qty: at.got, price: at.worst}
		if latest > 0 {
			pl.wait = max(latest-c.latency(pl.venue), 0)
		}
		if at.ladder == nil {
			pl.tactic, pl.quote = event.TacticQuote, c.composites[p.Instrument].Books[at.venue].Quote.ID
			pl.score = improvement(&c.terms[0][at.venue])
		} else {
			pl.score, pl.iso = c.takeScore(p, at.venue, at.worst), iso
		}
		left := c.place(p, &pl)
		if left != at.got {
			w.leaves.known = false
		}
		placed += left
		at.got = 0 // what left is under way
	}
	if w.leaves.known = false; iso {
		c.keepEvidence(p)
	}
	return placed
}

// takeScore returns what the decision record says of taking at a venue and price.
func (c *Core) takeScore(p *Parent, v int, price market.Price) int64 {
	return improvement(c.appraise(v, policy.WayTake, c.atMilli(p, price), c.takeFee(v).AtMilli(price), policy.One))
}

// outside notes that what the lit venues show is beyond the bound.
func (c *Core) outside(p *Parent) {
	m := c.composites[p.Instrument]
	for v := range c.venues {
		id := market.VenueID(v)
		if m.Books[v] == nil || m.Kind(id) != market.Lit {
			continue
		}
		why := c.blocked(p, id)
		if why == event.WhyFilled {
			if why = event.WhyOutsideLim; !m.Books[v].Live() {
				why = event.WhyNotLive
			} else if m.Books[v].Ladder(p.Side.Contra()).Len() == 0 {
				why = event.WhyNoSize
			}
		}
		c.scratch.shares[v].Why = why
	}
}

// openVenues prepares every venue for a walk that can be used.
func (c *Core) openVenues(w *walk, p *Parent, quotes bool) {
	l, m, contra := &c.listed[p.Instrument], c.composites[p.Instrument], p.Side.Contra()
	n, plain := c.openings(m, p.Side), uint16(0)
	if c.verdict.of == p && m.Dirty == 0 {
		plain = m.LiveLit() & c.verdict.usable &^ (l.posted[contra.Index()] | n.empty)
	}
	for set := l.kinds[market.Lit] | l.kinds[market.SDP]; set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set) & (market.MaxVenues - 1)
		if plain>>v&1 == 0 {
			c.openVenue(w, p, v, quotes)
			continue
		}
		c.scratch.shares[v].Why = event.WhyFilled
		w.open(v, m.Books[v].Ladder(contra), c.takeFee(v), &n.first[v])
	}
}

// openVenue prepares venue v for a walk, or notes why it cannot be used.
func (c *Core) openVenue(w *walk, p *Parent, v int, quotes bool) {
	m, id := c.composites[p.Instrument], market.VenueID(v)
	b, share := m.Books[v], &c.scratch.shares[v]
	if share.Why = c.blocked(p, id); share.Why != event.WhyFilled {
		return
	}
	if m.Kind(id) == market.SDP {
		price, qty, ok := c.quoteOf(p, id)
		switch {
		case !quotes || c.tactics.Off&OffSDP != 0 || c.tactics.Rule == RuleLitOnly:
		case ok:
			at, t := w.add(v, nil, c.takeFee(v)), c.hitTerms(p, v, price)
			at.show(book.Level{Price: price, Qty: qty})
			if c.tactics.Rule != RuleBestPrice {
				at.net += t.Net - t.Price - t.Fee // what the last look is expected to cost
			}
		default:
			share.Why = event.WhyQuoteDead
		}
		return
	}
	if !b.Live() {
		share.Why = event.WhyNotLive
	} else if !c.openLadder(w, p, v) {
		share.Why = event.WhyNoSize
	} else if price, ok := c.ownResting(p, id); ok {
		at := &w.at[w.count-1]
		if at.bar(price); at.left == 0 {
			share.Why = event.WhyOwn
		}
	}
}

// openLadder adds the ladder of lit venue v to a walk, less what our unanswered orders
// will take there; false when nothing is left.
func (c *Core) openLadder(w *walk, p *Parent, v int) bool {
	m := c.composites[p.Instrument]
	o := &c.openings(m, p.Side).first[v&(market.MaxVenues-1)]
	return w.open(v, m.Books[v].Ladder(p.Side.Contra()), c.takeFee(v), o).left > 0
}

// sweepLevels bounds how deep sweepCost looks: the policy only asks whether a
// sweep stays near the touch.
const sweepLevels = 8

// costAt is sweepCost where one level, at price, holds all, in a market that is Normal.
func costAt(m *book.Composite, side market.Side, price market.Price) int64 {
	half2 := uint64(m.Spread())
	last := uint64(min(max(side.Sign()*(2*int64(price)-int64(m.Bid.Price)-int64(m.Ask.Price)), 0), 1<<40))
	if last == half2 {
		return 1000
	}
	return int64(min(last*1000/half2, 100_000))
}

// sweepCost returns what taking qty now would cost per lot against the mid, in
// thousandths of the half-spread; what the first levels do not show counts at
// twice the distance of the last one.
func (c *Core) sweepCost(p *Parent, qty market.Qty) int64 {
	m := c.composites[p.Instrument]
	mid2, ok := m.Mid2()
	half2 := int64(m.Spread()) // half-spread, doubled
	if !ok || half2 <= 0 || qty <= 0 {
		return 1000
	}
	n := c.openings(m, p.Side)
	if v, ok := n.cheapest(m.LiveLit()); ok && n.first[v].left >= qty {
		return costAt(m, p.Side, n.first[v].price)
	}
	levels := c.nearest(p)
	left, last := qty, uint64(half2)
	var sum wide // Σ quantity × distance
	for i := 0; left > 0; i++ {
		at := levels.level(i)
		if at == nil {
			sum.add(uint64(left), 2*last)
			break
		}
		take := min(left, at.Qty)
		last = uint64(min(max(p.Side.Sign()*(2*int64(at.Price)-mid2), 0), 1<<40))
		sum.add(uint64(take), last)
		left -= take
	}
	return int64(min(sum.over(uint64(qty))*1000/uint64(half2), 100_000))
}

// nearest returns the first levels that a parent of p's side can take on lit venues, less
// what our unanswered orders will take there. All parents of an instrument and side have the
// same: they are merged once for all, until a book or an order under way changes.
func (c *Core) nearest(p *Parent) *nearLevels {
	m := c.composites[p.Instrument]
	l := &c.near[p.Instrument][p.Side.Index()]
	if l.version == m.Version && !l.stale {
		return l
	}
	c.openings(m, p.Side)
	l.walk.start(p.Side)
	for set := m.LiveLit(); set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set) & (market.MaxVenues - 1)
		l.walk.open(v, m.Books[v].Ladder(p.Side.Contra()), c.takeFee(v), &l.first[v])
	}
	l.count, l.version, l.stale = 0, m.Version, false
	return l
}

// nearLevels are levels over venues, best net price first, merged as far as somebody has
// asked.
type nearLevels struct {
	version uint64 // of the composite
	stale   bool   // an order under way has changed since
	count   int
	at      [sweepLevels]book.Level
	walk    walk
	keys    [market.MaxVenues]int64 // of the openings
	byPrice [market.MaxVenues]int64 // where prices come first
	among   uint16                  // venues of which least and second are the least keys
	empty   uint16                  // venues without an opening
	least   int64
	second  int64                     // unknownKey: it is not known
	first   [market.MaxVenues]opening // of the lit venues: see openings
	single  walk                      // of one venue, to find it
}

// level returns level i, which is at most one beyond those asked for before; nil when
// there is none, or it is too far.
func (l *nearLevels) level(i int) *book.Level {
	if i < l.count {
		return &l.at[i]
	}
	best := l.walk.best()
	if best == nil || i == sweepLevels {
		return nil
	}
	l.at[i] = book.Level{Price: best.price, Qty: best.left}
	l.count++
	best.next()
	return &l.at[i]
}

// wide is a sum of products.
type wide struct{ hi, lo uint64 }

func (s *wide) add(a, b uint64) {
	hi, lo := bits.Mul64(a, b)
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, lo, 0)
	s.hi += hi + carry
}

// over returns the sum divided by n, which must be greater than a 2^64th of it.
func (s *wide) over(n uint64) uint64 {
	if s.hi == 0 {
		return s.lo / n
	}
	q, _ := bits.Div64(s.hi, s.lo, n)
	return q
}
