package simtest

import (
	"penstock/event"
	"penstock/market"
	"penstock/router/risk"
	"penstock/venues/firewall"
)

// sides is who may sell short, and whether anybody does.
type sides struct {
	shorts bool
	client [2]struct{ short, exempt, unlocated bool }
}

// drawSides draws what venues do with displayed parts and short sales, and who may sell short.
func (s *swarm) drawSides(seed uint64) {
	r := &stream{seed: seed, id: 8}
	for v := range s.venues {
		h := &s.at[v]
		h.reserve, h.shorts, h.exempts = h.kind == market.Lit && r.once(2), !r.once(3), !r.once(3)
	}
	s.sides.shorts = r.once(3)
	for i := range s.sides.client {
		c := &s.sides.client[i]
		c.short, c.exempt, c.unlocated = !r.once(4), r.once(2), r.once(3)
	}
}

func (d *sides) permit(c risk.Client, i int) risk.Client {
	p := &d.client[i]
	c.Short, c.Exempt, c.Unlocated = d.shorts && p.short, d.shorts && p.exempt, p.unlocated
	return c
}

// permits tells the firewall who may sell short.
func (d *sides) permits() (all []firewall.Shorts) {
	for _, p := range d.client {
		all = append(all, firewall.Shorts{Short: d.shorts && p.short, Exempt: d.shorts && p.exempt})
	}
	return all
}

// veiled lets some orders show a part only, and some sales be short.
func (w *world) veiled(r *stream, e *event.Event) {
	if e.Strategy.Posts() && r.once(4) || r.once(60) {
		e.SetDisplay(w.part(r, e.Qty))
	}
	if !w.swarm.sides.shorts || e.Side != market.Sell || r.once(3) {
		return
	}
	if e.Mark = market.Short; r.once(3) {
		e.Mark = market.ShortExempt
	}
	if !r.once(6) {
		e.OrigID, _ = event.MakeID("LOCATOR")
	}
	if p := &w.swarm.sides.client[e.Client]; e.Mark == market.Short && !p.short || e.Mark == market.ShortExempt && !p.exempt ||
		e.OrigID == (event.ID{}) && !p.unlocated {
		w.hit(fm97)
	}
}

// part draws what may be displayed of an order.
func (w *world) part(r *stream, qty market.Qty) market.Qty {
	lots := max(int64(qty/w.swarm.lot), 1)
	return market.Qty(r.between(1, max(lots/int64(1+r.below(8)), 1))) * w.swarm.lot
}

// planShorts plans when the price test for short sales begins and ends.
func (w *world) planShorts() {
	if !w.swarm.sides.shorts {
		return
	}
	r := &stream{seed: w.seed, id: 9}
	for at := firstDay + r.between(1, w.swarm.span); at < firstDay+w.swarm.span; at += r.between(1, w.swarm.span/2) {
		w.agenda.add(item{at: at, kind: dueShorts, venue: uint8(r.below(int64(w.swarm.venues))),
			n: uint64(r.below(int64(w.swarm.instruments))), gen: uint32(r.below(2))})
	}
}

// restrictShorts lets the feed of a venue say that the price test holds, or ends (gen 0).
func (w *world) restrictShorts(i *item) {
	if w.dead {
		return
	}
	for k := range w.core.Parents() {
		if p := &w.core.Parents()[k]; i.gen == 1 && p.Live() && p.Mark == market.Short && uint64(p.Instrument) == i.n {
			w.hit(fm98)
		}
	}
	w.take(&event.Event{Kind: event.ShortRestriction, Venue: market.VenueID(i.venue), Instrument: market.InstrumentID(i.n),
		Code: uint8(i.gen)})
}

// checkSide demands of an order that leaves the mark of its parent, where its venue knows it,
// who located its stock, as its client said, and a price above the best bid where the price test holds.
func (w *world) checkSide(c *event.Command) {
	if c.Mark == market.Long {
		return
	}
	if who := w.locates[c.Parent]; c.OrigID != who {
		w.fail("order %d says that %q located the stock, its client said %q", c.Child, c.OrigID, who)
	}
	if v := &w.swarm.at[c.Venue]; c.Mark == market.Short && !v.shorts || c.Mark == market.ShortExempt && !v.exempts {
		w.fail("order %d is marked %v, which venue %d does not take", c.Child, c.Mark, c.Venue)
	}
	bid := w.core.Composite(c.Instrument).Bid
	if c.Mark == market.Short && w.ledger.trading[c.Instrument].shorts && (!bid.OK || c.Price <= bid.Price) {
		w.fail("short order %d at %d under a price test, the best bid is %d", c.Child, c.Price, bid.Price)
	}
}

// checkShown follows what venues display of an order: never more than its client allows.
func (l *ledger) checkShown(a *account, m *message, lit, reserve bool) (shows int64) {
	if m.execInst != byte(market.ExecInstPostOnly) || !lit {
		return 0
	}
	if shows = m.qty; m.show != 0 {
		shows = min(m.show, m.qty)
	}
	switch {
	case m.show < 0, m.show != 0 && !reserve:
		l.fail("order %d is to show %d, venue %d shows orders whole", m.number, m.show, m.venue)
	case a.display != 0 && a.shown()+shows > a.display:
		l.fail("order %d shows %d, %d of parent %d are shown and %d may be", m.number, shows, a.shown(), m.parent, a.display)
	}
	return shows
}

func (a *account) shown() (sum int64) {
	for _, e := range a.entries {
		if !e.dead {
			sum += e.shows
		}
	}
	return sum
}

// mayShort demands that an order that was accepted is one that its client may give.
func (w *world) mayShort(c *event.Command) {
	if c.Kind != event.Report || c.ExecType != market.ExecNew || c.Mark == market.Long {
		return
	}
	for _, e := range w.clients[c.Client].said {
		if e.Kind == event.ParentNew && e.ID == c.ID {
			w.locates[c.Parent] = e.OrigID
			break // a later one with that ClOrdID is refused
		}
	}
	if p := &w.swarm.sides.client[c.Client]; !w.swarm.sides.shorts || c.Mark == market.Short && !p.short || c.Mark == market.ShortExempt && !p.exempt {
		w.fail("parent %d sells %v, client %d may not", c.Parent, c.Mark, c.Client)
	}
}

// markShown notes the next displayed part of an order, after one that was executed (FM-95).
func (w *world) markShown(c *event.Command) {
	a := w.ledger.accounts[c.Parent]
	if a == nil || a.display == 0 || c.ExecInst != market.ExecInstPostOnly {
		return
	}
	for _, e := range a.entries {
		if e.shows > 0 && e.dead && e.cum > 0 && e.number != c.Child {
			w.hit(fm95)
			return
		}
	}
}
