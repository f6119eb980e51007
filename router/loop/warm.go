package loop

// warmNanos is how often an idle loop walks the way of an event.
const warmNanos = 100_000

// warmth keeps the caches and the branch predictor of an idle loop's core on the way of
// the next event.
type warmth struct {
	walk func(now int64)
	due  int64
}

// Warm makes a loop that keeps its core call walk every 100 µs while it has nothing to
// do. walk must not touch anything of the loop but to read it.
func (l *Loop) Warm(walk func(now int64)) { l.warm.walk = walk }

// turn is called in every idle turn.
func (w *warmth) turn(now int64) {
	if w.walk == nil || now < w.due && w.due-now <= warmNanos {
		return
	}
	w.due = now + warmNanos
	w.walk(now)
}
