package loop

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// hold keeps the workers to one goroutine at a time: mostly the one that runs or inlines
// the IO, and whoever seizes them when that one stands still elsewhere.
type hold struct {
	busy    atomic.Bool // its goroutine is inside a turn
	seized  atomic.Bool
	wanted  atomic.Bool // its goroutine waits for the workers
	seizing sync.Mutex
}

// enter begins a turn unless somebody has seized the workers.
func (h *hold) enter() bool {
	h.busy.Store(true)
	return !h.seized.Load()
}

// wait is enter's other half: it begins the turn when nobody has seized the workers any more.
func (h *hold) wait() {
	for {
		h.busy.Store(false)
		h.wanted.Store(true)
		runtime.Gosched()
		if h.enter() {
			return
		}
	}
}

func (h *hold) leave() { h.busy.Store(false) }

// Seize lets another goroutine work the workers: f runs while the goroutine that owns them
// is kept out, and is told by wanted that this one is back and waits. false: that goroutine
// did not leave its turn within patience, it may stand still in a worker, and f was not
// called. Any goroutine but the owner.
func (o *IO) Seize(patience time.Duration, f func(wanted func() bool)) bool {
	h := &o.hold
	h.seizing.Lock()
	defer h.seizing.Unlock()
	h.wanted.Store(false)
	h.seized.Store(true)
	defer h.seized.Store(false)
	for deadline := time.Now().Add(patience); h.busy.Load(); time.Sleep(50 * time.Microsecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	f(h.wanted.Load)
	return true
}
