package router

import (
	"penstock/event"
	"penstock/market"
)

// Orphan is an order at a venue that the core does not know: its record was lost with the
// host, or it is not ours at all.
type Orphan struct {
	Number     uint64 // our ClOrdID's, 0: it is none of ours
	OrderRef   uint64 // what the venue calls it, if it said so
	Venue      market.VenueID
	Instrument market.InstrumentID
	Side       market.Side
	Over       bool // the venue said that it ended
	Qty, Cum   market.Qty
	Price      market.Price // at which it counts
	exposed    market.Money // what it counts for the firm
	asked      bool         // its cancel is out
}

// maxOrphans bounds what is remembered; each further one is alerted and quarantines its venue.
const maxOrphans = 64

// Orphans returns the orders that venues reported and the core does not know, for reading on
// the core's own thread.
func (c *Core) Orphans() []Orphan { return c.orphans[:c.orphanCount] }

// exposeOrphan counts for the firm what an orphan has executed and may still execute: whoever
// sent it, it is ours to settle (C06). It counts at its own price, or at the middle of the
// market where its venue tells none.
func (c *Core) exposeOrphan(o *Orphan, e *event.Event) {
	switch {
	case e.Price > 0:
		o.Price = max(o.Price, e.Price)
	case e.LastPx > 0:
		o.Price = max(o.Price, e.LastPx)
	}
	if mid2, ok := c.composites[o.Instrument].Mid2(); ok && o.Price == 0 {
		o.Price = market.Price(mid2 / 2)
	}
	qty := o.Cum
	if !o.Over {
		qty = max(qty, o.Qty)
	}
	was := o.exposed
	o.exposed = c.gate.Exposure(o.Instrument, o.Price, qty)
	c.gate.ExposeFirm(o.exposed - was)
}

// onOrphan takes a report on an order that is not known (FM-40, FM-41). One whose number is
// of an epoch of this run was sent by it and lost: it is cancelled, because nobody wants it.
// Others are none of our business; a venue that tells us of several mixes us up with somebody.
func (c *Core) onOrphan(e *event.Event) {
	c.Counters.Orphans++
	if int(e.Venue) >= len(c.venues) || int(e.Instrument) >= len(c.instruments) {
		return
	}
	o := c.orphanOf(e)
	if o == nil {
		return
	}
	o.Qty, o.Cum = max(o.Qty, e.Qty, e.CumQty+e.LeavesQty), max(o.Cum, e.CumQty)
	o.Over = o.Over || e.OrdStatus.Terminal()
	c.exposeOrphan(o, e)
	if o.Number != 0 && !o.Over && !o.asked && has(c.sessions.up, e.Venue) {
		c.cancelOrphan(o)
	}
}

// orphanOf finds or makes the entry of a report; nil when there is no room.
func (c *Core) orphanOf(e *event.Event) *Orphan {
	number := e.Ref
	if !c.ofThisRun(number) || c.childOf(number) != nil { // the latter is known, at another venue
		number = 0
	}
	for i := range c.orphans[:c.orphanCount] {
		o := &c.orphans[i]
		if o.Venue == e.Venue && o.Number == number && (number != 0 || o.OrderRef == e.OrderRef && o.Instrument == e.Instrument) {
			return o
		}
	}
	reason := event.ReasonOrphan
	if number == 0 {
		reason = event.ReasonForeignOrder
		v := &c.venueStates[e.Venue]
		if v.foreign < foreignMax {
			v.foreign++
		} else {
			c.quarantineVenue(e.Venue)
		}
	}
	c.alertVenue(e.Venue, reason)
	if c.orphanCount == maxOrphans {
		c.quarantineVenue(e.Venue)
		return nil
	}
	o := &c.orphans[c.orphanCount]
	c.orphanCount++
	*o = Orphan{Number: number, OrderRef: e.OrderRef, Venue: e.Venue, Instrument: e.Instrument, Side: e.Side}
	return o
}

// quarantineVenue stops new orders to a venue and cancels what is open there.
func (c *Core) quarantineVenue(v market.VenueID) {
	if !c.gate.Quarantined(v) {
		c.gate.Quarantine(v)
		c.facts++
		c.cancelScope(event.Scope{Kind: event.ScopeVenue, ID: uint64(v)})
	}
}

// ofThisRun reports whether a number is of an epoch that this run had.
func (c *Core) ofThisRun(number uint64) bool {
	for i := range c.starts {
		if number != 0 && number/numberBase == c.starts[i].epoch {
			return true
		}
	}
	return false
}

// cancelOrphans cancels what is known of a venue whose session has come up: a drop copy may have told of it before, and a
// cancel that was out may never have arrived.
func (c *Core) cancelOrphans(v market.VenueID) {
	for i := range c.orphans[:c.orphanCount] {
		if o := &c.orphans[i]; o.Venue == v && o.Number != 0 && !o.Over {
			c.cancelOrphan(o)
		}
	}
}

func (c *Core) cancelOrphan(o *Orphan) {
	o.asked = true
	c.gate.Cancel(o.Venue, c.now)
	cmd := c.command(event.SendCancel)
	cmd.Child, cmd.Ref = o.Number, c.requestNumber()
	cmd.Venue, cmd.Instrument, cmd.Side, cmd.Qty, cmd.CumQty = o.Venue, o.Instrument, o.Side, o.Qty, o.Cum
}
