package router

import (
	"fmt"
	"math"
	"math/bits"

	"penstock/book"
	"penstock/market"
)

// Protection says from when on better quotes of other lit venues are protected in an
// instrument, as by 17 CFR 242.611, or no more.
type Protection struct {
	From int64 // ns since epoch
	On   bool
}

func validProtections(all [][]Protection, instruments int) error {
	if len(all) != 0 && len(all) != instruments {
		return fmt.Errorf("protection of quotes is set for %d of %d instruments", len(all), instruments)
	}
	for i := range all {
		for j := 1; j < len(all[i]); j++ {
			if all[i][j].From <= all[i][j-1].From {
				return fmt.Errorf("instrument %d: protection of quotes: dates must follow each other", i)
			}
		}
	}
	return nil
}

// protects reports whether better quotes in an instrument are protected now.
func (c *Core) protects(id market.InstrumentID) bool {
	on, _ := c.protection(id)
	return on
}

// protection is protects, and until when that is so.
func (c *Core) protection(id market.InstrumentID) (on bool, until int64) {
	if len(c.protect) == 0 {
		return false, math.MaxInt64
	}
	for _, p := range c.protect[id] {
		if p.From > c.now {
			return on, p.From
		}
		on = p.On
	}
	return on, math.MaxInt64
}

// nearestTo returns the venue of open where a sweep by price begins, if that is at the touch of m: no protected
// quote is better, wherever it is.
func (c *Core) nearestTo(m *book.Composite, n *nearLevels, side market.Side, open uint16) (v int, ok bool) {
	touch, least := m.Touch(side.Contra()), int64(math.MaxInt64)
	for set := touch.Venues & open; set != 0; set &= set - 1 {
		i := bits.TrailingZeros16(set) & (market.MaxVenues - 1)
		o := &n.first[i]
		if o.left == 0 || o.price != touch.Price {
			continue // our own orders under way will take what is there
		}
		if fee := byPrice(c.takeFee(i).AtMilli(o.price)); fee < least {
			v, least, ok = i, fee, true
		}
	}
	return v, ok
}

// leavings are the best protected quotes that a sweep leaves behind, at the best venue and at all others.
type leavings struct {
	known       bool
	venue       market.VenueID // that of best
	best, other int64          // price × Side.Sign; math.MaxInt64: none
}

// tradesThrough reports whether an order of p that takes at v would leave a better protected quote of
// another venue behind, which the same sweep does not take whole.
func (c *Core) tradesThrough(p *Parent, v market.VenueID, price market.Price) bool {
	l := c.walk.leaves
	if !l.known {
		m := c.composites[p.Instrument]
		if far := m.Touch(p.Side.Contra()); !c.protects(p.Instrument) || m.Dirty == 0 && far.OK && !p.Side.Better(far.Price, price) {
			return false // nothing is displayed that is better
		}
		l = c.leavings(p, p.Side.Sign()*int64(price))
	}
	least := l.best
	if v == l.venue {
		least = l.other
	}
	return least < p.Side.Sign()*int64(price)
}

// leavings finds what the running sweep of p leaves behind that is better than worst, a price × Side.Sign. A venue whose orders session is down, or which is killed,
// cannot be reached: it has no protection then, and the decision record says so.
func (c *Core) leavings(p *Parent, worst int64) leavings {
	l := leavings{known: true, venue: market.NoVenue, best: math.MaxInt64, other: math.MaxInt64}
	if c.gate.Killed(market.NoVenue) {
		return l
	}
	m, i, contra := c.composites[p.Instrument], p.Side.Index(), p.Side.Contra()
	inflight, lot := &c.inflight[p.Instrument], c.instruments[p.Instrument].Lot
	keys, sizes, known := m.Lanes(contra)
	for set := c.listed[p.Instrument].kinds[market.Lit] & c.sessions.up &^ c.gate.Stops(); set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set) & (market.MaxVenues - 1)
		key, shown := -keys[v], sizes[v]
		if known>>v&1 == 0 {
			if !m.Books[v].Live() {
				continue
			}
			best, _ := m.Books[v].Ladder(contra).Best()
			key, shown = p.Side.Sign()*int64(best.Price), best.Qty
		}
		if key >= worst {
			continue
		}
		open := shown - inflight[v][i]
		if c.waiting.count > 0 {
			open += c.heldBack(p, market.VenueID(v))
		}
		if open.FloorTo(lot) <= c.walk.taken(v) {
			continue
		}
		if key < l.best {
			l.venue, l.best, l.other = market.VenueID(v), key, l.best
		} else {
			l.other = min(l.other, key)
		}
	}
	return l
}

// taken returns what the running sweep takes at a venue.
func (w *walk) taken(v int) market.Qty {
	if i := w.of[v&(market.MaxVenues-1)]; int(i) < w.count && w.at[i].venue == v {
		return w.at[i].got
	}
	return 0
}

// fails says that the running sweep takes nothing at a venue after all.
func (w *walk) fails(v market.VenueID) {
	if i := w.of[v&(market.MaxVenues-1)]; int(i) < w.count && w.at[i].venue == int(v) {
		w.at[i].got, w.leaves.known = 0, false
	}
}
