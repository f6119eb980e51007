package router

import (
	"fmt"
	"strconv"
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/router/risk"
)

// BenchmarkTickAmongLiveParents is the cost of an event that moves the touch of one instrument
// with four live parents, alone and among 4,096 parents on 1,000 instruments: it should depend
// on the parents of the instrument alone. "same" moves one instrument of them again and again,
// "all" one after the other, whose memory no cache holds.
func BenchmarkTickAmongLiveParents(b *testing.B) {
	for _, c := range []struct {
		name                        string
		parents, instruments, moved int
	}{{"parents=4/instruments=1", 4, 1, 1}, {"parents=4096/instruments=1000/same", 4096, 1000, 1}, {"parents=4096/instruments=1000/all", 4096, 1000, 1000}} {
		b.Run(c.name, func(b *testing.B) {
			core, now := scaleCore(b, c.parents, c.instruments)
			out, seq, n := core.OutputFor(), core.Seq(), 0
			e := event.Event{Kind: event.BookLevel, Side: market.Buy}
			b.ReportAllocs()
			for b.Loop() {
				seq++
				now += 1000
				e.Seq, e.StepTime, e.RecvTime = seq, now, now
				e.Instrument, e.Price = market.InstrumentID(n%c.moved), 499_900
				e.Qty = market.Qty(300 * (1 - n/c.moved%2))
				out.Reset()
				core.Step(&e, out)
				n++
			}
			if len(core.Children()) != 0 || len(core.agenda.all) != c.parents {
				b.Fatalf("%d children, %d live parents", len(core.Children()), len(core.agenda.all))
			}
		})
	}
}

// scaleCore is a core with live parents spread over instruments of one lit venue, their limits
// out of reach.
func scaleCore(tb testing.TB, parents, instruments int) (*Core, int64) {
	tb.Helper()
	cfg := &Config{Book: book.Capacity{Levels: 16}, MaxParents: parents, MaxChildren: 1000, Tactics: DefaultTactics(),
		Venues: []market.Venue{{Name: "LIT", MIC: "XLIT", MsgRate: 1e6, AckNanos: 1e9}}}
	for i := range instruments {
		id := market.InstrumentID(i)
		cfg.Instruments = append(cfg.Instruments, market.Instrument{ID: id, Symbol: fmt.Sprint("S", i), Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1})
		cfg.Limits = append(cfg.Limits, risk.Limits{ParentMaxQty: 1e6, ParentMaxNotional: 1e13, ChildMaxQty: 20_000, ChildMaxNotional: 1e12, CollarBps: 200})
		cfg.Listings = append(cfg.Listings, Listing{Instrument: id})
	}
	cfg.Tactics.Off = OffPost // their limits are out of reach: they look, and send nothing
	const now = int64(1_800_000_000e9)
	c, step := startedAt(tb, cfg, now)
	step(event.Event{Kind: event.VenueSession, Code: uint8(event.SessionUp)})
	for i := range instruments {
		id := market.InstrumentID(i)
		step(event.Event{Kind: event.BookClear, Instrument: id, Flags: event.More})
		step(event.Event{Kind: event.BookLevel, Instrument: id, Side: market.Buy, Price: 499_800, Qty: 300, Flags: event.More})
		step(event.Event{Kind: event.BookLevel, Instrument: id, Side: market.Sell, Price: 500_200, Qty: 300, Flags: event.More})
		step(event.Event{Kind: event.BookStatus, Instrument: id, Code: uint8(event.BookLive)})
	}
	for i := range parents {
		id, _ := event.MakeID("P" + strconv.Itoa(i))
		step(event.Event{Kind: event.ParentNew, ID: id, Instrument: market.InstrumentID(i % instruments), Side: market.Buy, Qty: 1000,
			Price: 300_000, OrdType: market.OrdLimit, TIF: market.TIFDay, Strategy: event.StrategyTWAP, Until: now + 36_000e9, SliceNanos: 3600e9})
	}
	if len(c.agenda.all) != parents {
		tb.Fatalf("%d parents are live, not %d", len(c.agenda.all), parents)
	}
	return c, now
}
