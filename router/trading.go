package router

import (
	"math"

	"penstock/book"
	"penstock/event"
	"penstock/market"
)

// trading is where and at what prices an instrument can be traded at all, as the feeds say.
// Only an event of the feed that stopped it lets it go on: a book that becomes STALE or is
// read anew meanwhile changes nothing.
type trading struct {
	stopped uint16 // venues where nothing new is sent: those of shut, or all of them
	shut    uint16 // venues that halted it, or hold an auction
	market  uint16 // venues by whose feeds the whole market stopped it
	sip     bool   // the consolidated feed, which is no venue's, says so
	shorts  bool   // a price test holds for short sales
	banded  uint16 // venues with a band
	all     band   // of every venue
	at      [market.MaxVenues]band
}

// band is the prices at which may be traded; 0 is no bound.
type band struct{ low, high market.Price }

// within returns what both bands allow.
func (b band) within(o band) band {
	high := min(uint64(b.high)-1, uint64(o.high)-1) // no bound is the highest
	return band{max(b.low, o.low), market.Price(high + 1)}
}

func (t *trading) band(v market.VenueID) band { return t.all.within(t.at[v]) }

func (t *trading) settle() {
	if t.stopped = t.shut; t.market != 0 || t.sip {
		t.stopped = math.MaxUint16
	}
}

func setBit(set *uint16, v market.VenueID, on bool) {
	*set &^= 1 << v
	if on {
		*set |= 1 << v
	}
}

// tradesSomewhere reports whether any venue that lists the instrument may get an order. Where none may, a
// decision allots nothing to any class, and what rests would lose its place for shares that have
// nowhere else to go: a halt leaves it to the rules of its venue.
func (c *Core) tradesSomewhere(id market.InstrumentID) bool {
	k := &c.listed[id].kinds
	return (k[market.Lit]|k[market.Dark]|k[market.SDP])&^c.trading[id].stopped != 0
}

// venueTrades follows what the feed of a venue says of its trading.
func (c *Core) venueTrades(m *book.Composite, v market.VenueID, s event.BookState) {
	t := &c.trading[m.Instrument]
	switch s {
	case event.BookHalted, event.BookAuction:
		setBit(&t.shut, v, true)
	case event.BookLive:
		if (t.shut|t.market)>>v&1 == 0 {
			return
		}
		setBit(&t.shut, v, false)
		setBit(&t.market, v, false) // it could not trade what the market does not
	default:
		return
	}
	c.tradingMoved(m, s, v)
}

// onMarketStatus follows what the feed of a venue, or the consolidated one, says of the
// whole market.
func (c *Core) onMarketStatus(e *event.Event) {
	if int(e.Instrument) >= len(c.composites) || int(e.Venue) >= len(c.venues) && e.Venue != market.NoVenue {
		return
	}
	t, s := &c.trading[e.Instrument], event.BookState(e.Code)
	stops := s == event.BookHalted || s == event.BookAuction
	if !stops && s != event.BookLive {
		return
	}
	before := t.market != 0 || t.sip
	if e.Venue == market.NoVenue {
		t.sip = stops
	} else {
		setBit(&t.market, e.Venue, stops)
	}
	if stops && !before {
		c.Counters.MarketHalts++
	}
	m := c.composites[e.Instrument]
	c.tradingMoved(m, s, market.NoVenue)
	c.settle(m, false)
}

// tradingMoved calls back what only continuous trading executes when an auction is to come,
// and lets the parents look again when something trades. A halt leaves what rests to the
// rules of its venue.
func (c *Core) tradingMoved(m *book.Composite, s event.BookState, v market.VenueID) {
	c.trading[m.Instrument].settle()
	switch s {
	case event.BookAuction:
		c.recallWhere(m.Instrument, func(ch *Child) bool { return v == market.NoVenue || ch.Venue == v })
	case event.BookLive:
		m.Owed = true
	}
}

// onPriceBand takes the prices between which an instrument may trade from now on: what rests
// outside of them is called back, what is sent is clipped to them or held.
func (c *Core) onPriceBand(e *event.Event) {
	if int(e.Instrument) >= len(c.composites) || int(e.Venue) >= len(c.venues) && e.Venue != market.NoVenue {
		return
	}
	b := band{e.Price, e.LastPx}
	if b.low < 0 || b.high < 0 || b.low > market.MaxPrice || b.high > market.MaxPrice || b.high != 0 && b.low > b.high {
		c.Counters.BadBands++
		c.alertVenue(e.Venue, event.ReasonAbsurd)
		return // the band before holds on
	}
	c.Counters.PriceBands++
	t := &c.trading[e.Instrument]
	if e.Venue == market.NoVenue {
		t.all = b
	} else {
		t.at[e.Venue] = b
	}
	for v := range c.venues {
		setBit(&t.banded, market.VenueID(v), t.band(market.VenueID(v)) != band{})
	}
	c.recallWhere(e.Instrument, func(ch *Child) bool { return !c.inBand(ch.Instrument, ch.Venue, ch.Price) })
	m := c.composites[e.Instrument]
	m.Owed = true
	c.settle(m, false)
}

// forgetBands is for a restart: feeds say their bands anew before their books are LIVE. What
// they stopped stays stopped until they let it go on.
func (c *Core) forgetBands() {
	for i := range c.trading {
		t := &c.trading[i]
		t.all, t.at, t.banded = band{}, [market.MaxVenues]band{}, 0
	}
}

// recallWhere cancels the open children of an instrument that rest and for which is says so.
func (c *Core) recallWhere(id market.InstrumentID, is func(*Child) bool) {
	for slot := c.agenda.of[id].first; slot != none; slot = c.agenda.links[slot].next {
		for s := c.parents[slot].first; s != none; s = c.children[s].next {
			if ch := &c.children[s]; ch.TIF == market.TIFDay && is(ch) {
				c.cancel(ch)
			}
		}
	}
}

// inBand reports whether the venue may trade the instrument at a price.
func (c *Core) inBand(id market.InstrumentID, v market.VenueID, price market.Price) bool {
	b := c.trading[id].band(v)
	return price >= b.low && (b.high == 0 || price <= b.high)
}

// atBand reports whether a child rests where its band ends: it cannot follow the touch.
func (c *Core) atBand(ch *Child) bool {
	t := &c.trading[ch.Instrument]
	if t.banded>>ch.Venue&1 == 0 {
		return false
	}
	b, tick := t.band(ch.Venue), c.instruments[ch.Instrument].Tick
	if ch.Side == market.Buy {
		return b.high != 0 && ch.Price+tick > b.high
	}
	return ch.Price-tick < b.low
}

// fit is the last word of the trading state of a venue that is stopped or has a band on what is about
// to be sent: nothing while it is stopped, and only prices within its band. An order that may not pay more is
// clipped; a quote cannot be, nor can an order that the band lies wholly above or below.
func (c *Core) fit(p *Parent, pl *placement) event.Why {
	t := &c.trading[p.Instrument]
	switch {
	case t.stopped>>pl.venue&1 != 0:
		return event.WhyHalted
	case c.inBand(p.Instrument, pl.venue, pl.price):
		return event.WhyFilled
	case pl.tactic == event.TacticQuote, pl.tactic == event.TacticRequest:
		return event.WhyBand
	}
	b, tick := t.band(pl.venue), c.instruments[p.Instrument].Tick
	switch price := pl.price; {
	case p.Side == market.Buy && b.high != 0 && price > b.high:
		pl.price = b.high.FloorTo(tick)
	case p.Side == market.Sell && price < b.low:
		pl.price = b.low.CeilTo(tick)
	}
	if !c.inBand(p.Instrument, pl.venue, pl.price) {
		return event.WhyBand
	}
	c.Counters.Clipped++
	return event.WhyFilled
}
