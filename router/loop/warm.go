package loop

import (
	"sync/atomic"
)

// warmNanos is how long an idle loop waits after an order, or a rehearsal, to rehearse.
const warmNanos = 100_000

// warmth keeps the caches and the branch predictor of an idle loop's core on the way of
// the next event.
type warmth struct {
	walk     atomic.Pointer[func()]
	due      int64
	commands uint64 // of the sequencer when last looked
	turns    uint64
	sum      uint64 // of what Rewarm read
}

// Warm makes a loop that keeps its core call walk when nothing was sent for 100 µs and it has
// nothing to do, and read what its live parents' next decisions need, one parent after the other;
// nil ends it. walk must change nothing but what is its own, which the loop alone uses from then
// on, see router/rehearsal. Any goroutine.
func (l *Loop) Warm(walk func()) {
	if walk == nil {
		l.warm.walk.Store(nil)
		return
	}
	l.warm.walk.Store(&walk)
}

// turn is called in every idle turn.
func (w *warmth) turn(now int64, seq *Sequencer) {
	if seq.Commands != w.commands { // the real way was walked
		w.commands, w.due = seq.Commands, now+warmNanos
	}
	if now < w.due && w.due-now <= warmNanos {
		return
	}
	w.due = now + warmNanos
	if walk := w.walk.Load(); walk != nil {
		(*walk)()
		w.turns++
		w.sum += w.read(seq)
	}
}

// read is what the next event of the real core will touch.
func (w *warmth) read(seq *Sequencer) uint64 { return seq.core.Rewarm(w.turns) }
