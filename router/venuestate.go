package router

import (
	"penstock/event"
	"penstock/market"
)

// venueState is what is known of a venue's order session beyond its being up.
type venueState struct {
	behind    bool  // messages of the venue are missing: nothing new until they are there (FM-26)
	opening   bool  // it is back, and what became of open orders is not known yet (FM-38)
	escalated bool  // a person was told that it does not answer (FM-39)
	since     int64 // of opening, ns since epoch
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
		v.behind = c.sessionUp[e.Venue]
	case event.SessionUp:
		again := c.sessionUp[e.Venue] && v.behind
		v.behind = false
		if again {
			c.lookAgain(e.Venue)
			return
		}
		c.open(market.NoInstrument, e.Venue, RejectHold) // what it refused for not being there
		v.opening, v.escalated, v.since = true, false, c.now
		c.setSession(e.Venue, true)
		c.opened(e.Venue)
	default:
		if e.Reason != event.ReasonNone && e.Reason != event.ReasonDisconnect {
			c.alertVenue(e.Venue, e.Reason) // a disorder of the session that a person has to see
		}
		v.behind, v.opening, v.escalated, v.since = false, false, false, 0
		c.setSession(e.Venue, false)
	}
}

// opened ends the opening of a venue when no child there is unknown.
func (c *Core) opened(id market.VenueID) {
	v := &c.venueStates[id]
	if !v.opening {
		return
	}
	for _, slot := range c.agenda.all {
		for s := c.parents[slot].first; s != none; s = c.children[s].next {
			if ch := &c.children[s]; ch.Venue == id && ch.unknown {
				return
			}
		}
	}
	v.opening, v.escalated, v.since = false, false, 0
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
		if v.opening && !v.escalated && c.now-v.since >= escalateNanos {
			v.escalated = true
			c.alertVenue(market.VenueID(i), event.ReasonNoStatus)
		}
	}
}

// closed says why the venue's session takes no new orders, WhyFilled when it does.
func (c *Core) closed(id market.VenueID) event.Why {
	v := &c.venueStates[id]
	switch {
	case !c.sessionUp[id] || v.opening:
		return event.WhyDown
	case v.behind:
		return event.WhyGap
	}
	return event.WhyFilled
}

// alertVenue tells a person of a venue without a child.
func (c *Core) alertVenue(id market.VenueID, reason event.Reason) {
	c.Counters.Alerts++
	cmd := c.command(event.Alert)
	cmd.Venue, cmd.Instrument, cmd.Reason = id, market.NoInstrument, reason
}
