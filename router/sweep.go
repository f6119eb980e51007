package router

import (
	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/policy"
	"penstock/router/risk"
)

// sweepNow is takeNow where it takes several levels, of one venue or more: what sweep does of them if nothing holds any of
// its orders back, waits, or keeps the parent from a venue. Where it is not so, nothing was done. What the orders do not
// need is left for their record: see sweptLate.
func (c *Core) sweepNow(slot int32, s *stance, m *book.Composite) (done bool) {
	p := s.parent
	if s.far.Venues&m.LiveLit()&s.usable == 0 { // to take is not available
		return false
	}
	if s.protected && (*s.posted != 0 || m.LiveLit()&^s.usable != 0) || c.tactics.EqualiseNanos > 0 {
		return false
	}
	bound, ok := c.bound(p)
	if !ok || p.Side.Better(bound, s.far.Price) || !c.takesAll(s, m) {
		return false
	}
	w := &c.walk
	w.start(p.Side)
	w.price = s.protected
	c.judgeVenues(p)
	c.scratch = allocation{}
	c.walkTo(p, s.want, false, bound)
	c.verdict.of = nil
	iso := w.price && c.beyondTouch(p, w)
	mid2, _ := m.Mid2()
	if !c.allowed(s, w, iso, mid2) {
		return false
	}
	d := &c.made
	d.from = int32(c.childCount)
	for i := range w.at[:w.count] {
		if at := &w.at[i]; at.got > 0 {
			c.takeAt(s, at, iso, mid2)
		}
	}
	d.of, d.remaining, d.iso = p, s.remaining, iso
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

// allowed reports whether every order of a walk would leave, whole: see leaveTogether.
func (c *Core) allowed(s *stance, w *walk, iso bool, mid2 int64) bool {
	p, all, total, claim := s.parent, 0, market.Qty(0), risk.Claim{}
	if iso {
		w.leaves = c.leavings(p)
	}
	for i := range w.at[:w.count] {
		at := &w.at[i]
		if at.got == 0 {
			continue
		}
		all++
		total += at.got
		v := market.VenueID(at.venue)
		if iso && c.tradesThrough(p, v, at.worst) || !c.gate.Passes(&s.permit, &claim, v, at.worst, at.got, mid2, c.now) {
			return false
		}
	}
	w.leaves.known = false
	return all > 0 && total <= p.Unplaced() && !c.braked(p, all) && c.childCount+all <= len(c.children)
}

// takeAt sends the order of a walk that was allowed, at one venue.
func (c *Core) takeAt(s *stance, at *frontier, iso bool, mid2 int64) {
	p := s.parent
	o := c.gate.Use(&s.permit, market.VenueID(at.venue), at.worst, at.got, mid2, c.now).Order()
	ch := c.newChild(p, o, event.TacticTake)
	c.describe(p, ch, o, mid2)
	c.gate.Book(c.now)
	if cmd := c.tellVenue(p, o, ch.Number, ch.TIF); iso {
		cmd.ExecInst = market.ExecInstISO
	}
}

// sweptLate makes up for what sweepNow left out. Core.scratch still has what the walk says of each venue.
func (c *Core) sweptLate(m *made) {
	p, a := m.of, &c.scratch
	if m.iso {
		c.keepEvidence(p)
	}
	c.decided(m, p)
	c.weigh(p)
	for slot := m.from; slot < int32(c.childCount); slot++ {
		ch := &c.children[slot]
		v := int(ch.Venue & (market.MaxVenues - 1))
		share := &a.shares[v]
		share.Tactic, share.Qty = ch.Tactic, ch.Qty
		share.Score = clamp32(improvement(c.appraise(v, policy.WayTake, c.atMilli(p, ch.Price), c.takeFee(v).AtMilli(ch.Price), policy.One)))
		c.entered(p, ch)
	}
	m.from = none
}

// decided fills in which cell of the table said TAKE_ALL, of a market of which the orders have taken nothing yet.
func (c *Core) decided(m *made, p *Parent) {
	c.gauge(&m.inputs, p, m.remaining)
	m.inputs.SweepCost = c.sweepCost(p, m.remaining)
	m.page, m.cell, m.action, m.flags, m.drawn = 0, c.table.Find(0, &m.inputs), policy.ActionTakeAll, 0, propensity{certain, 0}
}
