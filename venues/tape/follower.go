package tape

import (
	"penstock/book"
	"penstock/event"
	"penstock/market"
)

// follower is one shifted book: what its feed shows, and what was sent on.
type follower struct {
	instrument market.InstrumentID
	raw        *depth
	sent       [2][]book.Level // best first
	wanted     [2][]book.Level // scratch
	changed    bool            // the raw book or the shift, since they were sent
	state      event.BookState // sent
	shift      market.Price    // added to every price
	known      bool
	moved      func(market.VenueID, market.Price) // told by how much the shift changes

	cleared bool          // in the message being taken
	status  *event.Event  // last state in it
	trades  []event.Event // in it
	srcTime int64
	batch   []event.Event
}

func newFollower(venue market.VenueID, in *market.Instrument) *follower {
	return &follower{instrument: in.ID, raw: newDepth(venue)}
}

// shiftTo sets the shift and reports whether it changed.
func (f *follower) shiftTo(shift market.Price) bool {
	if f.known && shift == f.shift {
		return false
	}
	if f.known && f.moved != nil {
		f.moved(f.raw.venue, shift-f.shift)
	}
	f.shift, f.known, f.changed = shift, true, true
	return true
}

// take collects a message of the follower's feed and publishes at its end.
func (f *follower) take(e *event.Event, sink event.Sink) {
	f.raw.apply(e)
	f.srcTime = max(f.srcTime, e.SrcTime)
	switch e.Kind {
	case event.BookClear:
		f.cleared, f.changed = true, true
	case event.BookLevel:
		f.changed = true
	case event.BookStatus:
		status := *e
		f.status, f.changed = &status, true
	case event.MarketTrade:
		f.trades = append(f.trades, *e)
	}
	if e.Flags&event.More == 0 {
		f.publish(e.RecvTime, sink)
	}
}

// publish sends the difference between what was sent and what is now so as one
// message: state, deletions, then new sizes, so that it never crosses on the way.
func (f *follower) publish(now int64, sink event.Sink) {
	f.batch = f.batch[:0]
	if f.cleared {
		f.add(event.Event{Kind: event.BookClear})
		f.sent[0], f.sent[1] = f.sent[0][:0], f.sent[1][:0]
		f.state = event.BookSyncing
	}
	live := f.raw.live && f.known
	switch {
	case live && f.changed:
		f.difference()
		f.changed = false
		if f.state != event.BookLive {
			f.addStatus(event.BookLive, event.ReasonSnapshot)
		}
	case f.status != nil && event.BookState(f.status.Code) != event.BookLive:
		f.addStatus(event.BookState(f.status.Code), f.status.Reason)
	}
	for i := range f.trades {
		if live {
			f.add(f.trades[i])
			f.batch[len(f.batch)-1].Price += f.shift
		}
	}
	f.cleared, f.status, f.trades = false, nil, f.trades[:0]
	for i := range f.batch {
		e := &f.batch[i]
		e.Venue, e.Instrument, e.RecvTime = f.raw.venue, f.instrument, now
		if e.SrcTime == 0 {
			e.SrcTime = f.srcTime
		}
		e.Flags = event.More
		if i == len(f.batch)-1 {
			e.Flags = 0
		}
		sink(e)
	}
}

func (f *follower) add(e event.Event) { f.batch = append(f.batch, e) }

func (f *follower) addStatus(state event.BookState, reason event.Reason) {
	f.state = state
	if state != event.BookLive && state != event.BookHalted {
		f.sent[0], f.sent[1] = f.sent[0][:0], f.sent[1][:0]
	}
	f.add(event.Event{Kind: event.BookStatus, Code: uint8(state), Reason: reason})
}

// difference adds the deletions of both sides, then the new sizes of both.
func (f *follower) difference() {
	sides := [2]market.Side{market.Buy, market.Sell}
	for i, side := range sides {
		f.wanted[i] = f.top(f.wanted[i][:0], i)
		rest := f.wanted[i]
		for _, old := range f.sent[i] {
			if rest = from(rest, side, old.Price); len(rest) == 0 || rest[0].Price != old.Price {
				f.addLevel(side, old.Price, 0)
			}
		}
	}
	for i, side := range sides {
		rest := f.sent[i]
		for _, level := range f.wanted[i] {
			if rest = from(rest, side, level.Price); len(rest) == 0 || rest[0] != level {
				f.addLevel(side, level.Price, level.Qty)
			}
		}
		f.sent[i], f.wanted[i] = f.wanted[i], f.sent[i]
	}
}

// top appends the best levels of a side, shifted, best first.
func (f *follower) top(levels []book.Level, side int) []book.Level {
	ladder := &f.raw.sides[side]
	for i := range min(basisDepth, ladder.Len()) {
		level := ladder.At(i)
		levels = append(levels, book.Level{Price: level.Price + f.shift, Qty: level.Qty})
	}
	return levels
}

// from returns levels, sorted best first, without those better than price.
func from(levels []book.Level, side market.Side, price market.Price) []book.Level {
	for len(levels) > 0 && levels[0].Price != price && side.Better(price, levels[0].Price) {
		levels = levels[1:]
	}
	return levels
}

func (f *follower) addLevel(side market.Side, price market.Price, qty market.Qty) {
	f.add(event.Event{Kind: event.BookLevel, Side: side, Price: price, Qty: qty})
}
