package loop

import (
	"sync/atomic"
	_ "unsafe" // for linkname

	"golang.org/x/sys/unix"
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
// waits for it, in one of three ways:
//
//	refuses  as the runtime itself does while a goroutine is pinned to its processor
//	         (sync.Pool): a prologue makes the stack limit good and the loop goes on
//	visits   the kernel by a system call of which the runtime is told. A goroutine in one
//	         needs no stopping: its stack is read and its processor's part of a collection
//	         done as it stands. Only a stop of the world keeps it there, until it is over
//	obeys    at a safepoint between two turns: the scheduler runs
//
// It visits while somebody rests the loop (Loop.Rest), which is what the program's own
// collections do: in such a time the scheduler asks some ten times, and twice it must. For
// those who stop the world and did not say so it obeys once in restNanos.
//
// Every prologue that is not pinned obeys. So whole turns are pinned (Loop.Work, Loop.peek),
// and what leads from one to the next has no prologue: a thread that was taken from its core
// for a while comes back to a request that was made meanwhile, wherever that was. Others'
// code (sockets, gateways, inspections) may park: it alone is called unpinned, and a loop that
// works sockets itself meets a request before each of them (refusal.meet), because nearly all of
// such a turn is in their system calls.

const (
	// restNanos is the longest time for which the loop does not obey.
	restNanos = 1_000_000_000
	// visitNanos is the time between two visits. In a longer one the runtime's monitor may
	// take the processor away, so they are few.
	visitNanos = 5_000
)

// rests is how the loop meets the scheduler.
type rests struct {
	wanted  atomic.Int32 // how many rest it
	last    int64        // when it obeyed, ns since epoch
	visited int64        // when it visited the kernel
	put     bool         // refuse in between
}

// refuses reports whether a request to yield is put off at now.
func (r *rests) refuses(now int64) bool {
	return r.put && now-r.last < restNanos && now >= r.last
}

// due reports whether a visit is, at now.
func (r *rests) due(now int64) bool {
	return r.wanted.Load() != 0 && uint64(now-r.visited) >= visitNanos // also of a clock that stepped back
}

// point is what lies between two turns, at now; the loop's goroutine only.
//
//go:nosplit
func (r *rests) point(now int64) {
	if !r.refuses(now) {
		r.last = now
		safepoint()
	} else if r.due(now) {
		r.visited = now
		_, _, _ = unix.Syscall(unix.SYS_GETPID, 0, 0, 0)
	}
}

// refusal refuses requests to yield for a whole turn. A goroutine that parks meanwhile ends the
// program, so what may is called between leave and enter. Outside of a turn that refuses they do
// nothing. It belongs to the loop's goroutine.
type refusal struct{ pinned bool }

//go:nosplit
func (r *refusal) begin() {
	procPin()
	r.pinned = true
}

//go:nosplit
func (r *refusal) end() {
	r.pinned = false
	procUnpin()
}

//go:nosplit
func (r *refusal) leave() {
	if r.pinned {
		procUnpin()
	}
}

//go:nosplit
func (r *refusal) enter() {
	if r.pinned {
		procPin()
	}
}

// meet refuses a request that is there already.
func (r *refusal) meet() {
	if r.pinned {
		safepoint()
	}
}

// safepoint gives the scheduler a place to stop a spinning goroutine: nothing but the stack
// check of a prologue.
func safepoint()

// procPin and procUnpin are among the runtime's functions that stay reachable for
// packages outside of it (go.dev/issue/67401).
//
//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()
