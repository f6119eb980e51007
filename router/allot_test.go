package router

import (
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/policy"
	"penstock/router/risk"
)

// tenVenueCore is a core with four lit venues, three pools and three dealers, all live, and
// a parent whose decision is made again and again.
func tenVenueCore(tb testing.TB) (*Core, *Parent) {
	tb.Helper()
	cfg := &Config{
		Instruments: []market.Instrument{{Symbol: "PSTK", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}},
		Limits: []risk.Limits{{ParentMaxQty: 1e6, ParentMaxNotional: 1e13, ChildMaxQty: 20_000,
			ChildMaxNotional: 1e12, CollarBps: 200}},
		Book: book.Capacity{Levels: 64}, MaxParents: 4, MaxChildren: 1000, Tactics: DefaultTactics(),
	}
	for v := range 10 {
		kind := market.Lit
		if v >= 4 {
			kind = market.Dark
		}
		if v >= 7 {
			kind = market.SDP
		}
		cfg.Venues = append(cfg.Venues, market.Venue{ID: market.VenueID(v), Name: string(rune('A' + v)), MIC: "X", Kind: kind,
			MsgRate: 1e6, AckNanos: 1e9, LastLook: true, TakeFee: market.Fee{PerLotMilli: 30_000}, MakeFee: market.Fee{PerLotMilli: -20_000}})
		cfg.Listings = append(cfg.Listings, Listing{Venue: market.VenueID(v)})
	}
	const now = int64(1_800_000_000e9)
	c, step := startedAt(tb, cfg, now)
	for v := range market.VenueID(10) {
		step(event.Event{Kind: event.VenueSession, Venue: v, Code: uint8(event.SessionUp)})
		if v < 4 {
			step(event.Event{Kind: event.BookClear, Venue: v, Flags: event.More})
			for k := range market.Price(8) {
				step(event.Event{Kind: event.BookLevel, Venue: v, Side: market.Buy, Price: 499_800 - 100*k, Qty: 300, Flags: event.More})
				step(event.Event{Kind: event.BookLevel, Venue: v, Side: market.Sell, Price: 500_200 + 100*k, Qty: 300, Flags: event.More})
			}
			step(event.Event{Kind: event.BookStatus, Venue: v, Code: uint8(event.BookLive)})
		}
		if v >= 7 {
			step(event.Event{Kind: event.Quote, Venue: v, ID: event.ID{'Q', byte(v)}, Price: 499_700, Qty: 500, LastPx: 500_300, LastQty: 500})
		}
	}
	id, _ := event.MakeID("P1")
	step(event.Event{Kind: event.ParentNew, ID: id, Side: market.Buy, Qty: 100_000, Price: 510_000, OrdType: market.OrdLimit,
		TIF: market.TIFDay, Strategy: event.StrategyTWAP, StartTime: now + 1e9, Until: now + 600e9, SliceNanos: 60e9})
	if c.parentCount != 1 {
		tb.Fatal("the parent was not accepted")
	}
	return c, &c.parents[0]
}

// appraiseAllVenues is what a decision does before it sends: the terms of every venue in
// every way, the pools' shares, and the best of each.
func appraiseAllVenues(c *Core, p *Parent) int {
	c.judgeVenues(p)
	c.scratch = allocation{}
	c.weigh(p)
	c.openPools(p, policy.WayPing, 1000)
	c.pools.Share(1000, 1, 0)
	var berths [market.MaxVenues]berth
	n := c.berths(p, 499_800, 1000, &berths)
	c.verdict.of = nil
	return n
}

func TestAppraisalOfTenVenuesDoesNotAllocate(t *testing.T) {
	c, p := tenVenueCore(t)
	found := 0
	if n := testing.AllocsPerRun(200, func() { found = appraiseAllVenues(c, p) }); n != 0 {
		t.Errorf("%.0f allocations", n)
	}
	if found != c.tactics.MaxPostings || c.pools.Count() != 3 || !c.dealt {
		t.Errorf("%d berths, %d pools, dealer %v", found, c.pools.Count(), c.dealt)
	}
}

func BenchmarkAppraiseTenVenuesInTheCore(b *testing.B) {
	c, p := tenVenueCore(b)
	b.ReportAllocs()
	for b.Loop() {
		appraiseAllVenues(c, p)
	}
}

// startedAt returns a core whose run has begun, and what gives it an event at the same moment.
func startedAt(tb testing.TB, cfg *Config, now int64) (*Core, func(event.Event)) {
	tb.Helper()
	c, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	out, seq := c.OutputFor(), uint64(0)
	step := func(e event.Event) {
		seq++
		e.Seq, e.StepTime, e.RecvTime = seq, now, now
		out.Reset()
		c.Step(&e, out)
	}
	step(event.Event{Kind: event.SessionStart, Ref: 1})
	return c, step
}
