package bench

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"penstock/internal/hist"
)

const (
	p99Limit    = 10_000 // ns since due, at a sustained rate
	trialEvents = 300_000
	// trialSeconds bounds a trial at a low rate.
	trialSeconds = 0.5
)

// BenchmarkThroughput searches for the highest rate of feed messages that the core
// sustains with 100 live parents: messages come at a fixed rate whether the last one is
// done or not, each is counted from when it was due to when its orders are written
// (so nothing is omitted), and 99 in 100 must be done within 10 µs. Decoders, books,
// journal and orders are in it. The venues answer every order at once: an answer is a message
// like another, due when its order left, and what it takes delays those behind it. Where the machine with nothing to do does not keep 10 µs itself, the
// limit is a fifth more than it takes. A tenth of the parents are within reach of the
// market, and their children are braked as in production. events/s counts what the core was given:
// a message of many levels is many events. An op is the whole search.
func BenchmarkThroughput(b *testing.B) {
	loads := []struct {
		f *feeds
		o deskOptions
	}{{itchFeeds(10, 10, 2*trialEvents, 8), deskOptions{parents: 10, passive: 9}}}
	if f := recordedFeeds(b, 10, 60_000); f != nil {
		loads = append(loads, struct {
			f *feeds
			o deskOptions
		}{f, deskOptions{parents: 100, passive: 90}})
	}
	for _, l := range loads {
		l.o.maxChildren, l.o.brake, l.o.journal = 200_000, true, true
		b.Run(l.f.name, func(b *testing.B) {
			defer alone(b)()
			for b.Loop() {
				searchRate(b, l.f, l.o)
			}
		})
	}
}

// trial is the outcome of one rate.
type trial struct {
	latency        *hist.Latency
	messages       float64 // a second
	events, orders float64
	left           []int64 // when the orders left that wait for an answer
}

// offer gives messages at a rate a second, all of them at once for 0. The clock of the
// session is that of the machine.
func offer(b *testing.B, f *feeds, o deskOptions, rate float64) trial {
	runtime.GC()
	d := newDesk(b, f, o)
	defer d.close(b)
	n := min(trialEvents, len(f.messages)-d.next-1000)
	if rate > 0 {
		n = min(n, max(int(rate*trialSeconds), 1000))
	}
	for range 1000 {
		d.step()
		d.settle()
	}
	t := trial{latency: hist.New(), left: make([]int64, 0, 1024)}
	events, orders, began := d.core.Counters.Events, d.orders, d.now
	start := readClock()
	due := start
	for i := range n {
		if rate > 0 {
			due = start + int64(float64(i)*1e9/rate)
			spinUntil(due)
		}
		d.now = began + readClock() - start
		if err := d.step(); err != nil {
			b.Fatal(err)
		}
		now := readClock()
		t.latency.Record(now - due)
		now = t.answers(d, now)
		d.now = began + now - start
		if d.core.NextTimer() <= d.now {
			d.seq.TakeTimer(d.now)
			t.answers(d, readClock())
		}
	}
	seconds := float64(readClock()-start) / 1e9
	t.messages = float64(n) / seconds
	t.events, t.orders = float64(d.core.Counters.Events-events)/seconds, float64(d.orders-orders)/seconds
	return t
}

// answers gives the venues' answers to what left at now, and to what they make the core send.
func (t *trial) answers(d *desk, now int64) int64 {
	d.timed = false
	t.left = t.left[:0]
	for i := 0; i < len(d.sent); i++ {
		for len(t.left) < len(d.sent) {
			t.left = append(t.left, now)
		}
		d.answer(i)
		now = readClock()
		t.latency.Record(now - t.left[i])
	}
	d.sent = d.sent[:0]
	return now
}

// control is offer with nothing to do: what the machine alone makes of a rate, for as long.
func control(rate float64, messages int) *hist.Latency {
	latency := hist.New()
	start := readClock()
	for i := range messages {
		due := start + int64(float64(i)*1e9/rate)
		spinUntil(due)
		latency.Record(readClock() - due)
	}
	return latency
}

// searchRate halves the interval between a rate that holds and one that does not. Each rate is
// told beside what the machine alone makes of it.
func searchRate(b *testing.B, f *feeds, o deskOptions) {
	low, high := 0.0, offer(b, f, o, 0).messages
	flatOut := high
	best, bestAlone := trial{latency: hist.New()}, hist.New()
	for range 7 {
		rate := (low + high) / 2
		t := offer(b, f, o, rate)
		alone := control(rate, int(t.latency.Count()))
		b.Logf("%.0f messages/s: %.0f events/s, p50 %d, p99 %d ns; with nothing to do p99 %d, p99.9 %d ns", rate, t.events,
			t.latency.Percentile(50), t.latency.Percentile(99), alone.Percentile(99), alone.Percentile(99.9))
		// A machine that alone does not keep the limit is allowed a fifth more than itself.
		if limit := max(p99Limit, alone.Percentile(99)*6/5); t.latency.Percentile(99) < limit && t.messages > .98*rate {
			low, best, bestAlone = rate, t, alone
		} else {
			high = rate
		}
	}
	if math.IsNaN(best.events) || best.latency.Count() == 0 {
		b.Logf("%s: no rate holds p99 < %d ns", f, p99Limit)
		return
	}
	report(b, "throughput", f.name, best.latency, fmt.Sprintf("100 parents: %.2f M messages/s, %.2f M events/s, %.0f orders/s; "+
		"flat out %.2f M messages/s; p99 of the machine alone %d ns", best.messages/1e6, best.events/1e6, best.orders, flatOut/1e6,
		bestAlone.Percentile(99)))
	b.ReportMetric(best.messages, "messages/s")
	b.ReportMetric(float64(bestAlone.Percentile(99)), "machine-p99-ns")
	b.ReportMetric(best.events, "events/s")
	b.ReportMetric(flatOut, "flat-out-messages/s")
}

// BenchmarkScale is the mean time of a message when there is more of everything: live
// parents on one instrument (a tenth of them within reach), instruments with a parent
// each, venues. There are at most 16 venues.
func BenchmarkScale(b *testing.B) {
	for _, c := range []struct{ parents, instruments, venues int }{
		{1, 1, 10}, {10, 1, 10}, {100, 1, 10}, {1, 10, 10}, {1, 100, 10}, {1, 1, 1}, {1, 1, 16},
	} {
		b.Run(fmt.Sprintf("parents=%d/instruments=%d/venues=%d", c.parents, c.instruments, c.venues), func(b *testing.B) {
			defer alone(b)()
			f := itchFeeds(c.instruments, c.venues, 200_000, 8)
			o := deskOptions{parents: c.parents, passive: c.parents * 9 / 10, maxChildren: 200_000}
			t := newTicker(b, f, o)
			t.warm(b)
			b.ReportAllocs()
			for b.Loop() {
				t.renew(b)
				t.tick(b, 0)
			}
			t.d.close(b)
			report(b, "scale", fmt.Sprintf("%d parents, %d instruments, %d venues", c.parents*c.instruments, c.instruments, c.venues),
				t.orders, t.note()+fmt.Sprintf("; other messages p50 %d ns", t.others.Percentile(50)))
		})
	}
}
