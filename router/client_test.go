package router

import (
	"slices"
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/router/risk"
)

// TestARequestNamesTheSymbolOfItsOrder: a cancel or replace of another symbol was meant for another order.
func TestARequestNamesTheSymbolOfItsOrder(t *testing.T) {
	cfg := &Config{Book: book.Capacity{Levels: 16}, MaxParents: 8, MaxChildren: 64, Tactics: DefaultTactics(),
		Venues: []market.Venue{{Name: "LITA", MIC: "XLTA", MsgRate: 1000, AckNanos: 1e9}}}
	for i := range 2 {
		cfg.Instruments = append(cfg.Instruments, market.Instrument{ID: market.InstrumentID(i), Symbol: []string{"ONE", "TWO"}[i], PriceDecimals: 4, Tick: 100, Lot: 1})
		cfg.Limits = append(cfg.Limits, risk.Limits{ParentMaxQty: 1e6, ParentMaxNotional: 1e13, ChildMaxQty: 1e5, ChildMaxNotional: 1e12, CollarBps: 200})
		cfg.Listings = append(cfg.Listings, Listing{Instrument: market.InstrumentID(i)})
	}
	c, step := startedAt(t, cfg, 1_800_000_000e9)
	order, _ := event.MakeID("C1")
	step(event.Event{Kind: event.ParentNew, ID: order, Instrument: 1, Side: market.Buy, Qty: 100, OrdType: market.OrdLimit, Price: 500_000,
		TIF: market.TIFDay, Strategy: event.StrategyTWAP, Until: 1_800_000_000e9 + 600e9, SliceNanos: 60e9})
	refused := func() event.Reason {
		for i := range c.out.Commands {
			if cmd := &c.out.Commands[i]; cmd.Kind == event.RejectCancel {
				return cmd.Reason
			}
		}
		return event.ReasonNone
	}
	for _, r := range []struct {
		kind event.Kind
		id   string
		in   market.InstrumentID
		want event.Reason
	}{{event.ParentReplace, "R1", 0, event.ReasonOtherSymbol}, {event.ParentCancel, "X1", 0, event.ReasonOtherSymbol},
		{event.ParentReplace, "R2", 1, event.ReasonNone}} {
		id, _ := event.MakeID(r.id)
		step(event.Event{Kind: r.kind, ID: id, OrigID: order, Instrument: r.in, Side: market.Buy, Qty: 200, OrdType: market.OrdLimit, Price: 500_000})
		if got := refused(); got != r.want || !c.parents[0].Live() {
			t.Errorf("%v of instrument %d: %v, live %v", r.kind, r.in, got, c.parents[0].Live())
		}
	}
	if p := &c.parents[0]; p.OrderQty != 200 || slices.Contains(c.agenda.all, 1) {
		t.Errorf("%d ordered", p.OrderQty)
	}
}
