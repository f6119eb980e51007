package router

import (
	"penstock/book"
	"penstock/event"
	"penstock/market"
)

// tape counts what an instrument trades at its lit venues.
type tape struct {
	printed market.Qty // by their feeds, while the book was LIVE, us included
	own     market.Qty // our fills there
	open    market.Qty // reserved for our orders there: what may be printed before we hear of it
}

// basisPoints is a rate of participation of one.
const basisPoints = 10_000

// print counts a trade that the feed of a lit venue shows. What comes while its book
// is not LIVE may be a repetition, and is not counted: participation stays below
// its rate rather than above.
func (c *Core) print(m *book.Composite, e *event.Event, was event.BookState) {
	if e.Kind != event.MarketTrade && e.Kind != event.OrderExecuted || e.Qty <= 0 ||
		was != event.BookLive || m.Kind(e.Venue) != market.Lit {
		return
	}
	t := &c.tapes[m.Instrument]
	t.printed = min(t.printed+min(e.Qty, market.MaxQty), market.MaxQty)
}

// traded follows our own share of a tape: a child's reservation went from before to
// what it is now, and delta was filled. What a venue takes back (delta below 0) was printed
// all the same.
func (c *Core) traded(ch *Child, before, delta market.Qty) {
	if ch.TIF == market.TIFDay {
		posted := &c.posted[ch.Instrument][ch.Venue][ch.Side.Index()]
		*posted += ch.reserved() - before
		setBit(&c.listed[ch.Instrument].posted[ch.Side.Index()], ch.Venue, *posted != 0)
	}
	if c.venues[ch.Venue].Kind != market.Lit {
		return
	}
	t := &c.tapes[ch.Instrument]
	t.open += ch.reserved() - before
	t.own += max(delta, 0)
}

// others returns at least how much others have traded since p began. What of our open
// orders may have been printed already is taken off.
func (c *Core) others(p *Parent) market.Qty {
	if !p.begun {
		return 0
	}
	t := &c.tapes[p.Instrument]
	return max(t.printed-p.tapeStart.printed-(t.own-p.tapeStart.own)-t.open, 0)
}

// share returns the part of others' volume since the start that p may have traded
// by its rate: our own volume is not in it.
func (c *Core) share(p *Parent) market.Qty {
	q := mulDiv(int64(p.terms.Participation), int64(c.others(p)), basisPoints)
	return market.Qty(q).FloorTo(c.instruments[p.Instrument].Lot)
}

// room returns how much of p may be sent now beside what is in the market: the
// largest slice, and the rate of participation. It may be negative.
func (c *Core) room(p *Parent) market.Qty {
	room := p.Unplaced()
	if p.terms.MaxSlice > 0 {
		room = min(room, p.terms.MaxSlice-p.Reserved)
	}
	if p.terms.Participation > 0 {
		room = min(room, c.share(p)-p.Cum-p.Reserved)
	}
	return room
}
