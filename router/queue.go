package router

import (
	"penstock/book"
	"penstock/event"
	"penstock/market"
)

// joinQueue begins to follow a resting child's place at its price when the venue has
// acknowledged it.
func (c *Core) joinQueue(ch *Child, e *event.Event) {
	if ch.Released || ch.Tactic != event.TacticPost {
		return
	}
	if b := c.queueBook(ch); b != nil {
		b.Rest(c.slotOf(ch), e.OrderRef, ch.Side, ch.Price, ch.Qty-ch.Cum)
	}
}

// moveQueue tells the book that qty of a child was filled.
func (c *Core) moveQueue(ch *Child, qty market.Qty) {
	if b := c.queueBook(ch); b != nil && ch.Tactic == event.TacticPost {
		b.Reduce(c.slotOf(ch), qty)
	}
}

// leaveQueue ends following a child that is over.
func (c *Core) leaveQueue(ch *Child) {
	if b := c.queueBook(ch); b != nil && ch.Tactic == event.TacticPost {
		b.Leave(c.slotOf(ch))
	}
}

func (c *Core) queueBook(ch *Child) *book.Book { return c.composites[ch.Instrument].Books[ch.Venue] }

// slotOf returns the index of a child of this run.
func (c *Core) slotOf(ch *Child) uint32 { return uint32(slotIn(ch.Number)) }

// Queue returns the displayed quantity in front of a child that rests on a lit
// venue; false when its place is not followed.
func (c *Core) Queue(ch *Child) (book.Ahead, bool) {
	b := c.queueBook(ch)
	if b == nil || ch.Tactic != event.TacticPost {
		return book.Ahead{}, false
	}
	return b.Queue(c.slotOf(ch))
}
