package risk

import "penstock/market"

// Canary caps what a new policy may do before a person confirms it. At a cap the last good
// policy takes over.
type Canary struct {
	Policy      uint64 // PolicyID
	Orders      int
	Notional    market.Money
	Instruments []bool // by InstrumentID
	Venues      []bool // by VenueID
}

type canaryUse struct {
	orders   int
	notional market.Money
}

// isCanary reports whether a policy has caps. The compiled-in one, 0, is what takes over from
// those that reach theirs: it has none.
func (k *controls) isCanary(policy uint64) bool {
	return policy != 0 && k.Canary != nil && !k.confirmed && policy == k.capped
}

func (k *controls) canaryMay(in market.InstrumentID, v market.VenueID, before Claim, cost market.Money) bool {
	c := k.Canary
	return !k.canaryOut && c.Instruments[in] && c.Venues[v] && k.canary.orders+before.orders < c.Orders &&
		k.canary.notional <= c.Notional-before.cost-cost
}

// CanaryOut reports whether a new policy reached one of its caps.
func (g *Gate) CanaryOut() bool { return g.controls != nil && g.controls.canaryOut }

// NewPolicy puts a policy under the caps of the canary, if there are any, as if it had not
// traded yet.
func (g *Gate) NewPolicy(policy uint64) {
	if k := g.controls; k != nil && k.Canary != nil {
		k.capped, k.canary, k.confirmed, k.canaryOut = policy, canaryUse{}, false, false
	}
}

// ConfirmPolicy takes the caps off a new policy; false when this one has none.
func (g *Gate) ConfirmPolicy(policy uint64) bool {
	k := g.controls
	if k == nil || k.Canary == nil || k.capped != policy || k.confirmed {
		return false
	}
	k.confirmed, k.canaryOut = true, false
	return true
}
