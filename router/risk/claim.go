package risk

import (
	"penstock/event"
	"penstock/market"
)

// Claim adds up orders of one parent that are to leave together, each to another venue. The zero value has none.
type Claim struct {
	orders int
	cost   market.Money
}

// Affords reports whether Child would let o pass at now, behind the orders that are in the claim, and adds it to them.
// Nothing is counted or taken.
func (g *Gate) Affords(a *Claim, o *Order, mid2, now int64) bool {
	n, why := g.look(o, mid2)
	v := o.Venue & (market.MaxVenues - 1)
	if why != event.ReasonNone || !g.windows[v].room(now) {
		return false
	}
	k := g.controls
	if k == nil {
		return true
	}
	s, cost, r := strategyIndex(o.Strategy), n.Money(k.Decimals[o.Instrument]), k.repeats[o.Slot]
	if now-r.from >= k.RepeatNanos {
		r = repeat{}
	}
	switch {
	case k.disabled[s], !k.rates[s][v].room(now),
		k.used[o.Client] > k.Clients[o.Client].Credit-a.cost-cost, k.firm > k.FirmCredit-a.cost-cost,
		k.isCanary(o.Policy) && !k.canaryMay(o, *a, cost),
		int(r.orders)+a.orders >= k.RepeatOrders, int(r.fills) >= k.RepeatOrders:
		return false
	}
	a.orders++
	a.cost += cost
	return true
}
