package router

import (
	"penstock/event"
	"penstock/internal/assert"
	"penstock/market"
)

// The accounting law, in one place. Only these functions change quantities.
//
//	child:  reserved = Qty − Cum until released, then 0
//	parent: Cum = Σ child.Cum, Reserved = Σ child.reserved,
//	        Cum + Reserved + Held ≤ OrderQty + what venues executed without a reservation

// reserve gives qty of the parent to a new child.
func (p *Parent) reserve(c *Child, qty market.Qty) {
	assert.That(qty > 0 && qty <= p.Unplaced(), "a child takes no more than the parent has unplaced")
	assert.That(p.Live() && !p.Frozen, "only a live parent has children")
	c.Qty = qty
	p.Reserved += qty
	p.check()
}

// offer gives the child a quantity that cannot trade: nothing is reserved for it.
func (p *Parent) offer(c *Child, qty market.Qty) {
	assert.That(qty > 0 && qty <= p.OrderQty-p.Cum-p.Held, "no more is shown than is not filled")
	assert.That(p.Live() && !p.Frozen, "only a live parent has children")
	c.Qty = qty
	p.offers++
}

// fill moves the child's CumQty to cum, which is not below it, and returns what
// was executed since. price is that of the report, fee what it cost.
func (p *Parent) fill(c *Child, cum market.Qty, price market.Price, v *market.Venue,
	liquidity market.Liquidity) (delta market.Qty) {
	assert.That(cum >= c.Cum, "a child's CumQty never falls")
	delta = cum - c.Cum
	before := c.reserved()
	c.Cum = cum
	p.Reserved -= before - c.reserved()
	c.back = min(c.back, c.reserved())
	extra := delta - (before - c.reserved())
	back := min(extra, c.held, p.Held) // what was taken back may come again, from the same order
	c.held -= back
	p.Held -= back
	p.unreserved += extra - back
	p.Cum += delta
	notional, ok := price.Notional(delta)
	assert.That(ok, "a fill's notional is bounded by the gate")
	schedule := v.TakeFee
	if liquidity == market.LiquidityAdded {
		schedule = v.MakeFee
	}
	f := &p.Venues[c.Venue]
	f.Qty += delta
	if delta > 0 {
		f.Fills++
	}
	p.pay(c, notional, schedule.Of(notional, delta))
	p.check()
	return delta
}

// undo takes qty, which the venue has taken back, from the child. What it may execute
// again stays reserved; the rest is held: it makes up for an overfill, or else nobody gets
// it (FM-14).
func (p *Parent) undo(c *Child, qty market.Qty, notional, fee market.Notional) {
	assert.That(qty >= 0 && qty <= c.Cum, "no more is taken back than was executed")
	before := c.reserved()
	c.Cum -= qty
	p.Cum -= qty
	again := c.reserved() - before
	p.Reserved += again
	c.back += again
	cured := min(p.unreserved, qty-again)
	p.unreserved -= cured
	c.held += qty - again - cured
	p.Held += qty - again - cured
	p.Venues[c.Venue].Qty -= qty
	p.pay(c, -notional, -fee)
	p.check()
}

// restate gives a working child the quantity that the venue says it has: not below what
// it has executed, and not above what is reserved for it.
func (p *Parent) restate(c *Child, qty market.Qty) {
	assert.That(!c.Released && qty >= c.Cum && qty <= c.Qty, "a restatement stays within the reservation")
	if c.Tactic != event.TacticOffer {
		p.Reserved -= c.Qty - qty
	}
	c.Qty = qty
	c.back = min(c.back, c.reserved())
	p.check()
}

// pay books what a fill, or the correction of one, is worth and costs.
func (p *Parent) pay(c *Child, notional, fee market.Notional) {
	f := &p.Venues[c.Venue]
	c.Notional += notional
	p.Notional += notional
	f.Notional += notional
	p.Fees += fee
	f.Fees += fee
}

// Over reports whether more is filled and reserved than was ordered, by executions that
// nothing was reserved for. Nothing is sent before the siblings are gone (FM-06).
func (p *Parent) Over() bool { return p.Unplaced() < 0 }

// release gives back what the child did not execute. The caller has a terminal
// report with our CumQty, or the venue's word, or knows that it never left.
func (p *Parent) release(c *Child) (freed market.Qty) {
	assert.That(!c.Released, "a reservation is released once")
	freed = c.reserved()
	c.Released = true
	if c.Tactic == event.TacticOffer {
		p.offers--
	}
	if c.beyond {
		c.beyond = false
		p.beyond--
	}
	p.Reserved -= freed
	c.held += min(c.back, freed)
	p.Held += min(c.back, freed)
	c.back = 0
	p.check()
	return freed
}

func (p *Parent) check() {
	if p.unreserved != 0 { // what is not in excess any more makes up for nothing
		p.unreserved = min(p.unreserved, max(p.Cum+p.Reserved+p.Held-p.OrderQty, 0))
	}
	assert.That(p.Cum|p.Reserved|p.Held >= 0, "quantities are not negative")
	assert.That(p.Cum+p.Reserved+p.Held <= p.OrderQty+p.unreserved, "filled, reserved and held fit the order")
}

// Audit recounts every parent from its children and reports the first that does
// not add up, or "". It reads all children: for the end of a run, and for tests.
func (c *Core) Audit() string {
	for _, m := range c.composites {
		if trouble := m.Audit(); trouble != "" {
			return trouble
		}
	}
	if trouble := c.auditOpenings(); trouble != "" {
		return trouble
	}
	if trouble := c.auditStandings(); trouble != "" {
		return trouble
	}
	if trouble := c.auditStances(); trouble != "" {
		return trouble
	}
	if trouble := c.gate.Audit(); trouble != "" {
		return trouble
	}
	if c.blank != none && int(c.blank) == c.childCount && c.children[c.blank] != (Child{}) {
		return "the next child is not blank"
	}
	cum := make([]market.Qty, c.parentCount)
	reserved := make([]market.Qty, c.parentCount)
	clients := uint16(0)
	for i := range c.parents[:c.parentCount] {
		clients = max(clients, c.parents[i].Client+1)
	}
	used, firm := make([]market.Money, clients), market.Money(0)
	for i := range c.children[:c.childCount] {
		ch := &c.children[i]
		cum[ch.Parent] += ch.Cum
		reserved[ch.Parent] += ch.reserved()
		exposed := c.exposure(ch)
		used[c.parents[ch.Parent].Client] += exposed
		firm += exposed
	}
	for i := range c.orphans[:c.orphanCount] {
		firm += c.orphans[i].exposed
	}
	if firm != c.gate.UsedByFirm() {
		return "the firm's exposure is not the sum of its orders' and of those that nobody knows"
	}
	for i := range c.parents[:c.parentCount] {
		if client := c.parents[i].Client; used[client] != c.gate.Used(client) {
			return "a client's exposure is not the sum of its orders'"
		}
	}
	for i := range c.parents[:c.parentCount] {
		p := &c.parents[i]
		var venues market.Qty
		for v := range p.Venues {
			venues += p.Venues[v].Qty
		}
		switch {
		case cum[i] != p.Cum:
			return "parent CumQty is not the sum of its children's"
		case reserved[i] != p.Reserved:
			return "parent reservation is not the sum of its children's"
		case venues != p.Cum:
			return "parent CumQty is not the sum over venues"
		case p.Cum+p.Reserved+p.Held > p.OrderQty+p.unreserved:
			return "parent is overfilled"
		case p.Live() && p.terms.Display != 0 && p.shown(c.children) > p.terms.Display:
			return "more of a parent is displayed than its client allows"
		case !p.Live() && p.offers != 0:
			return "a parent ended with conditional orders"
		case !p.Live() && p.Reserved != 0:
			return "a parent ended with quantity reserved"
		}
	}
	return ""
}
