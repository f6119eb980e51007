package loop

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"penstock/event"
	"penstock/internal/ring"
)

func TestTurnsAreCountedByWhatTheyTook(t *testing.T) {
	var s Stats
	for _, c := range []struct {
		nanos int64
		busy  bool
		taken int
	}{{100, false, 0}, {300, true, 2}, {150_000, false, 0}, {20_000, true, 7}, {2_000_000, false, 0}, {-5, false, 0}} {
		s.turn(c.nanos, c.busy, c.taken)
	}
	want := Stats{Turns: 6, BusyTurns: 2, Events: 9, EventsMax: 7, BusyNanos: 20_300, IdleNanos: 2_150_100, BusyMax: 20_000, IdleMax: 2_000_000,
		Stalls: [3]uint64{2, 2, 1}, SlowBusy: [3]uint64{1, 0, 0}, StallNanos: 2_150_000}
	want.Busy[9], want.Busy[15] = 1, 1
	want.Idle[0], want.Idle[7], want.Idle[18], want.Idle[21] = 1, 1, 1, 1
	if s != want {
		t.Errorf("%+v", s)
	}
	if p := Percentile(&s.Idle, 500); p != 128 {
		t.Errorf("median of idle turns %v", p)
	}
	if p := Percentile(&s.Busy, 999); p != 1<<15 {
		t.Errorf("p99.9 of busy turns %v", p)
	}
	if p := Percentile(&[Buckets]uint64{}, 500); p != 0 {
		t.Errorf("median of nothing %v", p)
	}
}

// TestStatsAreNeverTorn reads while a writer publishes counts that belong together.
func TestStatsAreNeverTorn(t *testing.T) {
	var p published
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for n := uint64(0); ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			s := Stats{Turns: n, BusyTurns: n, Overruns: n}
			s.Idle[Buckets-1] = n
			p.store(&s)
			runtime.Gosched()
		}
	})
	for last := uint64(0); last < 1_000; {
		s := p.load()
		if s.BusyTurns != s.Turns || s.Overruns != s.Turns || s.Idle[Buckets-1] != s.Turns || s.Turns < last {
			t.Fatalf("torn: %+v after %d", s, last)
		}
		last = s.Turns
	}
	close(stop)
	group.Wait()
}

// TestALoopThatPutsOffIsStillStopped has others stop the world under a loop that refuses
// to yield: at once when they rest it, after restNanos otherwise.
func TestALoopThatPutsOffIsStillStopped(t *testing.T) {
	seq := NewSequencer(testCore(t), nil, func(*event.Command) {})
	in := ring.New[event.Event](16)
	var now, step atomic.Int64 // the loop's time passes with its turns, so that it says what the loop did, not the machine
	now.Store(1e18)
	step.Store(1)
	l := New(seq, []*ring.SPSC[event.Event]{in}, NewBell(), IdleSpin, func() int64 { return now.Add(step.Load()) }, nil)
	l.PutOff()
	done := make(chan error)
	go func() { done <- l.Run() }()
	for _, e := range day() {
		in.Push(&e)
	}
	for l.Stats().Events < uint64(len(day())) {
		time.Sleep(time.Millisecond)
	}
	start, begun := now.Load(), time.Now()
	for range 5 {
		l.Rest(runtime.GC)
	}
	took := now.Load() - start
	if t.Logf("5 collections took %v, %d ns of the loop's", time.Since(begun), took); took >= restNanos {
		t.Errorf("5 collections waited until the loop obeyed, %d ns of its time", took)
	}
	step.Store(1000)
	var m runtime.MemStats
	runtime.ReadMemStats(&m) // stops the world without asking
	if m.NumGC < 5 {
		t.Errorf("%d collections", m.NumGC)
	}
	l.Stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); s.Turns < 1000 || s.BusyTurns == 0 || s.Seq == 0 {
		t.Errorf("%+v", s)
	}
	if m := l.RingMarks(); len(m) != 1 || m[0].Cap != 16 || m[0].HighWater == 0 {
		t.Errorf("ring marks %+v", m)
	}
}

// TestTurnsDoNotAllocate counts allocations of idle and busy turns with a journal.
func TestTurnsDoNotAllocate(t *testing.T) {
	x := newLagged(t)
	x.release()
	for _, e := range day() {
		x.venues.Push(&e)
	}
	x.loop.Work()
	e := event.Event{Kind: event.BookLevel, Price: 499_900, Side: 1, Qty: 5}
	if n := testing.AllocsPerRun(1000, func() {
		x.venues.Push(&e)
		x.loop.Work()
		x.loop.Work()
	}); n != 0 {
		t.Errorf("%v allocations per event", n)
	}
}
