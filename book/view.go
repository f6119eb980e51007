package book

import "penstock/market"

// View is a consistent reading of one instrument: everything in it was true
// together, after event Seq. It belongs to the Watch that it came from.
type View struct {
	Instrument market.InstrumentID
	Seq        uint64 // last event that the core had taken
	Time       int64  // StepTime of that event, ns since epoch
	At         int64  // when the core answered, ns since epoch: quotes that expired by then are left out
	Bid, Ask   Touch
	Signals    Signals
	Features   Features
	Partial    uint16 // venues in the middle of a message: their top is that before it, levels have none
	Count      int    // of Venues, traded or not
	Venues     [market.MaxVenues]VenueTop
	Bids, Asks []AggLevel // as many as asked for and there

	venueLevels [2][market.MaxVenues][]Level
	ticket      uint32
}

// VenueLevels returns the displayed levels of a book side at venue v, best first,
// as many as asked for and there.
func (w *View) VenueLevels(side market.Side, v market.VenueID) []Level {
	return w.venueLevels[side.Index()][v]
}

// reserve takes the memory for levels a side.
func (w *View) reserve(venues, levels int) {
	w.Bids, w.Asks = make([]AggLevel, 0, levels), make([]AggLevel, 0, levels)
	all := make([]Level, 2*venues*levels)
	for i := range w.venueLevels {
		for v := range venues {
			w.venueLevels[i][v], all = all[:0:levels], all[levels:]
		}
	}
}

// fill reads m as it is and changes nothing in it: what expires between two events
// is left out of the view alone, so that a reader never alters a replay.
func (w *View) fill(m *Composite, q Ask, at int64) {
	w.Instrument, w.At, w.Partial, w.Count = m.Instrument, at, m.Partial, m.count
	w.Bid, w.Ask, w.Features = m.Bid, m.Ask, m.Features
	for v := range m.count {
		w.Venues[v] = m.Venue(market.VenueID(v), at)
	}
	if at >= m.expiry {
		w.Bid, w.Ask = w.touch(m, market.Buy), w.touch(m, market.Sell)
	}
	w.Signals = signalsOf(&w.Bid, &w.Ask)
	o := LevelOptions{Net: q.Net, Quotes: q.Quotes, Now: at}
	levels := min(q.Levels, cap(w.Bids))
	w.Bids = w.Bids[:m.Levels(market.Buy, w.Bids[:levels], o)]
	w.Asks = w.Asks[:m.Levels(market.Sell, w.Asks[:levels], o)]
	for i, side := range [...]market.Side{market.Buy, market.Sell} {
		for v := range m.count {
			dst := w.venueLevels[i][v][:0]
			if b := m.Books[v]; b != nil && b.Live() && m.Partial>>v&1 == 0 {
				ladder := b.Ladder(side)
				for n := range min(levels, ladder.Len(), cap(dst)) {
					dst = append(dst, ladder.At(n))
				}
			}
			w.venueLevels[i][v] = dst
		}
	}
}

// touch is the touch over the tops in w of the venues that make it in m.
func (w *View) touch(m *Composite, side market.Side) (t Touch) {
	for v := range m.count {
		level := w.Venues[v].Bid
		if side == market.Sell {
			level = w.Venues[v].Ask
		}
		switch {
		case level.Qty == 0 || m.active>>v&1 == 0:
		case !t.OK || side.Contra().Better(level.Price, t.Price):
			t = Touch{Price: level.Price, Qty: level.Qty, Venues: 1 << v, OK: true}
		case level.Price == t.Price:
			t.Qty += level.Qty
			t.Venues |= 1 << v
		}
	}
	return t
}
