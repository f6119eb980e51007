package loop

import (
	"sync/atomic"
	_ "unsafe" // for linkname
)

// The Go scheduler asks every goroutine that has run for 10 ms to yield
// (runtime.sysmon, forcePreemptNS). It asks by spoiling the goroutine's stack limit,
// so that the next function with a stack check in its prologue enters the scheduler;
// and by a signal, which a loop that Settle was called for does not take. For a
// goroutine that is wired to its thread a yield costs two wake-ups of threads, one of
// them on a core that others use: 50 µs to some milliseconds. A poll loop of inlined
// code and raw system calls has no prologue, so the request waits for the first call
// of the next message's path.
//
// A loop that keeps its core therefore meets the request in every turn, where nothing
// waits for it, in one of two ways:
//
//	safepoint  obeys: the scheduler runs, a pending stop of the world happens here
//	putOff     refuses, as the runtime itself does while a goroutine is pinned to its
//	           processor (sync.Pool): the stack limit is made good and the loop goes on
//
// Refusing for ever would hang whoever stops the world. So the loop obeys as long as
// somebody rests it (Loop.Rest), which is what the program's own collections do, and
// once in restNanos for those who did not ask.
//
// Prologues between two such points obey too, so a loop that only looks does it all
// inside (Loop.peek); one that works sockets itself meets a request after each of them,
// because nearly all of such a turn is in their system calls.

// restNanos is the longest time for which the loop refuses to yield.
const restNanos = 1_000_000_000

// rests counts those who want the loop to obey the scheduler.
type rests struct {
	wanted atomic.Int32
	last   int64 // when it obeyed, ns since epoch
	put    bool  // refuse in between
}

// refuses reports whether a request to yield is put off at now.
func (r *rests) refuses(now int64) bool {
	return r.put && r.wanted.Load() == 0 && now-r.last < restNanos && now >= r.last
}

// point is the safe point of one turn at now; the loop's goroutine only.
func (r *rests) point(now int64) {
	if r.refuses(now) {
		putOff()
		return
	}
	r.last = now
	safepoint()
}

// putOff meets a request to yield where the scheduler does not grant it. It has no
// prologue of its own, which would grant it.
//
//go:nosplit
func putOff() {
	procPin()
	safepoint()
	procUnpin()
}

// safepoint gives the scheduler a place to stop a spinning goroutine: its frame
// is large enough that the compiler keeps the stack check in its prologue.
//
//go:noinline
func safepoint() {
	var frame [256]byte
	touch(&frame)
}

//go:noinline
func touch(*[256]byte) {}

// procPin and procUnpin are among the runtime's functions that stay reachable for
// packages outside of it (go.dev/issue/67401).
//
//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()
