package router

import (
	"fmt"
	"math"
	"math/bits"

	"penstock/book"
	"penstock/event"
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

// tradesThrough reports whether an order that takes would leave a better protected quote of
// another venue behind, which the same sweep does not take whole. A venue whose orders
// session is down, or which is killed, cannot be reached: it has no protection then, and
// the decision record says so.
func (c *Core) tradesThrough(p *Parent, pl *placement) bool {
	if pl.tactic != event.TacticTake || !c.protects(p.Instrument) {
		return false
	}
	m := c.composites[p.Instrument]
	for v := range c.venues {
		id := market.VenueID(v)
		b := m.Books[v]
		if id == pl.venue || b == nil || m.Kind(id) != market.Lit || !b.Live() || !has(c.sessions.up, id) || c.gate.Killed(id) {
			continue
		}
		best, ok := b.Ladder(p.Side.Contra()).Best()
		if !ok || !p.Side.Better(best.Price, pl.price) {
			continue
		}
		open := best.Qty - c.inflight[p.Instrument][v][p.Side.Index()]
		if open.FloorTo(c.instruments[p.Instrument].Lot) > c.walk.taken(id) {
			return true
		}
	}
	return false
}

// taken returns what the running sweep takes at a venue.
func (w *walk) taken(v market.VenueID) market.Qty {
	for i := range w.at[:w.count] {
		if w.at[i].venue == int(v) {
			return w.at[i].got
		}
	}
	return 0
}

// fails says that the running sweep takes nothing at a venue after all.
func (w *walk) fails(v market.VenueID) {
	for i := range w.at[:w.count] {
		if w.at[i].venue == int(v) {
			w.at[i].got = 0
		}
	}
}
