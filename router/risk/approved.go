package risk

import "penstock/market"

// Approved is an order that passed the gate. Only Gate.Child and Gate.Use make one.
type Approved struct {
	order Sealed
	ok    bool
}

// Sealed is of an approved order what its message says, and what it counts for its client.
// Nobody but the gate can write it.
type Sealed struct {
	venue      market.VenueID
	instrument market.InstrumentID
	side       market.Side
	slot       int32
	price      market.Price
	qty        market.Qty
	policy     uint64
	cost       market.Money
}

// Order returns what was approved; an Approved that no gate made panics.
func (a *Approved) Order() *Sealed {
	if !a.ok {
		panic("risk: order was not approved by the gate")
	}
	return &a.order
}

// Venue returns where the order goes.
func (o *Sealed) Venue() market.VenueID { return o.venue }

// Instrument returns what it trades.
func (o *Sealed) Instrument() market.InstrumentID { return o.instrument }

// Side returns its side.
func (o *Sealed) Side() market.Side { return o.side }

// Slot returns the slot of its parent.
func (o *Sealed) Slot() int32 { return o.slot }

// Price returns the worst price at which it can trade.
func (o *Sealed) Price() market.Price { return o.price }

// Qty returns its quantity.
func (o *Sealed) Qty() market.Qty { return o.qty }

// Policy returns the PolicyID of the table that decided.
func (o *Sealed) Policy() uint64 { return o.policy }

// Cost returns what it counts for its client while it is open: see Gate.Exposure.
func (o *Sealed) Cost() market.Money { return o.cost }
