package outbound

import (
	"penstock/event"
	"penstock/market"
	"penstock/venues/firewall"
)

// CancelOpen asks the venue to cancel every open order that the latch covers, from the
// firewall's accounts alone: for when the core does not. number gives each request its own,
// send sends it or is false where there is no room. It returns how many requests were made;
// the others are made by the next call, none is made twice on one connection. The reports go
// to the core like any other.
func CancelOpen(wall *firewall.Session, venue market.VenueID, now int64, number func() uint64,
	send func(now int64, c *event.Command) bool) (asked int) {
	wall.EachOpen(func(o *firewall.Open) bool {
		if o.Asked || !wall.Killed(o) {
			return true
		}
		c := event.Command{Kind: event.SendCancel, Child: o.Number, Ref: number(), Parent: o.Parent, Venue: venue,
			Instrument: o.Instrument, Side: o.Side, Price: o.Price, Qty: o.Qty, CumQty: o.Cum, RecvTime: now,
			CauseKind: event.Operator}
		if !send(now, &c) {
			return false
		}
		wall.Asked(o.Number)
		asked++
		return true
	})
	return asked
}
