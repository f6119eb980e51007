package simtest

import (
	"penstock/event"
	"penstock/market"
	"penstock/router"
)

// drawProtection has better quotes protected in some worlds: all the time, or from or until some moment of it.
// It has a stream of its own, so that the rest of a seed's world is what it was.
func (s *swarm) drawProtection(seed uint64) {
	r := &stream{seed: seed, id: 13}
	change := firstDay + r.between(1, 8)*second
	switch r.below(8) {
	case 0, 1:
		s.protect = []router.Protection{{On: true}}
	case 2:
		s.protect = []router.Protection{{}, {From: change, On: true}}
	case 3:
		s.protect = []router.Protection{{On: true}, {From: change}}
	case 4:
		s.protect = []router.Protection{{}}
	}
}

// protected reports whether better quotes are protected at a time.
func (s *swarm) protected(at int64) (on bool) {
	for _, p := range s.protect {
		if p.From <= at {
			on = p.On
		}
	}
	return on
}

// checkThrough demands of an order that takes that no quote of a lit venue that can be reached is better, where they are
// protected, but for what our orders there take.
func (w *world) checkThrough(c *event.Command) {
	ch := w.child(c.Child)
	if ch == nil || ch.Tactic != event.TacticTake || !w.swarm.protected(w.step) {
		return
	}
	m := w.core.Composite(c.Instrument)
	for v := range market.VenueID(w.swarm.venues) {
		if v == c.Venue || m.LiveLit()>>v&1 == 0 || !w.core.SessionUp(v) || w.core.Gate().Killed(v) {
			continue
		}
		best, ok := m.Books[v].Ladder(c.Side.Contra()).Best()
		if !ok || !c.Side.Better(best.Price, c.Price) {
			continue
		}
		left := best.Qty
		for i := range w.core.Children() {
			if o := &w.core.Children()[i]; o.Venue == v && o.Instrument == c.Instrument && o.Side == c.Side && o.Tactic == event.TacticTake && !o.Released &&
				!(o.Waits() && o.Parent != ch.Parent) { // what waits may be dropped: it takes nothing for others

				left -= max(o.Qty-o.Cum, 0)
			}
		}
		if left.FloorTo(market.Qty(w.swarm.lot)) > 0 {
			w.fail("order %d at %d goes through %d at %d of venue %d", c.Child, c.Price, left, best.Price, v)
		}
	}
}
