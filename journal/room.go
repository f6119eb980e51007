package journal

import "penstock/internal/warm"

// nextBytes is about what an event, its order and their decision take.
const nextBytes = 1024

// Rewarm asks for where the next records will be, so that who appends finds it in the caches. It
// belongs to the goroutine that appends.
func (w *Writer) Rewarm() {
	r := &w.ring
	at := int(r.tail) & (len(r.buf) - 1)
	warm.Slice(r.buf[at:min(at+nextBytes, len(r.buf))])
	warm.Of(r.published)
	warm.Span(&w.ring, &w.failure)
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
