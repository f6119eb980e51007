// Package ring is the hand-off between two threads: a bounded queue with one
// producer and one consumer, without locks, allocation or system calls.
//
// Each slot carries its own sequence number beside its value, so a hand-off moves
// one cache line between the cores instead of two (the value's and an index's):
//
//	slot   ┌─────┬───────────────┐
//	       │ seq │ value T       │   seq == position+1: published, may be taken
//	       └─────┴───────────────┘   anything less: not yet written in this lap
//
// The consumer publishes its position as well, but the producer reads it only
// when its cached copy says that the ring is full or fuller than ever before.
package ring

import (
	"fmt"
	"sort"
	"sync/atomic"

	"penstock/internal/warm"
)

// lineBytes is the size of a cache line.
const lineBytes = 64

type slot[T any] struct {
	seq   atomic.Uint64
	value T
}

// SPSC is a bounded queue for one producer goroutine (Push) and one consumer
// goroutine (Pop). Len and HighWater may be called from any goroutine. T should
// be free of pointers: a slot keeps its value until it is overwritten.
type SPSC[T any] struct {
	slots []slot[T]
	mask  uint64
	_     [lineBytes]byte

	// Producer's line. Only the producer writes it.
	tail       uint64 // next position to write; the slots' sequences tell it to others
	headCached uint64 // a position that the consumer has reached
	highWater  atomic.Uint64
	_          [lineBytes]byte

	// Consumer's line. Only the consumer writes it.
	head atomic.Uint64 // next position to take
	_    [lineBytes]byte
}

// New returns an empty ring, whose memory is the process's already: its first lap
// waits for no page. Capacity must be a power of two, at least 2; it is a constant
// of the program or was checked with the configuration, so anything else panics.
func New[T any](capacity int) *SPSC[T] {
	if !ValidCapacity(capacity) {
		panic(fmt.Sprintf("ring: capacity %d is not a power of two ≥ 2", capacity))
	}
	r := &SPSC[T]{slots: make([]slot[T], capacity), mask: uint64(capacity) - 1}
	clear(r.slots)
	return r
}

// ValidCapacity reports whether New takes the capacity.
func ValidCapacity(capacity int) bool {
	return capacity >= 2 && capacity&(capacity-1) == 0
}

// Push copies *v into the ring. It returns false, changing nothing, when the
// ring is full. Producer only.
func (r *SPSC[T]) Push(v *T) bool {
	tail := r.tail
	if tail-r.headCached >= r.highWater.Load() && !r.refresh(tail) {
		return false
	}
	s := &r.slots[tail&r.mask]
	s.value = *v
	s.seq.Store(tail + 1)
	r.tail = tail + 1
	return true
}

// refresh reads the consumer's position again, because one more value may mean a
// new high-water mark, and reports whether there is room.
func (r *SPSC[T]) refresh(tail uint64) bool {
	r.headCached = r.head.Load()
	used := tail - r.headCached
	if used > r.mask {
		return false
	}
	if used+1 > r.highWater.Load() {
		r.highWater.Store(used + 1)
	}
	return true
}

// Pop moves the oldest value into *v. It returns false, leaving *v alone, when
// the ring is empty. Consumer only.
func (r *SPSC[T]) Pop(v *T) bool {
	head := r.head.Load()
	s := &r.slots[head&r.mask]
	if s.seq.Load() != head+1 {
		return false
	}
	*v = s.value
	r.head.Store(head + 1)
	return true
}

// Peek returns the value that the i-th next Pop will take, 0 being the next, or nil when
// it is not there yet. It is valid until that Pop. i must be below the capacity. Consumer
// only.
func (r *SPSC[T]) Peek(i int) *T {
	at := r.head.Load() + uint64(i)
	s := &r.slots[at&r.mask]
	if s.seq.Load() != at+1 {
		return nil
	}
	return &s.value
}

// Drop takes the oldest value away, which Peek gave: in place of Pop where it was used as it lies. Consumer only.
func (r *SPSC[T]) Drop() { r.head.Store(r.head.Load() + 1) }

// Len returns how many values are in the ring; another goroutine's work may make
// it outdated at once. It looks at a few slots, so it is for monitors and not for
// every turn of a loop.
func (r *SPSC[T]) Len() int {
	head := r.head.Load()
	return sort.Search(len(r.slots), func(i int) bool {
		pos := head + uint64(i)
		return r.slots[pos&r.mask].seq.Load() <= pos
	})
}

// Empty reports whether Pop would return false. Consumer only.
func (r *SPSC[T]) Empty() bool {
	head := r.head.Load()
	return r.slots[head&r.mask].seq.Load() != head+1
}

// Rewarm asks for the place of the next value, so that a Push into an empty ring and the Pop behind
// it find it in the caches. Consumer only.
func (r *SPSC[T]) Rewarm() { warm.Of(&r.slots[r.head.Load()&r.mask]) }

// Cap returns the capacity.
func (r *SPSC[T]) Cap() int { return len(r.slots) }

// HighWater returns the most values that were ever in the ring together, as the
// producer saw it.
func (r *SPSC[T]) HighWater() int { return int(r.highWater.Load()) }
