package book

import (
	"sync/atomic"

	"penstock/event"
	"penstock/market"
)

// VenueTop is what a View shows of one venue.
type VenueTop struct {
	State          event.BookState
	Bid, Ask       market.Price
	BidQty, AskQty market.Qty
}

// Top is a consistent copy of a composite's touch.
type Top struct {
	Seq            uint64 // Seq of the event after which it was taken
	Time           int64  // StepTime of that event, ns since epoch
	Bid, Ask       market.Price
	BidQty, AskQty market.Qty // 0: side missing
	Venues         [market.MaxVenues]VenueTop
}

const viewWords = 6 + 5*market.MaxVenues

// View is a sequence lock over a Top: the core publishes without waiting, any
// number of readers copy without slowing it. Every word is atomic, so that a
// torn copy is detected by the sequence and never undefined (Boehm 2012, "Can
// seqlocks get along with programming language memory models?").
type View struct {
	seq   atomic.Uint64 // odd while the writer is inside
	words [viewWords]atomic.Int64
}

// Publish copies the touch of m. Core thread only.
func (w *View) Publish(m *Composite, seq uint64, now int64) {
	w.seq.Add(1)
	w.words[0].Store(int64(seq))
	w.words[1].Store(now)
	w.words[2].Store(int64(m.Bid.Price))
	w.words[3].Store(int64(m.Ask.Price))
	w.words[4].Store(int64(m.Bid.Qty))
	w.words[5].Store(int64(m.Ask.Qty))
	for v, b := range m.Books[:m.count] {
		if b == nil {
			continue
		}
		bid, _ := b.Touch(market.Buy, now)
		ask, _ := b.Touch(market.Sell, now)
		at := w.words[6+5*v : 11+5*v]
		at[0].Store(int64(b.State))
		at[1].Store(int64(bid.Price))
		at[2].Store(int64(ask.Price))
		at[3].Store(int64(bid.Qty))
		at[4].Store(int64(ask.Qty))
	}
	w.seq.Add(1)
}

// Load returns the latest published Top. Any goroutine.
func (w *View) Load() (t Top) {
	for {
		before := w.seq.Load()
		if before&1 != 0 {
			continue
		}
		t.Seq = uint64(w.words[0].Load())
		t.Time = w.words[1].Load()
		t.Bid = market.Price(w.words[2].Load())
		t.Ask = market.Price(w.words[3].Load())
		t.BidQty = market.Qty(w.words[4].Load())
		t.AskQty = market.Qty(w.words[5].Load())
		for v := range t.Venues {
			at := w.words[6+5*v : 11+5*v]
			t.Venues[v] = VenueTop{
				State: event.BookState(at[0].Load()),
				Bid:   market.Price(at[1].Load()), Ask: market.Price(at[2].Load()),
				BidQty: market.Qty(at[3].Load()), AskQty: market.Qty(at[4].Load()),
			}
		}
		if w.seq.Load() == before {
			return t
		}
	}
}
