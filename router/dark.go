package router

import (
	"math/bits"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// goDark shares the dark quantity over the pools: lot by lot to the one where the next is
// worth most, by the chance that the pool holds it and what it saves there. Pings go once
// an epoch; resting orders are topped up. The price caps the peg at the far touch, the
// limit or the collar.
func (c *Core) goDark(p *Parent, a *policy.Action, have resting, dark, free market.Qty) (placed market.Qty) {
	tactic, way, want := event.TacticRest, policy.WayRest, min(dark-have.dark, free)
	if a.DarkIOC() {
		tactic, way, want = event.TacticPing, policy.WayPing, min(dark, free)
		if p.tried&triedDark != 0 {
			return 0
		}
	}
	if want <= 0 {
		return 0
	}
	capPrice, ok := c.pegCap(p)
	if !ok {
		return 0
	}
	lot := c.instruments[p.Instrument].Lot
	c.openPools(p, way, want)
	if a.MaxVenues > 0 {
		c.pools.Keep(int(a.MaxVenues))
	}
	least := int64(-1) // what rests gives nothing away by resting
	if way == policy.WayPing {
		least = 0
	}
	c.pools.Share(want, lot, least)
	if n := c.pools.Count(); n > 0 && way == policy.WayPing {
		c.pools.Explore(int(p.DecisionsTaken)%n, c.darkUnit(0, p.Instrument).FloorTo(lot), want)
	}
	minQty := market.Qty(0)
	if tactic == event.TacticRest {
		minQty = min(c.tactics.DarkMinQty, want)
	}
	c.pools.Gather(minQty)
	for i := range c.pools.Count() {
		v, qty := c.pools.Got(i)
		if qty <= 0 {
			continue
		}
		slot := 0
		if tactic == event.TacticRest {
			slot = 1
		}
		pl := placement{venue: v, tactic: tactic, qty: qty, price: capPrice, score: improvement(&c.terms[slot][v])}
		if tactic == event.TacticRest {
			pl.minQty = max(a.MinQty(qty, lot), minQty)
		}
		c.scratch.shares[v].Why = event.WhyFilled
		if got := c.place(p, &pl); got > 0 {
			placed += got
			p.darkExpected += min(c.pools.Expected(i), got)
		}
	}
	if placed > 0 && tactic == event.TacticPing {
		p.tried |= triedDark
	}
	return placed
}

// openPools adds the pools that p can use to the allocation.
func (c *Core) openPools(p *Parent, way policy.Way, most market.Qty) {
	m, now := c.composites[p.Instrument], &c.economics.now
	mid := market.Price((int64(m.Bid.Price) + int64(m.Ask.Price)) / 2)
	c.pools.Reset()
	contra := p.Side.Contra().Index()
	usable := c.usable(p)
	for set := c.listed[p.Instrument].kinds[market.Dark]; set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set) & (market.MaxVenues - 1)
		id, why := market.VenueID(v), event.WhyFilled
		if usable>>v&1 == 0 {
			why = c.blocked(p, id)
		} else if c.posted[p.Instrument][v][contra] > 0 {
			why = event.WhyOwn // it would trade with another of our own orders
		}
		if why != event.WhyFilled {
			c.scratch.shares[v].Why = why
			continue
		}
		tail := &now.Venues[v].Tail[c.situation.DarkBucket]
		fee, fill, leak := c.takeFee(v).AtMilli(mid), tail[0], int64(0)
		if way == policy.WayRest {
			fee, fill = c.makeFee(v).AtMilli(mid), now.Venues[v].RestFill
		}
		t := c.appraise(v, way, 0, fee, fill)
		if way == policy.WayPing {
			leak = t.Leakage
		}
		gain := t.Fallback + t.Moved - t.Price - t.Fee - t.Markout
		if gain <= 0 {
			c.scratch.shares[v].Why = event.WhyDear
			continue
		}
		c.scratch.shares[v].Why = event.WhyWorse // until it gets something
		c.pools.Add(id, tail, c.darkUnit(id, p.Instrument), most, gain, leak)
	}
}
