package loop

import (
	"fmt"
	"runtime"
	"slices"
)

// Idle is what the loop does when nothing is there.
type Idle uint8

// Idle strategies.
const (
	// IdlePark sleeps until a producer rings, a socket has something or a timer is
	// due: for machines with fewer cores than busy threads.
	IdlePark Idle = iota
	// IdleYield gives the processor to other goroutines and looks again.
	IdleYield
	// IdlePause looks again after the processor's PAUSE: it leaves the units of the
	// core to its hyperthread, and some power to other cores.
	IdlePause
	// IdleSpin looks again at once: for a core of its own.
	IdleSpin
	// IdleAuto is one of the others, see Idle.On. No loop runs with it.
	IdleAuto
)

var idleNames = [...]string{"park", "yield", "pause", "spin", "auto"}

func (i Idle) String() string {
	if int(i) < len(idleNames) {
		return idleNames[i]
	}
	return "idle?"
}

// ParseIdle is the inverse of Idle.String.
func ParseIdle(s string) (Idle, error) {
	if i := slices.Index(idleNames[:], s); i >= 0 {
		return Idle(i), nil
	}
	return 0, fmt.Errorf("idle strategy %q is not one of park, yield, pause, spin, auto", s)
}

// enoughCores is how many a loop needs around it to keep one busy that was not given
// to it: the feeds, the clients and the kernel want the others.
const enoughCores = 4

// On resolves IdleAuto for a process that may use cores of them, and others to
// themselves. A loop with a core of its own spins. One without pauses where there
// are cores enough, and parks where it would take the processor from those it waits
// for: a third busy thread on two cores costs each of them whole ticks of the
// scheduler.
func (i Idle) On(cores int, pinned bool) Idle {
	switch {
	case i != IdleAuto:
		return i
	case pinned && cores >= 2:
		return IdleSpin
	case cores >= enoughCores:
		return IdlePause
	}
	return IdlePark
}

// Resolved is On for this process.
func (i Idle) Resolved(pinned bool) Idle { return i.On(runtime.NumCPU(), pinned) }

// busy reports whether the loop keeps its thread and its core while idle.
func (i Idle) busy() bool { return i == IdleSpin || i == IdlePause }
