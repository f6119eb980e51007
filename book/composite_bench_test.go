package book

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"penstock/event"
	"penstock/market"
)

// litComposite returns a composite of n LIVE lit venues, each with levels 1 to
// depth ticks off 1,000,000.
func litComposite(n, depth int) *Composite {
	venues := make([]market.Venue, n)
	for v := range venues {
		venues[v].ID = market.VenueID(v)
	}
	m := NewComposite(0, venues, func(market.VenueID) bool { return true }, Capacity{Levels: 64}, noOrders)
	for v := range n {
		for i := range depth {
			set(m, v, market.Buy, market.Price(999_999-i), 100)
			set(m, v, market.Sell, market.Price(1_000_001+i), 100)
		}
		status(m, v, event.BookLive)
	}
	m.Refresh(1)
	return m
}

// walk returns changes of n venues that follow one random mid: a size changes at
// one of the first levels of a venue, or the touch of a venue moves with the mid.
// The end is the beginning again, so that it can be repeated.
func walk(n, count int) []event.Event {
	rng := rand.New(rand.NewPCG(7, uint64(n)))
	events := make([]event.Event, 0, count+64*n)
	bid := make([]market.Price, n) // best bid of each venue; its ask is two above
	for v := range bid {
		bid[v] = 999_999
	}
	level := func(v int, side market.Side, p market.Price, q int) {
		events = append(events, event.Event{Kind: event.BookLevel, Venue: market.VenueID(v), Side: side,
			Price: p, Qty: market.Qty(q)})
	}
	follow := func(v int, mid market.Price) (moved bool) {
		q := rng.IntN(900) + 100
		switch {
		case bid[v] < mid-1: // the ask gives way, then the bid follows
			bid[v]++
			level(v, market.Sell, bid[v]+1, 0)
			level(v, market.Buy, bid[v], q)
		case bid[v] > mid-1:
			bid[v]--
			level(v, market.Buy, bid[v]+1, 0)
			level(v, market.Sell, bid[v]+2, q)
		default:
			return false
		}
		return true
	}
	mid := market.Price(1_000_000)
	for len(events) < count {
		if rng.IntN(20) == 0 {
			mid = min(max(mid+market.Price(rng.IntN(3)-1), 999_990), 1_000_010)
		}
		v := rng.IntN(n)
		if follow(v, mid) {
			continue
		}
		off := market.Price(rng.IntN(3))
		if rng.IntN(2) == 0 {
			level(v, market.Buy, bid[v]-off, rng.IntN(900)+100)
		} else {
			level(v, market.Sell, bid[v]+2+off, rng.IntN(900)+100)
		}
	}
	for v := range n {
		for follow(v, 1_000_000) {
		}
	}
	return events
}

// benchmarkUpdate reports the median cost of update after apply, over chunks that
// take turns with chunks of apply alone on a composite of its own.
func benchmarkUpdate(b *testing.B, fresh func() *Composite, apply func(m *Composite, i int),
	update func(m *Composite, i int)) {
	const chunk = 1024
	alone, both := fresh(), fresh()
	var cost []float64
	run := func(m *Composite, from int, update func(m *Composite, i int)) float64 {
		start := time.Now()
		for i := from; i < from+chunk; i++ {
			apply(m, i)
			if update != nil {
				update(m, i)
			}
		}
		return float64(time.Since(start)) / chunk
	}
	at := 0
	for b.Loop() {
		before := run(alone, at, nil)
		cost = append(cost, run(both, at, update)-before)
		at += chunk
	}
	for v, book := range both.Books[:both.count] {
		if !book.Live() {
			b.Fatalf("venue %d is %v: %v", v, book.State, book.Reason)
		}
	}
	slices.Sort(cost)
	b.ReportMetric(cost[len(cost)/2], "update-ns")
	b.ReportMetric(cost[len(cost)*99/100], "update-p99chunk-ns")
	b.ReportMetric(0, "ns/op")
}

// after returns i, but not before the signals of m are known: what follows waits for
// the update, as a router would.
func after(m *Composite, i int) int { return i + int(m.Signals().Micro>>62) }

// BenchmarkCompositeUpdate is the time from a changed book to touch, signals and
// features. random: the changes of walk. worst: the venue that is best alone gives
// up its price, so that every lane must be looked at and the volatility told.
func BenchmarkCompositeUpdate(b *testing.B) {
	for _, n := range []int{1, 4, 10, 16} {
		events := walk(n, 1<<16)
		b.Run(fmt.Sprintf("%d_venues", n), func(b *testing.B) {
			benchmarkUpdate(b, func() *Composite { return litComposite(n, 20) },
				func(m *Composite, i int) { m.Apply(&events[after(m, i)%len(events)]) },
				func(m *Composite, i int) { m.Refresh(int64(i) * 1000) })
		})
	}
	for _, n := range []int{10, 16} {
		b.Run(fmt.Sprintf("%d_venues_worst", n), func(b *testing.B) {
			benchmarkUpdate(b, func() *Composite { return litComposite(n, 1) },
				func(m *Composite, i int) {
					i = after(m, i)
					best, _ := m.Books[i%n].Ladder(market.Buy).Best()
					set(m, i%n, market.Buy, best.Price, 0)
					set(m, i%n, market.Buy, market.Price(999_999-i%900_000), 5) // below those of all others
				},
				func(m *Composite, i int) { m.Refresh(int64(i) * 1000) })
		})
	}
}
