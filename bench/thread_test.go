package bench

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"penstock/internal/hist"
	"penstock/internal/tsc"
)

// readClock returns ns since the epoch: the processor's counter where it is steady.
var readClock = func() func() int64 {
	if c, err := tsc.New(); err == nil {
		return c.Now
	}
	return func() int64 { return time.Now().UnixNano() }
}()

// timerCost is the median time between two readings of the clock.
func timerCost() int64 {
	h := hist.New()
	for range 20_000 {
		start := readClock()
		h.Record(readClock() - start)
	}
	return h.Percentile(50)
}

// alone gives the calling goroutine a core of its own, keeps every other thread of
// the process off it where there are two, and lets the collector rest until the
// returned function is called.
func alone(tb testing.TB) (undo func()) {
	tb.Helper()
	runtime.GC()
	percent := debug.SetGCPercent(-1)
	runtime.LockOSThread()
	cores := allowedCores()
	if len(cores) > 1 {
		last := cores[len(cores)-1]
		confine(tb, cores[:len(cores)-1])
		pinThread(tb, last)
	}
	return func() {
		if len(cores) > 1 {
			confine(tb, cores)
		}
		runtime.UnlockOSThread()
		debug.SetGCPercent(percent)
	}
}

// allowedCores are the cores that the process could use when it began.
var allowedCores = func() func() []int {
	var set unix.CPUSet
	var cores []int
	if unix.SchedGetaffinity(0, &set) == nil {
		for c := range 8 * len(set) * 8 {
			if set.IsSet(c) {
				cores = append(cores, c)
			}
		}
	}
	return func() []int { return cores }
}()

func setOf(cores []int) *unix.CPUSet {
	var set unix.CPUSet
	for _, c := range cores {
		set.Set(c)
	}
	return &set
}

// pinThread wires the calling goroutine's thread to a core.
func pinThread(tb testing.TB, core int) {
	if err := unix.SchedSetaffinity(0, setOf([]int{core})); err != nil {
		tb.Log("not pinned:", err)
	}
}

// confine lets all threads of the process run on these cores only.
func confine(tb testing.TB, cores []int) {
	done := map[string]bool{}
	for again := true; again; {
		again = false
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			tb.Log("threads are not confined:", err)
			return
		}
		for _, task := range tasks {
			if done[task.Name()] {
				continue
			}
			done[task.Name()], again = true, true
			if id, err := strconv.Atoi(task.Name()); err == nil {
				if err := unix.SchedSetaffinity(id, setOf(cores)); err != nil && err != unix.ESRCH {
					tb.Log("thread is not confined:", err)
				}
			}
		}
	}
}

// safepoint lets the scheduler stop a spinning goroutine here rather than in what
// is measured: its frame is large enough that the compiler checks the stack.
//
//go:noinline
func safepoint() {
	var frame [256]byte
	touch(&frame)
}

//go:noinline
func touch(*[256]byte) {}

// spinUntil waits for a time without giving the core away, and returns when it was over.
func spinUntil(due int64) (now int64) {
	for now = readClock(); now < due; now = readClock() {
		safepoint()
	}
	return now
}

// machine says what the figures were measured on and how busy it was.
func machine() string {
	model := "unknown processor"
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		for s := bufio.NewScanner(f); s.Scan(); {
			if name, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
		f.Close()
	}
	load := "load ?"
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = "load " + strings.Join(strings.Fields(string(text))[:2], " ")
	}
	var name unix.Utsname
	release := ""
	if unix.Uname(&name) == nil {
		release = unix.ByteSliceToString(name.Release[:])
	}
	return fmt.Sprintf("%s, %d cores, Linux %s, %s, %s", model, len(allowedCores()), release, runtime.Version(), load)
}

func TestAloneHasACoreAndGivesItBack(t *testing.T) {
	undo := alone(t)
	var own unix.CPUSet
	if err := unix.SchedGetaffinity(0, &own); err != nil {
		t.Fatal(err)
	}
	if own.Count() != 1 && len(allowedCores()) > 1 {
		t.Errorf("the thread may run on %d cores", own.Count())
	}
	undo()
	if err := unix.SchedGetaffinity(0, &own); err != nil {
		t.Fatal(err)
	}
	if own.Count() != len(allowedCores()) {
		t.Errorf("%d cores afterwards, %d before", own.Count(), len(allowedCores()))
	}
}
