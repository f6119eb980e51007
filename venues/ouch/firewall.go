package ouch

import (
	"errors"

	"penstock/event"
	"penstock/venues/firewall"
	"penstock/venues/outbound"
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
	case firewall.Late:
		c.Reason = event.ReasonLateFill
		g.stats.Stopped++
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

// CancelOpen makes the venue cancel what the latch covers: see outbound.CancelOpen.
func (g *Gateway) CancelOpen(now int64) (asked int) {
	if g.cfg.Firewall == nil || g.cfg.CancelBase == 0 || !g.Up() {
		return 0
	}
	asked = outbound.CancelOpen(g.cfg.Firewall.Session, g.cfg.Venue, now, func() uint64 { g.own++; return g.cfg.CancelBase + g.own }, g.Send)
	g.stats.OwnCancels += uint64(asked)
	return asked
}
