package risk

import (
	"math/rand/v2"
	"testing"

	"penstock/event"
	"penstock/market"
)

// comparePermits asks one gate by permits, and its twin by whole orders, and returns how many passed and
// how many did not.
func comparePermits(t *testing.T, seed uint64) (passed, refused int) {
	r := rand.New(rand.NewPCG(seed, 3))
	gate := func() *Gate {
		if seed%3 == 0 {
			return testGate(t)
		}
		return controlled(t, func(c *Controls) {
			c.FirmCredit, c.Clients[0].Credit, c.Clients[0].Short, c.RepeatOrders = 1<<40, 60_000*10_000, true, 40
			if seed%3 == 1 {
				c.Canary = &Canary{Policy: 7, Orders: 20, Notional: 1e9, Instruments: []bool{true}, Venues: []bool{true, true}}
			}
		})
	}
	fast, slow := gate(), gate()
	both := func(f func(*Gate)) { f(fast); f(slow) }
	now, p := int64(1e9), new(Permit)
	for range 40 {
		if r.IntN(6) == 0 {
			qty, worth := 1+r.Int64N(5000), 500_000*(1+r.Int64N(100))
			both(func(g *Gate) {
				g.SetLimit(event.LimitChildMaxQty, 0, 0, qty, 1<<62, now)
				g.SetLimit(event.LimitChildMaxNotional, 0, 0, worth, 1<<62, now)
			})
		}
		if r.IntN(12) == 0 {
			both(func(g *Gate) { g.KillScope(event.Scope{Kind: event.ScopeClient, ID: 2}) })
		} else {
			both(func(g *Gate) { g.ReleaseScope(event.Scope{Kind: event.ScopeClient, ID: 2}) })
		}
		o := Order{Side: market.Buy + market.Side(r.IntN(2)), Qty: market.Qty(r.Int64N(80)), Client: uint16(r.IntN(8) & r.IntN(4)), Strategy: event.StrategyTWAP,
			Policy: 7 * uint64(r.IntN(2)), Slot: int32(r.IntN(8))}
		if r.IntN(4) == 0 {
			o.Qty = max(fast.limits[0].ChildMaxQty+market.Qty(r.IntN(3))-1, 1)
		}
		if r.IntN(4) == 0 {
			o.Qty = market.Qty(r.Int64() >> r.IntN(63))
		}
		if r.IntN(8) == 0 {
			o.Mark = market.Short
		}
		if r.IntN(2) == 0 {
			o.Limit = 500_000 + market.Price(r.IntN(12_000)-6000)
		}
		fast.Permit(p, &o)
		for range 8 {
			now += r.Int64N(1e9) >> r.IntN(30)
			switch r.IntN(20) {
			case 0:
				both(func(g *Gate) { g.Quarantine(1) })
			case 1, 7, 8:
				both(func(g *Gate) { g.Resume(1) })
			case 2:
				both(func(g *Gate) { g.Hold(true) })
			case 3, 9, 10:
				both(func(g *Gate) { g.Hold(false) })
			case 4:
				both(func(g *Gate) { g.CancelFor(0, event.StrategyTWAP, now) })
			case 5:
				both(func(g *Gate) { g.Filled(o.Slot, event.StrategyTWAP, now) })
			case 6:
				both(func(g *Gate) { g.Enable(event.StrategyTWAP) })
			}
			if o.Qty = p.Most(); r.IntN(4) == 0 {
				o.Qty = market.Qty(r.Int64N(int64(max(min(o.Qty, 1<<60), 0))+3) - 1)
			}
			o.Venue, o.Price = market.VenueID(r.IntN(2)), 500_000+market.Price(r.IntN(8000)-4000)
			switch {
			case r.IntN(8) == 0:
				o.Price = market.Price(r.Int64() >> r.IntN(63))
			case r.IntN(4) == 0 && o.Qty > 0:
				o.Price = market.Price(int64(fast.limits[0].ChildMaxNotional)/int64(o.Qty)) + market.Price(r.IntN(3)) - 1
			}
			mid := int64(mid2 + r.IntN(8000) - 4000)
			if r.IntN(16) == 0 {
				mid = -int64(r.IntN(2))
			}
			wider := o.Qty < p.Most() && o.Price > p.dearest || o.Qty > p.Most() // than what a permit knows
			want, why := slow.Child(&o, mid, now)
			got := fast.Use(p, o.Venue, o.Price, o.Qty, mid, now)
			used := got != nil
			if !used { // it says why where Child is asked, and has taken nothing
				unsealed := !p.approved.ok
				var still event.Reason
				got, still = fast.Child(&o, mid, now)
				if !unsealed || still != why || p.OK() && why == event.ReasonNone && !wider {
					t.Fatalf("seed %d: %+v of %+v: refused, then %v; its twin says %v", seed, o, *p, still, why)
				}
				refused++
			} else {
				passed++
			}
			if (got == nil) != (want == nil) || got != nil && *got != *want {
				t.Fatalf("seed %d: %+v of %+v: %+v, want %+v, %v", seed, o, *p, got, want, why)
			}
			if want != nil {
				slow.Expose(o.Client, want.Order().Cost())
			}
			if used {
				if fast.Book(now); p.approved.ok {
					t.Fatalf("seed %d: %+v: what is booked may still be sent", seed, o)
				}
			} else if want != nil {
				fast.Expose(o.Client, want.Order().Cost())
			}
			if fast.CanaryOut() != slow.CanaryOut() || fast.Disabled(o.Strategy) != slow.Disabled(o.Strategy) || fast.UsedByFirm() != slow.UsedByFirm() {
				t.Fatalf("seed %d: %+v: another state", seed, o)
			}
		}
	}
	return passed, refused
}

// FuzzPermit compares what a permit lets pass with what Child does, while all happens that ends no permit.
func FuzzPermit(f *testing.F) {
	for seed := range uint64(30) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { comparePermits(t, seed) })
}

// TestPermitsAreOfUse keeps FuzzPermit from comparing nothing.
func TestPermitsAreOfUse(t *testing.T) {
	passed, refused := 0, 0
	for seed := range uint64(60) {
		p, r := comparePermits(t, 100+seed)
		passed, refused = passed+p, refused+r
	}
	if passed < 1000 || refused < 1000 {
		t.Errorf("%d passed, %d were refused", passed, refused)
	}
}
