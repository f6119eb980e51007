package jsonws

import (
	"fmt"

	"penstock/event"
	"penstock/market"
)

// Config is what every decoder needs.
type Config struct {
	Venue   market.VenueID
	Symbols []Symbol
	Sink    event.Sink
	// StallNanos is how long the sink may have no room for the rest of an update
	// before the book is given up. A snapshot waits for as long as it takes.
	StallNanos int64
}

// DefaultStallNanos suits rings that a running core empties.
const DefaultStallNanos = 10_000_000

// Stats counts since the start.
type Stats struct {
	Messages     uint64 // given to Receive and taken
	Used         uint64 // changed a book or was a trade
	Service      uint64 // heartbeats, confirmations, tickers, status
	Ignored      uint64 // concern an instrument that is not configured
	Early        uint64 // updates of a book that waits for its snapshot, not kept
	Unknown      uint64 // of a kind that the decoder does not know
	Malformed    uint64
	Absurd       uint64 // impossible value
	Beyond       uint64 // levels with a price or size beyond our numbers, see outlet.bound
	Gaps         uint64 // breaks in the venue's numbering
	TradesMissed uint64 // by the numbers of trades; books do not depend on them
	ChecksumOK   uint64
	ChecksumBad  uint64
	Snapshots    uint64
	Scanned      uint64 // read by the hand scanner
	Refused      uint64 // subscriptions that the venue refused
	Overflows    uint64 // times that more updates came before a snapshot than are kept
	Shutdowns    uint64 // times that the venue announced the end of the connection
	Events       uint64
	NoRoom       uint64 // times the sink had no room
	Dropped      uint64 // events given up for that; their books went STALE
}

// book is what a decoder knows of one instrument's book at the venue, and what
// the receivers of its events believe of it.
type book struct {
	Symbol
	text  []byte
	index int // in books.all

	priceShape, qtyShape shape // of the numbers of its levels

	live       bool            // a snapshot was taken and nothing was lost since
	told       event.BookState // last state that the sink took
	owed       event.Reason    // why the sink has to hear STALE yet; ReasonNone: it has not
	resync     bool            // a new snapshot is wanted
	confirmed  bool            // the venue confirmed the subscription
	heard      int64           // when the venue last mentioned it, ns since epoch
	srcTime    int64           // last source time, ns since epoch
	subscribed int64           // when the subscription was last sent; 0 not since the connect
	retries    int             // snapshots asked for in a row
	trade      uint64          // number of the last trade told
}

// change is one thing to tell about a book.
type change struct {
	price int64
	qty   int64
	ref   uint64 // of an order
	kind  event.Kind
	side  market.Side
	code  event.BookState
}

func levelOf(side market.Side, price, qty int64) change {
	return change{price: price, qty: qty, kind: event.BookLevel, side: side}
}

// outlet tells the sink what a message means. A message becomes a list of
// changes of one book first, and is told when the list is complete. What the
// sink does not take at once is kept and told later, in order. What is noted of
// every message holds no pointer, and decoders write none that is there already:
// while the collector runs, writing one is slow.
type outlet struct {
	venue market.VenueID
	sink  event.Sink
	stall int64
	books books
	stats Stats

	heartbeat    bool // the venue sends a heartbeat when nothing else is sent
	ownHeartbeat bool // the venue sends a heartbeat for each instrument
	owing        bool // some book has STALE to tell
	wanting      bool // some book may want a snapshot

	list     []change
	next     int   // list[next:] has not been told
	of       int   // 1 + index in books.all of the book of list; 0 when all of it is told
	received int64 // RecvTime of list
	snapshot bool  // list replaces the book
	stuck    int64 // since when the sink takes nothing; 0 when it does
	e        event.Event
}

func newOutlet(c Config) (o outlet, err error) {
	if c.Sink == nil {
		return o, fmt.Errorf("no sink")
	}
	if c.StallNanos <= 0 {
		return o, fmt.Errorf("StallNanos must be positive")
	}
	o = outlet{venue: c.Venue, sink: c.Sink, stall: c.StallNanos}
	o.books, err = newBooks(c.Symbols)
	return o, err
}

// Stats returns the counters. The pointer stays valid.
func (o *outlet) Stats() *Stats { return &o.stats }

// begin starts the list of b.
func (o *outlet) begin(now int64, b *book) {
	o.list, o.next, o.of, o.received, o.snapshot = o.list[:0], 0, b.index+1, now, false
}

// discard forgets the list.
func (o *outlet) discard() {
	o.list, o.next, o.of, o.snapshot, o.stuck = o.list[:0], 0, 0, false, 0
}

func (o *outlet) trade(aggressor market.Side, price, qty int64) {
	o.list = append(o.list, change{price: price, qty: qty, kind: event.MarketTrade, side: aggressor})
}

// clear lists BookClear and the levels of the snapshot that replaces the book.
func (o *outlet) clear(levels []change) {
	o.snapshot = true
	o.list = append(o.list, change{kind: event.BookClear})
	for _, l := range levels {
		if l.qty > 0 {
			o.list = append(o.list, l)
		}
	}
}

func (o *outlet) status(state event.BookState) {
	o.list = append(o.list, change{kind: event.BookStatus, code: state})
}

// tell gives the list to the sink, as far as it goes now.
func (o *outlet) tell(now int64) (done bool) {
	n, room := o.tellLevels(now, o.list[o.next:])
	if o.next += n; !room {
		return false
	}
	e := &o.e
	for o.next < len(o.list) {
		c := &o.list[o.next]
		if c.kind == event.BookLevel && (c.price > int64(market.MaxPrice) || c.qty > int64(market.MaxQty)) {
			o.bound(c)
		}
		e.Kind, e.Side = c.kind, c.side
		e.Price, e.Qty = market.Price(c.price), market.Qty(c.qty)
		e.Flags = 0
		if o.next+1 < len(o.list) {
			e.Flags = event.More
		}
		taken := false
		switch c.kind {
		case event.BookClear, event.BookStatus:
			taken = o.tellState(c.code, c.kind)
		default:
			e.Ref = c.ref
			taken = o.sink(e)
			e.Ref = 0
		}
		if !taken {
			o.stats.NoRoom++
			if o.stuck == 0 {
				o.stuck = now
			}
			return false
		}
		o.stats.Events++
		o.next++
		o.stuck = 0
	}
	o.of = 0
	return true
}

// tellChanges is tell for changes that are not in the list, which begin left empty.
// Only what the sink does not take gets there.
func (o *outlet) tellChanges(now int64, changes []change) {
	n, room := o.tellLevels(now, changes)
	if n == len(changes) {
		o.of = 0
		return
	}
	if o.list = append(o.list, changes[n:]...); room {
		o.tell(now)
	}
}

// bound makes a level one that a book can hold. There are orders for the fun of it: a
// million coins bid for a cent each, one coin offered at ten million. A size that no
// number of ours holds is told as the largest one; a price that none holds is out of
// reach, and deleting it there tells nothing.
func (o *outlet) bound(c *change) {
	o.stats.Beyond++
	c.qty = min(c.qty, int64(market.MaxQty))
	if c.price > int64(market.MaxPrice) {
		c.price, c.qty = int64(market.MaxPrice), 0
	}
}

// tellLevels tells the levels at the front of a list: mostly that is all of it. n is
// how many were taken.
func (o *outlet) tellLevels(now int64, list []change) (n int, room bool) {
	e, b := &o.e, o.current()
	e.RecvTime, e.SrcTime = o.received, b.srcTime
	e.Venue, e.Instrument = o.venue, b.ID
	e.Kind, e.Flags = event.BookLevel, event.More
	for i := range list {
		c := &list[i]
		if c.kind != event.BookLevel {
			o.levelsTold(i)
			return i, true
		}
		if i+1 == len(list) {
			e.Flags = 0
		}
		if c.price > int64(market.MaxPrice) || c.qty > int64(market.MaxQty) {
			o.bound(c)
		}
		e.Side, e.Price, e.Qty = c.side, market.Price(c.price), market.Qty(c.qty)
		if !o.sink(e) {
			o.levelsTold(i)
			o.stats.NoRoom++
			if o.stuck == 0 {
				o.stuck = now
			}
			return i, false
		}
	}
	o.levelsTold(len(list))
	return len(list), true
}

func (o *outlet) levelsTold(n int) {
	o.stats.Events += uint64(n)
	if n > 0 {
		o.stuck = 0
	}
}

// current is the book of the list.
func (o *outlet) current() *book { return &o.books.all[o.of-1] }

// tellState is for the events that change what the sink believes of the book.
func (o *outlet) tellState(state event.BookState, kind event.Kind) (taken bool) {
	e := &o.e
	switch {
	case kind == event.BookClear:
		state = event.BookSyncing
	case state == event.BookHalted:
		e.Code, e.Reason = uint8(state), event.ReasonVenueState
	default:
		e.Code, e.Reason = uint8(state), event.ReasonSnapshot
	}
	taken = o.sink(e)
	e.Code, e.Reason = 0, event.ReasonNone
	if taken {
		o.current().told = state
	}
	return taken
}

// Settle tells what is owed: the rest of a message, and STALE. false means that
// the sink has no room, and Receive would take nothing.
func (o *outlet) Settle(now int64) bool {
	if o.of != 0 && !o.tell(now) {
		if o.snapshot || now-o.stuck <= o.stall {
			return false
		}
		o.lose(now, o.current(), event.ReasonStale)
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

// lose takes a book out of use because something of it is missing or wrong; it
// wants a new snapshot. What was still to be told of it is given up.
func (o *outlet) lose(now int64, b *book, reason event.Reason) {
	if o.of == b.index+1 {
		o.stats.Dropped += uint64(len(o.list) - o.next)
		o.discard()
	}
	b.live, b.resync, o.wanting = false, true, true
	if b.told != event.BookStale {
		b.owed, o.owing = reason, true
		if o.of == 0 {
			o.tellStale(now, b)
		}
	}
}

func (o *outlet) tellStale(now int64, b *book) bool {
	o.e = event.Event{
		RecvTime: now, Kind: event.BookStatus, Venue: o.venue, Instrument: b.ID,
		Code: uint8(event.BookStale), Reason: b.owed,
	}
	taken := o.sink(&o.e)
	o.e.Code, o.e.Reason = 0, event.ReasonNone
	if !taken {
		o.stats.NoRoom++
		return false
	}
	o.stats.Events++
	b.told, b.owed = event.BookStale, event.ReasonNone
	return true
}

// loseAll takes every book out of use: the connection broke, or something came
// that cannot be read and may have been meant for any of them.
func (o *outlet) loseAll(now int64, reason event.Reason) {
	for i := range o.books.all {
		o.lose(now, &o.books.all[i], reason)
	}
}

// refuseTrade counts a trade that was not used. Books do not depend on it.
func (o *outlet) refuseTrade(msg []byte, b *book, err error) error {
	o.discard()
	if err == ErrAbsurd {
		o.stats.Absurd++
	} else {
		o.stats.Malformed++
	}
	return &MessageError{Symbol: b.Text, Text: string(msg[:min(len(msg), excerptMax)]), Err: err}
}
