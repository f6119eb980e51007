package loop

import (
	"errors"
	"runtime"
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

// parks is an error whose text takes a while, as one does that waits for a lock.
type parks struct{}

func (parks) Error() string { runtime.Gosched(); return "parks" }

// TestNothingParksInARefusal: a journal fails in a turn that refuses to yield. The words for it are
// others' code, and who parks while pinned ends the program with its cancels unsent. Behind it
// the refusal is as it was.
func TestNothingParksInARefusal(t *testing.T) {
	sent := 0
	seq := NewSequencer(testCore(t), nil, func(c *event.Command) {
		runtime.Gosched()
		if c.Kind == event.SendCancel {
			sent++
		}
	})
	for i, e := range day() {
		seq.Take(int64(1_000+i), &e)
	}
	seq.refusal.begin()
	seq.stop(parks{})
	seq.refusal.end()
	runtime.Gosched() // ends the program if one too few was undone
	if sent != 1 || !errors.Is(seq.Err(), parks{}) {
		t.Errorf("%d cancels, %v", sent, seq.Err())
	}
}
