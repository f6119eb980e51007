package loop

import (
	"math/bits"
	"sync/atomic"
	"time"
	"unsafe"
)

// Buckets of a histogram of durations: bucket i counts those of less than 1<<i ns
// that are in no bucket before it, the last one everything longer.
const Buckets = 36

// BucketOf returns the bucket of a duration, ns.
func BucketOf(nanos uint64) int { return min(bits.Len64(nanos), Buckets-1) }

// Thresholds of stalls, ns.
var Thresholds = [...]int64{10_000, 100_000, 1_000_000}

// Stats are what a loop knows of itself since it began. A turn is busy when it, or
// the end of the turn before, had anything to do; its time is the loop's own. What an
// idle turn takes beyond 3 µs was taken from the loop: by the kernel, the
// hypervisor, or the Go runtime. Times while it was parked do not count.
type Stats struct {
	At int64 // when they were published, ns since epoch

	Turns     uint64
	BusyTurns uint64
	Events    uint64
	Parks     uint64

	EventsMax uint64 // of one turn
	BusyNanos uint64 // in busy turns
	IdleNanos uint64 // in the others
	BusyMax   uint64 // ns, the longest busy turn
	IdleMax   uint64 // ns, the longest idle turn

	// Of turns that took longer than each of Thresholds.
	SlowBusy   [len(Thresholds)]uint64
	Stalls     [len(Thresholds)]uint64 // of idle turns
	StallNanos uint64                  // in idle turns beyond the first threshold

	Busy [Buckets]uint64 // times of busy turns
	Idle [Buckets]uint64 // times of idle turns

	// Seq and Commands are of the sequencer, Withheld and Overruns see Sequencer.
	Seq      uint64
	Commands uint64
	Withheld uint64
	Overruns uint64
}

const statWords = int(unsafe.Sizeof(Stats{}) / 8)

var _ [unsafe.Sizeof(Stats{}) - uintptr(statWords)*8]byte = [0]byte{}

func (s *Stats) words() *[statWords]uint64 { return (*[statWords]uint64)(unsafe.Pointer(s)) }

// turn counts one turn of nanos with taken events.
func (s *Stats) turn(nanos int64, busy bool, taken int) {
	n := uint64(max(nanos, 0))
	s.Turns++
	bucket := BucketOf(n)
	if busy {
		s.BusyTurns++
		s.BusyNanos += n
		s.Busy[bucket]++
		s.Events += uint64(taken)
		s.EventsMax = max(s.EventsMax, uint64(taken))
		s.BusyMax = max(s.BusyMax, n)
	} else {
		s.IdleNanos += n
		s.Idle[bucket]++
		s.IdleMax = max(s.IdleMax, n)
	}
	if n > uint64(Thresholds[0]) {
		s.slow(n, busy)
	}
}

func (s *Stats) slow(n uint64, busy bool) {
	of := &s.Stalls
	if busy {
		of = &s.SlowBusy
	} else {
		s.StallNanos += n
	}
	for i, limit := range Thresholds {
		if n > uint64(limit) {
			of[i]++
		}
	}
}

// Percentile returns a duration that at least per mille/1000 of the counted times do not
// exceed, rounded up to a power of two; 0 when nothing was counted.
func Percentile(h *[Buckets]uint64, perMille uint64) time.Duration {
	var all, sum uint64
	for _, n := range h {
		all += n
	}
	if all == 0 {
		return 0
	}
	for i, n := range h {
		if sum += n; sum*1000 >= all*perMille {
			return time.Duration(1) << i
		}
	}
	return time.Duration(1) << (Buckets - 1)
}

// Publishing costs a store that waits for the store buffer per word, so it is done
// while the loop is idle, and in a busy one seldom.
const (
	publishIdleNanos = 10_000_000
	publishBusyNanos = 100_000_000
	publishParkNanos = 1_000_000
)

// published is where a loop leaves its Stats: a sequence lock, whose reader tries
// again when the writer was there. It is on cache lines of its own.
type published struct {
	_       [64]byte
	version atomic.Uint64 // odd: being written
	words   [statWords]atomic.Uint64
	_       [64]byte
}

func (p *published) store(s *Stats) {
	p.version.Add(1)
	for i, w := range s.words() {
		p.words[i].Store(w)
	}
	p.version.Add(1)
}

func (p *published) load() (s Stats) {
	for {
		version := p.version.Load()
		if version&1 == 0 {
			words := s.words()
			for i := range words {
				words[i] = p.words[i].Load()
			}
			if p.version.Load() == version {
				return s
			}
		}
		time.Sleep(time.Microsecond)
	}
}

// Stats returns what the loop last published, at most 100 ms ago while it turns. It
// costs the loop nothing. Any goroutine.
func (l *Loop) Stats() Stats { return l.published.load() }

// RingMark says how full a ring has been.
type RingMark struct {
	HighWater int // the most that ever waited
	Cap       int
}

// RingMarks returns those of the inputs, in the order of New. Any goroutine.
func (l *Loop) RingMarks() []RingMark {
	marks := make([]RingMark, len(l.inputs))
	for i, in := range l.inputs {
		marks[i] = RingMark{in.HighWater(), in.Cap()}
	}
	return marks
}

// CommandMarks returns those of the workers' commands, in the order of NewIO; zero for
// a worker that takes none. Any goroutine.
func (o *IO) CommandMarks() []RingMark {
	marks := make([]RingMark, len(o.workers))
	for i := range o.workers {
		if c := o.workers[i].Commands; c != nil {
			marks[i] = RingMark{c.HighWater(), c.Cap()}
		}
	}
	return marks
}
