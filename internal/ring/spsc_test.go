package ring

import (
	"runtime"
	"testing"
)

// wide has the size of an event, so that a torn copy would show.
type wide [24]uint64

func fill(n uint64) (w wide) {
	for i := range w {
		w[i] = n
	}
	return w
}

func TestValuesArriveInOrderAcrossGoroutines(t *testing.T) {
	const items = 1_000_000
	for _, capacity := range []int{2, 64, 4096} {
		r := New[wide](capacity)
		go func() {
			for n := uint64(1); n <= items/3; n++ {
				for w := fill(n); !r.Push(&w); {
					runtime.Gosched()
				}
			}
		}()
		var got wide
		for n := uint64(1); n <= items/3; n++ {
			for !r.Pop(&got) {
				runtime.Gosched()
			}
			if got != fill(n) {
				t.Fatalf("capacity %d: value %d arrived as %v", capacity, n, got)
			}
		}
		if r.Pop(&got) || r.Len() != 0 {
			t.Fatalf("capacity %d: %d values left over", capacity, r.Len())
		}
		if h := r.HighWater(); h < 1 || h > capacity {
			t.Fatalf("capacity %d: high water %d", capacity, h)
		}
	}
}

func TestFullAndEmpty(t *testing.T) {
	r := New[int](4)
	var v int
	if r.Pop(&v) || v != 0 {
		t.Fatal("an empty ring gave a value")
	}
	for i := 1; i <= 4; i++ {
		if !r.Push(&i) || r.Len() != i || r.HighWater() != i {
			t.Fatalf("push %d: len %d high water %d", i, r.Len(), r.HighWater())
		}
	}
	extra := 5
	if r.Push(&extra) || r.Len() != 4 {
		t.Fatal("a full ring took a value")
	}
	for i := 1; i <= 4; i++ {
		if !r.Pop(&v) || v != i || r.Len() != 4-i {
			t.Fatalf("pop %d gave %d, len %d", i, v, r.Len())
		}
	}
	if r.Pop(&v) || v != 4 {
		t.Fatal("an emptied ring gave a value")
	}
	if r.HighWater() != 4 || r.Cap() != 4 {
		t.Fatalf("high water %d cap %d", r.HighWater(), r.Cap())
	}
}

// The slow twin is a slice; the walk keeps every fill level at every offset.
func TestWrapAroundMatchesASlice(t *testing.T) {
	const capacity = 8
	r := New[uint64](capacity)
	var twin []uint64
	next, peak := uint64(0), 0
	step := func(push bool) {
		var v uint64
		if push {
			ok := r.Push(&next)
			if ok != (len(twin) < capacity) {
				t.Fatalf("push of %d at len %d: %v", next, len(twin), ok)
			}
			if ok {
				twin = append(twin, next)
				peak = max(peak, len(twin))
			}
			next++
		} else if ok := r.Pop(&v); ok != (len(twin) > 0) || ok && v != twin[0] {
			t.Fatalf("pop: %v %d, want %v", ok, v, twin)
		} else if ok {
			twin = twin[1:]
		}
		if r.Len() != len(twin) || r.HighWater() != peak {
			t.Fatalf("len %d high water %d, want %d %d", r.Len(), r.HighWater(), len(twin), peak)
		}
	}
	state := uint64(1)
	for range 100_000 {
		state = state*6364136223846793005 + 1442695040888963407
		step(state>>33&1 == 0)
	}
}

func TestCapacityMustBeAPowerOfTwo(t *testing.T) {
	for _, capacity := range []int{-8, 0, 1, 3, 6, 1000} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("New(%d) did not panic", capacity)
				}
			}()
			New[int](capacity)
		}()
	}
}

func TestNoAllocation(t *testing.T) {
	r := New[wide](16)
	v := fill(7)
	if n := testing.AllocsPerRun(100, func() {
		r.Push(&v)
		r.Pop(&v)
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkPushPop(b *testing.B) {
	r := New[wide](1024)
	v := fill(7)
	b.ReportAllocs()
	for b.Loop() {
		r.Push(&v)
		r.Pop(&v)
	}
}

// BenchmarkHandoff compares the ring with a channel of the same capacity and
// element between two goroutines, free and locked to threads as the core is.
func BenchmarkHandoff(b *testing.B) {
	for _, locked := range []struct {
		name string
		lock func()
	}{{"free", func() {}}, {"locked", runtime.LockOSThread}} {
		b.Run("ring/"+locked.name, func(b *testing.B) { handoffRing(b, locked.lock) })
		b.Run("channel/"+locked.name, func(b *testing.B) { handoffChannel(b, locked.lock) })
	}
}

func handoffRing(b *testing.B, lock func()) {
	r := New[wide](1024)
	lock()
	defer runtime.UnlockOSThread()
	go func() {
		lock()
		v := fill(7)
		for range b.N {
			for !r.Push(&v) {
				runtime.Gosched()
			}
		}
	}()
	b.ReportAllocs()
	b.ResetTimer()
	var v wide
	for range b.N {
		for !r.Pop(&v) {
			runtime.Gosched()
		}
	}
}

func handoffChannel(b *testing.B, lock func()) {
	c := make(chan wide, 1024)
	lock()
	defer runtime.UnlockOSThread()
	go func() {
		lock()
		v := fill(7)
		for range b.N {
			c <- v
		}
	}()
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		<-c
	}
}
