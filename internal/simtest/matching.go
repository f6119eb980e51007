package simtest

import (
	"penstock/event"
	"penstock/market"
)

// receive takes a message of the router at the venue.
func (v *venue) receive(w *world, m *message) {
	o := w.orders[m.number]
	switch m.typ {
	case msgOrder:
		v.enter(w, o)
	case msgCancel:
		v.cancel(w, o, m)
	case msgStatus:
		v.answer(w, o)
	}
}

// enter takes a new order.
func (v *venue) enter(w *world, o *order) {
	o.state = working
	v.orders = append(v.orders, o)
	if v.wire != nil {
		v.wire.land(o)
	}
	if f, reason := v.refuses(w, o); f {
		o.end(market.StatusRejected)
		m := v.report(o, market.ExecRejected)
		m.reason = reason
		v.copy(w, &m)
		v.say(w, &m)
		return
	}
	if v.use(w, silentAck) {
		w.hit(fm22)
		w.agenda.add(item{at: w.now + 3*w.swarm.ack, kind: dueOrder, venue: v.id, n: o.number})
		return
	}
	if v.pending {
		m := v.report(o, market.ExecPendingNew)
		m.ordStatus = byte(market.StatusPendingNew)
		v.say(w, &m)
	}
	if first := v.use(w, fillFirst); first && o.minQty == 0 {
		v.fill(w, o, v.part(o))
		if o.state != working {
			return
		}
	}
	if o.execInst == market.ExecInstFirmUp {
		v.firm(w, o)
		return
	}
	v.acknowledge(w, o)
	switch {
	case o.ordType == market.OrdPreviouslyQuoted:
		hold := v.hold
		if v.use(w, holdLong) {
			hold = 3 * w.swarm.ack
			w.hit(fm54)
		}
		w.agenda.add(item{at: w.now + hold, kind: dueOrder, venue: v.id, n: o.number})
	case o.resting():
		v.wait(w, o)
	default:
		v.immediate(w, o)
	}
}

func (v *venue) acknowledge(w *world, o *order) {
	if v.ackNew {
		m := v.report(o, market.ExecNew)
		v.say(w, &m)
	}
}

// refuses says whether the venue takes an order at all.
func (v *venue) refuses(w *world, o *order) (bool, event.Reason) {
	switch {
	case v.halted || w.feed(v.id, o.instrument).stopped:
		w.hit(fm30)
		return true, event.ReasonVenueHalted
	case o.quote[0] == 'R' && w.dealtLate(o):
		w.hit(fm56)
		return true, event.ReasonQuoteExpired
	case o.ordType == market.OrdPreviouslyQuoted && o.quote[0] != 'R' && o.quote != w.feed(v.id, o.instrument).quote:
		w.hit(fm56)
		return true, event.ReasonQuoteExpired
	}
	if !w.feed(v.id, o.instrument).band.allow(o.price) {
		w.hit(fm33)
		return true, event.ReasonPriceBand
	}
	for _, r := range refusals {
		if v.use(w, r.fault) {
			w.hit(r.marker)
			return true, r.reason
		}
	}
	if !w.healing && v.random.once(v.rejects) {
		return true, event.ReasonVenueReject
	}
	return false, event.ReasonNone
}

// part is some of what is left of an order, in whole lots now and then.
func (v *venue) part(o *order) int64 {
	rest := o.rest()
	if rest <= 1 || v.random.once(3) {
		return rest
	}
	return max(v.random.between(1, rest), min(o.minQty, rest))
}

// immediate executes an order that does not rest.
func (v *venue) immediate(w *world, o *order) {
	if v.random.once(v.fillOdds) {
		v.fill(w, o, v.part(o))
	}
	if o.state == working {
		if o.tif == market.TIFIOC && v.random.once(4) {
			v.finish(w, o, market.ExecExpired)
		} else {
			v.finish(w, o, market.ExecCanceled)
		}
	}
}

// wait plans the next fill of a resting order.
func (v *venue) wait(w *world, o *order) {
	w.agenda.add(item{at: w.now + 1 + v.random.below(v.linger), kind: dueOrder, venue: v.id, n: o.number})
}

// act is the venue's own doing with an order that it holds.
func (v *venue) act(w *world, o *order) {
	if o.conditional() && o.answered {
		v.actOffer(w, o)
		return
	}
	switch {
	case !o.answered && v.ackNew:
		v.acknowledge(w, o) // late
		if o.conditional() {
			v.wait(w, o)
			return
		}
		fallthrough
	case o.resting():
		if v.use(w, unsolicited) {
			ends := [...]market.ExecType{market.ExecCanceled, market.ExecExpired, market.ExecDoneForDay}
			v.finish(w, o, ends[v.random.below(3)])
			return
		}
		if !o.resting() {
			v.immediate(w, o)
			return
		}
		if !v.random.once(3) {
			v.fill(w, o, v.part(o))
		}
		if o.state == working {
			v.wait(w, o)
		}
	case o.ordType == market.OrdPreviouslyQuoted && v.random.once(3): // last look
		o.end(market.StatusRejected)
		m := v.report(o, market.ExecRejected)
		m.reason = event.ReasonLastLookPrice
		v.copy(w, &m)
		v.say(w, &m)
	default:
		v.immediate(w, o)
	}
}

// fill executes qty of an order and says so, the way that faults have it.
func (v *venue) fill(w *world, o *order, qty int64) {
	if qty <= 0 || o.state != working {
		return
	}
	price := v.price(w, o)
	if v.armed[swapTrade] > 0 && !w.healing && !v.ouch {
		price -= tick * o.side.Sign() // what is overtaken must not cost what the next fill costs
	}
	if v.use(w, overExecute) {
		qty = o.rest() + v.random.between(1, 500)
		o.lied = true
	}
	o.execute(qty, price)
	if w.opt.Canary && !w.sung && o.truth != nil {
		w.sung = true
		o.truth.executed++
	}
	if o.show != 0 && o.state == working && o.cum >= o.show {
		w.hit(fm99) // what was displayed is gone, and the venue shows the next part
	}
	m := v.report(o, market.ExecTrade)
	m.last, m.lastPx = qty, price
	v.copy(w, &m)
	switch {
	case v.use(w, loseTrade):
		return
	case !v.holding && v.up && v.use(w, swapTrade):
		v.held, v.holding = m, true
		w.agenda.add(item{at: w.now + v.linger + 50*milli, kind: dueOrder, venue: v.id})
		return
	}
	if v.use(w, absurdFill) {
		bad := m
		bad.id, bad.cum, bad.last = textID('A', uint64(v.id), v.execs), 1<<60, 1<<60
		v.say(w, &bad)
	}
	v.say(w, &m)
	o.fills = append(o.fills, fill{m.id, qty, price})
	if v.use(w, duplicate) {
		v.say(w, &m)
	}
	v.contradict(w, o, &m)
}

// contradict says something else under an ExecID that is known.
func (v *venue) contradict(w *world, o *order, m *message) {
	if v.use(w, conflict) && v.up {
		other := *m
		if other.lastPx += 100; v.random.once(2) && w.wall == nil { // it has no memory of ExecIDs
			other.last++
			other.cum++
		}
		v.say(w, &other)
	}
}

// price is what a fill costs: the order's own price, the middle of the market for a peg.
func (v *venue) price(w *world, o *order) int64 {
	if v.use(w, worseFill) {
		w.hit(fm55)
		return o.price + o.side.Sign()*300
	}
	if o.execInst != market.ExecInstMidPeg {
		return o.price
	}
	mid := w.mid(int(o.instrument))
	if v.use(w, staleMid) {
		w.hit(fm53)
		mid -= 700 * o.side.Sign()
	}
	if o.side == market.Buy {
		return min(mid, o.price)
	}
	return max(mid, o.price)
}

// finish ends an order that is not filled, and says so, the way that faults have it.
func (v *venue) finish(w *world, o *order, why market.ExecType) {
	rest := o.rest()
	o.end(market.OrdStatus(why))
	m := v.report(o, why)
	v.copy(w, &m)
	// It must not meet what the router believes for want of a report: nobody could see that.
	if ch := w.child(o.number); ch != nil && o.cum > 0 && int64(ch.Cum) == o.cum && v.use(w, cancelBelow) {
		m.cum -= v.random.between(1, o.cum)
	}
	v.say(w, &m)
	if v.use(w, duplicate) {
		v.say(w, &m)
	}
	// One that repeats nothing could lose the late execution for good: nobody asks for an order that ended.
	if rest > 0 && v.resend && v.use(w, lateFill) {
		qty, price := v.random.between(1, rest), v.price(w, o)
		o.lied = true
		o.execute(qty, price)
		late := v.report(o, market.ExecTrade)
		late.last, late.lastPx, late.cum = qty, price, o.cum
		v.copy(w, &late)
		v.say(w, &late)
	}
}

// cancel takes a cancel request.
func (v *venue) cancel(w *world, o *order, m *message) {
	refuse := func(reason event.Reason) {
		r := message{dir: fromVenue, typ: msgCancelReject, venue: v.id, number: m.number, ref: m.ref, instrument: m.instrument,
			ordStatus: byte(market.StatusRejected), reason: reason}
		if o != nil && reason != event.ReasonUnknownOrder {
			r.ordStatus = o.status()
		}
		v.say(w, &r)
	}
	switch {
	case o == nil || o.state == lost || o.state == flying:
		refuse(event.ReasonUnknownOrder)
		return
	case v.use(w, cancelUnknown):
		refuse(event.ReasonUnknownOrder)
		return
	case o.state == done:
		refuse(event.ReasonTooLate)
		return
	}
	if o.canceling = true; v.lateCancel {
		w.hit(fm21)
		if !o.answered {
			w.fail("cancel of order %d before its venue answered it", o.number)
		}
	}
	if v.pendCancel {
		r := v.report(o, market.ExecPendingCancel)
		r.ordStatus = byte(market.StatusPendingCancel)
		v.say(w, &r)
	}
	if !o.conditional() && v.use(w, tooLate) {
		rest, price := o.rest(), v.price(w, o)
		o.execute(rest, price)
		r := v.report(o, market.ExecTrade)
		r.last, r.lastPx = rest, price
		v.copy(w, &r)
		refuse(event.ReasonTooLate)
		v.say(w, &r)
		return
	}
	if v.random.once(v.race) {
		v.fill(w, o, v.part(o)) // the fill wins
	}
	if o.state == working {
		v.finish(w, o, market.ExecCanceled)
	}
}

// answer answers a status request with the truth.
func (v *venue) answer(w *world, o *order) {
	if v.use(w, statusSilent) {
		w.hit(fm39)
		return
	}
	if o.state == flying || o.state == lost {
		m := v.report(o, market.ExecOrderStatus)
		m.ordStatus, m.reason, m.cum, m.leaves = byte(market.StatusRejected), event.ReasonUnknownOrder, 0, 0
		v.say(w, &m)
		return
	}
	m := v.report(o, market.ExecOrderStatus)
	if v.use(w, denyKnown) {
		if ch := w.child(o.number); ch != nil && ch.Status != market.StatusPendingNew { // else nobody could know better
			m.ordStatus, m.reason, m.cum, m.leaves = byte(market.StatusRejected), event.ReasonUnknownOrder, 0, 0
		}
	}
	if o.cum > 0 {
		m.lastPx = o.worth / o.cum
	}
	v.say(w, &m)
}
