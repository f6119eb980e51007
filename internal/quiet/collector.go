package quiet

import (
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// Collector collects garbage at moments that the program chooses. Automatic collections
// must be off. Run belongs to one goroutine, Stats may be called from any.
type Collector struct {
	// Quiet reports whether a collection would disturb nobody now.
	Quiet func() bool
	// Around runs the collection; the hot thread gives the runtime what it asks for
	// meanwhile.
	Around func(collect func())
	// WorthBytes of new garbage are worth a quiet moment; BoundBytes force a
	// collection at any.
	WorthBytes, BoundBytes uint64

	seen    uint64 // bytes allocated when last collected
	quiet   atomic.Uint64
	forced  atomic.Uint64
	nanos   atomic.Int64
	longest atomic.Int64
	made    atomic.Uint64
}

// Defaults of a Collector, bytes.
const (
	WorthBytes = 32 << 20
	BoundBytes = 256 << 20
)

// lookEvery is how often the collector looks at the heap.
const lookEvery = 50 * time.Millisecond

// Collections are what a Collector did.
type Collections struct {
	AtQuiet uint64        // when nobody waited
	Forced  uint64        // because of BoundBytes
	Took    time.Duration // all of them, mostly beside the hot thread
	Longest time.Duration
	Made    uint64 // bytes of garbage and live memory made since the program began
}

// Stats returns what was done so far.
func (c *Collector) Stats() Collections {
	return Collections{AtQuiet: c.quiet.Load(), Forced: c.forced.Load(), Took: time.Duration(c.nanos.Load()),
		Longest: time.Duration(c.longest.Load()), Made: c.made.Load()}
}

// Run looks at the heap until stop is closed.
func (c *Collector) Run(stop <-chan struct{}) {
	c.seen = Allocated()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			c.Look()
		}
	}
}

// Look collects if it is time. One goroutine.
func (c *Collector) Look() {
	made := Allocated()
	c.made.Store(made)
	grown := made - c.seen
	switch {
	case grown >= c.BoundBytes:
		c.forced.Add(1)
	case grown >= c.WorthBytes && c.Quiet():
		c.quiet.Add(1)
	default:
		return
	}
	start := time.Now()
	c.Around(runtime.GC)
	c.seen = Allocated()
	took := time.Since(start).Nanoseconds()
	c.nanos.Add(took)
	c.longest.Store(max(took, c.longest.Load()))
}

// Allocated returns how many bytes of the heap were ever given out. It does not stop
// the world.
func Allocated() uint64 {
	sample := [1]metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample[:])
	return sample[0].Value.Uint64()
}
