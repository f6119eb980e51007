package ems

import (
	"sync/atomic"
	"testing"
	"time"

	"penstock/event"
	"penstock/internal/hist"
	"penstock/internal/ring"
)

// TestAReportWakesNobodyBeforeItMayLeave gives reports to an acceptor whose journal is behind, as it is when an
// event has just been appended: the core's thread leaves it to the journal's to wake who sends them. Whose cause
// is on disk already, when that thread was quicker, would otherwise wait for the next.
func TestAReportWakesNobodyBeforeItMayLeave(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		cause   uint64
		durable func() uint64
		wakes   int
	}{
		{"behind", 5, func() uint64 { return 4 }, 0},
		{"on disk", 4, func() uint64 { return 4 }, 1},
		{"no cause", 0, func() uint64 { return 0 }, 1},
		{"nothing to wait for", 5, nil, 1},
	} {
		a := &Acceptor{cfg: Config{Durable: c.durable}, app: &application{}, bell: make(chan struct{}, 1),
			senders: make([]chan event.Command, 1), reports: ring.New[queued](8)}
		r := testReport(0, 1)
		r.Cause = c.cause
		if !a.Report(&r) || len(a.bell) != c.wakes {
			t.Errorf("%s: %d wakes, want %d", c.name, len(a.bell), c.wakes)
		}
	}
}

// TestNoReportIsLeftBehind races a core's reports against a journal that is sometimes quicker and sometimes
// slower: each leaves, whoever had to wake for it.
func TestNoReportIsLeftBehind(t *testing.T) {
	t.Parallel()
	const reports = 640
	d := newDesk()
	cfg := testConfig(t, d, 1)
	var durable, appended atomic.Uint64
	cfg.Durable = durable.Load
	a := listen(t, cfg)
	ended := make(chan struct{})
	go func() { // the journal
		defer close(ended)
		for durable.Load() < reports {
			if now := appended.Load(); now > durable.Load() {
				durable.Store(now)
				a.Wake()
			}
		}
	}()
	for i := uint64(1); i <= reports; i++ {
		appended.Store(i)
		if i%16 == 0 { // the journal was quicker, and who it woke sleeps again
			for durable.Load() < i {
				time.Sleep(time.Microsecond)
			}
			time.Sleep(100 * time.Microsecond)
		}
		r := testReport(0, i)
		r.Cause = i
		for !a.Report(&r) {
			time.Sleep(time.Microsecond)
		}
		if i%16 == 0 { // nothing follows that could wake for it
			for deadline := time.Now().Add(20 * time.Second); a.Stats().Reports < i; time.Sleep(10 * time.Microsecond) {
				if time.Now().After(deadline) {
					t.Fatalf("%d of %d reports left", a.Stats().Reports, i)
				}
			}
		}
	}
	<-ended
}

// BenchmarkReport is what a report takes of the core's thread while who sends it sleeps, its cause not on disk yet.
func BenchmarkReport(b *testing.B) {
	cfg := testConfig(b, newDesk(), 1)
	var durable atomic.Uint64
	cfg.Durable = durable.Load
	a := listen(b, cfg)
	took := hist.New()
	r := testReport(0, 1)
	b.ReportAllocs()
	for b.Loop() {
		r.Cause++
		time.Sleep(200 * time.Microsecond)
		start := time.Now()
		if !a.Report(&r) {
			b.Fatal("no room")
		}
		took.Record(int64(time.Since(start)))
		durable.Store(r.Cause)
		a.Wake()
	}
	for name, p := range map[string]float64{"core-p50-ns": 50, "core-p90-ns": 90, "core-p99-ns": 99} {
		b.ReportMetric(float64(took.Percentile(p)), name)
	}
}
