package book

import (
	"math/rand/v2"
	"testing"

	"penstock/event"
	"penstock/market"
)

// mid shows a touch whose prices come to mid2.
func mid(f *Features, mid2, now int64) {
	f.onTouch(&Touch{Price: market.Price(mid2 / 2), Qty: 1, OK: true}, &Touch{Price: market.Price(mid2 - mid2/2), Qty: 1, OK: true}, now)
}

func TestFeaturesFollowVolatilityAndFlow(t *testing.T) {
	var f Features
	for s := int64(1); s <= 200; s++ {
		mid(&f, 1000+s%2, s*second) // one half-tick a second
	}
	if r := f.VolRatio(); r < 900 || r > 1100 {
		t.Errorf("steady volatility: ratio %d, want about 1000", r)
	}
	for s := int64(201); s <= 260; s++ {
		mid(&f, 1000+10*(s%2), s*second)
	}
	if r := f.VolRatio(); r < 2000 {
		t.Errorf("ten times the moves: ratio %d, want well above 1000", r)
	}
	f.onTrade(&event.Event{Side: market.Buy, Qty: 1000, StepTime: 261 * second})
	before := f.Flow
	f.onTrade(&event.Event{Side: market.Buy, StepTime: 271 * second})
	if f.Flow <= before/3 || f.Flow >= before*2/3 {
		t.Errorf("flow %d after 10 s, was %d: want about half", f.Flow, before)
	}
}

// TestTradesWithoutAnAggressorAreVolumeOnly: they say nothing about the flow and
// leave the other features as if they had not been.
func TestTradesWithoutAnAggressorAreVolumeOnly(t *testing.T) {
	var with, without Features
	with.onTrade(&event.Event{Qty: 500, StepTime: 1 * second})
	for s := int64(100); s <= 200; s++ {
		mid(&with, 1000+s%3, s*second)
		mid(&without, 1000+s%3, s*second)
		with.onTrade(&event.Event{Qty: 30, StepTime: s*second + 1})
	}
	if with.VarFast != without.VarFast || with.VarSlow != without.VarSlow || with.VolRatio() != without.VolRatio() ||
		with.Flow != 0 {
		t.Errorf("features %+v, without trades %+v", with, without)
	}
	// 30 lots a second, just after a trade.
	if v, n := with.VolumePerSec(), with.TradesPerSec(); v < 27 || v > 33 || n < 1024-60 || n > 1024+80 {
		t.Errorf("%d lots and %d/1024 trades per second", v, n)
	}
}

func TestFlowStaysWithinItsBounds(t *testing.T) {
	var f Features
	for range 10 {
		f.onTrade(&event.Event{Side: market.Sell, Qty: 1 << 62, StepTime: second})
	}
	if f.Flow != -flowMax || f.Volume != flowMax {
		t.Errorf("flow %d volume %d", f.Flow, f.Volume)
	}
}

// slowTouch is onTouch as its definition says, with a branch for each case.
func (f *Features) slowTouch(bid, ask Touch, now int64) {
	f.advance(now)
	if f.bid.OK {
		flow := int64(0)
		if bid.Price >= f.bid.Price {
			flow += int64(bid.Qty)
		}
		if bid.Price <= f.bid.Price {
			flow -= int64(f.bid.Qty)
		}
		if ask.Price <= f.ask.Price {
			flow -= int64(ask.Qty)
		}
		if ask.Price >= f.ask.Price {
			flow += int64(f.ask.Qty)
		}
		f.OFI = min(max(f.OFI+flow, -flowMax), flowMax)
	}
	mid2 := int64(bid.Price) + int64(ask.Price)
	if f.bid, f.ask = bid, ask; f.mid2 == 0 {
		f.mid2 = mid2
	}
	f.last2 = mid2
}

func TestFeaturesEqualTheirTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var fast, slow Features
	now := int64(0)
	for n := range 100_000 {
		now += rng.Int64N(second) >> rng.IntN(12)
		if n%5000 == 0 {
			now += 5000 * second
		}
		bid := Touch{Price: market.Price(50 + rng.IntN(3)), Qty: market.Qty(1 + rng.Int64N(int64(16*market.MaxQty))>>rng.IntN(52)), OK: true}
		ask := Touch{Price: market.Price(52 + rng.IntN(3)), Qty: market.Qty(1 + rng.Int64N(int64(16*market.MaxQty))>>rng.IntN(52)), OK: true}
		fast.onTouch(&bid, &ask, now)
		slow.slowTouch(bid, ask, now)
		if fast != slow {
			t.Fatalf("touch %d: %+v, twin %+v", n, fast, slow)
		}
	}
}
