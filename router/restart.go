package router

import (
	"math"

	"penstock/event"
	"penstock/market"
)

// start is one start of the process within a run: what has happened before a restart
// is replayed from the journal into the core that goes on.
type start struct {
	epoch    uint64
	children int // sent before it
}

// maxStarts is how many starts of a run are expected; more take memory when they come.
const maxStarts = 64

// onStart begins the run. Later it says that the process was restarted: no session is
// up, no book is known, and what became of the open children must be asked. Reservations
// stay. Numbers of orders go on in the new epoch, so that none is ever used twice even if
// the journal's last moments were lost with the host.
func (c *Core) onStart(e *event.Event) {
	again := c.epoch != 0
	c.epoch = e.Ref
	c.starts = append(c.starts, start{e.Ref, c.childCount})
	if !again {
		return
	}
	c.gate.Stop(false)
	c.gate.Hold(false) // what the loop ordered, it orders again; a person's kill stays
	for _, slot := range c.agenda.all {
		p := &c.parents[slot]
		p.settling = p.Reserved > 0 || p.offers > 0
	}
	for client := range c.clients {
		c.setAway(client, true)
	}
	c.forgetBands()
	c.wall = wallClock{}
	c.gate.HoldClock(false) // the watch begins anew
	for v := range c.venues {
		c.massEnded(market.VenueID(v))
		c.dropCopies[v].up = false
	}
	c.leftBefore()
	// Who asked is gone: quotes die by themselves. The dealers have not forgotten that they were asked.
	c.requests = requests{next: math.MaxInt64, asked: c.requests.asked}
	for v := range c.venues {
		c.setSession(market.VenueID(v), false) // all of them first: what a lost book moves must not send
	}
	for v := range c.venues {
		lost := event.Event{Kind: event.BookStatus, Venue: market.VenueID(v), Instrument: market.NoInstrument,
			Code: uint8(event.BookEmpty), Reason: event.ReasonDisconnect, RecvTime: e.RecvTime}
		c.onMarket(&lost)
	}
}

// unsettled reports whether p waits, since a restart, for the state of an open child. It
// ends with the answers of the venues.
func (c *Core) unsettled(p *Parent) bool {
	if !p.settling {
		return false
	}
	for s := p.first; s != none; s = c.children[s].next {
		if c.children[s].unknown {
			return true
		}
	}
	p.settling = false
	return false
}

// slotIn returns the slot of the parent or child with a number of any start.
func slotIn(number uint64) int32 { return int32(number%numberBase) - 1 }

// Child returns the child with a number of this run, nil when there is none: for reading on
// the core's own thread.
func (c *Core) Child(number uint64) *Child { return c.childOf(number) }

// childOf returns the child with a number of this run, nil when there is none.
func (c *Core) childOf(number uint64) *Child {
	epoch, slot := number/numberBase, slotIn(number)
	next := c.childCount
	for i := len(c.starts) - 1; i >= 0; i-- {
		if s := &c.starts[i]; s.epoch == epoch {
			if int(slot) < s.children || int(slot) >= next {
				return nil
			}
			return &c.children[slot]
		}
		next = c.starts[i].children
	}
	return nil
}

const _ = uint(math.MaxInt32 - numberBase) // slots fit
