package firewall

const second = 1_000_000_000

// window bounds messages in every sliding second: it remembers the times of the last ones.
type window struct {
	times []int64
	next  int // oldest, overwritten next
}

func newWindow(rate int) window {
	w := window{times: make([]int64, rate)}
	for i := range w.times {
		w.times[i] = -second
	}
	return w
}

// take records a message at now if the second that ends at now has room for it.
func (w *window) take(now int64) bool {
	if now-w.times[w.next] < second {
		return false
	}
	w.record(now)
	return true
}

func (w *window) record(now int64) {
	w.times[w.next] = now
	if w.next++; w.next == len(w.times) {
		w.next = 0
	}
}
