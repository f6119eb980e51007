package router

import (
	"math"
	"math/bits"

	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// sweepNow is takeNow where it takes several levels, of one venue or more: what sweep does of them if nothing holds any of
// its orders back, or lets it wait. Where it is not so, nothing was done. What the orders do not need is left for their
// record: see sweptLate.
func (c *Core) sweepNow(slot int32, s *stance, m *book.Composite) (done bool) {
	p, open := s.parent, m.LiveLit()&s.usable
	if s.far.Venues&open == 0 { // to take is not available
		return false
	}
	if *s.posted != 0 || c.tactics.EqualiseNanos > 0 {
		return false
	}
	bound, ok := c.bound(p)
	if !ok || p.Side.Better(bound, s.far.Price) || !c.takesAll(s, m) {
		return false
	}
	if s.protected && m.LiveLit() != open {
		c.judgeVenues(p)
		bound = c.protectedBound(p, bound)
		c.verdict.of = nil
	}
	c.scratch = allocation{}
	w := &c.walk
	w.start(p.Side)
	w.price = s.protected
	took := c.walkNow(s, m, open, bound)
	worst := w.worst()
	iso := w.price && worst > w.sign*int64(s.far.Price)
	if iso {
		w.leaves = c.leavings(p, worst)
	}
	mid2, _ := m.Mid2()
	whole := c.allowed(s, took, iso, mid2)
	if w.leaves.known = false; !whole {
		return false
	}
	d := &c.made
	d.of, d.remaining, d.open, d.iso, d.mid2 = p, s.remaining, open, iso, mid2
	d.from, d.batched = int32(c.childCount), bits.OnesCount16(took)
	c.takeNext()
	p.tried |= triedTake
	c.owed = slot
	return true
}

// takesAll reports whether the cell of a stance says TAKE_ALL at the touch of m.
func (c *Core) takesAll(s *stance, m *book.Composite) bool {
	if s.sure {
		return true
	}
	p := s.parent
	m.Tally()
	cell := c.table.FindFrom(0, s.rest, c.signal(m, p.Side), int64(m.Spread()/c.instruments[p.Instrument].Tick), c.sweepCost(p, s.remaining))
	return cell.Action == policy.ActionTakeAll && !cell.Thin()
}

// walkNow is walkTo over some venues, with nothing of ours in the way at any, which opens them as it comes to them. It returns
// those that it takes something of.
func (c *Core) walkNow(s *stance, m *book.Composite, open uint16, bound market.Price) (took uint16) {
	p, w, n, lot := s.parent, &c.walk, c.openings(m, s.side), c.instruments[s.parent.Instrument].Lot
	keys := n.keys
	if w.price {
		keys = n.byPrice
	}
	reached := uint16(0)
	for set, want := open&^n.empty, s.want; want >= lot && set != 0; {
		least := int64(math.MaxInt64)
		for some := set; some != 0; some &= some - 1 {
			least = min(least, keys[bits.TrailingZeros16(some)&(market.MaxVenues-1)])
		}
		v := int(least & (market.MaxVenues - 1))
		bit := uint16(1) << v
		if reached&bit == 0 {
			reached |= bit
			w.open(v, m.Books[v].Ladder(s.side.Contra()), c.takeFee(v), &n.first[v])
		}
		at := &w.at[w.of[v]&(market.MaxVenues-1)]
		why := event.WhyFilled
		if s.trading.banded&bit != 0 && !c.inBand(p.Instrument, market.VenueID(v), at.price) {
			why = event.WhyBand
		} else if p.Side.Better(bound, at.price) {
			why = event.WhyOutsideLim
		}
		if why != event.WhyFilled {
			c.scratch.shares[v].Why = why
			set &^= bit
			continue
		}
		if qty := at.take(want, lot); qty > 0 {
			want -= qty
			took |= bit
		}
		if at.next(); at.left == 0 {
			set &^= bit
		}
		keys[v] = at.net*market.MaxVenues + int64(v)
	}
	return took
}

// allowed reports whether every order of a walk that takes at some venues would leave, whole, as leaveTogether says it, and makes
// the batch of them.
func (c *Core) allowed(s *stance, took uint16, iso bool, mid2 int64) bool {
	p, w, total := s.parent, &c.walk, market.Qty(0)
	c.batch.Open(&s.permit)
	for set := took; set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set) & (market.MaxVenues - 1)
		at := &w.at[w.of[v]&(market.MaxVenues-1)]
		total += at.got
		if iso && c.tradesThrough(p, market.VenueID(v), at.worst) || !c.gate.Add(&c.batch, market.VenueID(v), at.worst, at.got, mid2, c.now) {
			return false
		}
	}
	all := bits.OnesCount16(took)
	return all > 0 && total <= p.Unplaced() && !c.braked(p, all) && c.childCount+all <= len(c.children)
}

// takeNext sends the next order of the sweep, which leaves before the others are made; false: there is none.
func (c *Core) takeNext() bool {
	d := &c.made
	sent := c.childCount - int(d.from)
	if d.from == none || sent == d.batched {
		return false
	}
	o := c.gate.Approve(&c.batch, sent, c.now).Order()
	ch := c.newChild(d.of, o, event.TacticTake)
	c.describe(d.of, ch, o, d.mid2)
	if cmd := c.tellVenue(d.of, o, ch.Number, ch.TIF); d.iso {
		cmd.ExecInst = market.ExecInstISO
	}
	return true
}

// sweptLate makes up for what sweepNow left out. Core.scratch still has what the walk says of the venues that it came to.
func (c *Core) sweptLate(m *made) {
	p, a := m.of, &c.scratch
	if m.iso {
		c.keepEvidence(p)
	}
	c.decided(m, p)
	c.judgeVenues(p)
	n := c.openings(c.composites[p.Instrument], p.Side)
	c.tellOthers(p, m.open, n.empty&m.open)
	c.verdict.of = nil
	c.weigh(p)
	for slot := m.from; slot < int32(c.childCount); slot++ {
		ch := &c.children[slot]
		v := int(ch.Venue & (market.MaxVenues - 1))
		share := &a.shares[v]
		share.Tactic, share.Qty = ch.Tactic, ch.Qty
		share.Score = clamp32(c.takeScore(p, v, ch.Price))
		c.entered(p, ch)
	}
	m.from = none
}

// decided fills in which cell of the table said TAKE_ALL, of a market of which the orders have taken nothing yet.
func (c *Core) decided(m *made, p *Parent) {
	c.gauge(&m.inputs, p, m.remaining)
	m.inputs.SweepCost = c.sweepCost(p, m.remaining)
	m.page, m.cell, m.action, m.flags, m.drawn = 0, c.table.Find(0, &m.inputs), policy.ActionTakeAll, 0, propensity{certain, 0}
	if c.exploration.RateBps != 0 && p.draw.odds.action != 0 {
		m.drawn = p.draw.odds
	}
}
