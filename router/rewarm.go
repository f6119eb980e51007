package router

import (
	"math/bits"

	"penstock/internal/warm"
	"penstock/market"
	"penstock/policy"
)

// Rewarm asks for what the next decision of a live parent will read and write, and goes its way as
// far as the gate, so that an idle loop has all of it in the caches. turn chooses the parent. It
// changes no state: what it computes is scratch that every decision begins anew, or kept values
// that follow from the state. Between two steps, on their thread. It returns what the parent
// trades; ok is false when none is live.
func (c *Core) Rewarm(turn uint64) (id market.InstrumentID, side market.Side, ok bool) {
	p := c.liveAt(turn)
	if p == nil || c.table == nil {
		return 0, 0, false
	}
	c.bringNear(p)
	var inputs policy.Inputs
	c.judgeVenues(p)
	c.measure(&inputs, p, max(p.goal-p.Cum, 0))
	cell := c.table.Find(0, &inputs)
	c.scratch = allocation{}
	c.weigh(p)
	bound, _ := c.bound(p)
	c.nearSum += int64(cell.Action) + int64(bound) + int64(c.available(p)) + int64(c.resting(p).post)
	c.verdict.of = nil
	c.scratch = allocation{}
	return p.Instrument, p.Side, true
}

// bringNear asks for what a decision of p reads and writes.
func (c *Core) bringNear(p *Parent) {
	id := p.Instrument
	m := c.composites[id]
	warm.Span(&c.instruments, &c.venueStates)
	warm.Span(&c.usedQuote, &c.standings)
	warm.Span(&c.terms, &c.Counters)
	warm.Of(p)
	warm.Of(m)
	warm.Of(&c.near[id][p.Side.Index()])
	warm.Of(&c.listed[id])
	warm.Of(&c.trading[id])
	warm.Of(&c.standings[id])
	warm.Of(&c.inflight[id])
	warm.Of(&c.posted[id])
	warm.Of(&c.tapes[id])
	warm.Of(&c.instruments[id])
	warm.Of(&c.paces[slotIn(p.Number)])
	warm.Of(&c.stances[slotIn(p.Number)])
	warm.Of(&c.invitations.count)
	warm.Of(&c.requests.count)
	warm.Of(&c.waiting.next)
	warm.Of(&c.economics.marks.next)
	warm.Slice(c.venues)
	c.gate.Rewarm(id)
	if c.childCount < len(c.children) {
		warm.Of(&c.children[c.childCount])
	}
	if o := c.out; o != nil {
		warm.Slice(o.Commands[:min(2, cap(o.Commands))])
		warm.Slice(o.Decisions[:min(1, cap(o.Decisions))])
	}
	for set := c.listed[id].kinds[market.Lit]; set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set)
		m.Books[v].Rewarm()
		warm.Of(&c.economics.scores[v].Orders)
	}
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
