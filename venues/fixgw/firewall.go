package fixgw

import (
	"penstock/event"
	"penstock/venues/firewall"
	"penstock/venues/outbound"
)

// admitted asks the firewall about the message that command c just made, which begins at
// start of the session's Out. A refused one is taken back: the socket never sees it.
func (g *Gateway) admitted(now int64, start int, c *event.Command) bool {
	if g.cfg.Firewall == nil {
		g.cleared = len(g.session.Out())
		return true
	}
	n, why := g.cfg.Firewall.Out(now, g.session.Out()[g.cleared:], firewall.Said{Parent: c.Parent, Policy: c.Policy})
	g.cleared += n
	if why == firewall.Clear {
		return true
	}
	if g.cleared < start { // it is not c's message: nothing of this stream can be trusted
		g.stopped(now, why)
		return false
	}
	g.session.Withdraw(start)
	c.Reason = event.ReasonFirewall
	switch why {
	case firewall.Killed:
		c.Reason = event.ReasonKilled
		g.stats.Latched++
	case firewall.Late:
		c.Reason = event.ReasonLateFill
		g.stats.Stopped++
	default:
		g.stats.Stopped++
	}
	return false
}

// judged lets bytes through that no command of ours made, such as heartbeats. It ends a
// session that wants to send anything that can trade on its own, and one that a kill finds
// with orders waiting for the socket: what cannot be taken back must not leave later.
func (g *Gateway) judged(now int64, n int) bool {
	if g.cfg.Latch != nil && g.unsent.Len() > 0 && g.cfg.Latch.Stopped(g.cfg.Venue) && g.unsent.Orders() {
		g.stats.Latched++
		g.lose(now, "killed while orders wait for the socket")
		return false
	}
	if g.cfg.Firewall == nil || n == g.cleared {
		g.cleared = n
		return true
	}
	clear, why := g.cfg.Firewall.Out(now, g.session.Out()[g.cleared:], firewall.Said{})
	g.cleared += clear
	if why != firewall.Clear {
		g.stopped(now, why)
		return false
	}
	return true
}

func (g *Gateway) stopped(now int64, why firewall.Reason) {
	g.stats.Stopped++
	g.lose(now, "the firewall stopped what was about to leave: "+why.String())
}

// neverLeft tells the firewall of an order that it let through and the socket did not take.
func (g *Gateway) neverLeft(c *event.Command) {
	if g.cfg.Firewall != nil && c.Kind == event.SendOrder {
		g.cfg.Firewall.Unsent(c.Child)
	}
}

// CancelOpen makes the venue cancel what the latch covers: see outbound.CancelOpen.
func (g *Gateway) CancelOpen(now int64) (asked int) {
	if g.cfg.Firewall == nil || g.cfg.CancelBase == 0 || !g.Up() {
		return 0
	}
	asked = outbound.CancelOpen(g.cfg.Firewall, g.cfg.Venue, now, func() uint64 { g.own++; return g.cfg.CancelBase + g.own }, g.Send)
	g.stats.OwnCancels += uint64(asked)
	return asked
}
