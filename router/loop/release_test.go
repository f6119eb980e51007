package loop

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"penstock/book"
	"penstock/event"
	"penstock/internal/ring"
	"penstock/journal"
	"penstock/market"
	"penstock/router"
	"penstock/router/risk"
)

// TestAReleaseThatOverrunsTheRingIsJournalledWhole: the end of a hold lets every parent decide, more than the
// ring has room for, in the same turn in which an event waits. That one may not be taken before the rest is journalled.
func TestAReleaseThatOverrunsTheRingIsJournalledWhole(t *testing.T) {
	const parents = 16_000
	core, err := router.New(&router.Config{
		Instruments: []market.Instrument{{Symbol: "PSTK", PriceDecimals: 4, Tick: 100, Lot: 1}},
		Venues:      []market.Venue{{Name: "LITA", MIC: "XLTA", MsgRate: 1 << 20, AckNanos: 1e9}},
		Listings:    []router.Listing{{}},
		Limits: []risk.Limits{{ParentMaxQty: 1e6, ParentMaxNotional: 1e15, ChildMaxQty: 1e5,
			ChildMaxNotional: 1e14, CollarBps: 2000}},
		Book: book.Capacity{Levels: 16}, MaxParents: parents, MaxChildren: 2 * parents, Tactics: router.DefaultTactics(),
	})
	if err != nil {
		t.Fatal(err)
	}
	var frozen atomic.Bool
	dir := filepath.Join(t.TempDir(), "run")
	w, err := journal.Create(dir, journal.Options{SegmentBytes: 256 << 20, RingBytes: 8 << 20,
		OnDurable: func() {
			for frozen.Load() {
				time.Sleep(time.Millisecond)
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { frozen.Store(false); w.Close() })
	seq := NewSequencer(core, w, func(*event.Command) {})
	in, now := ring.New[event.Event](1<<10), int64(1_000)
	l := New(seq, []*ring.SPSC[event.Event]{in}, NewBell(), IdlePark, func() int64 { now += 10; return now }, nil)
	push := func(e event.Event) {
		for in.Push(&e); in.Len() > 0; {
			l.Work()
		}
	}
	durable := func() {
		for w.Durable() < seq.Seq() {
			time.Sleep(50 * time.Microsecond)
		}
	}
	for _, e := range day()[:5] {
		if e.Side == market.Buy && e.Kind == event.BookLevel {
			e.Price = 400_000
		}
		push(e)
	}
	for i := range parents {
		e := day()[5]
		e.ID, _ = event.MakeID(fmt.Sprint("P", i))
		e.OrdType, e.Price, e.Qty, e.Strategy = market.OrdLimit, 499_000, 100, event.StrategyTWAP
		e.StartTime, e.Until, e.SliceNanos = 1e9, 3_601e9, 360e9
		if push(e); i%1000 == 0 {
			durable()
		}
	}
	durable()
	seq.order(now, event.OperatorHold, "test")
	seq.Take(now, &event.Event{Kind: event.BookLevel, Side: market.Sell, Price: 500_200, Qty: 90_000})
	durable()
	frozen.Store(true)
	now = 2e9
	seq.TakeTimer(now + 1) // the parents begin, under the hold
	durable()
	time.Sleep(50 * time.Millisecond) // the flusher stands still from here
	before := seq.Seq()
	in.Push(&event.Event{Kind: event.BookLevel, Side: market.Buy, Price: 400_000, Qty: 101})
	l.Work()
	if seq.Overruns == 0 || seq.lag.held {
		t.Fatalf("%d overruns, held %v: nothing is shown", seq.Overruns, seq.lag.held)
	}
	if took := seq.Seq() - before; took != 1 {
		t.Errorf("%d events were taken, and the release is not journalled", took)
	}
	frozen.Store(false)
	for seq.Err() == nil && (in.Len() > 0 || !seq.Ready()) {
		l.Work()
	}
	if err := seq.Err(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	decisions := uint64(0)
	for record, err := r.Next(); err == nil; record, err = r.Next() {
		if record.Type == journal.Decision {
			decisions++
		}
	}
	if decisions != seq.Decisions || decisions < parents {
		t.Errorf("%d decisions were made, the journal has %d", seq.Decisions, decisions)
	}
}
