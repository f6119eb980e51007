package quiet

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// Procs is GOMAXPROCS of a process with a thread of its own core, or what the runtime has given it
// if that is more. The collector gives a quarter of them to marking: with four that is
// one whole worker, which runs elsewhere. With two it is half of one, which the runtime
// makes up from a share of every processor, the hot thread's as well
// (runtime.gcController.startCycle).
//
// A process without such a core needs them too. While a client does not read, its session in QuickFIX/Go
// asks again and again whether it may write; on one processor, or with two such clients on two, whoever
// else wants one gets it every 10 ms.
const Procs = 4

// GuardBytes is the memory limit of the process while nothing is collected by itself:
// above it the runtime collects in spite of everything.
const GuardBytes = 4 << 30

// Step is one thing that was tried.
type Step struct {
	Name string
	Saw  string // what it came to
	Err  error  // why it could not be had
}

// Undo puts back what Begin changed, but for locked memory.
type Undo func()

// Begin switches automatic collections off and locks the memory of the process where it
// may. Somebody must collect from then on: see Collector. It stops the world, so it
// comes before the hot thread.
func Begin() ([]Step, Undo) {
	procs, before := Processors()
	percent := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(GuardBytes)
	steps := []Step{
		procs,
		{Name: "collections", Saw: fmt.Sprintf("at quiet moments, or above %d MiB", GuardBytes>>20)},
		lockMemory(),
	}
	return steps, func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
		before()
	}
}

// Processors sets GOMAXPROCS to Procs if it is less. It stops the world.
func Processors() (Step, Undo) {
	before := runtime.GOMAXPROCS(max(Procs, runtime.GOMAXPROCS(0)))
	return Step{Name: "processors", Saw: fmt.Sprintf("GOMAXPROCS %d", runtime.GOMAXPROCS(0))},
		func() { runtime.GOMAXPROCS(before) }
}

// lockMemory keeps every page that was touched in memory. Under a limit on locked memory
// the kernel refuses later mappings instead of this call, and the runtime would die of
// it: so it is not tried there.
func lockMemory() Step {
	s := Step{Name: "locked memory"}
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &r); err != nil {
		s.Err = err
		return s
	}
	if r.Cur != unix.RLIM_INFINITY && !privileged(unix.CAP_IPC_LOCK) {
		s.Err = fmt.Errorf("at most %d KiB may be locked: ulimit -l unlimited", r.Cur>>10)
		return s
	}
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
		s.Err = fmt.Errorf("mlockall: %w", err)
		return s
	}
	s.Saw = "every page once touched"
	return s
}

// privileged reports whether the process has a capability.
func privileged(capability int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[capability/32].Effective>>(capability%32)&1 != 0
}
