package outbound

import (
	"penstock/event"
	"penstock/market"
)

// Refusal is the event for a command whose bytes the socket never took whole: the venue
// cannot act on part of a message, and it is never sent again.
func Refusal(c *event.Command, at int64) event.Event {
	e := event.Event{
		Kind: event.OrderCancelReject, Venue: c.Venue, Instrument: c.Instrument, RecvTime: at, Ref: c.Child,
		Side: c.Side, Price: c.Price, Qty: c.Qty, Reason: event.ReasonVenueDown,
	}
	if c.Kind != event.SendCancel {
		e.Kind = event.Exec
		e.Code = uint8(market.ExecRejected)
		e.OrdStatus = market.StatusRejected
	}
	return e
}
