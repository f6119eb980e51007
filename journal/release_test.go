package journal

import (
	"runtime"
	"sync/atomic"
	"testing"
)

// TestRelease compares release with the store of sync/atomic, and that what was written before it is
// there for whoever reads the place after it.
func TestRelease(t *testing.T) {
	var a, b [3]atomic.Uint64
	for _, v := range []uint64{0, 1, 1 << 31, 1<<32 - 1, 1 << 63, 1<<64 - 1} {
		release(&a[1], v)
		b[1].Store(v)
		if a[0].Load() != 0 || a[1].Load() != b[1].Load() || a[2].Load() != 0 {
			t.Fatalf("%d: %d %d %d", v, a[0].Load(), a[1].Load(), a[2].Load())
		}
	}
	const n = 100_000
	var published, taken atomic.Uint64
	var place [64]uint64 // written before published, read behind it
	go func() {
		for i := uint64(1); i <= n; i++ {
			for i-taken.Load() > uint64(len(place)) {
				runtime.Gosched()
			}
			place[i%uint64(len(place))] = i * i
			release(&published, i)
		}
	}()
	for i := uint64(1); i <= n; i++ {
		for published.Load() < i {
			runtime.Gosched()
		}
		if got := place[i%uint64(len(place))]; got != i*i {
			t.Fatalf("%d: %d is there", i, got)
		}
		taken.Store(i)
	}
}
