package router

import (
	"math/bits"

	"penstock/internal/warm"
	"penstock/market"
	"penstock/policy"
	"penstock/router/risk"
)

// RewarmParts is in how many turns Rewarm has asked for all of a parent.
const RewarmParts = 4 + bookParts

// bookParts is how many parts the books of an instrument make.
const bookParts = 4

// Rewarm asks for what the next decision of a live parent will read and write, and goes its way as
// far as the gate, so that an idle loop has all of it in the caches. In RewarmParts turns it has done
// so for one parent, because whoever comes amid a turn waits. It changes no state: what it computes
// is scratch that every decision begins anew, or kept values that follow from the state. Between two
// steps, on their thread. It returns what the parent trades; ok is false when none is live.
func (c *Core) Rewarm(turn uint64) (id market.InstrumentID, side market.Side, ok bool) {
	p := c.liveAt(turn / RewarmParts)
	if p == nil || c.table == nil {
		return 0, 0, false
	}
	switch part := turn % RewarmParts; part {
	case 0:
		c.bringCore(p)
	case 1:
		c.bringInstrument(p)
	case 2:
		c.gate.RewarmControls(&risk.Order{Client: p.Client, Strategy: p.Strategy, Instrument: p.Instrument, Slot: slotIn(p.Number)})
	case RewarmParts - 1:
		c.decideInVain(p)
	default:
		c.bringBooks(p, part-3)
	}
	return p.Instrument, p.Side, true
}

// decideInVain goes the way of a decision of p.
func (c *Core) decideInVain(p *Parent) {
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
}

// bringCore asks for what a decision of p reads and writes beside its instrument.
func (c *Core) bringCore(p *Parent) {
	warm.Span(&c.instruments, &c.venueStates)
	warm.Span(&c.usedQuote, &c.standings)
	warm.Span(&c.terms, &c.Counters)
	warm.Of(p)
	warm.Of(&c.agenda.of[p.Instrument])
	warm.Of(&c.agenda.links[slotIn(p.Number)])
	warm.Of(&c.paces[slotIn(p.Number)])
	warm.Of(&c.stances[slotIn(p.Number)])
	warm.Of(&c.invitations.count)
	warm.Of(&c.requests.count)
	warm.Of(&c.waiting.next)
	warm.Of(&c.economics.marks.next)
	if c.childCount < len(c.children) {
		warm.Of(&c.children[c.childCount])
	}
	if o := c.out; o != nil {
		warm.Slice(o.Commands[:min(2, cap(o.Commands))])
		warm.Slice(o.Decisions[:min(1, cap(o.Decisions))])
	}
}

// bringInstrument asks for what is kept of the instrument of p, beside its books.
func (c *Core) bringInstrument(p *Parent) {
	id := p.Instrument
	warm.Of(c.composites[id])
	warm.Of(&c.near[id][p.Side.Index()])
	warm.Of(&c.listed[id])
	warm.Of(&c.trading[id])
	warm.Of(&c.standings[id])
	warm.Of(&c.inflight[id])
	warm.Of(&c.posted[id])
	warm.Of(&c.tapes[id])
	warm.Of(&c.instruments[id])
	warm.Slice(c.venues)
	c.gate.Rewarm(id)
}

// bringBooks asks for every bookParts-th book of p, from part on.
func (c *Core) bringBooks(p *Parent, part uint64) {
	m := c.composites[p.Instrument]
	for set := c.listed[p.Instrument].kinds[market.Lit]; set != 0; set &= set - 1 {
		if v := bits.TrailingZeros16(set); uint64(v)%bookParts == part {
			m.Books[v].Rewarm()
			warm.Of(&c.economics.scores[v].Orders)
		}
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
