package tape

import (
	"penstock/book"
	"penstock/event"
	"penstock/market"
)

// depthLevels bounds the levels a side of a recorded book. The deepest recording
// known shows 46,000 a side; the worst levels give way beyond the bound.
const depthLevels = 1 << 16

// depth is the raw book of one feed.
type depth struct {
	venue market.VenueID
	sides [2]book.Ladder
	live  bool
}

func newDepth(venue market.VenueID) *depth {
	return &depth{venue: venue, sides: [2]book.Ladder{
		book.NewLadder(market.Buy, depthLevels), book.NewLadder(market.Sell, depthLevels),
	}}
}

func (d *depth) apply(e *event.Event) {
	switch e.Kind {
	case event.BookClear:
		d.clear()
	case event.BookLevel:
		d.sides[e.Side.Index()].Set(e.Price, e.Qty)
	case event.BookStatus:
		d.live = event.BookState(e.Code) == event.BookLive
		if !d.live && event.BookState(e.Code) != event.BookHalted {
			d.clear()
		}
	}
}

func (d *depth) clear() {
	d.live = false
	d.sides[0].Clear()
	d.sides[1].Clear()
}

// mid2 returns best bid + best ask.
func (d *depth) mid2() (int64, bool) {
	bid, ok := d.sides[0].Best()
	ask, ok2 := d.sides[1].Best()
	return int64(bid.Price + ask.Price), ok && ok2 && d.live
}
