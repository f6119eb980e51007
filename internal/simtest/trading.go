package simtest

import (
	"penstock/event"
	"penstock/market"
)

// bounds are the prices that may be traded, 0 for none.
type bounds struct{ low, high int64 }

func (b bounds) allow(price int64) bool { return price >= b.low && (b.high == 0 || price <= b.high) }

// status is what the ledger has heard of where an instrument may be traded.
type status struct {
	shut   [maxVenues]bool     // halted, or in an auction
	market [maxVenues + 1]bool // by the feed of a venue, or by no venue's: the whole market is
	bands  [maxVenues + 1]bounds
	shorts bool // a price test holds for short sales
}

// feedSays follows what feeds say of trading.
func (l *ledger) feedSays(e *event.Event) {
	if int(e.Venue) >= maxVenues && e.Venue != market.NoVenue {
		return
	}
	at := min(int(e.Venue), maxVenues)
	for i := range l.trading {
		if e.Instrument != market.NoInstrument && int(e.Instrument) != i {
			continue
		}
		s := &l.trading[i]
		live, stops := e.Code == uint8(event.BookLive), e.Code == uint8(event.BookHalted) || e.Code == uint8(event.BookAuction)
		switch {
		case e.Kind == event.ShortRestriction:
			s.shorts = e.Code == event.ShortsRestricted
		case e.Kind == event.PriceBand:
			s.bands[at] = bounds{int64(e.Price), int64(e.LastPx)}
		case !live && !stops:
		case e.Kind == event.MarketStatus:
			s.market[at] = stops
		default:
			s.shut[at] = stops
			s.market[at] = s.market[at] && stops
		}
	}
}

// mayTrade checks an order that leaves against what the feeds said.
func (l *ledger) mayTrade(m *message) {
	s := &l.trading[m.instrument]
	for v, on := range s.market {
		if on {
			l.fail("order %d of instrument %d, which the whole market has stopped trading by feed %d", m.number, m.instrument, v)
		}
	}
	switch {
	case s.shut[m.venue]:
		l.fail("order %d to venue %d, which has stopped trading instrument %d", m.number, m.venue, m.instrument)
	case !s.bands[m.venue].allow(m.price) || !s.bands[maxVenues].allow(m.price):
		l.fail("order %d at %d, outside the bands %v and %v", m.number, m.price, s.bands[m.venue], s.bands[maxVenues])
	}
}

// working reports whether an order of an instrument is live.
func (w *world) working(instrument uint16) bool {
	for i := range w.core.Parents() {
		if p := &w.core.Parents()[i]; p.Live() && uint16(p.Instrument) == instrument {
			return true
		}
	}
	return false
}

// stop lets a venue halt an instrument or open an auction in it, for itself or, as its feed
// says, for the whole market (FM-30, FM-32).
func (f *feed) stop(w *world, r *stream) {
	if f.kind != market.Lit || !f.live || w.dead {
		return
	}
	e := f.event(event.BookStatus, false)
	e.Code, e.Reason = uint8(event.BookAuction), event.ReasonVenueState
	if r.once(3) {
		e.Code = uint8(event.BookHalted)
	} else if w.working(f.instrument) {
		w.hit(fm32)
	}
	f.live, f.stopped = false, true
	if r.once(2) {
		whole := e
		whole.Kind = event.MarketStatus
		w.take(&whole)
	}
	w.take(&e)
	w.feedBack(f, w.now+r.between(20, 900)*milli)
}

// pause lets the consolidated feed stop an instrument everywhere, for a while.
func (w *world) pause(r *stream) {
	if w.dead {
		return
	}
	instrument := uint16(r.below(int64(w.swarm.instruments)))
	w.paused[instrument] = true
	w.sayPaused(instrument)
	w.agenda.add(item{at: w.now + r.between(20, 900)*milli, kind: dueUnhalt, n: uint64(instrument)})
}

// sayPaused is what the consolidated feed says of an instrument, also when the router comes back.
func (w *world) sayPaused(instrument uint16) {
	state := event.BookLive
	if w.paused[instrument] {
		state = event.BookHalted
	}
	w.consolidated(event.MarketStatus, instrument, state, bounds{})
}

// consolidated is an event of the feed that is no venue's.
func (w *world) consolidated(kind event.Kind, instrument uint16, s event.BookState, b bounds) {
	if w.dead {
		return
	}
	w.take(&event.Event{Kind: kind, Venue: market.NoVenue, Instrument: market.InstrumentID(instrument), Code: uint8(s),
		Price: market.Price(b.low), LastPx: market.Price(b.high)})
}

// limit sets a price band around the middle, of a venue or of all, or lifts it (FM-31).
func (f *feed) limit(w *world, r *stream) {
	mid, b := w.mid(int(f.instrument)), bounds{}
	if w.dead || mid == 0 {
		return
	}
	if !r.once(3) {
		b = bounds{mid - tick*r.between(-1, shown), mid + tick*r.between(-1, shown)}
		if b.high < b.low {
			b.high = b.low
		}
		if w.working(f.instrument) {
			w.hit(fm31)
		}
	}
	if r.once(4) {
		w.consolidated(event.PriceBand, f.instrument, 0, b)
		return
	}
	f.band = b
	f.sayBand(w)
}

func (f *feed) sayBand(w *world) {
	e := f.event(event.PriceBand, false)
	e.Price, e.LastPx = market.Price(f.band.low), market.Price(f.band.high)
	w.take(&e)
}

// openAll lets every instrument trade again, without bands.
func (w *world) openAll() {
	for i := range w.swarm.instruments {
		w.paused[i] = false
		w.sayPaused(uint16(i))
		w.consolidated(event.PriceBand, uint16(i), 0, bounds{})
	}
	for i := range w.feeds {
		if f := &w.feeds[i]; f.band != (bounds{}) {
			f.band = bounds{}
			f.sayBand(w)
		}
	}
}
