package fixmd

import (
	"penstock/event"
	"penstock/market"
)

// change is one thing to tell about a book. kind 0 was given up.
type change struct {
	book  int32
	kind  event.Kind
	side  market.Side
	code  event.BookState
	more  bool
	price int64
	qty   int64
	ref   uint64 // order reference; of a quote its index in outlet.quotes
}

// outlet tells the sink what a message means. A message becomes a list of changes
// first, of one book or several, and is told when the list is complete. What the
// sink does not take at once is kept and told later, in order.
type outlet struct {
	venue market.VenueID
	sink  event.Sink
	stall int64
	books books
	stats Stats

	owing   bool // some book has STALE to tell
	wanting bool // some book wants a snapshot

	list     []change
	quotes   []event.Event // of the list
	next     int           // list[next:] has not been told
	received int64         // RecvTime of list
	srcTime  int64
	serial   uint64 // of the list
	patient  bool   // list holds a snapshot
	stuck    int64  // since when the sink takes nothing; 0 when it does
	e        event.Event
}

// begin starts the list of a message.
func (o *outlet) begin(now, srcTime int64) {
	o.list, o.next, o.received, o.srcTime, o.patient = o.list[:0], 0, now, srcTime, false
	o.serial++
}

func (o *outlet) level(b *book, side market.Side, price, qty int64) {
	o.list = append(o.list, change{book: int32(b.index), kind: event.BookLevel, side: side,
		price: price * b.priceK, qty: qty * b.qtyK})
}

func (o *outlet) order(b *book, kind event.Kind, ref uint64, side market.Side, price, qty int64) {
	o.list = append(o.list, change{book: int32(b.index), kind: kind, side: side, ref: ref,
		price: price, qty: qty})
}

func (o *outlet) status(b *book, state event.BookState) {
	o.list = append(o.list, change{book: int32(b.index), kind: event.BookStatus, code: state})
}

// finish sets the flags of a complete list and tells it as far as it goes now.
func (o *outlet) finish(now int64) {
	for i := len(o.list) - 1; i >= 0; i-- {
		c := &o.list[i]
		b := &o.books.all[c.book]
		c.more = b.moreBy == o.serial
		b.moreBy = o.serial
	}
	o.tell(now)
}

// tell gives the list to the sink, as far as it goes now.
func (o *outlet) tell(now int64) (done bool) {
	e := &o.e
	e.RecvTime, e.SrcTime, e.Venue = o.received, o.srcTime, o.venue
	for ; o.next < len(o.list); o.next++ {
		c := &o.list[o.next]
		b := &o.books.all[c.book]
		taken := false
		switch c.kind {
		case 0:
			continue
		case event.Quote, event.QuoteCancel:
			q := &o.quotes[c.ref]
			q.Flags = flags(c.more)
			taken = o.sink(q)
			if taken && q.Kind == event.Quote {
				b.told = event.BookLive
			}
		case event.PriceBand:
			e.Kind, e.Instrument, e.Side, e.Ref, e.Qty = c.kind, b.ID, 0, 0, 0
			e.Price, e.LastPx, e.Flags = market.Price(c.price), market.Price(c.qty), flags(c.more)
			taken = o.sink(e)
			e.LastPx = 0
		default:
			e.Kind, e.Instrument, e.Side = c.kind, b.ID, c.side
			e.Price, e.Qty, e.Ref = market.Price(c.price), market.Qty(c.qty), c.ref
			e.Flags = flags(c.more)
			if c.kind == event.BookStatus || c.kind == event.BookClear {
				taken = o.tellState(b, c)
			} else {
				taken = o.sink(e)
			}
		}
		if !taken {
			o.stats.NoRoom++
			if o.stuck == 0 {
				o.stuck = now
			}
			return false
		}
		o.stats.Events++
		o.stuck = 0
	}
	o.list, o.next, o.patient = o.list[:0], 0, false
	return true
}

func flags(more bool) event.Flags {
	if more {
		return event.More
	}
	return 0
}

// tellState is for the events that change what the sink believes of the book.
func (o *outlet) tellState(b *book, c *change) (taken bool) {
	e, state := &o.e, c.code
	switch {
	case c.kind == event.BookClear:
		state = event.BookSyncing
	case state == event.BookLive:
		e.Code, e.Reason = uint8(state), event.ReasonSnapshot
	default:
		e.Code, e.Reason = uint8(state), event.ReasonVenueState
	}
	taken = o.sink(e)
	e.Code, e.Reason = 0, event.ReasonNone
	if taken {
		b.told = state
	}
	return taken
}

// Settle tells what is owed: the rest of a message, and STALE. false means that
// the sink has no room, and Receive would take nothing.
func (o *outlet) Settle(now int64) bool {
	if o.next < len(o.list) && !o.tell(now) {
		if o.patient || now-o.stuck <= o.stall {
			return false
		}
		o.giveUp(now)
	}
	if !o.owing {
		return true
	}
	for i := range o.books.all {
		if b := &o.books.all[i]; b.owed != event.ReasonNone && !o.tellStale(now, b) {
			return false
		}
	}
	o.owing = false
	return true
}

// giveUp takes the books out of use whose changes the sink does not take in time.
func (o *outlet) giveUp(now int64) {
	for i := o.next; i < len(o.list); i++ {
		if c := &o.list[i]; c.kind != 0 {
			o.lose(now, &o.books.all[c.book], event.ReasonStale)
		}
	}
	o.list, o.next, o.stuck = o.list[:0], 0, 0
}

// lose takes a book out of use because something of it is missing or wrong; it
// wants a new snapshot. What was still to be told of it is given up.
func (o *outlet) lose(now int64, b *book, reason event.Reason) {
	for i := o.next; i < len(o.list); i++ {
		if c := &o.list[i]; int(c.book) == b.index && c.kind != 0 {
			c.kind = 0
			o.stats.Dropped++
		}
	}
	b.live, b.partial, b.resync, o.wanting = false, false, true, true
	b.held = b.held[:0]
	if b.told != event.BookStale {
		b.owed, o.owing = reason, true
		if o.next == len(o.list) {
			o.tellStale(now, b)
		}
	}
}

func (o *outlet) tellStale(now int64, b *book) bool {
	o.e = event.Event{RecvTime: now, Kind: event.BookStatus, Venue: o.venue, Instrument: b.ID,
		Code: uint8(event.BookStale), Reason: b.owed}
	taken := o.sink(&o.e)
	o.e = event.Event{}
	if !taken {
		o.stats.NoRoom++
		return false
	}
	o.stats.Events++
	b.told, b.owed = event.BookStale, event.ReasonNone
	return true
}

// loseAll takes every book out of use.
func (o *outlet) loseAll(now int64, reason event.Reason) {
	for i := range o.books.all {
		o.lose(now, &o.books.all[i], reason)
	}
}

// want asks for a snapshot of every book: the connection is new.
func (o *outlet) want() {
	for i := range o.books.all {
		b := &o.books.all[i]
		b.live, b.resync, o.wanting = false, true, true
	}
}

// Stats returns the counters. The pointer stays valid.
func (o *outlet) Stats() *Stats { return &o.stats }
