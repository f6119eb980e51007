package router

import (
	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// quoteOf returns what p could trade on the dealer's current quote: alive long
// enough, never hit before, within the bound.
func (c *Core) quoteOf(p *Parent, v market.VenueID) (price market.Price, qty market.Qty, ok bool) {
	bound, ok := c.bound(p)
	if !ok {
		return 0, 0, false
	}
	return c.quoteWithin(p, v, bound)
}

// quoteWithin is quoteOf within a bound that is known.
func (c *Core) quoteWithin(p *Parent, v market.VenueID, bound market.Price) (price market.Price, qty market.Qty, ok bool) {
	b := c.composites[p.Instrument].Books[v]
	if b == nil || !b.Live() || !b.Quote.Alive(c.now+c.tactics.QuoteNanos) || b.Quote.ID == c.usedQuote[p.Instrument][v] {
		return 0, 0, false
	}
	price, qty = b.Quote.Ask, b.Quote.AskQty
	if p.Side == market.Sell {
		price, qty = b.Quote.Bid, b.Quote.BidQty
	}
	return price, qty, qty > 0 && !p.Side.Better(bound, price)
}

// hitTerms returns the terms of trading on a dealer's quote: with what its last look is
// expected to cost.
func (c *Core) hitTerms(p *Parent, v int, price market.Price) *policy.Terms {
	t := c.appraise(v, policy.WayHit, c.atMilli(p, price), c.takeFee(v).AtMilli(price), policy.One)
	if !c.venues[v].LastLook { // a firm quote: what was said of refusals does not hold
		t.Fill, t.Moved = policy.One, 0
		t.Net = t.Price + t.Fee + t.Markout + t.Leakage
	}
	return t
}

// hitQuote trades with the one dealer whose quote is expected to cost least, last look
// included, once an epoch: quotes are not sprayed. It is left alone where crossing the
// spread in a lit book costs less. Where the action probes dark first, it waits for the
// pools' answer.
func (c *Core) hitQuote(p *Parent, a *policy.Action, have resting, want, free market.Qty) market.Qty {
	if a.Flags&policy.FlagDarkThen != 0 {
		if p.tried&triedDark == 0 || have.ping {
			return 0
		}
		want = free // what the pools left
	}
	want = min(want, free)
	if want <= 0 || have.quote || p.tried&triedQuote != 0 {
		return 0
	}
	best, least := placement{}, int64(0)
	for v := range c.venues {
		id := market.VenueID(v)
		if c.venues[v].Kind != market.SDP || c.blocked(p, id) != event.WhyFilled {
			continue
		}
		price, qty, ok := c.quoteOf(p, id)
		if !ok {
			c.scratch.shares[v].Why = event.WhyQuoteDead
			continue
		}
		t := c.hitTerms(p, v, price)
		c.scratch.shares[v].Why = event.WhyWorse
		switch {
		case c.dear(p, t):
			c.scratch.shares[v].Why = event.WhyDear
		case best.qty == 0 || t.Net < least:
			best = placement{venue: id, tactic: event.TacticQuote, qty: min(want, qty), price: price,
				quote: c.composites[p.Instrument].Books[v].Quote.ID, score: improvement(t)}
			least = t.Net
		}
	}
	if best.qty == 0 {
		return 0
	}
	c.scratch.shares[best.venue].Why = event.WhyFilled
	placed := c.place(p, &best)
	if placed > 0 {
		p.tried |= triedQuote
	}
	return placed
}

// dear reports whether something is expected to cost more than taking at the lit touch.
func (c *Core) dear(p *Parent, t *policy.Terms) bool {
	m := c.composites[p.Instrument]
	return m.LiveLit()&m.Touch(p.Side.Contra()).Venues != 0 && t.Net > c.crossing
}
