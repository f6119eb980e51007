package router

import (
	"math"

	"penstock/event"
	"penstock/market"
)

// ClientPolicy says what becomes of a client's orders while its session is down (FM-44).
type ClientPolicy struct {
	// CancelAfter is how long the client may be away before its orders are cancelled, in ns;
	// Keep keeps them.
	CancelAfter int64
}

// Keep as CancelAfter lets orders work on while their client is away.
const Keep = math.MaxInt64

// onClientSession follows a client's session.
func (c *Core) onClientSession(e *event.Event) {
	if int(e.Client) < len(c.clients) {
		c.setAway(int(e.Client), event.SessionState(e.Code) != event.SessionUp)
	}
}

// setAway begins or ends the grace of a client. One that is away already keeps its time.
func (c *Core) setAway(client int, away bool) {
	p := &c.clients[client]
	switch {
	case !away || p.CancelAfter == Keep:
		c.awayUntil[client] = Keep
	case c.awayUntil[client] == Keep:
		c.awayUntil[client] = c.now + p.CancelAfter
	}
	c.nextAway = Keep
	for _, until := range c.awayUntil {
		c.nextAway = min(c.nextAway, until)
	}
}

// cancelAway cancels the orders of clients whose grace is over.
func (c *Core) cancelAway() {
	for client, until := range c.awayUntil {
		if until > c.now {
			continue
		}
		c.awayUntil[client] = Keep
		for i := 0; i < len(c.agenda.all); i++ {
			if p := &c.parents[c.agenda.all[i]]; int(p.Client) == client && p.Live() {
				c.Counters.ClientAway++
				c.withdraw(p, event.ReasonClientDown)
			}
		}
	}
	c.nextAway = Keep
	for _, until := range c.awayUntil {
		c.nextAway = min(c.nextAway, until)
	}
}

// withdraw takes a parent out of the market without its client having asked for it. It is
// confirmed when nothing is reserved any more.
func (c *Core) withdraw(p *Parent, reason event.Reason) {
	if p.phase == phaseCanceling || p.phase == phaseExpiring {
		return // on its way out
	}
	p.phase, p.endReason = phaseCanceling, reason
	c.wake(p, c.now+checkNanos)
	c.cancelAll(p)
	c.after(p)
}

// onDontKnow takes DontKnowTrade(35=Q): the client does not recognise an execution. Nothing
// more is sent for the order, and a person hears of it.
func (c *Core) onDontKnow(e *event.Event) {
	c.Counters.DontKnow++
	cmd := c.command(event.Alert)
	cmd.Client, cmd.Venue, cmd.ID, cmd.Reason = e.Client, market.NoVenue, e.ID, event.ReasonDontKnowTrade
	slot := slotIn(e.OrderRef)
	if slot < 0 || int(slot) >= c.parentCount {
		return
	}
	p := &c.parents[slot]
	if p.Number != e.OrderRef || p.Client != e.Client {
		return
	}
	cmd.Parent, cmd.Instrument, cmd.Side = p.Number, p.Instrument, p.Side
	if p.Live() {
		p.Frozen = true
		c.cancelAll(p)
		c.after(p)
	}
}
