package loop

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// inspector lets other goroutines look, one at a time, at what one goroutine owns.
type inspector struct {
	asking  sync.Mutex
	request atomic.Pointer[inspection] // nil: nobody asks
}

type inspection struct {
	look func()
	over atomic.Bool
}

// Who asked looks for the answer itself, first at once and then after longer and longer pauses: to wake it
// would take the owner 10 µs and more.
const (
	inspectYields   = 20
	inspectPause    = 20 * time.Microsecond
	inspectPauseMax = time.Millisecond
)

// ask lets the owner run look and waits for it; ring wakes the owner if it sleeps. false: the owner has ended.
func (i *inspector) ask(look func(), ring func(), ended <-chan struct{}) bool {
	i.asking.Lock()
	defer i.asking.Unlock()
	r := &inspection{look: look}
	i.request.Store(r)
	ring()
	for pause, n := inspectPause, 0; !r.over.Load(); n++ {
		select {
		case <-ended:
			if i.request.CompareAndSwap(r, nil) {
				return false
			}
		default:
		}
		if n < inspectYields {
			runtime.Gosched()
			continue
		}
		time.Sleep(pause)
		pause = min(2*pause, inspectPauseMax)
	}
	return true
}

// wanted reports whether somebody asks. Owner only.
func (i *inspector) wanted() bool { return i.request.Load() != nil }

// answer does what was asked and reports whether anything was. Owner only.
func (i *inspector) answer() bool {
	if !i.wanted() {
		return false
	}
	r := i.request.Swap(nil)
	if r == nil {
		return false
	}
	r.look()
	r.over.Store(true)
	return true
}

// Inspect runs look on the loop's goroutine between two events and waits for it:
// a consistent reading of the core. look must be short and must change nothing.
// ok is false when the loop has ended.
func (l *Loop) Inspect(look func(*Sequencer)) (ok bool) {
	return l.looks.ask(func() { look(l.seq) }, l.bell.Ring, l.ended)
}

// InspectWorkers runs look on the goroutine that works o, between two of its turns, and waits for it. look must be
// short and must change nothing. ok is false when Run has ended. Any goroutine but that one; an IO that a loop works
// itself is looked at by Loop.Inspect.
func (o *IO) InspectWorkers(look func()) (ok bool) { return o.looks.ask(look, o.Ring, o.ended) }
