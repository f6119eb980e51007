package simtest

import (
	"penstock/event"
	"penstock/market"
)

// msgInvite is an invitation to firm up a conditional order, in whatever shape.
const msgInvite = '6'

// offerHabits are how a pool treats conditional orders.
type offerHabits struct {
	least, window int64
	share         int64 // least firm share, 1/10,000
	silent        bool  // its invitations name no order
}

// drawOffers lets some pools take conditional orders. It has a stream of its own, so that
// the rest of a seed's world is what it was.
func (s *swarm) drawOffers(seed uint64) {
	r := &stream{seed: seed, id: 3}
	some := r.once(2)
	for v := range s.venues {
		h := offerHabits{least: r.between(1, 6) * int64(s.lot) * 20, window: r.between(2, 600) * milli, share: r.between(0, 10_000),
			silent: r.once(4)}
		if s.at[v].kind == market.Dark && some {
			s.at[v].offers = h
		}
	}
}

// conditional reports whether an order cannot trade before it is firmed up.
func (o *order) conditional() bool { return o.execInst == market.ExecInstConditional }

// actOffer is a pool's own doing with a conditional order: it invites, takes the order away,
// or breaks the rules and executes it.
func (v *venue) actOffer(w *world, o *order) {
	switch {
	case o.invite != (event.ID{}):
		v.finish(w, o, market.ExecCanceled) // the window is over
	case v.random.once(12):
		v.finish(w, o, market.ExecCanceled)
	case !w.healing && !w.opt.Copies && v.random.once(40):
		w.hit(fm85)
		qty, price := v.random.between(1, o.qty), v.price(w, o)
		o.lied = true
		o.execute(qty, price)
		m := v.report(o, market.ExecTrade)
		m.last, m.lastPx = qty, price
		v.say(w, &m)
	default:
		v.inviteUp(w, o)
	}
}

func (v *venue) inviteUp(w *world, o *order) {
	v.execs++
	o.invite, o.until = textID('I', uint64(v.id), v.execs), w.now+v.offers.window
	w.agenda.add(item{at: o.until, kind: dueOrder, venue: v.id, n: o.number})
	m := message{dir: fromVenue, typ: msgInvite, venue: v.id, number: o.number, instrument: o.instrument, side: byte(o.side),
		id: o.invite, qty: v.random.between(1, o.qty)}
	if v.random.once(2) {
		m.qty = o.qty
	}
	if v.offers.silent {
		m.number = 0
	}
	v.put(w, &m)
	if v.random.once(6) {
		v.put(w, &m) // again
	}
	if v.random.once(8) {
		m.leaves = 1 // taken back
		v.put(w, &m)
	}
}

// firm takes the firm order for an invitation.
func (v *venue) firm(w *world, o *order) {
	refuse := func(reason event.Reason) {
		w.hit(fm83)
		o.end(market.StatusRejected)
		m := v.report(o, market.ExecRejected)
		m.reason = reason
		v.say(w, &m)
	}
	var c *order
	for _, other := range v.orders {
		if other.invite == o.quote && other.state == working && other.side == o.side && w.now <= other.until {
			c = other
		}
	}
	switch {
	case c == nil, v.random.once(6):
		refuse(event.ReasonQuoteExpired)
		return
	case o.qty < v.offers.least || o.qty < c.qty/10_000*v.offers.share:
		w.fail("firm order %d of %d for a conditional one of %d, the pool wants %+v", o.number, o.qty, c.qty, v.offers)
	}
	w.hit(fm81)
	late := v.random.once(3)
	if !late {
		v.finish(w, c, market.ExecCanceled)
	}
	v.acknowledge(w, o)
	v.immediate(w, o)
	if late {
		v.finish(w, c, market.ExecCanceled)
	}
}

// firmedUp checks that an invitation is answered by one firm order, however often it came.
func (w *world) firmedUp(c *event.Command) {
	if c.ExecInst != market.ExecInstFirmUp {
		return
	}
	if n := w.firmed[c.ID]; n != 0 && !w.orders[n].nobodys {
		w.fail("orders %d and %d both firm up for invitation %v", n, c.Child, c.ID)
	}
	w.firmed[c.ID] = c.Child
}

// hearInvite lets an invitation reach the router.
func (w *world) hearInvite(m *message) {
	w.show(m)
	e := event.Event{Kind: event.Invitation, Venue: market.VenueID(m.venue), Instrument: market.InstrumentID(m.instrument),
		Side: market.Side(m.side), Ref: m.number, ID: m.id, Qty: market.Qty(m.qty)}
	if m.leaves == 1 {
		e.Code = event.InvitationWithdrawn
	}
	before := w.core.Counters.Lapsed
	w.take(&e)
	if w.dead {
		return
	}
	if w.core.Counters.Lapsed > before {
		w.hit(fm84)
	}
	if w.core.Contested() {
		w.hit(fm82)
	}
}
