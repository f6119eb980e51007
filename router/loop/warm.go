package loop

import (
	"sync/atomic"

	"penstock/internal/warm"
	"penstock/market"
	"penstock/router"
)

const (
	// lullNanos is how long nothing is done behind an event: messages come in bursts.
	lullNanos = 10_000
	// biteNanos is how often something is done from then on, a fraction of a µs each time: who
	// comes amid it waits little. A host takes the core ten thousand times a second and leaves it cold.
	biteNanos = 1_000
	// walkNanos is how long nothing was sent or rehearsed when a rehearsal begins.
	walkNanos = 10_000
)

// warmth keeps the caches and the branch predictor of an idle loop's core on the way of
// the next event.
type warmth struct {
	step     atomic.Pointer[func() (over, kernel bool)]
	due      int64  // of the next bite
	walk     int64  // of the next rehearsal
	commands uint64 // of the sequencer when last looked
	pass     uint64
	part     uint64 // of the core in this pass
	next     int    // worker of the pass, beginning: the core is
	id       market.InstrumentID
	side     market.Side
}

// beginning is before the first worker.
const beginning = -1

// Warm makes a loop that keeps its core use its idle time in bites: it calls step, which does the
// next part of a rehearsal and reports whether that was the last one and whether it went through the kernel,
// and asks for what its live parents' next decisions need, one parent after the other. nil ends it. step must change nothing
// but what is its own, which the loop alone uses from then
// on, and must not block: see router/rehearsal. Any goroutine.
func (l *Loop) Warm(step func() (over, kernel bool)) {
	if step == nil {
		l.warm.step.Store(nil)
		return
	}
	l.warm.step.Store(&step)
}

// worked is called after every turn that had something to do.
func (w *warmth) worked(now int64, commands uint64) {
	w.due = now + lullNanos
	if commands != w.commands { // the real way was walked
		w.commands, w.walk = commands, now+walkNanos
	}
}

// hungry reports whether a bite is due at now.
func (w *warmth) hungry(now int64) bool { return now >= w.due || w.due-now > lullNanos }

// rehearse takes a bite at now, for a loop that keeps its core and found nothing.
func (l *Loop) rehearse(now int64) {
	w := &l.warm
	step := w.step.Load()
	if step == nil {
		w.due = now + lullNanos
		return
	}
	w.due = now + biteNanos
	if now < w.walk && w.walk-now <= walkNanos {
		l.bringNear()
		return
	}
	over, kernel := (*step)()
	if over {
		w.walk = now + walkNanos
	}
	if kernel {
		l.last += l.clock() - now // nobody's stall
	}
}

// Rewarm asks for what the sequencer itself touches, so that an idle loop has it in the caches. It
// changes nothing.
func (s *Sequencer) Rewarm() {
	warm.Of(s)
	warm.Of(s.out)
	warm.Func(s.dispatch)
}

// bringNear asks for a part of what the next event will touch on its way: rings, journal and core in
// router.RewarmParts turns, then one gateway each time.
func (l *Loop) bringNear() {
	w := &l.warm
	if w.next != beginning {
		w.next = l.inline.bringNear(w.next, w.pass, w.id, w.side)
		return
	}
	if w.part == 0 {
		l.bringOwn()
	}
	live := false
	w.id, w.side, live = l.seq.core.Rewarm(w.pass*router.RewarmParts + w.part)
	if w.part++; w.part < router.RewarmParts {
		return
	}
	w.part = 0
	w.pass++
	if live && l.inline != nil {
		w.next = 0
	}
}

// bringOwn asks for what the loop itself takes an event with.
func (l *Loop) bringOwn() {
	if l.seq.journal != nil {
		l.seq.journal.Rewarm()
	}
	l.seq.Rewarm()
	if l.venues != nil {
		l.venues.Rewarm()
	}
}
