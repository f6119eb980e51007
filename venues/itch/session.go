package itch

import "penstock/event"

// systemEvent closes every book at the end of system hours (E) or of messages
// (C). The market open and close in between change nothing here: orders rest and
// trade before and after.
func (d *Decoder) systemEvent(now int64, msg []byte) error {
	switch msg[11] {
	case 'O', 'S', 'Q', 'M':
		return nil
	case 'E', 'C':
		d.closed, d.owed = true, true
		d.Settle(now) // what the sink does not take now goes out before the next message
		return nil
	}
	return ErrValue
}

// stockDirectory binds a locate code to a configured instrument for the session
// and returns its book. bound is the book that the code names so far.
func (d *Decoder) stockDirectory(now int64, bound *book, msg []byte) (*book, error) {
	i := d.find(msg[11:19])
	b := &d.books[i]
	switch {
	case bound == b:
		return b, nil
	case bound != &d.books[0]:
		return bound, ErrValue // one code for two stocks
	case b.listed:
		return b, ErrValue // two codes for one stock
	}
	d.byLocate[locate(msg)] = i
	b.listed = true
	d.owed = !d.settleBook(now, b) || d.owed
	return b, nil
}

// find returns the index of the book of a padded symbol, 0 if there is none. It
// is used once per stock and session, so it need not be fast.
func (d *Decoder) find(text []byte) uint16 {
	for i := 1; i < len(d.books); i++ {
		if string(d.books[i].text[:]) == string(text) {
			return uint16(i)
		}
	}
	return 0
}

// tradingAction halts a book or sets it free. Halted, paused and quotation-only
// are one to us: nothing can be traded.
func (d *Decoder) tradingAction(now int64, b *book, msg []byte) error {
	switch msg[19] {
	case 'H', 'P', 'Q':
		b.halted = true
	case 'T':
		b.halted = false
	default:
		return ErrValue
	}
	d.owed = !d.settleBook(now, b) || d.owed
	return nil
}

// misfit counts a message that is not of the specification. One of a known type
// was meant for a book: that book is missing it now. An unknown type is passed
// over, since a venue may add types that do not concern books.
func (d *Decoder) misfit(now int64, msg []byte) error {
	d.stats.Messages++
	if len(msg) == 0 || lengths[msg[0]] != 0 {
		d.stats.Malformed++
		d.misfitBooks(now, msg)
		return refusal(msg, ErrLength)
	}
	d.stats.Unknown++
	return refusal(msg, ErrType)
}

func (d *Decoder) misfitBooks(now int64, msg []byte) {
	if len(msg) >= 3 {
		if i := d.byLocate[locate(msg)]; i != 0 {
			d.distrust(now, &d.books[i], event.ReasonMalformed)
		}
		return
	}
	for i := 1; i < len(d.books); i++ {
		d.distrust(now, &d.books[i], event.ReasonMalformed)
	}
}

// absurd counts a message whose values cannot be true, or cannot be kept, and
// takes its book out of use.
func (d *Decoder) absurd(now int64, b *book, msg []byte, err error) error {
	d.count(msg, &d.stats.Absurd)
	reason := event.ReasonAbsurd
	if err == ErrRefs {
		reason = event.ReasonBookFull
	}
	if b != &d.books[0] {
		d.distrust(now, b, reason)
	}
	return refusal(msg, err)
}
