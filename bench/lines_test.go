package bench

import (
	"fmt"
	"testing"

	"penstock/event"
	"penstock/internal/hist"
	"penstock/venues/itch"
	"penstock/venues/wire"
)

// BenchmarkLines is how long a datagram waits for an inline loop that glances at many lines, each asked for itself and
// by a gate that asks for all. A pass that finds nothing is an op; "seen" is from the return of the send to the event of
// a datagram on a line that comes at the beginning of a pass, "wait" is that and half a pass.
func BenchmarkLines(b *testing.B) {
	for _, lines := range []int{1, 2, 3, 4, 8, 20} {
		for _, gated := range []bool{false, true} {
			name := fmt.Sprintf("%d lines", lines)
			if gated {
				name += ", gated"
			}
			b.Run(name, func(b *testing.B) { benchmarkLines(b, name, lines, gated) })
		}
	}
}

func benchmarkLines(b *testing.B, name string, lines int, gated bool) {
	gate, err := wire.NewGate()
	if err != nil {
		b.Fatal(err)
	}
	defer gate.Close()
	events := 0
	feeds, peers := make([]*itch.Feed, lines), make([]*counterparty, lines)
	pass := func() (found int) {
		now := readClock()
		gate.Look()
		for _, f := range feeds {
			if found += f.Glance(now); found > 0 {
				break
			}
		}
		gate.Open()
		return found
	}
	turns := func() {
		for _, f := range feeds {
			for f.Work(readClock()) > 0 {
			}
		}
	}
	for i := range feeds {
		peers[i] = newCounterparty(b)
		defer peers[i].close()
		c := feedConfig(peers[i], func(*event.Event) bool { events++; return true })
		if gated {
			c.Gate = gate
		}
		if feeds[i], err = itch.NewFeed(c); err != nil {
			b.Fatal(err)
		}
		defer feeds[i].Close()
		peers[i].sendTo(feeds[i].LocalAddr(0))
		peers[i].openBook()
	}
	turns()
	seen := hist.New()
	for i := range 4000 {
		p := peers[i*7%lines]
		before := events
		p.prepare()
		p.sendPacket()
		start := readClock()
		for pass() == 0 {
		}
		if seen.Record(readClock() - start); events == before {
			b.Fatal("a packet without an event")
		}
		turns()
		p.send(p.deleteMessage())
		turns()
		for range 20 {
			pass()
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		pass()
	}
	b.StopTimer()
	half := b.Elapsed().Nanoseconds() / int64(b.N) / 2
	b.ReportMetric(float64(seen.Percentile(50)), "seen-p50-ns")
	b.ReportMetric(float64(seen.Percentile(50)+half), "wait-ns")
	keep("lines", name, seen, fmt.Sprintf("half a pass is %d ns", half))
}
