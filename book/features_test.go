package book

import (
	"testing"

	"penstock/event"
	"penstock/market"
)

func TestFeaturesFollowVolatilityAndFlow(t *testing.T) {
	var f Features
	for s := int64(1); s <= 200; s++ {
		f.onMid(1000+s%2, s*second) // one half-tick a second
	}
	if r := f.VolRatio(); r < 900 || r > 1100 {
		t.Errorf("steady volatility: ratio %d, want about 1000", r)
	}
	for s := int64(201); s <= 260; s++ {
		f.onMid(1000+10*(s%2), s*second)
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
		with.onMid(1000+s%3, s*second)
		without.onMid(1000+s%3, s*second)
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
