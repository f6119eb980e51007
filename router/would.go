package router

import (
	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// takeWould takes all that is unplaced when the far touch is at the parent's I-would
// price or better, and reports whether it tried. What rests elsewhere is called back
// for it; the rate of participation holds all the same.
func (c *Core) takeWould(p *Parent) bool {
	would := p.terms.Would
	if would == 0 {
		return false
	}
	far := c.composites[p.Instrument].Touch(p.Side.Contra())
	if !far.OK || p.Side.Better(would, far.Price) {
		return false
	}
	if p.tried&triedTake != 0 {
		return true
	}
	c.recall(p)
	free := c.room(p)
	c.scratch = allocation{}
	c.weigh(p)
	limit := p.Limit
	if limit == 0 || p.Side.Better(would, limit) {
		p.Limit = would
	}
	placed := c.sweep(p, free, true)
	p.Limit = limit
	if placed > 0 {
		p.tried |= triedTake
		d := c.record(p, free)
		d.Action, d.Chosen, d.Flags = policy.ActionTakeAll, policy.ActionTakeAll, event.DecisionForced
		c.tell(d)
	}
	return true
}

// recall cancels the children of p that rest: their quantity comes back when their
// venues confirm.
func (c *Core) recall(p *Parent) {
	for s := p.first; s != none; s = c.children[s].next {
		if ch := &c.children[s]; ch.TIF == market.TIFDay {
			c.cancel(ch)
		}
	}
}

// small reports whether quantity is below the least slice of p, which is waited for
// unless it is all that is left.
func (p *Parent) small(quantity market.Qty) bool {
	return quantity < p.terms.MinSlice && p.OrderQty-p.Cum > quantity
}
