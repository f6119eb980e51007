package loop

import "sync/atomic"

// warmNanos is how often an idle loop rehearses.
const warmNanos = 100_000

// warmth keeps the caches and the branch predictor of an idle loop's core on the way of
// the next event.
type warmth struct {
	rehearsal atomic.Pointer[Rehearsal]
	due       int64
}

// Warm makes a loop that keeps its core walk r every 100 µs while it has nothing to do;
// nil ends it. The loop is the only one to use r from then on, but for Spent. Any
// goroutine.
func (l *Loop) Warm(r *Rehearsal) { l.warm.rehearsal.Store(r) }

// turn is called in every idle turn.
func (w *warmth) turn(now int64) {
	if now < w.due && w.due-now <= warmNanos {
		return
	}
	w.due = now + warmNanos
	if r := w.rehearsal.Load(); r != nil {
		r.Walk()
	}
}
