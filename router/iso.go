package router

import (
	"math/bits"

	"penstock/event"
	"penstock/market"
	"penstock/router/risk"
)

// protectedBound returns bound, or the best displayed price of a venue that p must not
// trade through and does not use: one that refused, that its client does not want, or where
// our own order rests. One that cannot be reached at all has no protection (Rule 611(b)(1):
// self-help).
func (c *Core) protectedBound(p *Parent, bound market.Price) market.Price {
	m := c.composites[p.Instrument]
	for set := m.LiveLit() & (^c.usable(p) | c.listed[p.Instrument].posted[p.Side.Contra().Index()]); set != 0; set &= set - 1 {
		v := market.VenueID(bits.TrailingZeros16(set))
		best, ok := m.Books[v].Ladder(p.Side.Contra()).Best()
		if own, rests := c.ownResting(p, v); rests {
			best.Price, ok = own, true
		} else if why := c.blocked(p, v); why == event.WhyFilled || why == event.WhyDown || c.gate.Killed(v) {
			continue
		}
		if ok && p.Side.Better(best.Price, bound) {
			bound = best.Price
		}
	}
	return bound
}

// beyondTouch reports whether a walk takes at a price worse than the best displayed one.
func (c *Core) beyondTouch(p *Parent, w *walk) bool {
	far := c.composites[p.Instrument].Touch(p.Side.Contra())
	return far.OK && p.Side.Sign()*int64(far.Price) < w.worst()
}

// leaveTogether reports whether all orders of a walk would leave, whole: one that goes beyond the touch may do so
// because the others take what is better displayed (17 CFR 242.600, intermarket sweep order), and none of them may
// be held back by a limit once the first is out.
func (c *Core) leaveTogether(p *Parent, w *walk) bool {
	most, mid2, t := c.gate.ChildMaxQty(p.Instrument), c.reference(p.Instrument), &c.trading[p.Instrument]
	all, total, claim := 0, market.Qty(0), risk.Claim{}
	w.leaves = c.leavings(p, w.worst())
	for i := range w.at[:w.count] {
		at := &w.at[i]
		if at.got == 0 {
			continue
		}
		all++
		total += at.got
		o := c.asked(p, market.VenueID(at.venue), at.worst, at.got)
		if at.got > most || t.stopped>>at.venue&1 != 0 ||
			at.ladder != nil && c.tradesThrough(p, o.Venue, o.Price) || // a band keeps us from a quote
			!c.gate.Affords(&claim, &o, mid2, c.now) {
			return false
		}
	}
	return total <= p.Unplaced() && !c.braked(p, all) && c.childCount+all <= len(c.children)
}

// keepEvidence puts the protected quotes into the journal: the best level that each live lit
// venue displays while p sweeps.
func (c *Core) keepEvidence(p *Parent) {
	m := c.composites[p.Instrument]
	for set := m.LiveLit(); set != 0; set &= set - 1 {
		v := market.VenueID(bits.TrailingZeros16(set))
		best, ok := m.Books[v].Ladder(p.Side.Contra()).Best()
		if !ok {
			continue
		}
		cmd := c.command(event.ProtectedQuote)
		cmd.Parent, cmd.Venue, cmd.Instrument, cmd.Side = p.Number, v, p.Instrument, p.Side.Contra()
		cmd.Price, cmd.Qty = best.Price, best.Qty
	}
}
