package risk

import (
	"math/rand/v2"
	"testing"

	"penstock/event"
	"penstock/market"
)

// compareClaims asks a gate whether it affords orders that are to leave together, then lets them leave one behind the
// other, and returns how many it affords and how many it does not.
func compareClaims(t *testing.T, seed uint64) (affords, not int) {
	r := rand.New(rand.NewPCG(seed, 5))
	g := testGate(t)
	if seed%3 != 0 {
		g = controlled(t, func(c *Controls) {
			c.FirmCredit, c.Clients[0].Credit, c.RepeatOrders = 1<<40, 40_000*10_000, 6
			if seed%3 == 1 {
				c.Canary = &Canary{Policy: 7, Orders: 15, Notional: 2e9, Instruments: []bool{true}, Venues: []bool{true, true}}
			}
		})
	}
	now := int64(1e9)
	for range 60 {
		now += r.Int64N(1e9) >> r.IntN(20)
		if r.IntN(8) == 0 {
			g.Filled(0, event.StrategyTWAP, now)
		}
		if r.IntN(12) == 0 {
			g.Enable(event.StrategyTWAP)
		}
		if r.IntN(30) == 0 {
			g.Quarantine(1)
		} else {
			g.Resume(1)
		}
		var claim Claim
		first, slot, policy, side := r.IntN(2), int32(r.IntN(2)), 7*uint64(r.IntN(2)), market.Buy+market.Side(r.IntN(2))
		var orders [2]Order
		var will [2]bool
		for i := range orders {
			orders[i] = Order{Venue: market.VenueID((first + i) % 2), Side: side, Price: 500_000 + market.Price(r.IntN(6000)-3000),
				Qty: market.Qty(1 + r.Int64N(1100)), Strategy: event.StrategyTWAP, Policy: policy, Slot: slot}
			if will[i] = g.Affords(&claim, &orders[i], mid2, now); !will[i] {
				break
			}
		}
		for i := range orders {
			before := g.Refused
			a, why := g.Child(&orders[i], mid2, now)
			if (a != nil) != will[i] {
				t.Fatalf("seed %d: order %d of %+v: affords %v, then %v", seed, i, orders, will[i], why)
			}
			if a == nil {
				not++
				if before == g.Refused {
					t.Fatal("a refusal is not counted")
				}
				break
			}
			affords++
			g.Expose(0, a.Order().Cost())
		}
		if r.IntN(4) == 0 {
			g.Expose(0, -g.Used(0)) // what was open is over
		}
	}
	return affords, not
}

// FuzzClaim compares what a gate says of orders that are to leave together with what becomes of them.
func FuzzClaim(f *testing.F) {
	for seed := range uint64(30) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { compareClaims(t, seed) })
}

// TestClaimsAreOfUse keeps FuzzClaim from comparing nothing.
func TestClaimsAreOfUse(t *testing.T) {
	affords, not := 0, 0
	for seed := range uint64(60) {
		a, n := compareClaims(t, 100+seed)
		affords, not = affords+a, not+n
	}
	if affords < 1000 || not < 500 {
		t.Errorf("%d passed, %d did not", affords, not)
	}
}
