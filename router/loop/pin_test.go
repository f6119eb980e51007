package loop

import (
	"errors"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// coresOf returns where each thread of this process may run.
func coresOf(t *testing.T) map[int]unix.CPUSet {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	sets := map[int]unix.CPUSet{}
	for _, task := range tasks {
		id, _ := strconv.Atoi(task.Name())
		var set unix.CPUSet
		if err := unix.SchedGetaffinity(id, &set); err == nil {
			sets[id] = set
		}
	}
	return sets
}

// TestPinnedLoopHasItsCoreToItself pins, makes the runtime start threads, and looks
// where each may run.
func TestPinnedLoopHasItsCoreToItself(t *testing.T) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		t.Fatal(err)
	}
	core := -1
	for c := range 1024 {
		if allowed.IsSet(c) {
			core = c // the last one
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		undo, err := pin(core)
		if allowed.Count() < 2 {
			if !errors.Is(err, ErrNoCore) {
				t.Errorf("one core only: %v", err)
			}
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		defer undo()
		self := unix.Gettid()
		var group sync.WaitGroup
		for range 16 { // each blocks a thread in a system call
			group.Go(func() { unix.Nanosleep(&unix.Timespec{Nsec: int64(20 * time.Millisecond)}, nil) })
		}
		time.Sleep(5 * time.Millisecond)
		sets := coresOf(t)
		for id, set := range sets {
			if set.IsSet(core) != (id == self) {
				t.Errorf("thread %d of %d (the loop is %d) may use core %d: %v", id, len(sets), self, core, set.IsSet(core))
			}
		}
		if set := sets[self]; set.Count() != 1 {
			t.Errorf("the loop may use %d cores", set.Count())
		}
		group.Wait()
	}()
	<-done
	for id, set := range coresOf(t) {
		if set.Count() != allowed.Count() {
			t.Errorf("thread %d is still confined to %d cores", id, set.Count())
		}
	}
}

// TestAnIsolatedCoreCanBeHad confines the process as isolcpus does, and pins outside.
func TestAnIsolatedCoreCanBeHad(t *testing.T) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(os.Getpid(), &allowed); err != nil {
		t.Fatal(err)
	}
	if allowed.Count() < 2 {
		t.Log("one core: none can be isolated")
		return
	}
	core := 0
	for !allowed.IsSet(core) {
		core++
	}
	rest := allowed
	rest.Clear(core)
	if err := confine(&rest); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := confine(&allowed); err != nil {
			t.Error(err)
		}
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		undo, err := pin(core)
		if err != nil {
			t.Error(err)
			return
		}
		var own unix.CPUSet
		if err := unix.SchedGetaffinity(0, &own); err != nil || own.Count() != 1 || !own.IsSet(core) {
			t.Errorf("the loop may use %d cores, %v", own.Count(), err)
		}
		undo()
	}()
	<-done
	for id, set := range coresOf(t) {
		if set.IsSet(core) {
			t.Errorf("thread %d may use the isolated core afterwards", id)
		}
	}
}

func TestACoreThatCannotBeHadIsRefused(t *testing.T) {
	for _, core := range []int{-1, 1000} {
		if undo, err := pin(core); !errors.Is(err, ErrNoCore) {
			t.Errorf("core %d: %v", core, err)
			undo()
		}
	}
}
