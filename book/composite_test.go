package book

import (
	"testing"

	"penstock/event"
	"penstock/market"
)

func testComposite() *Composite {
	venues := []market.Venue{{ID: 0, Kind: market.Lit}, {ID: 1, Kind: market.Lit},
		{ID: 2, Kind: market.Dark}, {ID: 3, Kind: market.SDP}}
	return NewComposite(0, venues, func(market.VenueID) bool { return true }, Capacity{Levels: 16}, noOrders)
}

func set(m *Composite, v int, side market.Side, p market.Price, q market.Qty) {
	m.Apply(&event.Event{Kind: event.BookLevel, Venue: market.VenueID(v), Side: side, Price: p, Qty: q})
}

func status(m *Composite, v int, s event.BookState) {
	m.Apply(&event.Event{Kind: event.BookStatus, Venue: market.VenueID(v), Code: uint8(s)})
}

func TestCompositeMergesLiveBooks(t *testing.T) {
	m := testComposite()
	for v := range 2 {
		status(m, v, event.BookLive)
	}
	set(m, 0, market.Buy, 100, 3)
	set(m, 0, market.Sell, 103, 4)
	set(m, 1, market.Buy, 100, 5)
	set(m, 1, market.Sell, 102, 6)
	if !m.Refresh(1) || m.Bid != (Touch{100, 8, 3, true}) || m.Ask != (Touch{102, 6, 2, true}) {
		t.Fatalf("bid %+v ask %+v", m.Bid, m.Ask)
	}
	if mid2, ok := m.Mid2(); mid2 != 202 || !ok || m.Spread() != 2 || !m.Normal() {
		t.Errorf("mid2 %d spread %d", mid2, m.Spread())
	}
	status(m, 1, event.BookStale)
	if !m.Refresh(2) || m.Ask != (Touch{103, 4, 1, true}) || m.Bid.Qty != 3 {
		t.Fatalf("a STALE book stayed in the composite: bid %+v ask %+v", m.Bid, m.Ask)
	}
}

func TestDealersMakeTheTouchOnlyWithoutLitBooks(t *testing.T) {
	m := testComposite()
	m.Apply(&event.Event{Kind: event.Quote, Venue: 3, Price: 99, Qty: 10, LastPx: 101, LastQty: 10, Until: 50})
	if m.Refresh(10); m.Bid.Price != 99 || m.Ask.Price != 101 {
		t.Fatalf("bid %+v ask %+v", m.Bid, m.Ask)
	}
	if m.Refresh(50); m.Bid.OK || m.Ask.OK {
		t.Fatal("an expired quote is still in the composite")
	}
	status(m, 0, event.BookLive)
	set(m, 0, market.Buy, 90, 1)
	if m.Refresh(20); m.Bid.Price != 90 {
		t.Fatalf("bid %+v: lit depth must make the touch", m.Bid)
	}
}

// noOrders is for venues whose feeds tell levels.
func noOrders(market.VenueID) *Orders { return nil }
