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
	if why != event.ReasonNone {
		return false
	}
	cost, why := g.left(o, n, *a, now)
	if why != event.ReasonNone {
		return false
	}
	a.orders++
	a.cost += cost
	return true
}
