package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"penstock/event"
	"penstock/internal/emsclient"
	"penstock/market"
	"penstock/router/loop"
)

// day gives the router a trading day, as its calendar would.
func (r *demoRig) day(number int64, open bool) {
	r.t.Helper()
	e := event.Event{Kind: event.TradingDay, Venue: market.NoVenue, Instrument: market.NoInstrument, Ref: uint64(number), RecvTime: clock(),
		StartTime: clock() + int64(time.Hour), Until: clock() + int64(2*time.Hour)}
	if open {
		e.Code, e.StartTime = event.TradingDayOpen, clock()-int64(time.Hour)
	}
	if !r.a.push(&e) {
		r.t.Fatal("no room for a trading day")
	}
}

// TestGoodTillCancelOutlivesNightAndRestart leaves an order overnight. The router is stopped and
// started again meanwhile; its client comes back with new sequence numbers, as on a new day. Its
// order is still known, by its ClOrdID too, and goes on when the day opens.
func TestGoodTillCancelOutlivesNightAndRestart(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "inline", func(cfg *Config) { cfg.Acceptor.Sessions[0].AllowReset = true })
	today := clock() / int64(24*time.Hour)
	r.day(today, true)
	r.until("the day", func(s *loop.Sequencer) bool { return s.Core().Day() == today })
	const id = "GTC-1"
	if err := r.client.SendOrder(emsclient.NewOrder{ClOrdID: id, Symbol: "PSTK", Side: market.Buy, Qty: 6_000, TIF: market.TIFGTC,
		Strategy: int(event.StrategyTWAP), EndTime: clock() + int64(20*time.Second), SliceSeconds: 1}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	await := func(what string, cond func(*emsclient.Order) bool) emsclient.Order {
		t.Helper()
		o, err := r.client.Await(ctx, id, cond)
		if err != nil {
			t.Fatalf("%s: %v; the order is %+v", what, err, o)
		}
		return o
	}
	await("a fill", func(o *emsclient.Order) bool { return o.CumQty > 0 })
	r.day(today+1, false)
	night := await("done for the day", func(o *emsclient.Order) bool { return o.OrdStatus == market.StatusDoneForDay })
	if night.LeavesQty == 0 || night.LeavesQty+night.CumQty != 6_000 {
		t.Fatalf("overnight: %+v", night)
	}
	sent := 0
	r.until("nothing at the venues", func(s *loop.Sequencer) bool {
		sent = len(s.Core().Children())
		for i := range s.Core().Children() {
			if !s.Core().Children()[i].Released {
				return false
			}
		}
		return true
	})
	if bad := r.client.Violations(); len(bad) > 0 {
		t.Error(strings.Join(bad, "\n"))
	}
	r.client.Close()
	if err := r.a.stop(); err != nil {
		t.Fatal(err)
	}

	cfg, err := LoadConfig(r.a.cfg.Path)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Acceptor.Sessions[0].AllowReset = true
	if r.a, err = assemble(cfg); err != nil {
		t.Fatal(err)
	}
	if r.a.recovered == nil || r.a.recovered.parents != 1 {
		t.Fatalf("the run does not go on with its order: %+v", r.a.recovered)
	}
	if err := r.m.addReceivers(r.a); err != nil {
		t.Fatal(err)
	}
	if err := r.a.awaitReady(t.Context(), demoReady); err != nil {
		t.Fatal(err)
	}
	if r.client, err = emsclient.Connect(t.Context(), emsclient.Config{Addr: r.a.ems.Addr(), SenderCompID: r.m.desk, TargetCompID: demoRouter,
		Instruments: cfg.Router.Instruments, Open: []emsclient.Order{night}, Settings: map[string]string{"ResetOnLogon": "Y"}}); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Format("20060102-15:04:05.000")
	if err := r.client.SendRaw("D", map[int]string{11: id, 55: "PSTK", 54: "1", 38: "6000", 40: "1", 59: "1", 60: now, 847: "1000"}); err != nil {
		t.Fatal(err)
	}
	r.until("its double refused, and nothing sent in the night", func(s *loop.Sequencer) bool {
		if n := len(s.Core().Children()); n != sent || len(s.Core().Parents()) != 1 {
			t.Fatalf("%d orders sent overnight, %d parents", n-sent, len(s.Core().Parents()))
		}
		return s.Core().Counters.DoubleOrders == 1
	})
	r.day(today+1, true)
	await("renewed", func(o *emsclient.Order) bool { return o.OrdStatus == market.StatusPartiallyFilled || o.Done() })
	r.hurry()
	if s := r.finish(id); s.CumQty != "6000" {
		t.Errorf("filled %s of 6000, status %s", s.CumQty, s.Status)
	}
}
