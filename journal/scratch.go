package journal

// scratchBytes is the ring of a Scratch: many walks of a rehearsal.
const scratchBytes = 64 << 10

// Scratch returns a Writer without files or goroutine, for who rehearses: what is appended is
// dropped by Discard.
func Scratch() *Writer {
	w := &Writer{done: make(chan struct{})}
	close(w.done)
	w.ring = newRing(make([]byte, ringHead+scratchBytes), &Header{})
	return w
}

// Discard drops what was appended to a Scratch.
func (w *Writer) Discard() {
	if w.dir != "" {
		panic("journal: the records of a run are no scratch")
	}
	w.ring.head.Store(w.ring.published.Load())
}
