package router

import (
	"testing"

	"penstock/event"
	"penstock/market"
)

// TestHaltOfAllThatListLeavesWhatRests: venues that do not trade an instrument are nowhere to go.
func TestHaltOfAllThatListLeavesWhatRests(t *testing.T) {
	cfg := testConfig()
	cfg.Listings = cfg.Listings[:2]
	w := newWorldOf(t, 1, cfg)
	id := w.buyInSlices(5000)
	p := &w.core.parents[0]
	rests := w.core.resting(p).post
	for v := range market.VenueID(2) {
		w.step(event.Event{Kind: event.BookStatus, Venue: v, Code: uint8(event.BookHalted)})
	}
	for first := p.decision; p.decision < first+2; {
		w.now += 100e6
		w.step(event.Event{Kind: event.Timer})
		for i := range w.out.Commands {
			if c := &w.out.Commands[i]; c.Kind == event.SendCancel {
				t.Fatalf("child %d is cancelled in the halt", c.Child)
			}
		}
	}
	if rests == 0 {
		t.Error("nothing rests")
	}
	cancel, _ := event.MakeID("X1")
	w.step(event.Event{Kind: event.ParentCancel, ID: cancel, OrigID: id})
	cancels := 0
	for i := range w.out.Commands {
		if w.out.Commands[i].Kind == event.SendCancel {
			cancels++
		}
	}
	if cancels == 0 {
		t.Error("a client cannot cancel in a halt")
	}
}
