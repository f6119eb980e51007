package simtest

import (
	"penstock/event"
	"penstock/market"
)

// order is the truth about one child order.
type order struct {
	number, parent  uint64
	truth           *truth // nil: nobody's
	venue           uint8
	instrument      uint16
	side            market.Side
	mark            market.Mark
	tif             market.TimeInForce
	ordType         market.OrdType
	execInst        market.ExecInst
	state           orderState
	ended           byte // OrdStatus(39) once done
	answered        bool // the venue has said something about it
	canceling       bool // the router asked for its end
	lied            bool // its venue broke a promise about it
	copied          bool // a drop copy has told the router of its end
	nobodys         bool // the router forgot it in a crash of its host
	qty, cum, price int64
	minQty, show    int64
	worth           int64
	quote           event.ID
	invite          event.ID // of a conditional order: to firm it up
	until           int64    // of its window
	fills           []fill   // that can still be taken back
	underway        event.ID // of a correction that the router has not heard yet
}

// fill is one execution as its venue said it.
type fill struct {
	id         event.ID
	qty, price int64
}

// orderState is where an order is.
type orderState uint8

const (
	flying orderState = iota
	working
	done
	lost // it never reached its venue
)

func newOrder(w *world, c *event.Command) *order {
	return &order{number: c.Child, parent: c.Parent, truth: w.truths[c.Parent], venue: uint8(c.Venue), instrument: uint16(c.Instrument),
		side: c.Side, mark: c.Mark, show: int64(c.Show()), tif: c.TIF, ordType: c.OrdType, execInst: c.ExecInst, qty: int64(c.Qty), price: int64(c.Price),
		minQty: int64(c.MinQty), quote: c.ID}
}

// rest is what it may still execute.
func (o *order) rest() int64 {
	if o.state == done || o.state == lost || o.cum > o.qty || o.conditional() {
		return 0
	}
	return o.qty - o.cum
}

// end closes it at its venue.
func (o *order) end(status market.OrdStatus) {
	if o.truth != nil {
		o.truth.open -= o.rest()
	}
	o.state, o.ended = done, byte(status)
}

// forget is the end of an order that never reached its venue.
func (o *order) forget(*world) {
	if o.state == flying {
		if o.truth != nil {
			o.truth.open -= o.rest()
		}
		o.state = lost
	}
}

// execute is a fill at the venue, within what is left or not.
func (o *order) execute(qty, price int64) {
	before := o.rest()
	o.cum += qty
	o.worth += qty * price
	if o.cum >= o.qty && o.state != done && !o.conditional() {
		o.state, o.ended = done, byte(market.StatusFilled)
	}
	if o.truth != nil {
		o.truth.executed += qty
		o.truth.open -= before - o.rest()
		o.truth.caused += qty - (before - o.rest())
	}
}

// undo takes an execution back. A filled order stays over; a working one may execute it
// again.
func (o *order) undo(qty, price int64) {
	before := o.rest()
	o.cum -= qty
	o.worth -= qty * price
	if o.state == done && o.ended == byte(market.StatusFilled) {
		o.ended = byte(market.StatusCanceled)
	}
	if o.truth != nil {
		o.truth.executed -= qty
		o.truth.open += o.rest() - before
	}
}

// disown takes it out of the accounts: the router does not know that it sent it.
func (o *order) disown() {
	if o.truth != nil {
		o.truth.executed -= o.cum
		o.truth.open -= o.rest()
		o.truth = nil
	}
	o.nobodys = true
}

// status is OrdStatus(39) as its venue sees it.
func (o *order) status() byte {
	switch {
	case o.state == done:
		return o.ended
	case o.cum > 0:
		return byte(market.StatusPartiallyFilled)
	}
	return byte(market.StatusNew)
}

func (o *order) resting() bool { return o.tif == market.TIFDay }
