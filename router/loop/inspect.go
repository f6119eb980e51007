package loop

import (
	"runtime"
	"sync/atomic"
	"time"
)

// inspection is a look at the core that another goroutine asked for.
type inspection struct {
	look func(*Sequencer)
	over atomic.Bool
}

// Who asked looks for the answer itself, first at once and then after longer and longer pauses: to wake it
// would take the loop 10 µs and more.
const (
	inspectYields   = 20
	inspectPause    = 20 * time.Microsecond
	inspectPauseMax = time.Millisecond
)

// Inspect runs look on the loop's goroutine between two events and waits for it:
// a consistent reading of the core. look must be short and must change nothing.
// ok is false when the loop has ended.
func (l *Loop) Inspect(look func(*Sequencer)) (ok bool) {
	l.looking.Lock()
	defer l.looking.Unlock()
	r := &inspection{look: look}
	l.request.Store(r)
	l.bell.Ring()
	for pause, n := inspectPause, 0; !r.over.Load(); n++ {
		select {
		case <-l.ended:
			if l.request.CompareAndSwap(r, nil) {
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
