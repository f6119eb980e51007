package journal

import "penstock/internal/warm"

// nextBytes is about what an event, its order and their decision take.
const nextBytes = 1024

// Rewarm reads where the next records will be, so that who appends finds it in the caches. It
// belongs to the goroutine that appends. The sum is of no use.
func (w *Writer) Rewarm() uint64 {
	at := int(w.ring.tail) & (len(w.ring.buf) - 1)
	return warm.Slice(w.ring.buf[at:min(at+nextBytes, len(w.ring.buf))])
}

// Room returns how many bytes the ring can take at once, and its size. It belongs to
// the goroutine that appends, which asks before it takes an event: see loop.Sequencer.
// The flusher's position is read again only when more than an eighth seems taken.
func (w *Writer) Room() (free, size int) {
	r := &w.ring
	size = len(r.buf)
	if int(r.tail-r.headCached) > size/8 {
		r.headCached = r.head.Load()
	}
	return size - int(r.tail-r.headCached), size
}
