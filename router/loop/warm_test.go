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
	at := func(now int64) {
		if l.warm.hungry(now) {
			l.rehearse(now)
		}
	}
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
	l.Warm(func() (over, kernel bool) { steps++; return steps%3 == 0, false })
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

// TestOnlyTheKernelIsNoStall: a step that goes through the kernel takes what it takes; in any other that is long the
// loop stood still.
func TestOnlyTheKernelIsNoStall(t *testing.T) {
	for _, kernel := range []bool{false, true} {
		onlyTheKernelIsNoStall(t, kernel)
	}
}

func onlyTheKernelIsNoStall(t *testing.T, kernel bool) {
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
	l.Warm(func() (bool, bool) { steps++; now += 50_000; return steps%3 == 0, kernel })
	for range 10_000 {
		l.Work()
	}
	want := [len(l.stats.Stalls)]uint64{}
	if !kernel {
		want[0] = uint64(steps)
	}
	if steps < 100 || l.stats.Stalls[1] != 0 || l.stats.Stalls[2] != 0 || l.stats.Stalls[0]+2 < want[0] || l.stats.Stalls[0] > want[0] {
		t.Errorf("through the kernel %v: %d steps, stalls %v", kernel, steps, l.stats.Stalls)
	}
}

// TestALoopLooksBetweenBites: bites fall between the looks of one turn, none behind another, and a turn is as long as
// without them.
func TestALoopLooksBetweenBites(t *testing.T) {
	now := int64(1_000)
	clock := func() int64 { now += 10; return now }
	in := ring.New[event.Event](16)
	looks, turns, steps, unseen := 0, 0, 0, 0
	io, err := NewIO([]Worker{{
		Work:   func(int64) int { turns++; return 0 },
		Glance: func(int64) int { looks++; now += 300; return 0 }}}, in.Push, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer io.Close()
	l := NewInline(NewSequencer(testCore(t), nil, func(*event.Command) {}), []*ring.SPSC[event.Event]{in}, io, IdleSpin, clock, nil)
	last := -1
	l.Warm(func() (bool, bool) {
		if steps++; looks+turns == last {
			unseen++
		}
		last = looks + turns
		now += 500
		return true, false
	})
	const idle = 10_000 * walkNanos
	for end := now + idle; now < end; {
		l.Work()
	}
	if unseen != 0 || steps < idle/(walkNanos+2*biteNanos) {
		t.Errorf("%d steps, before %d of them nobody looked", steps, unseen)
	}
	if most := idle / glanceNanos * 11 / 10; turns > most || turns < most/2 {
		t.Errorf("%d whole turns in %d of glanceNanos", turns, idle/glanceNanos)
	}
}

// TestALoopFedByRingsTakesBites between two looks at its rings, not only with whole turns.
func TestALoopFedByRingsTakesBites(t *testing.T) {
	now := int64(1_000)
	clock := func() int64 { now += 10; return now }
	in := ring.New[event.Event](16)
	l := New(NewSequencer(testCore(t), nil, func(*event.Command) {}), []*ring.SPSC[event.Event]{in}, nil, IdleSpin, clock, nil)
	steps, took := int64(0), int64(500)
	l.Warm(func() (bool, bool) { steps++; now += took; return steps%3 == 0, false })
	const idle = 1_000 * walkNanos
	turns := int64(0)
	for end := now + idle; now < end; turns++ {
		for l.peek() {
		}
		l.Work()
	}
	if most := idle/wholeNanos + 1; turns > int64(most) {
		t.Errorf("%d whole turns in %d of wholeNanos", turns, idle/wholeNanos)
	}
	if least := idle / (walkNanos + 3*(biteNanos+took)) * 3 * 9 / 10; steps < least || l.warm.pass == 0 {
		t.Errorf("%d steps of a rehearsal, at least %d fit in; all was asked for %d times", steps, least, l.warm.pass)
	}
	if l.stats.Stalls != ([len(l.stats.Stalls)]uint64{}) {
		t.Errorf("stalls %v", l.stats.Stalls)
	}
	e := event.Event{Kind: event.Timer}
	in.Push(&e)
	if l.peek() {
		t.Error("it does not see what came between two bites")
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
