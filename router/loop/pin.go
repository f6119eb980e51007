package loop

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// ErrNoCore says that a core cannot be had for the loop alone.
var ErrNoCore = errors.New("the process may not use that core and another one")

// pin wires the calling goroutine to its thread, that thread to core, and every
// other thread of the process to the other cores. Threads that come later take
// after the one that makes them: the runtime makes those of a wired goroutine from
// a thread of its own, which is confined too. It returns what undoes it.
func pin(core int) (undo func(), err error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(os.Getpid(), &allowed); err != nil {
		return nil, fmt.Errorf("core %d: %w", core, err)
	}
	own, others := unix.CPUSet{}, allowed
	own.Set(core)
	others.Clear(core)
	// The core need not be among the allowed ones: an isolated core is not, but may be asked for.
	if own.Count() == 0 || others.Count() == 0 {
		return nil, fmt.Errorf("core %d: %w", core, ErrNoCore)
	}
	// The runtime follows the cores that its threads may use (since Go 1.25): after the
	// confinement it would give itself a processor less, with two cores the only one left
	// to this thread. A number that the program sets stays.
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	runtime.LockOSThread()
	undo = func() {
		confine(&allowed)
		runtime.UnlockOSThread()
	}
	if err := confine(&others); err != nil {
		undo()
		return nil, err
	}
	if err := unix.SchedSetaffinity(0, &own); err != nil {
		undo()
		return nil, fmt.Errorf("core %d: %w: %w", core, ErrNoCore, err)
	}
	return undo, nil
}

// confine lets every thread of the process run on cores only. It looks again until
// no new thread has appeared.
func confine(cores *unix.CPUSet) error {
	done := map[int]bool{}
	for again := true; again; {
		again = false
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("threads of this process: %w", err)
		}
		for _, t := range tasks {
			id, err := strconv.Atoi(t.Name())
			if err != nil || done[id] {
				continue
			}
			done[id], again = true, true
			if err := unix.SchedSetaffinity(id, cores); err != nil && err != unix.ESRCH {
				return fmt.Errorf("thread %d: %w", id, err)
			}
		}
	}
	return nil
}
