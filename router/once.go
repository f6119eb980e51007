package router

import (
	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// takeOnce works an immediate-or-cancel or fill-or-kill parent: one attempt, and what is
// not filled by it is canceled (FIX 4.4 App. D, I.1).
func (c *Core) takeOnce(p *Parent, free market.Qty) {
	if p.ChildrenSent == 0 && free > 0 {
		c.scratch = allocation{}
		c.judgeVenues(p)
		c.weigh(p)
		if p.TIF == market.TIFFOK {
			c.fillOrKill(p, free)
		} else {
			c.sweep(p, free, true)
		}
		c.verdict.of = nil
		if c.scratch.placed > 0 {
			d := c.record(p, free)
			d.Action, d.Chosen, d.Flags = policy.ActionTakeAll, policy.ActionTakeAll, event.DecisionForced
			c.tell(d)
		}
	}
	if p.Reserved == 0 && p.Live() {
		c.expire(p, event.ReasonNoLiquidity)
	}
}

// fillOrKill sends all of p as one fill-or-kill order to the lit venue that shows enough for
// it at the best net price: only a venue can promise all or nothing, and none can together
// with another.
func (c *Core) fillOrKill(p *Parent, want market.Qty) {
	bound, ok := c.bound(p)
	if !ok || c.gate.ChildMaxQty(p.Instrument) < want {
		return
	}
	var best *frontier
	w := &c.walk
	w.start(p.Side)
	c.openVenues(w, p, false)
	for i := range w.at[:w.count] {
		at := &w.at[i]
		shown := market.Qty(0)
		for ; at.left > 0; at.next() {
			if p.Side.Better(bound, at.price) {
				break
			}
			at.worst = at.price
			if shown += at.left; shown >= want {
				break
			}
		}
		if shown >= want && (best == nil || at.net < best.net) {
			best = at
		}
	}
	if best == nil {
		return
	}
	c.place(p, &placement{venue: market.VenueID(best.venue), tactic: event.TacticTake, qty: want,
		price: best.worst, score: c.takeScore(p, best.venue, best.worst)})
}
