package router

import (
	"penstock/event"
	"penstock/market"
)

// onShortRestriction takes from a feed whether a price test holds for short sales of an
// instrument, on every market (17 CFR 242.201): what is not exempt is sold above the best bid
// only. It holds until a feed ends it, over restarts too.
func (c *Core) onShortRestriction(e *event.Event) {
	if int(e.Instrument) >= len(c.composites) || int(e.Venue) >= len(c.venues) {
		return
	}
	t := &c.trading[e.Instrument]
	on := e.Code == event.ShortsRestricted
	if on == t.shorts {
		return
	}
	if t.shorts = on; on {
		c.Counters.ShortBans++
		c.recallWhere(e.Instrument, func(ch *Child) bool {
			bid := c.shortBid(&c.parents[ch.Parent])
			return bid != 0 && ch.Price <= bid
		})
	}
	m := c.composites[e.Instrument]
	m.Owed = true
	c.settle(m, false)
}

// shortBid returns the best bid when p may sell above it only, 0 when no price test holds for
// p. Without a bid nothing can be said to be above it.
func (c *Core) shortBid(p *Parent) market.Price {
	if p.Mark != market.Short || !c.trading[p.Instrument].shorts {
		return 0
	}
	if bid := c.composites[p.Instrument].Touch(market.Buy); bid.OK {
		return bid.Price
	}
	return market.MaxPrice
}

// unmarked returns the venues that do not take the short mark of p, one bit each.
func (c *Core) unmarked(p *Parent) (set uint16) {
	if p.Mark == market.Long {
		return 0
	}
	for v := range c.venues {
		if !c.venues[v].Takes(p.Mark) {
			set |= 1 << v
		}
	}
	return set
}
