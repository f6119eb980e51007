package router

import (
	"slices"
	"testing"

	"penstock/event"
	"penstock/market"
)

// TestDealerThatIsGoneMovesNothing empties the far side of a market in which a dealer was better
// than the lit books. A core that weighed that dealer and one that was loaded from its snapshot
// decide alike: neither takes what rests away for a quote that is not there.
func TestDealerThatIsGoneMovesNothing(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.buyInSlices(5000)
	p := &w.core.parents[0]
	quote, _ := event.MakeID("Q1")
	w.step(event.Event{Kind: event.Quote, Venue: 3, ID: quote, Price: 499_800, Qty: 500, LastPx: 499_900, LastQty: 500, Until: w.now + 1e9})
	w.step(event.Event{Kind: event.QuoteCancel, Venue: 3})
	for v := range 2 {
		for best, ok := w.core.composites[0].Books[v].Ladder(market.Sell).Best(); ok; {
			w.level(v, market.Sell, best.Price, 0, 0)
			best, ok = w.core.composites[0].Books[v].Ladder(market.Sell).Best()
		}
	}
	loaded := testCore(t)
	if err := loadState(loaded, savedState(t, w.core)); err != nil {
		t.Fatal(err)
	}
	loaded.table = w.core.table
	rests, out := w.core.resting(p).post, loaded.OutputFor()
	for first := p.decision; p.decision == first; {
		w.now += 100e6
		w.step(event.Event{Kind: event.Timer})
		e := w.taken[len(w.taken)-1]
		out.Reset()
		loaded.Step(&e, out)
		if !slices.Equal(out.Commands, w.out.Commands) {
			t.Fatalf("the core that was loaded decides\n%+v\nand the other\n%+v", out.Commands, w.out.Commands)
		}
		for i := range w.out.Commands {
			if c := &w.out.Commands[i]; c.Kind == event.SendCancel {
				t.Errorf("child %d is cancelled", c.Child)
			}
		}
	}
	if rests == 0 {
		t.Error("nothing rests")
	}
}
