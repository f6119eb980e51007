package main

import (
	"fmt"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/router"
	"penstock/router/loop"
)

// vitals is what the core said last.
type vitals struct {
	at     time.Time
	pulse  pulse
	venues []string
}

// pulse is what the core is asked for every watchEvery. It is read on the hot thread, between two events: so
// the core keeps what is counted here, nothing is made of it there, and no text.
type pulse struct {
	parents int // live
	venues  [market.MaxVenues]venuePulse
}

type venuePulse struct {
	orders, dropCopy bool // the session is up
	books            router.BookCounts
}

// take reads the core, which has so many venues. On its goroutine.
func (p *pulse) take(c *router.Core, venues int) {
	p.parents = c.LiveParents()
	for i := range p.venues[:venues] {
		v := market.VenueID(i)
		p.venues[i] = venuePulse{orders: c.SessionUp(v), dropCopy: c.DropCopyUp(v), books: c.BookStates(v)}
	}
}

// keepVitals asks the core until the loop ends.
func (a *assembly) keepVitals() {
	for a.lookAtCore() {
		time.Sleep(watchEvery)
	}
}

// lookAtCore asks the core once and waits for it; false when the loop has ended.
func (a *assembly) lookAtCore() bool {
	v := &vitals{}
	if !a.loop.Inspect(func(s *loop.Sequencer) { v.pulse.take(s.Core(), len(a.cfg.Router.Venues)) }) {
		return false
	}
	v.at = time.Now()
	v.venues = a.venueStates(&v.pulse)
	a.vitals.Store(v)
	return true
}

// venueStates says of each venue how its order session is and how many of its books
// are in which state.
func (a *assembly) venueStates(p *pulse) []string {
	states := make([]string, len(a.cfg.Router.Venues))
	for v := range states {
		states[v] = sessionState("orders", p.venues[v].orders, a.gateways[v])
	}
	for _, g := range a.dropCopies {
		v := g.Venue()
		states[v] += ", " + sessionState("drop copy", p.venues[v].dropCopy, g)
	}
	for v := range states {
		if a.cfg.Router.Venues[v].Kind == market.Dark {
			continue
		}
		for state, n := range p.venues[v].books {
			if n > 0 {
				states[v] += fmt.Sprintf(", %d %v", n, event.BookState(state))
			}
		}
	}
	return states
}

// sessionState says how a session of g is, and why it is not up.
func sessionState(what string, up bool, g orderGateway) string {
	if up {
		return what + " up"
	}
	if why := g.Why(); why != "" {
		return fmt.Sprintf("%s down (%s)", what, why)
	}
	return what + " down"
}
