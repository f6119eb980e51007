package router

import (
	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// seekShares are the shares of dark, sdp, post and take by urgency, in percent, of a
// parent that seeks hidden liquidity: without a displayed block, and with one.
var seekShares = [...][2][policy.Classes]int64{
	event.UrgencyLow:    {{100, 0, 0, 0}, {50, 0, 0, 50}},
	event.UrgencyMedium: {{75, 25, 0, 0}, {25, 0, 0, 75}},
	event.UrgencyHigh:   {{50, 25, 25, 0}, {0, 0, 0, 100}},
}

// seekActions are the shares as actions: what rests dark has a minimum quantity.
var seekActions = func() (actions [len(seekShares)][2]policy.Action) {
	for u := range seekShares {
		for block, shares := range seekShares[u] {
			a := *policy.Template(policy.ActionDarkRest)
			sum, given := int64(0), int64(0)
			for class, percent := range shares {
				sum += percent
				a.Weights[class] = policy.Weight(sum*int64(policy.Whole)/100 - given)
				given = sum * int64(policy.Whole) / 100
			}
			actions[u][block] = a
		}
	}
	return actions
}()

// blockShare is the default size of a block worth taking: this part of the order. At a tenth nine
// tenths of an order were taken at the touch, which hides nothing, and no cheaper (bench/RESULTS.md).
const blockShare = 2

// seek works all that is left of a SEEK parent at once, hidden: it rests in the pools
// and asks dealers, and crosses the spread only for a block, displayed at the far touch.
func (c *Core) seek(p *Parent, epoch bool) {
	lot := c.instruments[p.Instrument].Lot
	remaining, free := p.OrderQty-p.Cum, c.room(p)
	if remaining <= 0 || free <= 0 && !epoch || p.small(remaining) {
		return
	}
	urgency := p.terms.Urgency
	if urgency == 0 {
		urgency = event.UrgencyMedium
	}
	far := c.composites[p.Instrument].Touch(p.Side.Contra())
	block := 0
	if far.OK && far.Qty >= c.block(p) {
		block = 1
	}
	action := &seekActions[urgency][block]
	if available := c.available(p); action.Needs()&^available != 0 {
		own := action.Within(available)
		action = &own
	}
	c.scratch = allocation{}
	c.weigh(p)
	have := c.resting(p)
	dark, sdp, post, take := policy.Split(action, remaining, lot)
	if epoch || block == 1 {
		c.trim(p, have, dark, post)
	}
	if !epoch || !c.askQuotes(p, min(free, sdp)) {
		free -= c.take(p, action, min(take, far.Qty, free))
		c.scoreFirst(p)
		free -= c.hitQuote(p, action, have, sdp, free)
		free -= c.goDark(p, action, have, dark, free)
		c.post(p, action, have, sdp, post, free)
	}
	if epoch {
		c.offer(p, remaining)
	}
	if epoch || c.scratch.placed > 0 {
		d := c.record(p, remaining)
		d.Action, d.Chosen, d.Flags = policy.ActionDarkRest, policy.ActionDarkRest, event.DecisionForced
		c.tell(d)
	}
}

// block returns the displayed size that p crosses the spread for.
func (c *Core) block(p *Parent) market.Qty {
	if p.terms.Block > 0 {
		return p.terms.Block
	}
	return max(p.OrderQty/blockShare, c.instruments[p.Instrument].Lot)
}
