package loop

import (
	"sync/atomic"
	"time"
)

// Bell wakes a parked loop. Ring may be called from any goroutine and costs one
// load while the loop is awake; wait belongs to the loop.
type Bell struct {
	parked atomic.Bool
	chime  chan struct{}
	timer  *time.Timer
}

// NewBell returns a bell that nobody waits for yet.
func NewBell() *Bell {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &Bell{chime: make(chan struct{}, 1), timer: t}
}

// Ring wakes the loop if it is parked.
func (b *Bell) Ring() {
	if !b.parked.Load() {
		return
	}
	select {
	case b.chime <- struct{}{}:
	default:
	}
}

// wait parks until the bell rings or d is over, unless ready reports work: it is
// asked after the bell is armed, so that a ring in between is not lost.
func (b *Bell) wait(d time.Duration, ready func() bool) error {
	b.parked.Store(true)
	defer b.parked.Store(false)
	if ready() {
		return nil
	}
	b.timer.Reset(d)
	select {
	case <-b.chime:
		b.timer.Stop()
	case <-b.timer.C:
	}
	return nil
}
