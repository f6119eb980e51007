package router

import (
	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// take gives the taking share of an action, bounded by its cap on the displayed
// size at the touch. An epoch takes once, and again when the touch moves.
func (c *Core) take(p *Parent, a *policy.Action, want market.Qty) market.Qty {
	if want <= 0 || p.tried&triedTake != 0 {
		return 0
	}
	if a.DepthCap != policy.Whole {
		shown := int64(c.composites[p.Instrument].Touch(p.Side.Contra()).Qty)
		want = min(want, market.Qty(mulDiv(shown, int64(a.DepthCap), int64(policy.Whole))))
	}
	placed := c.sweep(p, want, false)
	if placed > 0 {
		p.tried |= triedTake
	}
	return placed
}

// walk is a merge of the levels that p could take, best net price first.
type walk struct {
	level [market.MaxVenues]int        // next level of each venue
	left  [market.MaxVenues]market.Qty // what is left of it
	price [market.MaxVenues]market.Price
	net   [market.MaxVenues]int64 // price and fee of that level, thousandths, worse is larger
}

// open starts the walk of venue v at its best level, less what our unanswered
// orders will take there.
func (w *walk) open(c *Core, p *Parent, b *book.Book, v int) {
	skip := c.inflight[p.Instrument][v][p.Side.Index()]
	for w.next(c, p, b, v) {
		if skip < w.left[v] {
			w.left[v] -= skip
			return
		}
		skip -= w.left[v]
	}
}

// next moves venue v to its next level; false when there is none.
func (w *walk) next(c *Core, p *Parent, b *book.Book, v int) bool {
	ladder := b.Ladder(p.Side.Contra())
	w.left[v] = 0
	if w.level[v] >= ladder.Len() {
		return false
	}
	level := ladder.At(w.level[v])
	w.level[v]++
	w.set(c, p, v, level)
	return true
}

func (w *walk) set(c *Core, p *Parent, v int, level book.Level) {
	w.left[v], w.price[v] = level.Qty, level.Price
	w.net[v] = c.netMilli(p, v, level.Price)
}

// netMilli returns what taking a lot at price costs p at venue v, fee included, in
// thousandths of an increment: smaller is better, on either side.
func (c *Core) netMilli(p *Parent, v int, price market.Price) int64 {
	return c.venues[v].TakeFee.NetMilli(p.Side, price)
}

// score returns how much better than the mid a price is for p, in increments.
func (c *Core) score(p *Parent, price market.Price) int64 {
	return p.Side.Sign() * (c.reference(p.Instrument) - 2*int64(price)) / 2
}

// sweep takes up to want on all lit venues at once, best net price first, within
// the bound: one immediate-or-cancel order a venue, at the worst price it needs.
// With quotes, dealers' living quotes compete as one level each.
func (c *Core) sweep(p *Parent, want market.Qty, quotes bool) (placed market.Qty) {
	m := c.composites[p.Instrument]
	bound, ok := c.bound(p)
	if !ok || want <= 0 {
		return 0
	}
	var w walk
	var shown, got [market.MaxVenues]market.Qty // reachable there; of it taken
	var worst [market.MaxVenues]market.Price
	lot := c.instruments[p.Instrument].Lot
	for v := range c.venues {
		c.openVenue(&w, p, v, quotes)
	}
	for want >= lot {
		best := w.best(len(c.venues))
		if best < 0 {
			break
		}
		if p.Side.Better(bound, w.price[best]) {
			c.scratch.shares[best].Why = event.WhyOutsideLim
			w.left[best] = 0
			continue
		}
		// Only whole lots count: an odd rest is left where it is shown.
		shown[best] += min(want, w.left[best])
		if qty := min(shown[best].FloorTo(lot)-got[best], want.FloorTo(lot)); qty > 0 {
			got[best] += qty
			want -= qty
			worst[best] = w.price[best]
		}
		if w.left[best] = 0; m.Kind(market.VenueID(best)) == market.Lit {
			w.next(c, p, m.Books[best], best)
		}
	}
	for v := range c.venues {
		if got[v] == 0 {
			continue
		}
		pl := placement{venue: market.VenueID(v), tactic: event.TacticTake, qty: got[v], price: worst[v],
			score: c.score(p, worst[v])}
		if m.Kind(pl.venue) == market.SDP {
			pl.tactic, pl.quote = event.TacticQuote, m.Books[v].Quote.ID
		}
		placed += c.place(p, pl)
	}
	return placed
}

// openVenue prepares venue v for a walk if it can be used.
func (c *Core) openVenue(w *walk, p *Parent, v int, quotes bool) {
	m, id := c.composites[p.Instrument], market.VenueID(v)
	b, share := m.Books[v], &c.scratch.shares[v]
	if b == nil || m.Kind(id) == market.Dark {
		return
	}
	if share.Why = c.blocked(p, id); share.Why != event.WhyFilled {
		return
	}
	if m.Kind(id) == market.SDP {
		price, qty, ok := c.quoteOf(p, id)
		switch {
		case !quotes:
		case ok:
			w.set(c, p, v, book.Level{Price: price, Qty: qty})
		default:
			share.Why = event.WhyQuoteDead
		}
		return
	}
	if !b.Live() {
		share.Why = event.WhyNotLive
	} else if w.open(c, p, b, v); w.left[v] == 0 {
		share.Why = event.WhyNoSize
	}
}

// best returns the venue whose level is cheapest, -1 when all are used up.
func (w *walk) best(venues int) int {
	best := -1
	for v := range venues {
		if w.left[v] > 0 && (best < 0 || w.net[v] < w.net[best]) {
			best = v
		}
	}
	return best
}

// sweepLevels bounds how deep sweepCost looks: the policy only asks whether a
// sweep stays near the touch.
const sweepLevels = 8

// sweepCost returns what taking qty now would cost per lot against the mid, in
// thousandths of the half-spread; what the first levels do not show counts at
// twice the distance of the last one.
func (c *Core) sweepCost(p *Parent, qty market.Qty) int64 {
	m := c.composites[p.Instrument]
	mid2, ok := m.Mid2()
	half2 := int64(m.Spread()) // half-spread, doubled
	if !ok || half2 <= 0 || qty <= 0 {
		return 1000
	}
	var w walk
	for v := range c.venues {
		if b := m.Books[v]; b != nil && b.Live() && m.Kind(market.VenueID(v)) == market.Lit {
			w.open(c, p, b, v)
		}
	}
	left, last, cost := qty, half2, int64(0) // cost: Σ share of qty in 1/1024 × distance
	for n := 0; left > 0; n++ {
		best := w.best(len(c.venues))
		if best < 0 || n == sweepLevels {
			cost += mulDiv(1024, int64(left), int64(qty)) * 2 * last
			break
		}
		take := min(left, w.left[best])
		last = min(p.Side.Sign()*(2*int64(w.price[best])-mid2), 1<<40)
		cost += mulDiv(1024, int64(take), int64(qty)) * last
		left -= take
		w.left[best] -= take
		if w.left[best] == 0 {
			w.next(c, p, m.Books[best], best)
		}
	}
	return min(cost*1000/1024/half2, 100_000)
}
