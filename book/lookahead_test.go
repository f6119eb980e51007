package book

import (
	"math/rand/v2"
	"testing"

	"penstock/event"
	"penstock/market"
)

// TestLookaheadChangesNothing applies the same events to two venues, one of which is told of
// them before, with what is no order among them.
func TestLookaheadChangesNothing(t *testing.T) {
	for _, capacity := range []int{200, wideOrders} {
		lookaheadChangesNothing(t, capacity)
	}
}

func lookaheadChangesNothing(t *testing.T, capacity int) {
	type venue struct{ books [3]*Book }
	newVenue := func() (v venue) {
		orders := NewOrders(capacity)
		for i := range v.books {
			v.books[i] = New(Capacity{Levels: 64}, orders)
			v.books[i].Apply(&event.Event{Kind: event.BookClear})
		}
		return v
	}
	plain, told, other := newVenue(), newVenue(), New(Capacity{Levels: 8}, nil)
	r := rand.New(rand.NewPCG(5, 6))
	kinds := []event.Kind{event.OrderAdd, event.OrderAdd, event.OrderDeleted, event.OrderReduced, event.OrderReplaced,
		event.BookStatus, event.MarketTrade, event.BookLevel, event.BookClear}
	var ahead Lookahead
	last := uint64(0)
	for range 3000 {
		var events [40]event.Event
		for i := range events {
			last++
			events[i] = event.Event{Kind: kinds[r.IntN(len(kinds))], Ref: last - r.Uint64N(min(last, 100)), OrderRef: last,
				Price: market.Price(r.IntN(60)) - 1, Qty: market.Qty(r.IntN(5)) - 1, Side: market.Buy + market.Side(r.IntN(3)),
				Code: uint8(event.BookSyncing), Instrument: market.InstrumentID(r.IntN(3))}
			if !ahead.Full() {
				ahead.Note(told.books[events[i].Instrument], &events[i])
			}
			ahead.Note(other, &events[i])
			ahead.Note(nil, &events[i])
		}
		ahead.Fetch()
		for i := range events {
			e := &events[i]
			if i%3 == 0 {
				ahead.One([]*Book{told.books[e.Instrument], other, nil}[i/3%3], e)
			}
			a, b := plain.books[e.Instrument], told.books[e.Instrument]
			touched, resync := a.Apply(e)
			if t2, r2 := b.Apply(e); t2 != touched || r2 != resync || a.tops != b.tops || a.count != b.count || a.State != b.State {
				t.Fatalf("%+v: %v %v %v, told before %v %v %v", e, touched, resync, a.tops, t2, r2, b.tops)
			}
			if resync {
				a.Apply(&event.Event{Kind: event.BookClear})
				b.Apply(&event.Event{Kind: event.BookClear})
			}
		}
	}
	for i, b := range told.books {
		if h := b.orders.hints; h != nil && h[i] != b.hint {
			t.Errorf("hint of instrument %d: %#x, its book has %#x", i, h[i], b.hint)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		ahead.Note(told.books[0], &event.Event{Kind: event.OrderDeleted, Ref: 1})
		ahead.Fetch()
		ahead.One(told.books[0], &event.Event{Kind: event.OrderReplaced, Ref: 1, OrderRef: 2, Price: 3})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
