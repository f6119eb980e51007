package jsonws

import (
	"bytes"
	"fmt"
	"slices"

	"penstock/event"
	"penstock/market"
)

// Bybit decodes the WebSocket v5 feed of Bybit, spot and derivatives: channels
// orderbook.{depth} and publicTrade. Update numbers of a book have no holes; any
// snapshot replaces the book. Spot and derivatives use the same names on
// different connections: one decoder each.
type Bybit struct {
	outlet
	general general
	depth   uint64
	channel string   // orderbook.200.
	last    []uint64 // number of the last update in the book, by index of books.all
	heads   heads
	in      bybitBook
}

// bybitBook is one message of an orderbook channel.
type bybitBook struct {
	book     *book
	snapshot bool
	update   uint64 // "u"
	time     uint64 // "cts" of the matching engine, else "ts"; ms since epoch
	levels   []change
}

// BybitDepths are the depths that can be subscribed to, 500 until 2025.
var BybitDepths = []int{1, 50, 200, 500, 1000}

// NewBybit returns a decoder of books of the given depth, one of BybitDepths.
func NewBybit(c Config, depth int) (*Bybit, error) {
	o, err := newOutlet(c)
	if err != nil {
		return nil, fmt.Errorf("bybit: %w", err)
	}
	if !slices.Contains(BybitDepths, depth) {
		return nil, fmt.Errorf("bybit: depth %d, must be one of %v", depth, BybitDepths)
	}
	channel := fmt.Sprintf("orderbook.%d.", depth)
	return &Bybit{outlet: o, depth: uint64(depth), channel: channel, last: make([]uint64, len(o.books.all)),
		heads: heads{at: len(`{"topic":"`) + len(channel)}}, nil
}

// Receive takes one message; see Kraken.Receive for its errors.
func (y *Bybit) Receive(now int64, msg []byte) error {
	if !y.Settle(now) {
		return ErrNoRoom
	}
	y.stats.Messages++
	if y.scan(msg) {
		y.stats.Scanned++
		return y.apply(now, msg)
	}
	return y.receiveGeneral(now, msg)
}

// scan reads a message of an orderbook channel into y.in.
func (y *Bybit) scan(msg []byte) bool {
	s, in := scanner{b: msg}, &y.in
	ok := false
	in.levels = in.levels[:0]
	if h := y.heads.of(msg); h != nil {
		in.snapshot, s.i = false, len(h.text)
		if in.book != h.book { // see outlet
			in.book = h.book
		}
		if in.time, ok = s.integer(); !ok || in.time > timeMax || !bytes.HasPrefix(msg[s.i:], h.more) {
			return false
		}
		s.i += len(h.more)
	} else if !y.scanHead(&s) {
		return false
	}
	if !s.levelsOf(&in.levels, market.Buy, in.book) || !s.literal(`,"a":[`) {
		return false
	}
	if !s.levelsOf(&in.levels, market.Sell, in.book) || !s.literal(`,"u":`) {
		return false
	}
	if in.update, ok = s.integer(); !ok || !s.literal(`,"seq":`) {
		return false
	}
	if _, ok = s.integer(); !ok || !s.char('}') {
		return false
	}
	if s.literal(`,"cts":`) {
		if in.time, ok = s.integer(); !ok || in.time > timeMax {
			return false
		}
	}
	return s.char('}') && s.end()
}

// scanHead reads up to the first bid. Derivatives have the type before the time,
// spot after it.
func (y *Bybit) scanHead(s *scanner) bool {
	in := &y.in
	if !s.literal(`{"topic":"orderbook.`) {
		return false
	}
	depth, ok := s.integer()
	if !ok || depth != y.depth || !s.char('.') {
		return false
	}
	symbol, ok := s.text()
	if !ok {
		return false
	}
	if in.book = y.books.find(symbol); in.book == nil {
		return false
	}
	at, after := 0, 0 // where the time is
	if s.literal(`,"ts":`) {
		at = s.i
		if in.time, ok = s.integer(); !ok || in.time > timeMax {
			return false
		}
		if after = s.i; !y.scanType(s) {
			return false
		}
	} else {
		if !y.scanType(s) || !s.literal(`,"ts":`) {
			return false
		}
		at = s.i
		if in.time, ok = s.integer(); !ok || in.time > timeMax {
			return false
		}
		after = s.i
	}
	if !s.literal(`,"data":{"s":"`) || !s.literal(in.book.Text) || !s.literal(`","b":[`) {
		return false
	}
	if !in.snapshot {
		y.heads.learn(s.b, at, in.book, 0)
		if h := y.heads.slot(s.b); h != nil {
			h.more = append(h.more[:0], s.b[after:s.i]...)
		}
	}
	return true
}

func (y *Bybit) scanType(s *scanner) bool {
	y.in.snapshot = false
	if s.literal(`,"type":"delta"`) {
		return true
	}
	y.in.snapshot = true
	return s.literal(`,"type":"snapshot"`)
}

// apply tells a message that was read whole. Number 1 is a snapshot after a
// restart of the service, whatever it is called.
func (y *Bybit) apply(now int64, msg []byte) error {
	in, b := &y.in, y.in.book
	b.heard, b.srcTime = now, int64(in.time)*1_000_000
	last := &y.last[b.index]
	switch {
	case in.snapshot || in.update == 1:
		y.begin(now, b)
		y.clear(in.levels)
		y.status(event.BookLive)
		b.live, b.resync = true, false
		y.stats.Snapshots++
		y.tell(now)
	case !b.live:
		y.stats.Early++
		return nil
	case in.update != *last+1:
		return y.refuse(now, b, msg, ErrGap)
	default:
		y.begin(now, b)
		y.tellChanges(now, in.levels)
	}
	*last = in.update
	y.stats.Used++
	return nil
}
