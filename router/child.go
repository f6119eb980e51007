package router

import (
	"penstock/event"
	"penstock/market"
)

// none ends a list of children.
const none int32 = -1

// Child is one order that we sent to a venue.
type Child struct {
	Number     uint64 // ClOrdID(11) at the venue
	Parent     int32  // slot of its parent
	Venue      market.VenueID
	Instrument market.InstrumentID
	Side       market.Side
	TIF        market.TimeInForce
	Tactic     event.Tactic
	Status     market.OrdStatus
	acked      bool // the venue knows it
	unknown    bool // its state at the venue is unknown: reserved until it is
	canceling  bool // a cancel is out
	wantCancel bool // one goes out when the venue has answered the order
	gap        bool // executions are missing: nothing new for its parent there
	invited    bool // a conditional order that got its invitation
	waits      bool // it has not left: it shall arrive with others of its sweep
	beyond     bool // all that was sent is executed, and the venue says that it is open
	Released   bool // no reservation any more
	Price      market.Price
	Qty        market.Qty
	Show       market.Qty // posted: the most that its venue displays of it at once, as it was sent
	Cum        market.Qty
	Notional   market.Notional // Σ price × quantity of its fills
	// missing is quantity in Cum of which no execution was seen, and what it was booked
	// at: a late one says its price.
	missing         market.Qty
	missingNotional market.Notional
	missedAs        uint64     // ExecID of the report that told the client of it
	back            market.Qty // of what is reserved: taken back by the venue
	held            market.Qty // of the parent's Held: what this child had taken back
	SentTime        int64      // ns since epoch
	sentMid2        int64      // twice the composite's mid then, 0: there was none
	bucket          uint8      // posted: of its fill probability
	dropEnd         int64      // when the drop copy said that it ended, ns since epoch; 0: it did not
	dropCum         market.Qty // with what CumQty
	most            market.Qty // the largest CumQty in a report of no execution, or at the end by the drop copy
	askTime         int64      // of the last status request, ns since epoch
	Policy          uint64     // of the table that decided
	QuoteID         event.ID
	next, prev      int32 // working children of the same parent
}

// Waits reports whether the order has not left: it shall arrive with others of its sweep.
func (c *Child) Waits() bool { return c.waits }

// Acked reports whether the venue has confirmed the order.
func (c *Child) Acked() bool { return c.acked }

// reserved returns what the child may still execute. A conditional order cannot trade.
func (c *Child) reserved() market.Qty {
	if c.Released || c.Tactic == event.TacticOffer {
		return 0
	}
	return max(c.Qty-c.Cum, 0)
}

// rests reports whether the child waits in a market and can trade there.
func (c *Child) rests() bool {
	return c.Tactic == event.TacticPost || c.Tactic == event.TacticRest
}

// immediate reports whether the order ends by itself.
func (c *Child) immediate() bool { return c.TIF == market.TIFIOC || c.TIF == market.TIFFOK }
