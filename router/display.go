package router

import (
	"penstock/event"
	"penstock/market"
)

// displays reports whether an order of qty, worked by s, can be displayed in parts of display, 0
// for all of it.
func displays(display, qty, lot market.Qty, s event.Strategy) bool {
	return display == 0 || display > 0 && display <= qty && display%lot == 0 && s.Posts()
}

// shown returns the most that lit venues display of p now. A child counts with all that it ever
// displays at once until it is over: what was executed of a part is shown again with the next.
func (p *Parent) shown(children []Child) (sum market.Qty) {
	for s := p.first; s != none; s = children[s].next {
		sum += children[s].Displayed()
	}
	return sum
}

// Displayed returns the most that its venue displays of the child at once.
func (c *Child) Displayed() market.Qty {
	if c.Tactic != event.TacticPost {
		return 0
	}
	return c.Show
}

// Display returns the most that lit venues may display of p together, 0 for all of it.
func (p *Parent) Display() market.Qty { return p.terms.Display }

// mayShow returns how much more of p lit venues may display.
func (c *Core) mayShow(p *Parent) market.Qty {
	if p.terms.Display == 0 {
		return market.MaxQty
	}
	return max(p.terms.Display-p.shown(c.children), 0).FloorTo(c.instruments[p.Instrument].Lot)
}

// veil bounds what a post displays as its client does: to room, and to pl.show where others
// of the same split want room too. A venue that keeps reserves gets all of the order; elsewhere
// a part is sent, and the next one when it is over. It returns how much to send.
func (c *Core) veil(p *Parent, pl *placement, qty market.Qty) market.Qty {
	room := min(c.mayShow(p), max(pl.show, c.instruments[p.Instrument].Lot))
	switch {
	case room == 0:
		return 0
	case qty <= room:
		pl.show = 0
	case c.venues[pl.venue].Reserve:
		pl.show = room
	default:
		qty, pl.show = room, 0
	}
	return qty
}

// shows reports whether a part of p is displayed at a venue: the next one waits for its end, and
// so for its place behind all who came meanwhile.
func (c *Core) shows(p *Parent, v market.VenueID) bool {
	for s := p.first; s != none; s = c.children[s].next {
		if ch := &c.children[s]; ch.Venue == v && ch.Displayed() > 0 {
			return true
		}
	}
	return false
}
