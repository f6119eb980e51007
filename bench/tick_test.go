package bench

import (
	"bytes"
	"testing"
	"time"

	"penstock/event"
	"penstock/internal/hist"
	"penstock/market"
)

// timerCost is the median time between two readings of the clock.
func timerCost() int64 {
	h := hist.New()
	for range 10_000 {
		start := time.Now()
		h.Record(int64(time.Since(start)))
	}
	return h.Percentile(50)
}

func benchmarkTick(b *testing.B, journalDir func() string, pause time.Duration) {
	c := newChain(b, journalDir())
	h, empty := hist.New(), timerCost()
	for range 2000 { // warm up
		c.tick()
		c.reset()
	}
	b.ReportAllocs()
	for b.Loop() {
		if c.rounds >= roundsPerRun-10 {
			b.StopTimer()
			c = newChain(b, journalDir())
			b.StartTimer()
		}
		for wait := time.Now(); pause > 0 && time.Since(wait) < pause; {
		}
		start := time.Now()
		c.tick()
		h.Record(max(int64(time.Since(start))-empty, 0))
		c.reset()
	}
	for _, p := range []struct {
		name    string
		percent float64
	}{{"p50-ns", 50}, {"p90-ns", 90}, {"p99-ns", 99}, {"p99.9-ns", 99.9}} {
		b.ReportMetric(float64(h.Percentile(p.percent)), p.name)
	}
	b.ReportMetric(float64(h.Max()), "max-ns")
	b.ReportMetric(float64(empty), "timer-ns")
}

// BenchmarkTickToOrder is the time from the bytes of an ITCH message in memory to
// the bytes of a NewOrderSingle, closed loop, warm; the cost of reading the clock
// is subtracted. ns/op is a whole round trip: tick, order, answer, delete, and the
// pause where there is one.
func BenchmarkTickToOrder(b *testing.B) {
	none := func() string { return "" }
	run := 0
	journalled := func() string {
		run++
		return b.TempDir() + "/" + string(rune('a'+run%26))
	}
	b.Run("core", func(b *testing.B) { benchmarkTick(b, none, 0) })
	b.Run("journal", func(b *testing.B) { benchmarkTick(b, journalled, 0) })
	b.Run("core_paced_100us", func(b *testing.B) { benchmarkTick(b, none, 100*time.Microsecond) })
}

// BenchmarkTickOnly is the same message when no parent wants it: decode, book,
// composite and features.
func BenchmarkTickOnly(b *testing.B) {
	c := newChain(b, "")
	id, _ := event.MakeID("BENCH")
	c.e = event.Event{Kind: event.ParentCancel, OrigID: id}
	c.e.ID, _ = event.MakeID("CXL")
	c.seq.Take(c.now, &c.e)
	if c.core.Parents()[0].Live() {
		b.Fatal("the parent is still live")
	}
	b.ReportAllocs()
	for b.Loop() {
		c.addOrder('S', limitPrice, 300)
		c.now++
		c.decodeDelete()
		c.ref-- // the decoder remembers the references of a day: keep within it
	}
}

// TestTickBecomesOneOrder pins what the benchmark measures.
func TestTickBecomesOneOrder(t *testing.T) {
	c := newChain(t, "")
	for range 50 {
		before := len(c.core.Children())
		c.tick()
		if n := len(c.core.Children()) - before; n != 1 {
			t.Fatalf("a tick made %d orders", n)
		}
		if c.sent.Price != limitPrice || c.sent.Qty != 300 || c.sent.Venue != 0 || c.sent.TIF != market.TIFIOC {
			t.Fatalf("order %+v", c.sent)
		}
		c.reset()
	}
	if trouble := c.core.Audit(); trouble != "" {
		t.Error(trouble)
	}
}

// TestOrderBytes checks the encoded order against the fields that it must have.
func TestOrderBytes(t *testing.T) {
	c := newChain(t, "")
	var out []byte
	obey := c.bytes
	c.tick()
	if c.bytes == obey {
		t.Fatal("no bytes were written")
	}
	out = c.lastOrder(t)
	for _, want := range []string{"35=D\x01", "55=PSTK\x01", "54=1\x01", "38=300\x01", "44=50\x01", "59=3\x01"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("%q is not in %q", want, out)
		}
	}
}

// TestTickToOrderDoesNotAllocate is the promise of the hot path.
func TestTickToOrderDoesNotAllocate(t *testing.T) {
	c := newChain(t, "")
	c.tick()
	c.reset()
	if n := testing.AllocsPerRun(1000, func() {
		c.tick()
		c.reset()
	}); n != 0 {
		t.Errorf("%v allocations per round trip", n)
	}
}
