package risk

import "penstock/internal/warm"

const windowNanos = 1_000_000_000

// window bounds messages per sliding second exactly: it remembers the times of
// the last rate messages. A tenth is kept back from new orders, so that cancels
// find room at the venue.
type window struct {
	times []int64 // ring of the latest messages
	next  int     // oldest entry, overwritten next
	spare int     // messages kept for cancels
	over  int     // cancels since the last order
	free  int64   // from then on there is room for a new order
}

func newWindow(rate int64) window {
	w := window{times: make([]int64, rate), spare: int(rate / 10)}
	for i := range w.times {
		w.times[i] = -windowNanos
	}
	w.look()
	return w
}

// look finds out when there is room, so that who asks needs nothing of times.
func (w *window) look() { w.free = w.opens() }

func (w *window) opens() int64 { return w.times[w.tail()] + windowNanos }

// tail returns where the message stands that must have left the window for the count to stay
// at rate − spare: the spare-th oldest.
func (w *window) tail() int {
	at := w.next + w.spare // spare is less than the rate
	if at >= len(w.times) {
		at -= len(w.times)
	}
	return at
}

// agrees reports whether free is what the times say.
func (w *window) agrees() bool { return len(w.times) == 0 || w.free == w.opens() }

// room reports whether the second that ends at now has room for a new order.
func (w *window) room(now int64) bool { return now >= w.free }

// order records a new order for which there is room.
func (w *window) order(now int64) {
	w.record(now)
	w.over = 0
}

// full reports whether cancels may have taken the room of an order that has passed and that has not left.
func (w *window) full() bool { return w.over > w.spare }

// late takes the messages from since on for sent at now: one of them has only left now. The times stay in
// order, and no second has more messages in it than it had with that one at since.
func (w *window) late(since, now int64) {
	at := w.next
	for range w.times {
		if at--; at < 0 {
			at = len(w.times) - 1
		}
		if w.times[at] < since {
			break
		}
		w.times[at] = now
	}
	w.look()
}

// record records a cancel.
func (w *window) record(now int64) {
	w.over++
	w.times[w.next] = now
	if w.next++; w.next == len(w.times) {
		w.next = 0
	}
	w.look()
}

// rewarm asks for what the next message reads and writes.
func (w *window) rewarm() {
	if len(w.times) > 0 {
		warm.Of(&w.times[w.next])
		warm.Of(&w.times[w.tail()])
	}
}
