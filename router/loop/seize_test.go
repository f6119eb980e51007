package loop

import (
	"sync/atomic"
	"testing"
	"time"

	"penstock/event"
	"penstock/venues/wire"
)

// TestSeizedWorkersAreWorkedByOneGoroutine seizes the workers of a running IO again and
// again; a counter that nothing guards shows whether two were ever inside.
func TestSeizedWorkersAreWorkedByOneGoroutine(t *testing.T) {
	inside, turns := 0, atomic.Int64{}
	io, err := NewIO([]Worker{{
		Work: func(int64) int {
			if inside++; inside != 1 {
				t.Error("two goroutines work the workers")
			}
			inside--
			turns.Add(1)
			return 0
		},
		PollFDs: func(fds []wire.PollFD) []wire.PollFD { return fds },
	}}, func(*event.Event) bool { return true }, func() int64 { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- io.Run() }()
	for range 200 {
		if !io.Seize(5*time.Second, func(wanted func() bool) {
			inside++
			time.Sleep(20 * time.Microsecond)
			if inside != 1 {
				t.Error("two goroutines work the workers")
			}
			inside--
		}) {
			t.Fatal("not seized")
		}
		before := turns.Load()
		for deadline := time.Now().Add(5 * time.Second); turns.Load() == before; io.Ring() {
			if time.Now().After(deadline) {
				t.Fatal("the workers were not given back")
			}
			time.Sleep(time.Microsecond)
		}
	}
	io.Stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := io.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestAStuckWorkerIsNotSeized: what stands still inside a worker keeps it.
func TestAStuckWorkerIsNotSeized(t *testing.T) {
	stuck, release := make(chan struct{}), make(chan struct{})
	io, err := NewIO([]Worker{{Work: func(int64) int { close(stuck); <-release; return 0 },
		PollFDs: func(fds []wire.PollFD) []wire.PollFD { return fds }}},
		func(*event.Event) bool { return true }, func() int64 { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { io.Work(); close(done) }()
	<-stuck
	if io.Seize(10*time.Millisecond, func(func() bool) { t.Error("seized") }) {
		t.Error("a stuck worker was seized")
	}
	close(release)
	<-done
	if !io.Seize(time.Second, func(func() bool) {}) {
		t.Error("not seized when it was free")
	}
	if err := io.Close(); err != nil {
		t.Fatal(err)
	}
}
