package journal

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
