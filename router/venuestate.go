package router

import (
	"penstock/event"
	"penstock/market"
)

// venueState is what is known of a venue's order session beyond its being up.
type venueState struct {
	mass      bool  // and it was asked for all orders at once
	escalated bool  // a person was told that it does not answer (FM-39)
	since     int64 // of sessions.opening, ns since epoch
	foreign   uint8 // orders of others that it reported to us
}

const (
	// escalateNanos is how long a venue may leave open orders unknown before a person is told.
	escalateNanos = 10_000_000_000
	// foreignMax is how many reports on orders that are not ours a venue is allowed.
	foreignMax = 3
)

// onVenueSession follows an order session. Losing it makes the open children unknown and keeps
// every reservation; getting it back asks for each of them, and nothing new goes there before
// the answers are in.
func (c *Core) onVenueSession(e *event.Event) {
	if int(e.Venue) >= len(c.venues) {
		return
	}
	v := &c.venueStates[e.Venue]
	c.dropCopies[e.Venue].from[1] = c.now
	switch event.SessionState(e.Code) {
	case event.SessionBehind:
		setBit(&c.sessions.behind, e.Venue, has(c.sessions.up, e.Venue))
	case event.SessionUp:
		again := has(c.sessions.up&c.sessions.behind, e.Venue)
		setBit(&c.sessions.behind, e.Venue, false)
		if again {
			c.lookAgain(e.Venue)
			return
		}
		c.open(market.NoInstrument, e.Venue, RejectHold) // what it refused for not being there
		setBit(&c.sessions.opening, e.Venue, true)
		v.escalated, v.since = false, c.now
		c.setSession(e.Venue, true)
		c.askAll(e.Venue)
		c.opened(e.Venue)
	default:
		if e.Reason != event.ReasonNone && e.Reason != event.ReasonDisconnect {
			c.alertVenue(e.Venue, e.Reason) // a disorder of the session that a person has to see
		}
		setBit(&c.sessions.behind, e.Venue, false)
		setBit(&c.sessions.opening, e.Venue, false)
		v.escalated, v.since = false, 0
		c.massEnded(e.Venue)
		c.setSession(e.Venue, false)
		c.loseRequests(e.Venue)
	}
}

// askAll asks a venue that can say it for all orders that are open there: those that we know,
// and those that we do not (FM-38, FM-40).
func (c *Core) askAll(id market.VenueID) {
	v := &c.venueStates[id]
	if !c.venues[id].MassStatus || v.mass {
		return
	}
	v.mass = true
	c.massOut++
	cmd := c.command(event.SendMassStatus)
	cmd.Venue, cmd.Instrument, cmd.Ref = id, market.NoInstrument, c.requestNumber()
}

func (c *Core) massEnded(id market.VenueID) {
	if v := &c.venueStates[id]; v.mass {
		v.mass = false
		c.massOut--
	}
}

// onMassStatus ends the answer to askAll, or the wait for it: what the venue did not name is
// asked for by its number.
func (c *Core) onMassStatus(id market.VenueID) {
	if int(id) >= len(c.venues) || !c.venueStates[id].mass {
		return
	}
	c.massEnded(id)
	for i := 0; i < len(c.agenda.all); i++ {
		for s := c.parents[c.agenda.all[i]].first; s != none; s = c.children[s].next {
			if ch := &c.children[s]; ch.Venue == id && ch.unknown {
				ch.askTime = 0
				c.askStatus(ch)
			}
		}
	}
	c.opened(id)
}

// opened ends the opening of a venue when no child there is unknown.
func (c *Core) opened(id market.VenueID) {
	v := &c.venueStates[id]
	if !has(c.sessions.opening, id) || v.mass {
		return
	}
	for _, slot := range c.agenda.all {
		for s := c.parents[slot].first; s != none; s = c.children[s].next {
			if ch := &c.children[s]; ch.Venue == id && ch.unknown {
				return
			}
		}
	}
	setBit(&c.sessions.opening, id, false)
	c.facts++
	v.escalated, v.since = false, 0
	c.lookAgain(id)
}

// lookAgain lets live parents trade at a venue that takes orders again.
func (c *Core) lookAgain(market.VenueID) {
	for i := 0; i < len(c.agenda.all); i++ {
		c.after(&c.parents[c.agenda.all[i]])
	}
}

// escalate tells a person, once, of a venue that is back and does not say what became of the
// orders there. They stay unknown and reserved.
func (c *Core) escalate() {
	for i := range c.venues {
		v := &c.venueStates[i]
		if v.mass && c.now-v.since >= c.venues[i].AckNanos {
			c.onMassStatus(market.VenueID(i)) // it does not answer that
		}
		if has(c.sessions.opening, market.VenueID(i)) && !v.escalated && c.now-v.since >= escalateNanos {
			v.escalated = true
			c.alertVenue(market.VenueID(i), event.ReasonNoStatus)
		}
	}
}

// closed reports whether the venue's session takes no new orders.
func (c *Core) closed(id market.VenueID) bool {
	return has(^c.sessions.up|c.sessions.opening|c.sessions.behind, id)
}

// alertVenue tells a person of a venue without a child.
func (c *Core) alertVenue(id market.VenueID, reason event.Reason) {
	c.Counters.Alerts++
	cmd := c.command(event.Alert)
	cmd.Venue, cmd.Instrument, cmd.Reason = id, market.NoInstrument, reason
}
