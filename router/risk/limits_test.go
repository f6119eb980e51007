package risk

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"penstock/market"
)

// TestCtl_C01_C02_NothingPassesItsLimits: whatever limits, prices and quantities are, MaxInt64
// among them, what the gate lets through is not above the quantity and not above the notional,
// reckoned in numbers that cannot overflow. Clients' orders count at the worst price that they
// allow.
func TestCtl_C01_C02_NothingPassesItsLimits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	edges := []int64{1, 2, 99, 100, 101, 1e6, 1e9, 1<<31 - 1, 1 << 31, 1<<32 + 1, 3_037_000_499, 3_037_000_500, 1e12, 1e15, 1e18,
		int64(market.MaxQty), int64(market.MaxPrice), math.MaxInt64 - 1, math.MaxInt64}
	draw := func() int64 {
		v := edges[rng.IntN(len(edges))]
		if rng.IntN(2) == 0 {
			v = rng.Int64N(v) + 1
		}
		return v
	}
	above := func(price market.Price, qty market.Qty, limit market.Notional) bool {
		n := new(big.Int).Mul(big.NewInt(int64(price)), big.NewInt(int64(qty)))
		return n.Cmp(big.NewInt(int64(limit))) > 0
	}
	venues := []market.Venue{{MsgRate: 8}}
	passed, refused := 0, 0
	for range 50_000 {
		l := Limits{ParentMaxQty: market.Qty(draw()), ParentMaxNotional: market.Notional(draw()), ChildMaxQty: market.Qty(draw()),
			ChildMaxNotional: market.Notional(draw()), CollarBps: 1 + rng.Int64N(10_000)}
		g, err := NewGate([]Limits{l}, venues)
		if err != nil {
			t.Fatal(err)
		}
		o := Order{Side: market.Buy, Price: market.Price(draw()), Qty: market.Qty(draw())}
		if rng.IntN(8) == 0 {
			o.Qty = -o.Qty
		}
		if rng.IntN(2) == 0 {
			o.Side = market.Sell
		}
		mid2 := int64(o.Price)
		if mid2 < math.MaxInt64/2 {
			mid2 *= 2
		}
		if _, why := g.Child(&o, mid2, 0); why == 0 {
			passed++
			if o.Qty <= 0 || o.Qty > l.ChildMaxQty || above(o.Price, o.Qty, l.ChildMaxNotional) {
				t.Fatalf("child of %d at %d passed %+v", o.Qty, o.Price, l)
			}
		} else {
			refused++
		}
		if o.Qty > 0 && g.Parent(0, o.Side, o.Qty, o.Price, mid2) == 0 {
			passed++
			if o.Qty > l.ParentMaxQty || above(o.Price, o.Qty, l.ParentMaxNotional) {
				t.Fatalf("parent of %d at %d passed %+v", o.Qty, o.Price, l)
			}
		} else {
			refused++
		}
	}
	if passed < 1000 || refused < 1000 {
		t.Errorf("%d passed, %d refused: this proves little", passed, refused)
	}
}

// TestCtl_C08_OnlyTheGateApproves: an order that no gate approved cannot become a child.
func TestCtl_C08_OnlyTheGateApproves(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an approval that nobody gave is taken")
		}
	}()
	_ = new(Approved).Order()
}
