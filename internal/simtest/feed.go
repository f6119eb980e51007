package simtest

import (
	"penstock/event"
	"penstock/market"
)

const (
	tick   = int64(100)
	shown  = 4 // levels a side
	centre = int64(500_000)
)

// feed is what one venue shows of one instrument.
type feed struct {
	venue      uint8
	instrument uint16
	kind       market.VenueKind
	byOrder    bool
	live       bool
	mid        int64
	qty        [2][shown]int64
	ref        [2][shown]uint64 // of the one order that makes a level
	refs       uint64
	inside     int // 1 + side of an order of its own between the best prices, 0: none
	insideRef  uint64
	quotes     uint64
	quote      event.ID // that the dealer would still deal on
	itch       *itchFeed
	stopped    bool   // its venue halted the instrument, or holds an auction
	band       bounds // at which its venue trades
}

func (w *world) feed(venue uint8, instrument uint16) *feed {
	return &w.feeds[int(venue)*w.swarm.instruments+int(instrument)]
}

// mid is where the market of an instrument is.
func (w *world) mid(instrument int) int64 { return w.feeds[instrument].mid }

func (f *feed) event(kind event.Kind, more bool) event.Event {
	e := event.Event{Kind: kind, Venue: market.VenueID(f.venue), Instrument: market.InstrumentID(f.instrument)}
	if more {
		e.Flags = event.More
	}
	return e
}

// begin gives the router a whole picture of the book.
func (f *feed) begin(w *world, n int) {
	if w.dead {
		return
	}
	v := n / w.swarm.instruments
	f.venue, f.instrument = uint8(v), uint16(n%w.swarm.instruments)
	f.kind, f.byOrder = w.swarm.at[v].kind, w.swarm.at[v].byOrder
	if w.swarm.bytes && f.byOrder && f.itch == nil {
		if f.instrument > 0 {
			f.itch = w.feed(f.venue, 0).itch
		} else {
			f.itch = newItchFeed(w, f.venue)
		}
	}
	if f.mid == 0 {
		f.mid = centre
		r := &stream{seed: w.seed, id: 300 + uint64(n)}
		for s := range f.qty {
			for l := range f.qty[s] {
				f.qty[s][l] = r.between(1, 40) * 100
			}
		}
	}
	if f.kind != market.Lit {
		return
	}
	f.live, f.stopped, w.venues[v].halted, f.inside = true, false, false, 0
	if f.band != (bounds{}) {
		f.sayBand(w) // a restart forgot it
	}
	e := f.event(event.BookClear, true)
	w.take(&e)
	for s := range f.qty {
		for l := range f.qty[s] {
			if f.qty[s][l] > 0 {
				f.refs++
				f.ref[s][l] = f.refs
				f.put(w, s, l, true)
			}
		}
	}
	e = f.event(event.BookStatus, false)
	e.Code, e.Reason = uint8(event.BookLive), event.ReasonSnapshot
	w.take(&e)
}

func (f *feed) price(side, level int) market.Price {
	return market.Price(f.mid + (int64(level)+1)*tick*int64(2*side-1))
}

// show gives the router an event of depth, through the venue's protocol where it is spoken.
func (f *feed) show(w *world, e event.Event) {
	if f.itch != nil {
		e = f.itch.pass(w, &e)
	}
	w.take(&e)
}

// put shows a level, or the order that makes it.
func (f *feed) put(w *world, side, level int, more bool) {
	e := f.event(event.BookLevel, more)
	if f.byOrder {
		e.Kind, e.Ref = event.OrderAdd, f.ref[side][level]
	}
	e.Side, e.Price, e.Qty = market.Buy+market.Side(side), f.price(side, level), market.Qty(f.qty[side][level])
	f.show(w, e)
}

// level changes what is shown at one price.
func (f *feed) level(w *world, r *stream) {
	if f.kind != market.Lit || !f.live || w.dead {
		return
	}
	side, level := int(r.below(2)), int(r.below(shown))
	was := f.qty[side][level]
	now := r.between(0, 40) * 100
	f.qty[side][level] = now
	if !f.byOrder {
		e := f.event(event.BookLevel, false)
		e.Side, e.Price, e.Qty = market.Buy+market.Side(side), f.price(side, level), market.Qty(now)
		f.show(w, e)
		return
	}
	switch {
	case was == 0 && now == 0:
		return
	case was > now && now > 0:
		e := f.event(event.OrderExecuted, false)
		if r.once(2) {
			e.Kind = event.OrderReduced
		}
		e.Ref, e.Qty = f.ref[side][level], market.Qty(was-now)
		f.show(w, e)
	case was > 0 && now > 0:
		e := f.event(event.OrderReplaced, false)
		f.refs++
		e.Ref, e.OrderRef, e.Price, e.Qty = f.ref[side][level], f.refs, f.price(side, level), market.Qty(now)
		f.ref[side][level] = f.refs
		f.show(w, e)
	case was > 0:
		e := f.event(event.OrderDeleted, false)
		e.Ref = f.ref[side][level]
		f.show(w, e)
	default:
		f.refs++
		f.ref[side][level] = f.refs
		f.put(w, side, level, false)
	}
}

// flicker shows an order between the best prices of all venues, or takes the one back that it shows: the touch
// moves. One feed of an instrument does at a time, so that the market is not locked by it.
func (f *feed) flicker(w *world, r *stream) {
	if f.kind != market.Lit || !f.live || w.dead {
		return
	}
	if f.inside == 0 {
		for n := int(f.instrument); n < len(w.feeds); n += w.swarm.instruments {
			if w.feeds[n].inside != 0 {
				return
			}
		}
	}
	side, qty, kind := f.inside-1, int64(0), event.OrderDeleted
	if f.inside == 0 {
		side, qty, kind = int(r.below(2)), r.between(1, 40)*100, event.OrderAdd
		f.refs++
		f.inside, f.insideRef = 1+side, f.refs
	} else {
		f.inside = 0
	}
	e := f.event(event.BookLevel, false)
	e.Side, e.Price, e.Qty = market.Buy+market.Side(side), f.price(side, -1), market.Qty(qty)
	if f.byOrder {
		e.Ref = f.insideRef
		if e.Kind = kind; kind == event.OrderDeleted {
			e.Side, e.Price = 0, 0
		}
	}
	f.show(w, e)
}

func (f *feed) trade(w *world, r *stream) {
	if f.kind == market.Lit && !w.dead {
		e := f.event(event.MarketTrade, false)
		e.Side, e.Price, e.Qty = market.Buy+market.Side(r.below(2)), f.price(int(r.below(2)), 0), market.Qty(r.between(1, 10)*100)
		w.take(&e)
	}
}

// stream sends a new quote of a dealer.
func (f *feed) stream(w *world, r *stream) {
	if f.kind != market.SDP || w.dead || !w.venues[f.venue].told {
		return
	}
	if r.once(12) {
		e := f.event(event.QuoteCancel, false)
		f.quote = event.ID{}
		w.take(&e)
		return
	}
	mid := w.mid(int(f.instrument))
	f.quotes++
	e := f.event(event.Quote, false)
	e.ID = textID('Q', uint64(f.venue), f.quotes)
	e.Price, e.Qty = market.Price(mid-tick*r.between(1, 3)), market.Qty(r.between(1, 30)*100)
	e.LastPx, e.LastQty = market.Price(mid+tick*r.between(1, 3)), market.Qty(r.between(1, 30)*100)
	if e.Until = w.step + r.between(5, 1500)*milli; r.once(5) {
		e.Until = 0
	}
	f.quote = e.ID
	w.take(&e)
}

// move shifts the whole market of an instrument by up to two ticks.
func (w *world) move(r *stream) {
	if w.dead {
		return
	}
	instrument, by := int(r.below(int64(w.swarm.instruments))), tick*r.between(-2, 2)
	for n := instrument; n < len(w.feeds); n += w.swarm.instruments {
		f := &w.feeds[n]
		f.mid += by
		if f.kind == market.Lit && f.live {
			f.begin(w, n)
		}
	}
}

func (w *world) feedBack(f *feed, at int64) {
	n := int(f.venue)*w.swarm.instruments + int(f.instrument)
	w.agenda.add(item{at: at, kind: dueFeed, n: uint64(n)})
}

// fail makes the feed miss something: its book cannot be used until it begins again.
func (f *feed) fail(w *world, r *stream, why event.Reason) {
	if f.kind != market.Lit || !f.live || w.dead {
		return
	}
	w.hit(map[event.Reason]marker{event.ReasonStale: fm47, event.ReasonGap: fm48}[why])
	f.live = false
	e := f.event(event.BookStatus, false)
	e.Code, e.Reason = uint8(event.BookStale), why
	w.take(&e)
	w.feedBack(f, w.now+r.between(1, 800)*milli)
}

// cross lets one venue show prices far from all others.
func (f *feed) cross(w *world, r *stream) {
	if f.kind != market.Lit || !f.live || w.dead {
		return
	}
	w.hit(fm46)
	mid := f.mid
	f.mid += 8 * tick
	f.begin(w, int(f.venue)*w.swarm.instruments+int(f.instrument))
	f.mid, f.live = mid, false
	w.feedBack(f, w.now+r.between(1, 300)*milli)
}

// absurd says what cannot be: the book is given up and asked for again.
func (f *feed) absurd(w *world, r *stream) {
	if f.kind != market.Lit || !f.live || w.dead {
		return
	}
	w.hit(fm51)
	f.live = false
	e := f.event(event.BookLevel, false)
	e.Side, e.Price, e.Qty = market.Buy, -5, 100
	switch {
	case f.byOrder && r.once(2):
		e = f.event(event.OrderDeleted, false)
		e.Ref = 1 << 40
	case r.once(2):
		e.Price, e.Qty = market.Price(f.mid), 1<<60
	}
	w.take(&e)
	w.feedBack(f, w.now+r.between(1, 300)*milli)
}

// cut ends a snapshot in its middle and begins it again (FM-49).
func (f *feed) cut(w *world, r *stream) {
	if f.kind != market.Lit || !f.live || w.dead {
		return
	}
	w.hit(fm49)
	f.live = false
	f.qty[0][0] = max(f.qty[0][0], 100)
	for range r.between(1, 4) {
		e := f.event(event.BookClear, true)
		w.take(&e)
		f.refs++
		f.ref[0][0] = f.refs
		f.put(w, 0, 0, true)
	}
	w.feedBack(f, w.now+r.between(1, 300)*milli)
}

// halt stops trading at a venue; a fill may still be under way.
func (w *world) halt(v *venue, r *stream) {
	if v.kind != market.Lit || w.dead {
		return
	}
	v.halted = true
	e := event.Event{Kind: event.BookStatus, Venue: market.VenueID(v.id), Instrument: market.NoInstrument,
		Code: uint8(event.BookHalted), Reason: event.ReasonVenueState}
	for i := range w.swarm.instruments {
		w.feed(v.id, uint16(i)).live = false
		w.feedBack(w.feed(v.id, uint16(i)), w.now+r.between(20, 600)*milli)
	}
	w.take(&e)
}

// stranger lets a feed speak of an instrument that nobody knows (FM-52).
func (w *world) stranger(v *venue, r *stream) {
	if w.dead {
		return
	}
	w.hit(fm52)
	e := event.Event{Kind: event.BookLevel, Venue: market.VenueID(v.id), Instrument: market.InstrumentID(r.between(40, 60000)),
		Side: market.Buy, Price: 1000, Qty: 100}
	w.take(&e)
}
