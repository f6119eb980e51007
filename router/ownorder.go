package router

import "penstock/market"

// ownResting returns the best price at which an order of ours rests on the other side of
// venue v: p must not trade with it.
func (c *Core) ownResting(p *Parent, v market.VenueID) (best market.Price, ok bool) {
	contra := p.Side.Contra()
	if !has(c.listed[p.Instrument].posted[contra.Index()], v) || c.posted[p.Instrument][v][contra.Index()] <= 0 {
		return 0, false
	}
	for slot := c.agenda.of[p.Instrument].first; slot != none; slot = c.agenda.links[slot].next {
		other := &c.parents[slot]
		if other.Side != contra {
			continue
		}
		for s := other.first; s != none; s = c.children[s].next {
			ch := &c.children[s]
			if ch.Venue == v && ch.TIF == market.TIFDay && ch.reserved() > 0 && (!ok || p.Side.Better(ch.Price, best)) {
				best, ok = ch.Price, true
			}
		}
	}
	return best, ok
}
