package router

import (
	"fmt"

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
func (c *Core) protects(id market.InstrumentID) (on bool) {
	if len(c.protect) == 0 {
		return false
	}
	for _, p := range c.protect[id] {
		if p.From > c.now {
			break
		}
		on = p.On
	}
	return on
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
