package router

import (
	"math/bits"

	"penstock/internal/warm"
	"penstock/market"
	"penstock/policy"
)

// Rewarm reads what the next decision of a live parent will read and write, and goes its way as
// far as the gate, so that an idle loop has all of it in the caches. turn chooses the parent. It
// changes no state: what it computes is scratch that every decision begins anew, or kept values
// that follow from the state. Between two steps, on their thread. The sum is of no use.
func (c *Core) Rewarm(turn uint64) (sum uint64) {
	p := c.liveAt(turn)
	if p == nil || c.table == nil {
		return 0
	}
	sum = c.reread(p)
	var inputs policy.Inputs
	c.judgeVenues(p)
	c.measure(&inputs, p, max(p.goal-p.Cum, 0))
	cell := c.table.Find(0, &inputs)
	c.scratch = allocation{}
	c.weigh(p)
	bound, _ := c.bound(p)
	sum += uint64(cell.Action) + uint64(bound) + uint64(c.available(p)) + uint64(c.resting(p).post)
	c.verdict.of = nil
	c.scratch = allocation{}
	return sum
}

func (c *Core) reread(p *Parent) uint64 {
	id := p.Instrument
	m := c.composites[id]
	sum := warm.Of(p) + warm.Of(m) + warm.Of(&c.near[id]) + warm.Of(&c.listed[id]) + warm.Of(&c.trading[id]) +
		warm.Of(&c.standings[id]) + warm.Of(&c.inflight[id]) + warm.Of(&c.posted[id]) + warm.Of(&c.tapes[id]) +
		warm.Of(&c.instruments[id]) + warm.Of(&c.paces[slotIn(p.Number)]) + warm.Slice(c.venues) +
		warm.Of(&c.terms) + warm.Of(&c.walk) + warm.Of(&c.Counters) + c.gate.Rewarm(id)
	if c.childCount < len(c.children) {
		sum += warm.Of(&c.children[c.childCount])
	}
	for set := c.listed[id].kinds[market.Lit]; set != 0; set &= set - 1 {
		b := m.Books[bits.TrailingZeros16(set)]
		bid, _ := b.Ladder(market.Buy).Best()
		ask, _ := b.Ladder(market.Sell).Best()
		sum += warm.Of(b) + uint64(bid.Qty+ask.Qty)
	}
	return sum
}

// Forget drops the children of a core whose orders have all ended, so that one which only
// rehearses does not use up its room. It reports whether it could. Their numbers come again.
func (c *Core) Forget() bool {
	for _, slot := range c.agenda.all {
		if c.parents[slot].first != none {
			return false
		}
	}
	if len(c.execs.list) > 0 || c.orphanCount > 0 {
		return false
	}
	c.childCount, c.blank = 0, none
	for _, slot := range c.agenda.all {
		c.parents[slot].ChildrenSent = 0
	}
	return true
}
