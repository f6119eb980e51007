package bench

import (
	"testing"

	"penstock/internal/hist"
)

// BenchmarkJournalOfAStep is what the journal adds to the whole step of a message, from its bytes to
// the last order and record: two desks take the same stream, one with and one without a journal, by
// turns of a block of messages each, and each is first in every other turn. An op is a block in both.
func BenchmarkJournalOfAStep(b *testing.B) {
	const block = 64
	defer alone(b)()
	f := itchFeeds(1, 10, 400_000, 8)
	var desks [2]*ticker // without, with; others are all steps, orders those with an order
	for i := range desks {
		desks[i] = newTicker(b, f, deskOptions{parents: 1, maxChildren: 200_000, journal: i == 1})
		desks[i].warm(b)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		for i := range desks {
			desks[i].renew(b)
		}
		for i := range desks {
			desks[(i+n)%2].steps(b, block)
		}
	}
	for i := range desks {
		desks[i].d.close(b)
	}
	none, kept := desks[0], desks[1]
	if none.orders.Count() != kept.orders.Count() || none.orders.Count() == 0 {
		b.Fatalf("%d and %d steps with an order", none.orders.Count(), kept.orders.Count())
	}
	keep("step", "itch warm", none.others, "all steps")
	keep("step", "itch warm, journal", kept.others, "all steps, by turns with the others")
	median := func(h *hist.Latency) float64 { return float64(h.Percentile(50)) }
	b.ReportMetric(median(none.others), "step-p50-ns")
	b.ReportMetric(median(kept.others)-median(none.others), "step-added-p50-ns")
	b.ReportMetric(median(none.orders), "order-p50-ns")
	b.ReportMetric(median(kept.orders)-median(none.orders), "order-added-p50-ns")
	b.ReportMetric(float64(kept.others.Count()), "steps")
	b.ReportMetric(float64(kept.orders.Count()), "orders")
}

// steps takes n messages, or those that are left, and keeps how long each took to its end.
func (t *ticker) steps(b *testing.B, n int) {
	for ; n > 0 && !t.d.spent(); n-- {
		before := t.d.orders
		start := readClock()
		err := t.d.step()
		took := max(readClock()-start-t.cost, 0)
		if err != nil {
			b.Fatalf("message %d: %v", t.d.next-1, err)
		}
		t.others.Record(took)
		if t.d.orders > before {
			t.orders.Record(took)
		}
		t.d.settle()
	}
}
