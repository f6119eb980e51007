package simtest

import (
	"penstock/event"
	"penstock/market"
)

// taken returns an order of the venue with an execution that the router knows, to take it
// back. It does so only where nothing that it says gets lost: nobody could tell otherwise.
func (v *venue) taken(w *world, r *stream) (*order, int) {
	if !v.resend || !v.up || !v.told || w.dead || w.healing || len(v.orders) == 0 || w.swarm.weights[chHostCrash] > 0 ||
		w.core.Counters.Forgotten > 0 {
		return nil, 0
	}
	for range 8 {
		o := v.orders[r.below(int64(len(v.orders)))]
		if o.lied || o.nobodys || o.underway != (event.ID{}) || len(o.fills) == 0 {
			continue
		}
		i := int(r.below(int64(len(o.fills))))
		if _, known := w.ledger.execs[execKey{v.id, o.fills[i].id}]; known {
			return o, i
		}
	}
	return nil, 0
}

// bust takes an execution back, now and then one that nobody knows (FM-14, FM-16, FM-17).
func (v *venue) bust(w *world, r *stream) {
	o, i := v.taken(w, r)
	if o == nil {
		return
	}
	v.release(w)
	f := o.fills[i]
	if r.once(6) {
		m := v.report(o, market.ExecTradeCancel)
		m.orig, m.last, m.lastPx = textID('Z', uint64(v.id), r.next()>>44), f.qty, f.price
		v.say(w, &m)
		return
	}
	o.fills = append(o.fills[:i], o.fills[i+1:]...)
	o.undo(f.qty, f.price)
	v.keepOff(o, f.qty)
	m := v.report(o, market.ExecTradeCancel)
	o.underway = m.id
	m.orig, m.last, m.lastPx = f.id, f.qty, f.price
	v.copy(w, &m)
	v.say(w, &m)
	if v.use(w, duplicate) {
		v.say(w, &m)
	}
}

// keepOff keeps shares that were taken back off a working order where the protocol has it so: a
// broken trade of OUCH does not come back into the book.
func (v *venue) keepOff(o *order, qty int64) {
	if v.ouch && o.state == working {
		o.qty -= qty
		o.truth.open -= qty
	}
}

// correct changes price and quantity of an execution (FM-15).
func (v *venue) correct(w *world, r *stream) {
	o, i := v.taken(w, r)
	if o == nil {
		return
	}
	v.release(w)
	f := &o.fills[i]
	qty, price := f.qty, max(f.price+tick*r.between(-2, 2), tick)
	if r.once(2) {
		qty = r.between(1, f.qty)
	}
	was := f.id
	o.undo(f.qty, f.price)
	before := o.state
	o.execute(qty, price)
	if before == done {
		o.truth.caused -= qty // it was there before
	}
	v.keepOff(o, f.qty-qty)
	m := v.report(o, market.ExecTradeCorrect)
	o.underway = m.id
	m.orig, m.last, m.lastPx = was, qty, price
	v.copy(w, &m)
	if f.qty, f.price = qty, price; !v.ouch { // there it keeps its MatchNumber
		f.id = m.id
	}
	v.say(w, &m)
}

// restate changes a working order unasked: a smaller quantity, or what must not be (FM-13).
func (v *venue) restate(w *world, r *stream) {
	if !v.resend || !v.up || w.dead || w.healing || w.swarm.weights[chHostCrash] > 0 {
		return
	}
	for _, o := range v.orders {
		if o.state != working || !o.resting() || o.lied || o.underway != (event.ID{}) || o.rest() < 2 {
			continue
		}
		v.release(w)
		less := int64(0)
		if r.once(5) {
			o.lied = true
			o.truth.caused++
			o.truth.open++
			o.qty++
		} else {
			less = r.between(1, o.rest()-1)
			o.qty -= less
			o.truth.open -= less
		}
		m := v.report(o, market.ExecRestated)
		m.minQty = less
		o.underway = m.id
		v.say(w, &m)
		return
	}
}
