package router

import (
	"testing"

	"penstock/event"
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

// TestInvitationsAreToldApartWithinADay: a venue may number its invitations anew every day.
func TestInvitationsAreToldApartWithinADay(t *testing.T) {
	s := newScriptOf(t, conditionalConfig())
	day := func(number uint64) {
		s.step(event.Event{Kind: event.TradingDay, Venue: market.NoVenue, Instrument: market.NoInstrument, Ref: number,
			Code: event.TradingDayOpen, StartTime: s.now, Until: s.now + 8*3600e9})
	}
	day(20_833)
	s.line("invite-any DRKB buy I1 700") // nobody wants it
	for _, l := range []string{"session LITA up", "session DRKB up", "book LITA 49.99x300 50.01x300",
		"parent C1 buy 2000 market seek 600s 60s block=300", "exec C2 new New cum 0", "invite-any DRKB buy I1 700"} {
		s.line(l)
	}
	firm := func() (n int) {
		for i := range s.core.Children() {
			if s.core.children[i].Tactic == event.TacticFirm {
				n++
			}
		}
		return n
	}
	if firm() != 0 || s.core.Counters.Duplicates != 1 {
		t.Fatalf("%d firm orders, %d duplicates on the same day", firm(), s.core.Counters.Duplicates)
	}
	s.now += 10
	day(20_834)
	for _, l := range []string{"exec C3 canceled Canceled cum 0", "parent C2 buy 2000 market seek 600s 60s block=300",
		"invite-any DRKB buy I1 700"} {
		s.line(l)
	}
	if firm() != 1 {
		t.Errorf("%d firm orders for an invitation of the next day\n%s", firm(), s.text)
	}
}
