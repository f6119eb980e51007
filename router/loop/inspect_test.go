package loop

import (
	"runtime"
	"testing"
	"time"

	"penstock/event"
	"penstock/internal/hist"
	"penstock/internal/ring"
)

// BenchmarkInspect is what a look at the core takes from the loop behind the look itself: the thread that
// is hot must not be the one that wakes who asked.
func BenchmarkInspect(b *testing.B) {
	var looked int64 // when the last look ended, 0: that was counted. The loop's goroutine.
	took := hist.New()
	clock := func() int64 { return time.Now().UnixNano() }
	l := New(NewSequencer(testCore(b), nil, func(*event.Command) {}), []*ring.SPSC[event.Event]{ring.New[event.Event](16)},
		NewBell(), IdleSpin, clock, func() {
			if looked != 0 {
				took.Record(clock() - looked)
				looked = 0
			}
		})
	done := make(chan error)
	go func() { done <- l.Run() }()
	for b.Loop() {
		l.Inspect(func(*Sequencer) { looked = clock() })
		time.Sleep(200 * time.Microsecond) // a person or a program that looks now and then: its thread sleeps
	}
	l.Stop()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	runtime.KeepAlive(l)
	for name, p := range map[string]float64{"loop-p50-ns": 50, "loop-p90-ns": 90, "loop-p99-ns": 99} {
		b.ReportMetric(float64(took.Percentile(p)), name)
	}
}
