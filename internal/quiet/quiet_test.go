package quiet

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// settings reads what Begin changes.
func settings() (procs, percent int, limit int64) {
	percent = debug.SetGCPercent(100)
	debug.SetGCPercent(percent)
	return runtime.GOMAXPROCS(0), percent, debug.SetMemoryLimit(-1)
}

func TestBeginIsUndone(t *testing.T) {
	procs, percent, limit := settings()
	steps, undo := Begin()
	if p, c, l := settings(); p < Procs || c != -1 || l != GuardBytes {
		t.Errorf("GOMAXPROCS %d, GOGC %d, limit %d", p, c, l)
	}
	for _, s := range steps {
		if s.Name == "" || s.Saw == "" && s.Err == nil {
			t.Errorf("%+v tells nothing", s)
		}
	}
	undo()
	if p, c, l := settings(); p != procs || c != percent || l != limit {
		t.Errorf("after undo GOMAXPROCS %d, GOGC %d, limit %d", p, c, l)
	}
}

// sink keeps what a test allocates on the heap.
var sink []byte

func TestCollectorWaitsForAQuietMomentUntilItMust(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	quietNow, around := false, 0
	c := Collector{Quiet: func() bool { return quietNow }, Around: func(f func()) { around++; f() },
		WorthBytes: 4 << 20, BoundBytes: 16 << 20}
	c.seen = Allocated()
	grow := func(bytes int) {
		for range bytes / 65536 {
			sink = make([]byte, 65536)
		}
		c.Look()
	}
	for _, step := range []struct {
		grow          int
		quiet         bool
		atQuiet, must uint64
	}{
		{1 << 20, true, 0, 0}, // not worth it
		{8 << 20, false, 0, 0},
		{0, true, 1, 0},
		{0, true, 1, 0}, // nothing new
		{20 << 20, false, 1, 1},
		{5 << 20, true, 2, 1},
	} {
		quietNow = step.quiet
		grow(step.grow)
		if s := c.Stats(); s.AtQuiet != step.atQuiet || s.Forced != step.must {
			t.Fatalf("after %+v: %+v", step, s)
		}
	}
	if s := c.Stats(); around != 3 || s.Longest <= 0 || s.Took < s.Longest || s.Made < 30<<20 {
		t.Errorf("%d collections: %+v", around, s)
	}
}

func TestCollectorRunsUntilItIsStopped(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	collected := make(chan struct{}, 8)
	c := Collector{Quiet: func() bool { return true }, WorthBytes: 1 << 20, BoundBytes: math.MaxUint64,
		Around: func(f func()) { f(); collected <- struct{}{} }}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() { defer close(ended); c.Run(stop) }()
	for done := false; !done; {
		sink = make([]byte, 1<<20)
		select {
		case <-collected:
			done = true
		case <-time.After(time.Millisecond):
		}
	}
	close(stop)
	<-ended
}

// TestAHoleDoesNotEndTheGathering: of three huge pages the second one has no memory.
func TestAHoleDoesNotEndTheGathering(t *testing.T) {
	b, err := unix.Mmap(-1, 0, 5*hugeBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(b)
	base := uintptr(unsafe.Pointer(&b[0]))
	skip := (base+hugeBytes-1)&^(hugeBytes-1) - base
	touch := func(page uintptr) {
		for i := skip + page*hugeBytes; i < skip+(page+1)*hugeBytes; i += 4096 {
			b[i] = 1
		}
	}
	from, want := base+skip, uintptr(2)
	touch(3)
	if err := advise(from+3*hugeBytes, from+4*hugeBytes, unix.MADV_COLLAPSE); err != nil {
		t.Log("this kernel gathers nothing:", err)
		want = 0
	}
	touch(0)
	touch(2)
	if n := gather(from, from+3*hugeBytes) / hugeBytes; n != want {
		t.Errorf("%d huge pages, want %d", n, want)
	}
}

func TestHugePagesAreAskedForOnTheHeap(t *testing.T) {
	if s := HugePages(); s.Err != nil || s.Saw == "" {
		t.Errorf("%+v", s)
	}
	for line, want := range map[string]uintptr{
		"c000000000-c004000000 rw-p 00000000 00:00 0":                      64 << 20,
		"c000000000-c004000000 rw-p 00000000 00:00 0   [anon: Go: heap]":   64 << 20,
		"c000100000-c000700000 rw-p 00000000 00:00 0":                      4 << 20,
		"c000000000-c004000000 ---p 00000000 00:00 0":                      0,
		"7ffd00000000-7ffd01000000 rw-p 00000000 00:00 0          [stack]": 0,
		"00400000-10400000 rw-p 00000000 fe:00 1014     /usr/bin/penstock": 0,
		"c000100000-c000200000 rw-p 00000000 00:00 0":                      0,
		"nonsense": 0,
	} {
		from, to, ok := arena(line)
		if ok != (want > 0) || ok && to-from != want {
			t.Errorf("%q: %x to %x, %v", line, from, to, ok)
		}
	}
}
