package router

import (
	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// quoteOf returns what p could trade on the dealer's current quote: alive long
// enough, never hit before, within the bound.
func (c *Core) quoteOf(p *Parent, v market.VenueID) (price market.Price, qty market.Qty, ok bool) {
	b := c.composites[p.Instrument].Books[v]
	if b == nil || !b.Live() || !b.Quote.Alive(c.now+c.tactics.QuoteNanos) || b.Quote.ID == c.usedQuote[p.Instrument][v] {
		return 0, 0, false
	}
	price, qty = b.Quote.Ask, b.Quote.AskQty
	if p.Side == market.Sell {
		price, qty = b.Quote.Bid, b.Quote.BidQty
	}
	bound, ok := c.bound(p)
	return price, qty, ok && qty > 0 && !p.Side.Better(bound, price)
}

// hitQuote trades with the one dealer whose quote is best net of fees, once an
// epoch: quotes are not sprayed. Where the action probes dark first, it waits
// for the pools' answer.
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
	best, bestNet := placement{}, int64(0)
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
		net := c.netMilli(p, v, price)
		if best.qty > 0 && net >= bestNet {
			c.scratch.shares[v].Why = event.WhyWorse
			continue
		}
		if best.qty > 0 {
			c.scratch.shares[best.venue].Why = event.WhyWorse
		}
		best = placement{venue: id, tactic: event.TacticQuote, qty: min(want, qty), price: price,
			quote: c.composites[p.Instrument].Books[v].Quote.ID}
		bestNet = net
	}
	if best.qty == 0 {
		return 0
	}
	best.score = c.score(p, best.price)
	placed := c.place(p, &best)
	if placed > 0 {
		p.tried |= triedQuote
	}
	return placed
}

// goDark shares the dark quantity over the pools in proportion to how well they
// filled, never less than a little. Pings go once an epoch; resting orders are
// topped up. The price caps the peg at the far touch, the limit or the collar.
func (c *Core) goDark(p *Parent, a *policy.Action, have resting, dark, free market.Qty) (placed market.Qty) {
	tactic, want := event.TacticRest, min(dark-have.dark, free)
	if a.DarkIOC() {
		tactic, want = event.TacticPing, min(dark, free)
		if p.tried&triedDark != 0 {
			return 0
		}
	}
	m := c.composites[p.Instrument]
	capPrice, ok := c.bound(p)
	if want <= 0 || !ok || !m.Normal() {
		return 0
	}
	if far := m.Touch(p.Side.Contra()).Price; p.Side.Better(far, capPrice) {
		capPrice = far
	}
	pools, scores := [market.MaxVenues]bool{}, int64(0)
	for v := range c.venues {
		if c.venues[v].Kind != market.Dark || m.Books[v] == nil {
			continue
		}
		if why := c.blocked(p, market.VenueID(v)); why != event.WhyFilled {
			c.scratch.shares[v].Why = why
			continue
		}
		pools[v] = true
		scores += c.darkScore[v]
	}
	in := &c.instruments[p.Instrument]
	for v, left := 0, want; v < len(c.venues); v++ {
		if !pools[v] {
			continue
		}
		qty := market.Qty(mulDiv(int64(left), c.darkScore[v], scores)).FloorTo(in.Lot)
		scores -= c.darkScore[v]
		pl := placement{venue: market.VenueID(v), tactic: tactic, qty: qty, price: capPrice,
			score: int64(m.Spread()) / 2}
		if tactic == event.TacticRest {
			pl.minQty = max(a.MinQty(qty, in.Lot), min(c.tactics.DarkMinQty, want))
		}
		got := c.place(p, &pl)
		left -= got
		placed += got
		if got > 0 {
			p.darkExpected += market.Qty(int64(got) * c.darkScore[v] / 1024)
		}
	}
	if placed > 0 && tactic == event.TacticPing {
		p.tried |= triedDark
	}
	return placed
}

// post spreads quantity at the near touch over the lit venues that pay the best
// rebate, then have the shortest queue. What a dealer left of a probe is posted
// too.
func (c *Core) post(p *Parent, a *policy.Action, have resting, sdp, post, free market.Qty) {
	if a.Flags&policy.FlagSDPThen != 0 && p.tried&triedQuote != 0 && !have.quote {
		post += sdp
	}
	want := min(post-have.post, free)
	price, ok := c.postPrice(p, a)
	if want <= 0 || !ok {
		return
	}
	m := c.composites[p.Instrument]
	used := uint16(0)
	lot := c.instruments[p.Instrument].Lot
	for n := c.tactics.MaxPostings; n > 0 && want > 0; n-- {
		best := -1
		for v := range c.venues {
			id := market.VenueID(v)
			if c.venues[v].Kind != market.Lit || m.Books[v] == nil || !m.Books[v].Live() ||
				used>>v&1 != 0 || c.blocked(p, id) != event.WhyFilled {
				continue
			}
			if best < 0 || c.postsBetter(p, price, v, best) {
				best = v
			}
		}
		if best < 0 {
			return
		}
		used |= 1 << best
		qty := want
		if n > 1 {
			qty = (want / 2).FloorTo(lot)
		}
		pl := placement{venue: market.VenueID(best), tactic: event.TacticPost, qty: qty, price: price,
			score: int64(m.Spread()) / 2}
		want -= c.place(p, &pl)
	}
}

func (c *Core) postsBetter(p *Parent, price market.Price, v, than int) bool {
	a, b := c.venues[v].MakeFee.AtMilli(price), c.venues[than].MakeFee.AtMilli(price)
	if a != b {
		return a < b
	}
	m := c.composites[p.Instrument]
	return m.Books[v].Ladder(p.Side).Qty(price) < m.Books[than].Ladder(p.Side).Qty(price)
}

// postPrice is the near touch, one tick inside where the action improves and the
// spread leaves room, never beyond the limit and never at the far touch.
func (c *Core) postPrice(p *Parent, a *policy.Action) (price market.Price, ok bool) {
	m := c.composites[p.Instrument]
	near, far := m.Touch(p.Side), m.Touch(p.Side.Contra())
	if !near.OK || !far.OK {
		return 0, false
	}
	tick := c.instruments[p.Instrument].Tick
	step := market.Price(p.Side.Sign()) * tick
	price = near.Price
	if a.Flags&policy.FlagImprove != 0 && m.Spread() >= 2*tick {
		price += step
	}
	if !p.Side.Better(price, far.Price) {
		price = far.Price - step
	}
	if p.Limit != 0 && p.Side.Better(p.Limit, price) {
		price = p.Limit
	}
	if p.Side == market.Buy {
		return price.FloorTo(tick), price > 0
	}
	return price.CeilTo(tick), true
}
