package router

import (
	"slices"
	"testing"

	"penstock/event"
	"penstock/market"
)

// TestStepDoesNotAllocate drives every kind of event through a working parent.
func TestStepDoesNotAllocate(t *testing.T) {
	w := newWorld(t, 1, nil)
	id, _ := event.MakeID("C1")
	parent := event.Event{Kind: event.ParentNew, ID: id, Side: market.Buy, Qty: 500_000, OrdType: market.OrdMarket, TIF: market.TIFDay,
		Strategy: event.StrategyTWAP, Until: w.now + 3600e9, SliceNanos: 1e9}
	w.byID[id] = &client{id: id, qty: parent.Qty, side: market.Buy}
	w.step(parent)
	core, out, seq, now := w.core, w.out, w.seq, w.now
	slot := new(event.Event) // the loop's own: Step keeps a pointer while it runs
	take := func(e event.Event) {
		seq++
		e.Seq, e.StepTime = seq, now
		*slot = e
		out.Reset()
		core.Step(slot, out)
	}
	sends, quote := 0, byte(0)
	run := func() {
		now += 20e6
		take(event.Event{Kind: event.Timer})
		for i := range out.Commands {
			if out.Commands[i].Kind == event.SendOrder {
				sends++
			}
		}
		if core.childCount > 0 {
			ch := &core.children[core.childCount-1]
			take(event.Event{Kind: event.Exec, Venue: ch.Venue, Ref: ch.Number, Code: uint8(market.ExecNew), OrdStatus: market.StatusNew})
			if !ch.Released {
				take(event.Event{Kind: event.Exec, Venue: ch.Venue, Ref: ch.Number, Code: uint8(market.ExecTrade),
					OrdStatus: market.StatusPartiallyFilled, CumQty: ch.Cum + 1, LastQty: 1, LastPx: ch.Price})
			}
			if !ch.Released {
				take(event.Event{Kind: event.Exec, Venue: ch.Venue, Ref: ch.Number, Code: uint8(market.ExecCanceled),
					OrdStatus: market.StatusCanceled, CumQty: ch.Cum})
			}
		}
		quote++
		take(event.Event{Kind: event.BookLevel, Venue: 0, Side: market.Sell, Price: 500_100, Qty: market.Qty(quote) * 10})
		take(event.Event{Kind: event.MarketTrade, Venue: 0, Side: market.Buy, Price: 500_100, Qty: 5})
		take(event.Event{Kind: event.Quote, Venue: 3, ID: event.ID{quote}, Price: 499_900, Qty: 500, LastPx: 500_100,
			LastQty: 500, Until: now + 1e9})
	}
	if n := testing.AllocsPerRun(500, run); n != 0 {
		t.Errorf("%v allocations per turn", n)
	}
	if sends < 20 {
		t.Errorf("only %d orders were sent: the test does not reach the hot path", sends)
	}
}

func TestOverExecutionFreezesTheParent(t *testing.T) {
	w := newWorld(t, 3, nil)
	id, _ := event.MakeID("C1")
	w.byID[id] = &client{id: id, qty: 1000, side: market.Buy}
	w.step(event.Event{Kind: event.ParentNew, ID: id, Side: market.Buy, Qty: 1000, OrdType: market.OrdMarket, TIF: market.TIFDay,
		Strategy: event.StrategySweep})
	var child *Child
	for i := range w.core.Children() {
		if w.core.children[i].Tactic == event.TacticTake {
			child = &w.core.children[i]
		}
	}
	if child == nil {
		t.Fatal("the sweep sent nothing")
	}
	p := &w.core.parents[0]
	w.orders[child.Number].cum = child.Qty + 500
	cum := child.Qty + 500
	e := event.Event{Kind: event.Exec, Venue: child.Venue, Ref: child.Number, Code: uint8(market.ExecTrade),
		OrdStatus: market.StatusFilled, CumQty: cum, LastQty: cum, LastPx: child.Price}
	w.step(e)
	if p.Cum != cum || !p.Frozen || w.core.Counters.Overfills != 1 {
		t.Errorf("CumQty %d frozen %v overfills %d: the truth must be booked and the parent frozen", p.Cum,
			p.Frozen, w.core.Counters.Overfills)
	}
	sent := w.core.childCount
	for range 100 {
		w.now += 50e6
		w.step(event.Event{Kind: event.Timer})
		w.move()
	}
	if w.core.childCount != sent {
		t.Error("a frozen parent sent orders")
	}
}

// TestWhatAVenueAddsIsNotForgotten fills an order of which the venue has one lot more than was sent, by
// its own doing: the order is not over before the venue says so, it is cancelled as soon as that can be
// done, and what is executed of the lot counts.
func TestWhatAVenueAddsIsNotForgotten(t *testing.T) {
	for _, executed := range []bool{false, true} {
		w := newWorld(t, 3, nil)
		id, _ := event.MakeID("C1")
		w.byID[id] = &client{id: id, qty: 1000, side: market.Buy}
		w.step(event.Event{Kind: event.ParentNew, ID: id, Side: market.Buy, Qty: 1000, OrdType: market.OrdMarket, TIF: market.TIFDay,
			Strategy: event.StrategySweep})
		p, child := &w.core.parents[0], &w.core.children[0]
		qty, out := child.Qty, w.core.OutputFor()
		step := func(e event.Event) (cancels int) {
			w.seq++
			e.Seq, e.StepTime = w.seq, w.now
			out.Reset()
			w.core.Step(&e, out)
			for i := range out.Commands {
				if c := &out.Commands[i]; c.Kind == event.SendCancel && c.Child == child.Number {
					cancels++
				}
			}
			return cancels
		}
		e := event.Event{Kind: event.Exec, Venue: child.Venue, Ref: child.Number}
		step(event.Event{Kind: event.VenueSession, Venue: child.Venue, Code: uint8(event.SessionDown)})
		e.Code, e.OrdStatus, e.CumQty, e.LastQty, e.LastPx, e.LeavesQty = uint8(market.ExecTrade), market.StatusPartiallyFilled, qty, qty, child.Price, 1
		if n := step(e); n != 0 || child.Released || !p.Frozen || p.beyond != 1 || child.Cum != qty {
			t.Fatalf("%d cancels to a session that is down; child %+v", n, child)
		}
		step(event.Event{Kind: event.VenueSession, Venue: child.Venue, Code: uint8(event.SessionUp)})
		e.Code, e.LastQty = uint8(market.ExecOrderStatus), 0
		if n := step(e); n != 1 || child.Released {
			t.Fatalf("%d cancels when the venue says that it is open, want 1; child %+v", n, child)
		}
		e.Code, e.OrdStatus, e.LeavesQty = uint8(market.ExecCanceled), market.StatusCanceled, 0
		if executed {
			e.Code, e.OrdStatus, e.CumQty, e.LastQty = uint8(market.ExecTrade), market.StatusFilled, qty+1, 1
		}
		step(e)
		if !child.Released || p.beyond != 0 || child.Cum != e.CumQty || w.core.Counters.Overfills != map[bool]uint64{true: 1}[executed] {
			t.Errorf("it ends with %d executed of %d, overfills %d: %+v", child.Cum, qty, w.core.Counters.Overfills, child)
		}
		if trouble := w.core.Audit(); trouble != "" {
			t.Error(trouble)
		}
	}
}

// TestHalfAMessageIsNotRoutedOn lets a timer fire between two events of one
// message, which the loop's batches make possible.
func TestHalfAMessageIsNotRoutedOn(t *testing.T) {
	w := newWorld(t, 4, nil)
	id, _ := event.MakeID("C1")
	w.byID[id] = &client{id: id, qty: 5000, side: market.Buy}
	w.move()
	w.level(0, market.Sell, w.mid+100, 0, event.More)
	w.level(1, market.Sell, w.mid+100, 0, 0) // another venue's whole message in between
	sent := w.core.childCount
	w.step(event.Event{Kind: event.ParentNew, ID: id, Side: market.Buy, Qty: 5000, OrdType: market.OrdMarket,
		TIF: market.TIFDay, Strategy: event.StrategySweep})
	w.now += 100e6
	w.step(event.Event{Kind: event.Timer})
	if n := w.core.childCount - sent; n != 0 {
		t.Fatalf("%d orders were sent on half a message", n)
	}
	w.level(0, market.Sell, w.mid+100, 300, 0)
	if w.core.childCount == sent {
		t.Error("nothing was sent when the message was complete")
	}
}

// TestOnlyBookStatusSpeaksForEveryInstrument gives the core a quote for an
// instrument that nobody knows.
func TestOnlyBookStatusSpeaksForEveryInstrument(t *testing.T) {
	w := newWorld(t, 5, nil)
	quote := w.core.Composite(0).Books[3].Quote
	w.step(event.Event{Kind: event.Quote, Venue: 3, Instrument: market.NoInstrument, Price: 1, Qty: 1, LastPx: 2, LastQty: 1})
	if w.core.Composite(0).Books[3].Quote != quote {
		t.Error("a quote for no instrument became that of one")
	}
	w.step(event.Event{Kind: event.BookStatus, Venue: 0, Instrument: market.NoInstrument, Code: uint8(event.BookStale)})
	if w.core.Composite(0).Books[0].Live() {
		t.Error("a status for every instrument reached none")
	}
}

// TestOddLotsDoNotHideWholeOnes sweeps a venue that shows half a lot beside one
// that shows ten.
func TestOddLotsDoNotHideWholeOnes(t *testing.T) {
	cfg := testConfig()
	cfg.Instruments[0].Lot = 100
	core, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, 6, nil)
	w.core, w.out, w.seq = core, core.OutputFor(), 0
	w.step(event.Event{Kind: event.SessionStart, Ref: 123_456})
	for v := range 2 {
		w.connect(v)
		for price := w.mid - 1000; price <= w.mid+1000; price += 100 {
			w.level(v, market.Sell, price, 0, event.More)
			w.level(v, market.Buy, price, 0, event.More)
		}
		w.level(v, market.Buy, w.mid-100, 500, event.More)
	}
	w.level(0, market.Sell, w.mid+100, 50, 0)
	w.level(1, market.Sell, w.mid+100, 1000, 0)
	id, _ := event.MakeID("C1")
	w.byID[id] = &client{id: id, qty: 100, side: market.Buy}
	w.step(event.Event{Kind: event.ParentNew, ID: id, Side: market.Buy, Qty: 100, OrdType: market.OrdLimit,
		Price: w.mid + 100, TIF: market.TIFDay, Strategy: event.StrategySweep})
	if core.childCount == 0 || core.children[0].Venue != 1 || core.children[0].Qty != 100 {
		t.Errorf("children %+v", core.Children())
	}
}

// TestOrdersLeaveBeforeOthersThink: a core driven by Begin and Continue makes what one driven by
// Step makes, and what one parent sends is complete before the next one has sent anything.
func TestOrdersLeaveBeforeOthersThink(t *testing.T) {
	pauses, several := 0, 0
	for seed := range uint64(6) {
		whole, parts := testCore(t), testCore(t)
		out, other := whole.OutputFor(), parts.OutputFor()
		for _, e := range recordedWorld(t, 300+seed, 800) {
			f := e
			out.Reset()
			other.Reset()
			whole.Step(&e, out)
			left, turns := 0, 0
			for more := parts.Begin(&f, other); more; more = parts.Continue() {
				if len(other.Commands) == left {
					t.Fatalf("seed %d, event %d: a pause with nothing to send", seed, e.Seq)
				}
				for i := left; i < len(other.Commands); i++ {
					if first, c := &other.Commands[left], &other.Commands[i]; i > left && first.Kind == event.SendOrder &&
						c.Kind == event.SendOrder && c.Parent != first.Parent {
						t.Fatalf("seed %d, event %d: two parents before a pause", seed, e.Seq)
					}
				}
				left = len(other.Commands)
				turns++
			}
			if pauses += turns; turns > 1 {
				several++
			}
			if !slices.Equal(out.Commands, other.Commands) || !slices.Equal(out.Decisions, other.Decisions) {
				t.Fatalf("seed %d, event %d: other commands", seed, e.Seq)
			}
		}
		if whole.Hash() != parts.Hash() {
			t.Fatalf("seed %d: another state", seed)
		}
	}
	if pauses < 100 || several < 10 {
		t.Errorf("%d pauses, %d events with several", pauses, several)
	}
}
