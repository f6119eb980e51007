package router

import (
	"testing"

	"penstock/market"
	"penstock/router/risk"
)

// conditionalConfig has a lit venue, and two pools that take conditional orders.
func conditionalConfig() *Config {
	cfg := testConfig()
	cfg.Venues[1].Name, cfg.Venues[1].Kind = "DRKB", market.Dark
	for _, v := range []int{1, 2} {
		cfg.Venues[v].Conditional = market.Conditional{MinQty: 500, WindowNanos: 400e6, FirmBps: 2500}
	}
	return cfg
}

// TestConditionalOrders runs the scripts of testdata/conditional.
func TestConditionalOrders(t *testing.T) { runScripts(t, "testdata/conditional", 1, conditionalConfig) }

// TestFirmUpGoesThroughTheGate: the firm order of an invitation is an order like any other.
func TestFirmUpGoesThroughTheGate(t *testing.T) {
	cfg := conditionalConfig()
	cfg.Limits[0] = risk.Limits{ParentMaxQty: 1e6, ParentMaxNotional: 1e13, ChildMaxQty: 700, ChildMaxNotional: 1e12, CollarBps: 200}
	s := newScriptOf(t, cfg)
	for _, l := range []string{"session LITA up", "session DRKB up", "session DRKA up", "book LITA 49.99x300 50.01x300",
		"parent C1 buy 5000 market seek 600s 60s"} {
		s.line(l)
	}
	for i := range s.core.Children() {
		if ch := &s.core.Children()[i]; ch.Qty > 700 {
			t.Errorf("child %d shows %d", i, ch.Qty)
		}
	}
}
