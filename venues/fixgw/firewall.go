package fixgw

import (
	"penstock/event"
	"penstock/venues/firewall"
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
	if why == firewall.Killed {
		c.Reason = event.ReasonKilled
		g.stats.Latched++
	} else {
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
