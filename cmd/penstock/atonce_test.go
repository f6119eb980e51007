package main

import (
	"slices"
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
	"penstock/router"
)

// TestConfiguredRouterTakesAtOnce: a router as the example configures it, with controls, limits and a word about
// protected quotes, has a parent ready to take before the touch moves, as the benchmarks' routers have. Where a
// dealer trades the symbol, it has not.
func TestConfiguredRouterTakesAtOnce(t *testing.T) {
	for _, protect := range []string{"protect = false", "protect = true"} {
		cfg := newCrashConfig(t, "book_orders = 262144", "book_orders = 64", "protect = true", protect).cfg.Router
		var err error
		if cfg.Table, err = policy.BuildBaseline(policy.BuildOptions{Version: "test", NotAfter: 1 << 62}); err != nil {
			t.Fatal(err)
		}
		cfg.Listings = slices.DeleteFunc(cfg.Listings, func(l router.Listing) bool { return cfg.Venues[l.Venue].Kind == market.SDP })
		if cfg.Controls == nil || len(cfg.Protect) == 0 {
			t.Fatal("it is no configured router")
		}
		for v := range cfg.Venues {
			cfg.Venues[v].MaxAgeNanos = 0 // nothing moves for a minute
		}
		core, err := router.New(&cfg)
		if err != nil {
			t.Fatal(err)
		}
		out, now, seq := core.OutputFor(), int64(1_800_000_000e9), uint64(0)
		step := func(e event.Event) {
			seq++
			e.Seq, e.StepTime, e.RecvTime = seq, now, now
			out.Reset()
			core.Step(&e, out)
		}
		level := func(v market.VenueID, side market.Side, price market.Price, ref uint64) {
			e := event.Event{Kind: event.BookLevel, Venue: v, Side: side, Price: price, Qty: 500}
			if cfg.Venues[v].ByOrder {
				e.Kind, e.Ref = event.OrderAdd, ref
			}
			step(e)
		}
		step(event.Event{Kind: event.SessionStart, Ref: 1000})
		for v := range cfg.Venues {
			id := market.VenueID(v)
			step(event.Event{Kind: event.VenueSession, Venue: id, Code: uint8(event.SessionUp)})
			if cfg.Venues[v].Kind != market.Lit {
				continue
			}
			for i, side := range []market.Side{market.Buy, market.Sell} {
				level(id, side, market.Price(1_000_000+200*i), uint64(10+i))
			}
			step(event.Event{Kind: event.BookStatus, Venue: id, Code: uint8(event.BookLive)})
		}
		parent := event.Event{Kind: event.ParentNew, Side: market.Buy, Qty: 100, OrdType: market.OrdLimit, Price: 1_000_000, TIF: market.TIFDay,
			Strategy: event.StrategyTWAP, Until: now + 60e9, SliceNanos: 60e9}
		parent.ID, _ = event.MakeID("P1")
		step(parent)
		now += 55e9
		step(event.Event{Kind: event.Timer})
		level(0, market.Buy, 1_000_100, 12) // the touch moves, and behind that the next one is prepared for
		if p := core.Parents(); len(p) != 1 || !p[0].Live() || core.Poised() != 1 {
			t.Errorf("%s: %d parents, %d of them ready to take: %+v", protect, len(p), core.Poised(), p)
		}
	}
}
