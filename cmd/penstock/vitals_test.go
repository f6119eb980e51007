package main

import (
	"fmt"
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/router"
	"penstock/router/risk"
)

// busyCore is a core in the afternoon: parents have come and gone, and many instruments trade at ten venues.
func busyCore(tb testing.TB, instruments, parents int) *router.Core {
	tb.Helper()
	const venues = 10
	cfg := &router.Config{Book: book.Capacity{Levels: 8}, MaxParents: parents, MaxChildren: 64, Tactics: router.DefaultTactics()}
	for i := range instruments {
		cfg.Instruments = append(cfg.Instruments, market.Instrument{ID: market.InstrumentID(i), Symbol: fmt.Sprint("S", i),
			PriceDecimals: 4, Tick: 100, Lot: 1})
		cfg.Limits = append(cfg.Limits, risk.Limits{ParentMaxQty: 1e6, ParentMaxNotional: 1e13, ChildMaxQty: 1e5, ChildMaxNotional: 1e12, CollarBps: 200})
		for v := range venues {
			cfg.Listings = append(cfg.Listings, router.Listing{Instrument: market.InstrumentID(i), Venue: market.VenueID(v)})
		}
	}
	for v := range venues {
		cfg.Venues = append(cfg.Venues, market.Venue{ID: market.VenueID(v), Name: fmt.Sprint("V", v), MIC: "X", MsgRate: 1000, AckNanos: 1e9})
	}
	core, err := router.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	out, now := core.OutputFor(), int64(1)
	step := func(e event.Event) {
		now++
		e.Seq, e.StepTime, e.RecvTime = core.Seq()+1, now, now
		out.Reset()
		core.Step(&e, out)
	}
	step(event.Event{Kind: event.SessionStart, Ref: 77})
	for v := range venues {
		step(event.Event{Kind: event.VenueSession, Venue: market.VenueID(v), Code: uint8(event.SessionUp)})
		for i := range instruments {
			step(event.Event{Kind: event.BookStatus, Venue: market.VenueID(v), Instrument: market.InstrumentID(i), Code: uint8(event.BookLive)})
		}
	}
	for n := range parents {
		id, _ := event.MakeID(fmt.Sprint("C", n))
		step(event.Event{Kind: event.ParentNew, ID: id, Instrument: market.InstrumentID(n % instruments), Side: market.Buy, Qty: 50,
			OrdType: market.OrdLimit, Price: 500_000, TIF: market.TIFDay, Strategy: event.StrategySweep})
		if n%100 != 0 {
			cancel, _ := event.MakeID(fmt.Sprint("X", n))
			step(event.Event{Kind: event.ParentCancel, ID: cancel, OrigID: id, Instrument: market.InstrumentID(n % instruments), Side: market.Buy})
		}
	}
	return core
}

// walk finds out what a pulse says by a look at each parent and each book.
func walk(core *router.Core, instruments, venues int) (p pulse) {
	for i := range core.Parents() {
		if core.Parents()[i].Live() {
			p.parents++
		}
	}
	for v := range venues {
		id := market.VenueID(v)
		p.venues[v].orders, p.venues[v].dropCopy = core.SessionUp(id), core.DropCopyUp(id)
		for i := range instruments {
			p.venues[v].books[core.Composite(market.InstrumentID(i)).Books[v].State]++
		}
	}
	return p
}

// TestThePulseIsReadWithoutAWalk pins that what the core is asked four times a second takes its thread no
// allocation and says what a walk says.
func TestThePulseIsReadWithoutAWalk(t *testing.T) {
	core := busyCore(t, 20, 1000)
	var p pulse
	if n := testing.AllocsPerRun(100, func() { p.take(core, 10) }); n != 0 {
		t.Errorf("%v allocations on the hot thread", n)
	}
	if want := walk(core, 20, 10); p != want || p.parents == 0 || p.venues[9].books[event.BookLive] != 20 {
		t.Errorf("pulse %+v, a walk says %+v", p, want)
	}
}

// BenchmarkPulse is what a look at the core takes its thread in the afternoon, beside a walk over parents and books.
func BenchmarkPulse(b *testing.B) {
	const instruments, parents = 500, 20_000
	core := busyCore(b, instruments, parents)
	var p pulse
	b.Run("kept", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.take(core, 10)
		}
	})
	b.Run("walk", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p = walk(core, instruments, 10)
		}
	})
}
