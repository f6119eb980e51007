package loop

import (
	"sync/atomic"
)

const (
	// warmNanos is how long an idle loop waits after an order, or a rehearsal, to rehearse.
	warmNanos = 250_000
	// Who has waited for half of that rehearses after the next event: messages come in bursts
	// or at intervals, and are least likely when the last is lullNanos old.
	lullNanos = 10_000
)

// warmth keeps the caches and the branch predictor of an idle loop's core on the way of
// the next event.
type warmth struct {
	walk     atomic.Pointer[func()]
	due      int64
	commands uint64 // of the sequencer when last looked
	turns    uint64
	sum      uint64 // of what Rewarm read
}

// Warm makes a loop that keeps its core call walk when nothing was sent for 250 µs and it has
// nothing to do, and read what its live parents' next decisions need, one parent after the other;
// nil ends it. walk must change nothing but what is its own, which the loop alone uses from then
// on, and must not block: see router/rehearsal. Any goroutine.
func (l *Loop) Warm(walk func()) {
	if walk == nil {
		l.warm.walk.Store(nil)
		return
	}
	l.warm.walk.Store(&walk)
}

// worked is called after every turn that had something to do.
func (w *warmth) worked(now int64, commands uint64) {
	if commands != w.commands { // the real way was walked
		w.commands, w.due = commands, now+warmNanos
	} else if w.due-now < warmNanos/2 {
		w.due = now + lullNanos
	}
}

// rehearse is called in every idle turn of a loop that keeps its core.
func (l *Loop) rehearse() {
	w := &l.warm
	if l.last < w.due && w.due-l.last <= warmNanos {
		return
	}
	w.due = l.last + warmNanos
	if walk := w.walk.Load(); walk != nil {
		(*walk)()
		w.turns++
		w.sum += l.reread(w.turns)
	}
}

// reread reads what the next event will touch on its way: rings, journal, core, gateways.
func (l *Loop) reread(turn uint64) (sum uint64) {
	if l.seq.journal != nil {
		sum += l.seq.journal.Rewarm()
	}
	if l.inline != nil {
		l.seq.leave() // it may be seized
		sum += l.inline.rewarm(turn, l.venues)
		l.seq.enter()
	}
	return sum + l.seq.core.Rewarm(turn)
}
