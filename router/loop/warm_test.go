package loop

import (
	"testing"

	"penstock/event"
	"penstock/internal/ring"
	"penstock/journal"
	"penstock/market"
	"penstock/router"
)

// TestAnIdleLoopTakesBites counts what is done in idle turns: a rehearsal of three parts after each
// walkNanos without an order, all gateways one after the other beside it, nothing right after work.
func TestAnIdleLoopTakesBites(t *testing.T) {
	r := newInlineRig(t)
	l := r.loop
	l.seq.journal = journal.Scratch()
	near := make([]int, len(l.inline.workers))
	for i := range near {
		l.inline.workers[i].Rewarm = func(uint64, market.InstrumentID, market.Side) { near[i]++ }
	}
	steps := 0
	at := func(now int64) { l.last = now; l.rehearse() }
	pass := func(from, to int64) (done int) { // idle turns, ten a bite
		before := steps
		for now := from; now < to; now += biteNanos / 10 {
			at(now)
		}
		return steps - before
	}
	if pass(0, walkNanos); steps != 0 || l.warm.pass != 0 {
		t.Error("without a rehearsal something happens")
	}
	l.Warm(func() bool { steps++; return steps%3 == 0 })
	base := int64(10 * walkNanos)
	if n := pass(base, base+10*(walkNanos+2*biteNanos)); n != 30 || l.warm.pass == 0 {
		t.Errorf("%d steps in ten times walkNanos, all was asked for %d times", n, l.warm.pass)
	}
	base *= 3
	l.warm.worked(base, l.seq.Commands+1)
	if n := pass(base, base+walkNanos); n != 0 {
		t.Errorf("%d steps right after an order", n)
	}
	if n := pass(base+walkNanos, base+walkNanos+3*biteNanos); n != 3 {
		t.Errorf("%d steps when an order was long ago", n)
	}
	base *= 3
	l.warm.worked(base, l.warm.commands)
	before := l.warm.pass
	if n := pass(base, base+lullNanos); n != 0 || l.warm.pass != before {
		t.Errorf("%d steps right after an event", n)
	}
	if n := pass(base+lullNanos, base+lullNanos+1); n != 1 {
		t.Errorf("%d steps when the loop was idle for a while", n)
	}
	if at(5); steps == 0 || l.warm.due > 5+lullNanos {
		t.Error("a clock that steps back ends it")
	}
	l.Warm(nil)
	before = l.warm.pass
	if n := pass(100*base, 101*base); n != 0 || l.warm.pass != before {
		t.Error("it goes on without a rehearsal")
	}
	for i := range near {
		l.warm.next = 0
		for l.warm.next != beginning {
			l.bringNear()
		}
		if near[i] != 1 {
			t.Errorf("gateway %d: asked for %d times in a pass", i, near[i])
		}
		near[i] = 0
		for k := range near {
			near[k] = 0
		}
	}
}

// TestARehearsalIsNoStall: the time of a step, which may go through the kernel, is none in which the loop stood still.
func TestARehearsalIsNoStall(t *testing.T) {
	now := int64(1_000)
	clock := func() int64 { now += 10; return now }
	in := ring.New[event.Event](16)
	io, err := NewIO([]Worker{{Work: func(int64) int { return 0 }}}, in.Push, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer io.Close()
	l := NewInline(NewSequencer(testCore(t), nil, func(*event.Command) {}), []*ring.SPSC[event.Event]{in}, io, IdleSpin, clock, nil)
	steps := 0
	l.Warm(func() bool { steps++; now += 50_000; return steps%3 == 0 })
	for range 10_000 {
		l.Work()
	}
	if steps < 100 || l.stats.Stalls != ([len(l.stats.Stalls)]uint64{}) {
		t.Errorf("%d steps, stalls %v", steps, l.stats.Stalls)
	}
}

// TestBringingNearChangesNothing lets a day pass with everything asked for between all events and without.
func TestBringingNearChangesNothing(t *testing.T) {
	run := func(near int) (records int, sent []event.Command) {
		w := journal.Scratch()
		seq := NewSequencer(testCore(t), w, func(c *event.Command) { sent = append(sent, *c) })
		in := ring.New[event.Event](16)
		now := int64(1_000)
		clock := func() int64 { now++; return now }
		io, err := NewIO([]Worker{{Work: func(int64) int { return 0 }, Obey: func(int64, *event.Command) bool { return true },
			Commands: ring.New[event.Command](2)}}, in.Push, clock)
		if err != nil {
			t.Fatal(err)
		}
		defer io.Close()
		l := NewInline(seq, []*ring.SPSC[event.Event]{in}, io, IdleSpin, clock, nil)
		l.Venues(in)
		for _, e := range day() {
			for range 2 * router.RewarmParts * near {
				l.bringNear()
			}
			in.Push(&e)
			for range 2 * router.RewarmParts * near {
				l.bringNear()
			}
			l.Work()
		}
		free, size := w.Room()
		return size - free, sent
	}
	journalled, sent := run(0)
	rejournalled, resent := run(1)
	if len(sent) == 0 || journalled != rejournalled || len(sent) != len(resent) {
		t.Fatalf("%d bytes and %d commands, with asking %d and %d", journalled, len(sent), rejournalled, len(resent))
	}
	for i := range sent {
		if sent[i] != resent[i] {
			t.Errorf("command %+v, with asking %+v", sent[i], resent[i])
		}
	}
}
