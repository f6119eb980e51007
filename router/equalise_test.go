package router

import (
	"math"
	"testing"

	"penstock/event"
	"penstock/market"
)

// equaliseConfig lets orders wait for 1 ms at most to arrive with others.
func equaliseConfig() *Config {
	cfg := testConfig()
	cfg.Tactics.EqualiseNanos = 1e6
	return cfg
}

// TestEqualisedSends runs the scripts of testdata/equalise.
func TestEqualisedSends(t *testing.T) { runScripts(t, "testdata/equalise", 1, equaliseConfig) }

// equalised opens a market in which the order to LITA waits 500 µs, and sends a sweep there.
func equalised(t *testing.T) *script {
	t.Helper()
	s := newScriptOf(t, equaliseConfig())
	for _, l := range []string{"session LITA up", "session LITB up", "latency LITA 100us", "latency LITB 600us",
		"book LITA 49.99x300 50.01x300", "book LITB 49.99x300 50.01x300", "parent C1 buy 600 market sweep"} {
		s.line(l)
	}
	if s.core.Waiting() != 1 {
		t.Fatalf("%d orders wait, not 1", s.core.Waiting())
	}
	return s
}

// The ledger holds what waits from the decision on, and gives it back without a word of the
// venue only because no command was made for it.
func TestOnlyWhatNeverLeftIsReleasedWithoutAWord(t *testing.T) {
	for _, when := range []int64{0, 200e3, 499_999, 500e3, 600e3} {
		s := equalised(t)
		p := &s.core.parents[0]
		if p.Reserved != 600 || p.Unplaced() != 0 {
			t.Fatalf("%d reserved and %d unplaced, 600 and 0 are", p.Reserved, p.Unplaced())
		}
		left := map[uint64]bool{}
		step := func(e event.Event) {
			s.step(e)
			for i := range s.out.Commands {
				if c := &s.out.Commands[i]; c.Kind == event.SendOrder {
					left[c.Child] = true
				}
			}
		}
		for i := range s.out.Commands {
			if c := &s.out.Commands[i]; c.Kind == event.SendOrder {
				left[c.Child] = true
			}
		}
		begin := s.now
		for s.core.NextTimer() <= begin+when {
			s.now = max(s.now, s.core.NextTimer())
			step(event.Event{Kind: event.Timer})
		}
		s.now = begin + when
		id, _ := event.MakeID("X1")
		orig, _ := event.MakeID("C1")
		step(event.Event{Kind: event.ParentCancel, ID: id, OrigID: orig})
		for range 20 {
			s.now = max(s.now, s.core.NextTimer())
			step(event.Event{Kind: event.Timer})
		}
		released := market.Qty(0)
		for i := range s.core.Children() {
			ch := &s.core.Children()[i]
			if ch.Released == left[ch.Number] {
				t.Errorf("cancelled after %d ns: child %d released %v, left %v", when, number(ch.Number), ch.Released, left[ch.Number])
			}
			if ch.Released {
				released += ch.Qty
			}
		}
		if want := map[bool]market.Qty{true: 300, false: 0}[when < 500e3]; released != want || p.Reserved != 600-want {
			t.Errorf("cancelled after %d ns: %d released, %d reserved; %d should be released", when, released, p.Reserved, want)
		}
	}
}

// TestNothingThatWaitedLeavesByHalfAMessage: while a venue tells its book anew nobody knows what is better there.
func TestNothingThatWaitedLeavesByHalfAMessage(t *testing.T) {
	for _, half := range []bool{false, true} {
		s := equalised(t)
		begin := s.now
		level := event.Event{Kind: event.BookLevel, Venue: 1, Side: market.Sell, Price: 500_000, Qty: 300, Flags: event.More}
		for _, e := range []event.Event{{Kind: event.BookClear, Venue: 1, Flags: event.More}, level} {
			s.step(e)
		}
		if !half {
			s.step(event.Event{Kind: event.BookLevel, Venue: 1, Side: market.Sell, Price: 500_200, Qty: 300})
		}
		s.now = begin + 500e3
		s.step(event.Event{Kind: event.Timer})
		if c := s.core; c.Waiting() != 0 || c.Counters.Dropped == 1 != half {
			t.Errorf("half %v: %d wait, %d dropped", half, c.Waiting(), c.Counters.Dropped)
		}
	}
}

// A hit that waits leaves with the QuoteID that it was decided by.
func TestHitThatWaitedNamesItsQuote(t *testing.T) {
	s := newScriptOf(t, equaliseConfig())
	for _, l := range []string{"session LITB up", "session SDPA up", "latency LITB 600us", "latency SDPA 200us",
		"book LITB 49.99x300 50.01x300", "quote SDPA QA 49.98x200 50.00x200 1s", "parent C1 buy 400 market sweep"} {
		s.line(l)
	}
	want, _ := event.MakeID("QA")
	for range 4 {
		for _, cmd := range s.out.Commands {
			if cmd.Kind == event.SendOrder && s.core.venues[cmd.Venue].Kind == market.SDP {
				if cmd.ID != want || cmd.OrdType != market.OrdPreviouslyQuoted || s.core.Counters.Waited != 1 || s.core.Counters.Dropped != 0 {
					t.Fatalf("%+v; %d waited, %d dropped", cmd, s.core.Counters.Waited, s.core.Counters.Dropped)
				}
				return
			}
		}
		s.now = max(s.now, s.core.NextTimer())
		s.step(event.Event{Kind: event.Timer})
	}
	t.Fatal("the quote was not hit")
}

// A snapshot between decision and departure goes on like the core that it was taken of.
func TestWaitingOrdersAreInTheState(t *testing.T) {
	a := equalised(t)
	b := newScriptOf(t, equaliseConfig())
	if err := loadState(b.core, savedState(t, a.core)); err != nil {
		t.Fatal(err)
	}
	b.now, b.seq = a.now, a.seq
	for _, s := range []*script{a, b} {
		s.text = nil
		s.line("time 500us")
	}
	if string(a.text) != string(b.text) || len(a.text) == 0 || a.core.Hash() != b.core.Hash() {
		t.Errorf("%s\nand\n%s", a.text, b.text)
	}
}

// With no room to wait an order leaves at once.
func TestNoRoomToWait(t *testing.T) {
	s := equalised(t)
	s.core.waiting.count = maxWaiting
	if s.core.putOff(&s.core.children[0], 1000) {
		t.Error("an order more than there is room for waits")
	}
}

// A sweep whose orders wait, leave and are dropped takes no memory.
func TestWaitingDoesNotAllocate(t *testing.T) {
	s := equalised(t)
	c := s.core
	ch := &c.children[c.waiting.list[0].child]
	if n := testing.AllocsPerRun(100, func() {
		c.out.Reset()
		c.waiting.list[0].due = c.now
		c.waiting.next = c.now
		c.letGo()
		c.putOff(ch, 1000)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if c.waiting.next == math.MaxInt64 {
		t.Error("nobody asks for the time of what waits")
	}
}
