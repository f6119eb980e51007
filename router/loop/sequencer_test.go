package loop

import (
	"testing"

	"penstock/event"
	"penstock/market"
)

// TestFirstOrderLeavesBeforeTheNextParentThinks: two sweeps wait for a book; when it is live
// the order of the first is handed out before the second has reserved anything.
func TestFirstOrderLeavesBeforeTheNextParentThinks(t *testing.T) {
	var seq *Sequencer
	var reserved []market.Qty // of the second parent, when each order is handed out
	seq = NewSequencer(testCore(t), nil, func(c *event.Command) {
		if c.Kind == event.SendOrder {
			reserved = append(reserved, seq.Core().Parents()[1].Reserved)
		}
	})
	events := day()
	live, parent := events[len(events)-2], events[len(events)-1]
	parent.OrdType, parent.Price = market.OrdLimit, 500_100
	other := parent
	other.ID, _ = event.MakeID("P2")
	events = append(events[:len(events)-2], parent, other, live) // both wait for the book
	for i := range events {
		seq.Take(int64(1_000+i), &events[i])
	}
	if len(reserved) != 2 || reserved[0] != 0 || reserved[1] != parent.Qty {
		t.Errorf("the second parent had reserved %v", reserved)
	}
	if seq.Commands == 0 || seq.Err() != nil {
		t.Errorf("%d commands, %v", seq.Commands, seq.Err())
	}
}
