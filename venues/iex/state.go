package iex

import "penstock/event"

// Reset says that the stream starts again at its first message: every book is
// cleared and none is LIVE before Live.
func (d *Decoder) Reset(now int64) {
	d.state, d.reason, d.closed = event.BookSyncing, event.ReasonNone, false
	for i := range d.books {
		b := &d.books[i]
		b.halted, b.stopped, b.broken, b.clear = false, false, event.ReasonNone, true
	}
	d.owed = true
	d.Settle(now)
}

// Live says that the decoder has every message of the stream so far.
func (d *Decoder) Live(now int64) {
	if d.state == event.BookSyncing {
		d.state, d.reason, d.owed = event.BookLive, event.ReasonSnapshot, true
	}
	d.Settle(now)
}

// Stale takes every book out of use until Reset. Levels that come meanwhile are
// withheld.
func (d *Decoder) Stale(now int64, reason event.Reason) {
	d.state, d.reason, d.owed = event.BookStale, reason, true
	d.Settle(now)
}

// Settle emits the BookClear, ShortRestriction and BookStatus events that are owed; false means that
// the sink had no room and some still are.
func (d *Decoder) Settle(now int64) bool {
	if !d.owed {
		return true
	}
	for i := range d.books {
		if !d.settleBook(now, &d.books[i]) {
			return false
		}
	}
	d.owed = false
	return true
}

func (d *Decoder) settleBook(now int64, b *book) bool {
	if b.ignored {
		return true
	}
	want, reason := d.want(b)
	if b.clear && want != event.BookStale {
		if !d.emit(now, b, event.BookClear, 0, event.ReasonNone) {
			return false
		}
		b.clear, b.told = false, event.BookSyncing
	}
	if want != event.BookStale && want >= event.BookLive && b.shorts != b.toldFor {
		code := uint8(0)
		if b.shorts == restricted {
			code = event.ShortsRestricted
		}
		if !d.emit(now, b, event.ShortRestriction, code, event.ReasonVenueState) {
			return false
		}
		b.toldFor = b.shorts
	}
	if want == b.told {
		return true
	}
	if !d.emit(now, b, event.BookStatus, uint8(want), reason) {
		return false
	}
	b.told = want
	return true
}

// want derives the state of a book. STALE comes first: such a book is not complete.
func (d *Decoder) want(b *book) (event.BookState, event.Reason) {
	switch {
	case d.state == event.BookStale:
		return event.BookStale, d.reason
	case b.broken != event.ReasonNone:
		return event.BookStale, b.broken
	case d.state != event.BookLive:
		return d.state, event.ReasonNone
	case d.closed || b.halted || b.stopped:
		return event.BookHalted, event.ReasonVenueState
	}
	return event.BookLive, event.ReasonSnapshot
}

// distrust takes one book out of use because an event of it had to be left out.
func (d *Decoder) distrust(now int64, b *book, reason event.Reason) {
	b.broken = reason
	if !d.settleBook(now, b) {
		d.owed = true
	}
}

func (d *Decoder) emit(
	now int64, b *book, kind event.Kind, code uint8, reason event.Reason,
) bool {
	d.status = event.Event{
		RecvTime: now, Kind: kind, Venue: d.venue, Instrument: b.id,
		Code: code, Reason: reason,
	}
	if !d.sink(&d.status) {
		d.stats.NoRoom++
		return false
	}
	d.stats.Events++
	return true
}

// systemEvent closes every book at the end of system hours (E) and of messages (C).
// Regular hours change nothing here: IEX trades before and after them.
func (d *Decoder) systemEvent(now int64, msg []byte) error {
	switch msg[1] {
	case 'O', 'S', 'R', 'M':
		return nil
	case 'E', 'C':
		d.closed, d.owed = true, true
		d.Settle(now) // what the sink does not take now goes out before the next message
		return nil
	}
	return ErrValue
}

// tradingStatus halts a book or sets it free. Halted, paused and accepting orders
// without trading are one to us: nothing can be traded.
func (d *Decoder) tradingStatus(now int64, b *book, msg []byte) error {
	switch msg[1] {
	case 'H', 'O', 'P':
		b.halted = true
	case 'T':
		b.halted = false
	default:
		return ErrValue
	}
	d.owed = !d.settleBook(now, b) || d.owed
	return nil
}

// operationalHalt is a halt at IEX only.
func (d *Decoder) operationalHalt(now int64, b *book, msg []byte) error {
	switch msg[1] {
	case 'O':
		b.stopped = true
	case 'N':
		b.stopped = false
	default:
		return ErrValue
	}
	d.owed = !d.settleBook(now, b) || d.owed
	return nil
}

// shortSale takes whether a price test holds for short sales (17 CFR 242.201), which is on every
// market. It is no part of what a Reset forgets: only the venue lifts it. Detail says since when.
func (d *Decoder) shortSale(now int64, b *book, msg []byte) error {
	switch msg[1] {
	case 0:
		b.shorts = unrestricted
	case 1:
		b.shorts = restricted
	default:
		return ErrValue
	}
	d.owed = !d.settleBook(now, b) || d.owed
	return nil
}

// misfit counts a message that is not of the specification. One of a known type
// was meant for a book: that book is missing it now, every book when the message
// is too short to name one. An unknown type is passed over, since IEX may add types
// that do not concern books.
func (d *Decoder) misfit(now int64, msg []byte) error {
	d.stats.Messages++
	if len(msg) > 0 && lengths[msg[0]] == 0 {
		d.stats.Unknown++
		return refusal(msg, ErrType)
	}
	d.stats.Malformed++
	if len(msg) >= 18 && msg[0] != typeSystemEvent {
		if at := d.index.find(d.books, symbolKey(msg)); *at != 0 && !d.books[*at-1].ignored {
			d.distrust(now, &d.books[*at-1], event.ReasonMalformed)
		}
		return refusal(msg, ErrLength)
	}
	for i := range d.books {
		if b := &d.books[i]; !b.ignored {
			d.distrust(now, b, event.ReasonMalformed)
		}
	}
	return refusal(msg, ErrLength)
}
