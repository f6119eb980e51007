package loop

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Settled says how the thread of a pinned loop was set up.
type Settled struct {
	Core     int
	Pinned   error // why it is not alone on Core
	Signals  error // why it takes the scheduler's signals
	Priority error // why it is not before other processes
}

// hotNice is the priority of the loop's thread. Not a real-time class: its throttle
// (sched_rt_runtime_us) stops a thread that spins for 50 ms in every second.
const hotNice = -20

// settle prepares the calling thread, which must stay the caller's, for a loop that
// never leaves it. The signal by which the scheduler interrupts a running goroutine is
// kept from this thread alone: the others are still preempted, and GODEBUG, which would
// switch it off for all of them, needs a second start of the program. It returns what
// undoes it.
func settle(s *Settled) (undo func()) {
	var urgent, before unix.Sigset_t
	urgent.Val[0] = 1 << (unix.SIGURG - 1)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &urgent, &before); err != nil {
		s.Signals = fmt.Errorf("signal mask: %w", err)
	}
	thread := unix.Gettid()
	was, err := unix.Getpriority(unix.PRIO_PROCESS, thread)
	if err == nil {
		err = unix.Setpriority(unix.PRIO_PROCESS, thread, hotNice)
	}
	if err != nil {
		s.Priority = fmt.Errorf("priority %d: %w", hotNice, err)
	}
	return func() {
		if s.Signals == nil {
			_ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) // it was legal a moment ago
		}
		if s.Priority == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, thread, 20-was) // the call returns 20 - nice; lowering is always allowed
		}
	}
}
