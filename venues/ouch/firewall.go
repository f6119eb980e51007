package ouch

import (
	"errors"

	"penstock/event"
	"penstock/venues/firewall"
)

// admitted asks the firewall about the message in g.out, which command c made.
func (g *Gateway) admitted(now int64, c *event.Command) bool {
	if g.cfg.Firewall == nil {
		return true
	}
	switch g.cfg.Firewall.Out(now, g.out, firewall.Said{Parent: c.Parent, Policy: c.Policy}) {
	case firewall.Clear:
		return true
	case firewall.Killed:
		c.Reason = event.ReasonKilled
		g.stats.Latched++
	default:
		c.Reason = event.ReasonFirewall
		g.stats.Stopped++
	}
	return false
}

// neverLeft tells the firewall of an order that it let through and the venue did not get.
func (g *Gateway) neverLeft(c *event.Command) {
	if g.cfg.Firewall != nil && c.Kind == event.SendOrder {
		g.cfg.Firewall.Unsent(c.Child)
	}
}

var errKilled = errors.New("killed while orders wait for the socket")

// checkKilled ends a session that a kill finds with orders waiting for the socket: what
// cannot be taken back must not leave later.
func (g *Gateway) checkKilled(now int64) (work int) {
	if g.cfg.Latch == nil || g.unsent.Len() == 0 || !g.cfg.Latch.Stopped(g.cfg.Venue) || !g.unsent.Orders() {
		return 0
	}
	g.stats.Latched++
	g.client.Retry(now, errKilled)
	return 1 + g.look(now)
}

// CancelOpen asks the venue to cancel every open order that the latch covers, from the
// firewall's accounts alone: for when the core does not. It returns how many requests were
// made; those that found no room are made by the next call, none is made twice on one
// connection. The reports go to the core like any other.
func (g *Gateway) CancelOpen(now int64) (asked int) {
	if g.cfg.Firewall == nil || g.cfg.CancelBase == 0 || !g.Up() {
		return 0
	}
	g.cfg.Firewall.EachOpen(func(o *firewall.Open) bool {
		if o.Asked || !g.cfg.Firewall.Killed(o) {
			return true
		}
		g.own++
		c := event.Command{Kind: event.SendCancel, Child: o.Number, Ref: g.cfg.CancelBase + g.own, Parent: o.Parent,
			Venue: g.cfg.Venue, Instrument: o.Instrument, Side: o.Side, Price: o.Price, Qty: o.Qty, CumQty: o.Cum,
			RecvTime: now, CauseKind: event.Operator}
		if !g.Send(now, &c) {
			return false
		}
		g.cfg.Firewall.Asked(o.Number)
		g.stats.OwnCancels++
		asked++
		return true
	})
	return asked
}
