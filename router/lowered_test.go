package router

import (
	"slices"
	"testing"

	"penstock/event"
	"penstock/market"
)

// TestWhatWaitsAsksTheLimitsAgain: an order that waits to arrive with others leaves by the limits of the moment, not by
// those of its decision: a person may have lowered them since, or its strategy may have been disabled.
func TestWhatWaitsAsksTheLimitsAgain(t *testing.T) {
	lower := func(kind event.LimitKind, value market.Qty) func(*script) {
		return func(s *script) {
			s.step(event.Event{Kind: event.Operator, Code: uint8(event.OperatorLimit), Venue: market.NoVenue, Ref: uint64(kind), Qty: value})
			if s.core.acted.Why != event.ReasonNone {
				t.Fatal(s.core.acted.Why)
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*script)
		leaves bool
	}{
		"nothing":                   {func(*script) {}, true},
		"a limit that leaves room":  {lower(event.LimitChildMaxQty, 300), true},
		"the largest child":         {lower(event.LimitChildMaxQty, 100), false},
		"the largest notional":      {lower(event.LimitChildMaxNotional, 1e6), false},
		"the collar":                {lower(event.LimitCollarBps, 1), false},
		"a credit that leaves room": {lower(event.LimitFirmCredit, 1e9), true},
		"the credit of the firm":    {lower(event.LimitFirmCredit, 1), false},
		"the credit of the client":  {lower(event.LimitCredit, 1), false},
		"the strategy, which is stopped": {func(s *script) {
			for s.core.gate.Filled(0, event.StrategySweep, s.now) {
			}
		}, false},
	} {
		s := newScriptOf(t, equaliseConfig())
		for _, l := range []string{"session LITA up", "session LITB up", "latency LITA 100us", "latency LITB 600us",
			"book LITA 49.90x300 50.10x300", "book LITB 49.90x300 50.10x300", "parent C1 buy 600 market sweep"} {
			s.line(l)
		}
		if s.core.Waiting() != 1 {
			t.Fatalf("%d orders wait, not 1", s.core.Waiting())
		}
		begin := s.now
		c.change(s)
		s.now = begin + 500e3
		s.step(event.Event{Kind: event.Timer})
		left := slices.ContainsFunc(s.out.Commands, func(c event.Command) bool { return c.Kind == event.SendOrder && c.Venue == 0 })
		if left != c.leaves || left == (s.core.Counters.Dropped == 1) {
			t.Errorf("%s was lowered: left %v, %d dropped", name, left, s.core.Counters.Dropped)
		}
	}
}

// TestARaiseEndsWithItsTime: the event that finds a raised limit over is judged by the one that holds again,
// whether the loop has had a timer since or not.
func TestARaiseEndsWithItsTime(t *testing.T) {
	w := takerWorld(t, func(cfg *Config) { cfg.Limits[0].ChildMaxQty, cfg.Limits[0].HardMaxQty = 100, 1e6 })
	w.limit(event.LimitChildMaxQty, 5000, w.now+1e9)
	w.taker("C1", 5000)
	w.level(0, market.Buy, w.mid, 100, 0)
	sent := w.core.childCount
	w.now += 1e9
	w.level(0, market.Sell, w.mid+200, 4000, 0)
	if w.core.childCount == sent {
		t.Fatal("nothing was sent")
	}
	for _, ch := range w.core.children[sent:w.core.childCount] {
		if ch.Qty > 100 {
			t.Errorf("an order of %d when the limit was 100 again", ch.Qty)
		}
	}
}

// TestAStrategyThatIsDisabledAgainIsToldAgain: who enabled it has to know that nothing of it is sent once more.
func TestAStrategyThatIsDisabledAgainIsToldAgain(t *testing.T) {
	w := takerWorld(t, func(cfg *Config) { cfg.Controls.RepeatOrders, cfg.Controls.RepeatNanos = 1, 3600e9 })
	w.taker("C1", 5000)
	for round := range 3 {
		told := 0
		for k := range market.Qty(4) {
			for _, l := range []struct {
				price market.Price
				qty   market.Qty
			}{{200, 400 + 10*k + 100*market.Qty(round)}, {100, 10}, {100, 0}} {
				w.level(0, market.Sell, w.mid+l.price, l.qty, 0)
				told += w.alerts(event.ReasonDisabled)
			}
		}
		if told != 1 || !w.core.gate.Disabled(event.StrategyTWAP) {
			t.Errorf("round %d: told %d times, disabled %v", round, told, w.core.gate.Disabled(event.StrategyTWAP))
		}
		w.operator(event.OperatorEnable, func(e *event.Event) { e.Strategy = event.StrategyTWAP })
	}
}

// alerts returns how many of the last step gave a reason.
func (w *world) alerts(why event.Reason) (n int) {
	for i := range w.out.Commands {
		if c := &w.out.Commands[i]; c.Kind == event.Alert && c.Reason == why {
			n++
		}
	}
	return n
}

// TestAParentWithoutOrdersLeftIsTold: one that has had all that a parent may have stays live and sends nothing, and so
// does each when no child has a place; a person learns of it once.
func TestAParentWithoutOrdersLeftIsTold(t *testing.T) {
	for why, change := range map[event.Reason]func(*Config){
		event.ReasonMaxLife:      func(cfg *Config) { cfg.Tactics.MaxLife = 3 },
		event.ReasonChildrenFull: func(cfg *Config) { cfg.MaxChildren = 3 },
	} {
		w := takerWorld(t, change)
		first, second := w.taker("C1", 9000), w.taker("C2", 9000)
		told := 0
		for i := range market.Qty(40) {
			w.now += 10e6
			w.level(0, market.Sell, w.mid+300, 0, 0)
			told += w.alerts(why)
			w.level(0, market.Sell, w.mid+300, 100+i, 0)
			told += w.alerts(why)
			for len(w.wire[0]) > 0 {
				w.deliver(0)
			}
		}
		want := map[event.Reason]int{event.ReasonMaxLife: 2, event.ReasonChildrenFull: 1}[why]
		if told != want || first.ChildrenSent+second.ChildrenSent > 6 || !first.Live() {
			t.Errorf("%v: told %d times, %d and %d children", why, told, first.ChildrenSent, second.ChildrenSent)
		}
	}
}

// TestAPoolAmidAMessageIsInNoTouch: what a pool's feed says changes no touch, nor does a snapshot that is taken then
// name it.
func TestAPoolAmidAMessageIsInNoTouch(t *testing.T) {
	for _, dark := range []event.Event{{Kind: event.BookStatus, Venue: 2, Code: uint8(event.BookLive)},
		{Kind: event.BookStatus, Venue: 2, Code: uint8(event.BookLive), Flags: event.More}} {
		s := newScript(t)
		for _, l := range []string{"session LITA up", "book LITA 49.99x300 50.01x300"} {
			s.line(l)
		}
		s.step(event.Event{Kind: event.BookClear, Venue: 0, Flags: event.More})
		s.step(dark)
		if n, _ := New(testConfig()); n != nil {
			if err := loadState(n, savedState(t, s.core)); err != nil {
				t.Error(err)
			}
		}
		s.step(event.Event{Kind: event.BookStatus, Venue: 0, Code: uint8(event.BookLive)})
		if m := s.core.composites[0]; m.Partial != 0 || m.Dirty != 0 {
			t.Errorf("%+v: partial %b, dirty %b", dark, m.Partial, m.Dirty)
		}
	}
}

// TestADropWakesItsParent: two orders of a parent wait and are due when a better protected quote has come. The first
// drop makes what the second must not believe.
func TestADropWakesItsParent(t *testing.T) {
	cfg := sweepConfig(t, 7) // all takes, better quotes are protected, orders wait up to a millisecond
	var cores [2]*Core
	var outs [2]*event.Output
	latencies := func() {
		for _, c := range cores {
			for v, us := range []uint32{100, 100, 600} {
				c.economics.set.Venues[v].LatencyMicros = us
			}
			c.blend()
		}
	}
	for i := range cores {
		cores[i], _ = New(cfg)
		outs[i] = cores[i].OutputFor()
	}
	latencies()
	now, seq := int64(1_800_000_000e9), uint64(0)
	step := func(e event.Event) (sent []event.Command) {
		t.Helper()
		seq++
		e.Seq, e.StepTime, e.RecvTime = seq, now, now
		twin := e
		outs[0].Reset()
		outs[1].Reset()
		cores[0].Step(&e, outs[0])
		stepByWalk(cores[1], &twin, outs[1])
		if !slices.Equal(outs[0].Commands, outs[1].Commands) {
			t.Errorf("event %d, %v: %+v with stances, by the walk %+v", seq, e.Kind, outs[0].Commands, outs[1].Commands)
		}
		if trouble := cores[0].Audit(); trouble != "" {
			t.Error(trouble)
		}
		return outs[0].Commands
	}
	level := func(v int, side market.Side, price market.Price, qty market.Qty, f event.Flags) []event.Command {
		t.Helper()
		return step(event.Event{Kind: event.BookLevel, Venue: market.VenueID(v), Side: side, Price: price, Qty: qty, Flags: f})
	}
	exec := func(ch *Child, why market.ExecType, status market.OrdStatus, cum market.Qty) {
		t.Helper()
		e := event.Event{Kind: event.Exec, Venue: ch.Venue, Ref: ch.Number, Code: uint8(why), OrdStatus: status, CumQty: cum}
		if cum > 0 {
			e.LastQty, e.LastPx = cum-ch.Cum, 500_000
			e.ID, _ = event.MakeID(string(rune('A' + seq%26)))
		}
		step(e)
	}
	step(event.Event{Kind: event.SessionStart, Ref: 1})
	for v := range 3 {
		step(event.Event{Kind: event.VenueSession, Venue: market.VenueID(v), Code: uint8(event.SessionUp)})
		step(event.Event{Kind: event.BookClear, Venue: market.VenueID(v), Flags: event.More})
		step(event.Event{Kind: event.BookStatus, Venue: market.VenueID(v), Code: uint8(event.BookLive), Flags: event.More})
		level(v, market.Buy, 499_000, 300, 0)
	}
	level(2, market.Sell, 500_000, 300, 0)
	id, _ := event.MakeID("C1")
	step(event.Event{Kind: event.ParentNew, ID: id, Side: market.Buy, Qty: 18_000, OrdType: market.OrdLimit, Price: 500_000,
		TIF: market.TIFDay, Strategy: event.StrategyTWAP, Until: now + 1200e9, SliceNanos: 60e9}) // 900 in each of 20 slices
	child := func(i int) *Child { return &cores[0].children[i] }
	exec(child(0), market.ExecNew, market.StatusNew, 0)
	level(2, market.Sell, 500_000, 0, 0)
	exec(child(0), market.ExecCanceled, market.StatusCanceled, 0)
	latencies()
	for v, more := range []event.Flags{event.More, event.More, 0} {
		level(v, market.Sell, 500_000, 300, more)
	}
	for i := range market.Price(2) { // another touch, without news for who buys
		level(int(i), market.Buy, 499_100+100*i, 100, 0)
	}
	if cores[0].Waiting() != 2 || cores[0].childCount != 4 {
		t.Fatalf("%d of %d orders wait, 2 of 4 should", cores[0].Waiting(), cores[0].childCount)
	}
	exec(child(3), market.ExecNew, market.StatusNew, 0)
	exec(child(3), market.ExecCanceled, market.StatusCanceled, 0)
	exec(child(0), market.ExecTrade, market.StatusFilled, 300) // both after their end
	exec(child(3), market.ExecTrade, market.StatusFilled, 300)
	now += 2e6
	if sent := level(2, market.Sell, 499_900, 1000, 0); !slices.ContainsFunc(sent, func(c event.Command) bool {
		return c.Kind == event.SendOrder && c.Qty == 300 && c.Price == 499_900
	}) || cores[0].Counters.Dropped != 2 {
		t.Errorf("%d dropped; sent %+v", cores[0].Counters.Dropped, sent)
	}
}
