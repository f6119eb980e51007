package router

import (
	"math/bits"

	"penstock/event"
	"penstock/market"
)

// hindrance is what may be in the way of a parent at some venues, one bit each.
type hindrance struct {
	venues uint16
	why    event.Why
}

// hindrances returns all that can be in the way of p. Where there is more than one thing, the
// first is told.
func (c *Core) hindrances(p *Parent) [10]hindrance {
	shut, resting := c.barred(p.Instrument)
	return [...]hindrance{
		{^c.sessions.up | c.sessions.opening, event.WhyDown},
		{c.sessions.behind, event.WhyGap},
		{c.gate.Stops(), event.WhyRisk},
		{p.avoid, event.WhyRefused},
		{c.unmarked(p), event.WhyNoShorts},
		{^c.gate.Allows(p.Client, p.Instrument), event.WhyOptedOut}, // what the gate would refuse is not allotted
		{shut, event.WhyShut},
		{resting, event.WhyRefused},
		{p.gaps, event.WhyGap},
		{c.trading[p.Instrument].stopped, event.WhyHalted},
	}
}

// hindered is the union of hindrances: mostly nothing is in the way, and a decision needs no reasons.
func (c *Core) hindered(p *Parent) uint16 {
	shut, resting := c.barred(p.Instrument)
	return ^c.sessions.up | c.sessions.opening | c.sessions.behind | c.gate.Stops() | p.avoid | c.unmarked(p) |
		^c.gate.Allows(p.Client, p.Instrument) | shut | resting | p.gaps | c.trading[p.Instrument].stopped
}

// blocked returns why nothing can be sent to v for p, WhyFilled when it can.
func (c *Core) blocked(p *Parent, v market.VenueID) event.Why {
	if c.verdict.of == p {
		return c.verdict.why[v&(market.MaxVenues-1)]
	}
	all := c.hindrances(p)
	for i := range all {
		if all[i].venues>>v&1 != 0 {
			return all[i].why
		}
	}
	return event.WhyFilled
}

// verdict is what blocked says of every venue to one parent while its decision runs, which
// changes nothing of it.
type verdict struct {
	of      *Parent // nil between decisions
	usable  uint16  // venues where nothing is in the way
	reasons bool    // some of why is not WhyFilled
	why     [market.MaxVenues]event.Why
}

func (c *Core) judgeVenues(p *Parent) {
	j := &c.verdict
	any := c.hindered(p) & c.everyVenue
	j.of, j.usable = p, c.everyVenue&^any
	if any == 0 && !j.reasons {
		return
	}
	j.reasons, j.why = any != 0, [market.MaxVenues]event.Why{}
	all := c.hindrances(p)
	for i := range all {
		for set := all[i].venues & any; set != 0; set &= set - 1 {
			j.why[bits.TrailingZeros16(set)] = all[i].why
		}
		any &^= all[i].venues
	}
}

// usable returns the venues where nothing is in the way of p.
func (c *Core) usable(p *Parent) uint16 {
	if c.verdict.of != p {
		c.judgeVenues(p)
		c.verdict.of = nil
	}
	return c.verdict.usable
}

// sessions are what is known of the venues' order sessions, one bit each.
type sessions struct {
	up      uint16
	behind  uint16 // messages of the venue are missing: nothing new until they are there (FM-26)
	opening uint16 // it is back, and what became of open orders is not known yet (FM-38)
}

// has reports whether a venue is in a set.
func has(set uint16, v market.VenueID) bool { return set>>v&1 != 0 }
