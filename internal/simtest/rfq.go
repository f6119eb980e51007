package simtest

import (
	"penstock/event"
	"penstock/market"
)

// askHabits are how a dealer treats requests for quotes.
type askHabits struct {
	least, window, pause int64
	respond              bool // it wants to hear which quotes are not dealt on
}

// drawRequests lets some dealers be asked. It has a stream of its own, so that the rest of a
// seed's world is what it was. Where bytes cross the wire nobody asks: fixgw's tests do it there.
func (s *swarm) drawRequests(seed uint64) {
	r, more := &stream{seed: seed, id: 5}, &stream{seed: seed, id: 50}
	some := r.once(2) && !s.bytes
	for v := range s.venues {
		h := askHabits{least: r.between(1, 10) * int64(s.lot), window: r.between(2, 800) * milli, pause: r.between(20, 2000) * milli}
		h.respond = more.once(2)
		if s.at[v].kind == market.SDP && some {
			s.at[v].asks = h
		}
	}
}

// asking is a request for a quote as the world knows it, and the quotes given for it.
type asking struct {
	venue      uint8
	instrument uint16
	parent     uint64
	side       market.Side
	qty        int64
	asked      int64
	event      uint64 // after which: one round of a parent
	lost       bool   // a crash may have taken it from the router's memory
}

// given is one quote that a dealer gave.
type given struct {
	of    uint64 // request
	price int64
	qty   int64
	until int64 // 0: it does not say
	dealt bool
	down  bool // the router said that it does not deal on it
	gone  bool // taken back, or replaced, and the router knows
}

// ask takes a request of the router to a dealer.
func (w *world) ask(c *event.Command) {
	v := &w.venues[c.Venue]
	if w.requests[c.Ref] != nil {
		w.fail("request %d was sent twice", c.Ref)
	}
	a := &asking{venue: v.id, instrument: uint16(c.Instrument), parent: c.Parent, side: c.Side, qty: int64(c.Qty), asked: w.step, event: w.seq}
	open, last := 1, int64(-1)
	for _, other := range w.requests {
		if other.parent == a.parent && other.event == a.event {
			open++
		}
		if other.venue == a.venue && !other.lost {
			last = max(last, other.asked)
		}
	}
	switch {
	case v.asks.least == 0 || a.qty < v.asks.least:
		w.fail("request %d for %d, the dealer wants %+v", c.Ref, a.qty, v.asks)
	case last >= 0 && a.asked-last < v.asks.pause:
		w.fail("request %d comes %d µs after the one before, the dealer wants %d between", c.Ref, (a.asked-last)/1000, v.asks.pause/1000)
	case open > 2:
		w.fail("parent %d asks %d dealers at once", c.Parent, open)
	}
	w.requests[c.Ref] = a
	if !v.told || !v.up {
		return
	}
	at := w.now + v.habits.out + v.habits.back + v.random.below(v.asks.window*5/4)
	w.agenda.add(item{at: at, kind: dueAnswer, venue: v.id, n: c.Ref, gen: v.gen})
}

// answerRequest lets a dealer answer request number: with a quote, one that replaces it, a refusal, or
// not at all; at times to a request that nobody made.
func (v *venue) answerRequest(w *world, number uint64) {
	a := w.requests[number]
	if w.dead || !v.told || v.random.once(8) {
		return
	}
	e := event.Event{Kind: event.QuoteAnswer, Venue: market.VenueID(v.id), Instrument: market.InstrumentID(a.instrument), Ref: number}
	if v.random.once(6) {
		e.Code, e.Reason = event.QuoteRefused, event.ReasonVenueReject
		w.answered(&e)
		return
	}
	for again := true; again && !w.dead; again = v.random.once(6) {
		v.execs++
		mid := w.mid(int(a.instrument))
		q := &given{of: number, qty: v.random.between(1, 2*a.qty), price: mid + int64(a.side.Sign())*tick*v.random.between(-1, 3),
			until: w.step + v.random.between(1, 1500)*milli}
		if v.random.once(5) {
			q.until = 0
		}
		e.ID, e.Until = textID('R', uint64(v.id), v.execs), q.until
		e.Price, e.Qty, e.LastPx, e.LastQty = market.Price(q.price), market.Qty(q.qty), 0, 0
		if a.side == market.Buy {
			e.Price, e.Qty, e.LastPx, e.LastQty = 0, 0, market.Price(q.price), market.Qty(q.qty)
		}
		if e.Ref = number; v.random.once(12) {
			q.of, e.Ref = 0, number+1_000_000 // of no request: it replaces none
		} else {
			w.takeBack(number)
		}
		w.quotes[e.ID] = q
		w.answered(&e)
	}
	if v.random.once(10) && !w.dead {
		e = event.Event{Kind: event.QuoteAnswer, Venue: e.Venue, Instrument: e.Instrument, Ref: number, Code: event.QuoteRefused,
			Reason: event.ReasonQuoteExpired}
		w.takeBack(number)
		w.answered(&e)
	}
}

// takeBack ends the quotes that request number got.
func (w *world) takeBack(number uint64) {
	for _, q := range w.quotes {
		q.gone = q.gone || q.of == number
	}
}

// answered gives the router an answer.
func (w *world) answered(e *event.Event) {
	before := w.core.Counters.Unasked
	w.take(e)
	if w.core.Counters.Unasked > before {
		w.hit(fm93)
	}
}

// dealt checks an order on a quote that was asked for when it leaves: it was given for a request
// of that parent, is alive, and is dealt on once, at its price, for no more than it says.
func (w *world) dealt(c *event.Command) {
	if c.OrdType != market.OrdPreviouslyQuoted || c.ID[0] != 'R' {
		return
	}
	q := w.quotes[c.ID]
	if q == nil || q.of == 0 {
		w.fail("order %d is on quote %v, which no request got", c.Child, c.ID)
	}
	a := w.requests[q.of]
	switch {
	case q.dealt:
		w.fail("order %d is the second one on quote %v", c.Child, c.ID)
	case q.gone:
		w.fail("order %d is on quote %v, which was taken back", c.Child, c.ID)
	case q.down:
		w.fail("order %d is on quote %v, which the router turned down", c.Child, c.ID)
	case a.parent != c.Parent || a.venue != uint8(c.Venue) || a.side != c.Side || a.instrument != uint16(c.Instrument):
		w.fail("order %d of parent %d is on a quote for %+v", c.Child, c.Parent, *a)
	case int64(c.Price) != q.price || int64(c.Qty) > q.qty || q.until != 0 && w.step >= q.until:
		w.fail("order %d for %d at %d is on a quote %+v, and it is %d", c.Child, c.Qty, c.Price, *q, w.step)
	}
	q.dealt = true
	w.hit(fm92)
}

// turnedDown checks the word that a quote is not dealt on: it is said once, to a dealer that wants
// to hear it, of the quote that answers the request last, and is true.
func (w *world) turnedDown(c *event.Command) {
	q, v := w.quotes[c.ID], &w.venues[c.Venue]
	switch {
	case q == nil || q.of == 0 || q.of != c.Ref || w.requests[q.of].venue != v.id:
		w.fail("quote %v of venue %d is turned down for request %d, which did not get it", c.ID, c.Venue, c.Ref)
	case !v.asks.respond:
		w.fail("quote %v is turned down at a dealer that does not want to hear it", c.ID)
	case q.dealt:
		w.fail("quote %v is dealt on and turned down", c.ID)
	case q.down:
		w.fail("quote %v is turned down twice", c.ID)
	case q.gone:
		w.fail("quote %v is turned down after it was taken back", c.ID)
	}
	q.down = true
	w.hit(fm110)
}

// dealtLate reports whether a quote that was asked for expired on the way of its order.
func (w *world) dealtLate(o *order) bool {
	q := w.quotes[o.quote]
	return q == nil || q.until != 0 && w.now >= q.until
}
