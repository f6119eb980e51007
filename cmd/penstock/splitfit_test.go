package main

import (
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/policy"
	"penstock/router"
	"penstock/router/risk"
)

// What left a queue is what traded there and half of what was taken away; the fit moves the split by
// the number of windows, and leaves dealers and pools alone.
func TestOutflowOfAQueue(t *testing.T) {
	cfg := &Config{}
	cfg.Router = router.Config{Book: book.Capacity{Levels: 16}, MaxParents: 1, MaxChildren: 1, Tactics: router.DefaultTactics(),
		Venues: []market.Venue{{Name: "LIT", MIC: "XLIT", MsgRate: 1e6, AckNanos: 1e9},
			{ID: 1, Name: "DRK", MIC: "XDRK", Kind: market.Dark, MsgRate: 1e6, AckNanos: 1e9}},
		Instruments: []market.Instrument{{Symbol: "S", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}},
		Limits:      []risk.Limits{{ParentMaxQty: 1e6, ParentMaxNotional: 1e13, ChildMaxQty: 20_000, ChildMaxNotional: 1e12, CollarBps: 200}},
		Listings:    []router.Listing{{}, {Venue: 1}}}
	core, err := router.New(&cfg.Router)
	if err != nil {
		t.Fatal(err)
	}
	r := &rerun{core: core, out: core.OutputFor(), cfg: cfg}
	o, seq, now := newOutflows(r), uint64(0), int64(1_800_000_000e9)
	step := func(e event.Event) {
		seq++
		e.Seq, e.StepTime, e.RecvTime = seq, now, now
		r.out.Reset()
		core.Step(&e, r.out)
		o.see(&e)
	}
	level := func(side market.Side, price market.Price, qty market.Qty) {
		step(event.Event{Kind: event.BookLevel, Side: side, Price: price, Qty: qty})
	}
	step(event.Event{Kind: event.SessionStart, Ref: 1})
	step(event.Event{Kind: event.BookClear})
	level(market.Buy, 499_900, 1000)
	level(market.Sell, 500_100, 1000)
	step(event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
	const windows = 60
	for range windows {
		now += o.nanos
		level(market.Buy, 499_900, 1000) // a window begins
		now++
		level(market.Buy, 499_900, 400) // 600 leave, of which 500 traded
		step(event.Event{Kind: event.MarketTrade, Side: market.Sell, Price: 499_900, Qty: 500})
		level(market.Buy, 499_900, 1000)
		level(market.Buy, 499_800, 10) // another level
		level(market.Buy, 499_800, 0)
	}
	o.close()
	seen := 0
	for i := range o.windows {
		if w := &o.windows[i]; w.Queue[0] == 1000 && w.Outflow[0] == 550 {
			seen++
		} else if w.Outflow[0] != 0 || w.Outflow[1] == w.Outflow[1] {
			t.Errorf("window %+v", w)
		}
	}
	if seen != windows {
		t.Errorf("%d windows show that 550 of 1000 left, not %d", seen, windows)
	}
	p := *policy.PriorParams()
	count := o.fit(&p)
	if n := count[1] + count[4] + count[7]; n == 0 || p.Venues[0].Known&policy.KnownSplit == 0 || p.Venues[1].Known&policy.KnownSplit != 0 ||
		p.Venues[1].SplitPost != policy.PriorParams().Venues[1].SplitPost {
		t.Errorf("counts %v, known %x and %x", count, p.Venues[0].Known, p.Venues[1].Known)
	}
	for c, n := range count {
		if n > 0 && (p.SplitTake[c] <= policy.PriorParams().SplitTake[c] || p.Venues[0].SplitPost[c] >= policy.PriorParams().Venues[0].SplitPost[c]) {
			t.Errorf("cell %d: no order that joined would have filled, %d taken and %d posted of %d", c, p.SplitTake[c], p.Venues[0].SplitPost[c], policy.One)
		}
	}
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
}
