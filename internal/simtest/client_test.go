package simtest

import (
	"testing"

	"penstock/event"
	"penstock/market"
)

// TestUnnumberedRefusalEndsOneOrder: a client learns the number of an order (OrderID(37)) from its
// first report. Until then a refusal, which may have no number either, is told apart from those of
// its other orders by ClOrdID alone, and one that has its number is not what it means.
func TestUnnumberedRefusalEndsOneOrder(t *testing.T) {
	ids := [...]event.ID{textID('C', 1, 1), textID('C', 1, 2), textID('C', 1, 3)}
	c := client{}
	for _, id := range ids {
		c.asks = append(c.asks, ask{first: id, id: id, qty: 100, tif: market.TIFDay})
	}
	w := &world{}
	c.hear(w, &message{typ: msgReport, parent: 7, id: ids[2], execType: '0', ordStatus: '0'})
	refusal := message{typ: msgReport, id: ids[1], execType: '8', ordStatus: '8'}
	c.hear(w, &refusal)
	for i, want := range [...]ask{
		{first: ids[0]},
		{first: ids[1], ended: true},
		{first: ids[2], parent: 7},
	} {
		if got := c.asks[i]; got.ended != want.ended || got.parent != want.parent {
			t.Errorf("order %v: ended %v, number %d; want %v, %d", want.first, got.ended, got.parent, want.ended, want.parent)
		}
	}
	// A second order under a ClOrdID that is taken is refused without a number: the first one lives.
	refusal.id = ids[2]
	if c.hear(w, &refusal); c.asks[2].ended {
		t.Error("the refusal of a duplicate ended the order that had the ClOrdID first")
	}
}
