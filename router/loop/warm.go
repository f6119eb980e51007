package loop

import (
	"sync/atomic"

	"penstock/router"
)

// warmNanos is how often an idle loop rehearses.
const warmNanos = 100_000

// warmth keeps the caches and the branch predictor of an idle loop's core on the way of
// the next event.
type warmth struct {
	rehearsal atomic.Pointer[Rehearsal]
	due       int64
	turns     uint64
	sum       uint64 // of what Rewarm read
}

// Warm makes a loop that keeps its core walk r every 100 µs while it has nothing to do, and
// read what its live parents' next decisions need, one parent after the other; nil ends it. The
// loop is the only one to use r from then on. Any goroutine.
func (l *Loop) Warm(r *Rehearsal) { l.warm.rehearsal.Store(r) }

// turn is called in every idle turn.
func (w *warmth) turn(now int64, core *router.Core) {
	if now < w.due && w.due-now <= warmNanos {
		return
	}
	w.due = now + warmNanos
	if r := w.rehearsal.Load(); r != nil {
		r.Walk()
		w.turns++
		w.sum += core.Rewarm(w.turns)
	}
}
