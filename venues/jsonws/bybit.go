package jsonws

import (
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
	return &Bybit{outlet: o, depth: uint64(depth), channel: fmt.Sprintf("orderbook.%d.", depth),
		last: make([]uint64, len(o.books.all))}, nil
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

// scan reads a message of an orderbook channel into y.in. Derivatives have the
// type before the time, spot after it.
func (y *Bybit) scan(msg []byte) bool {
	s, in := scanner{b: msg}, &y.in
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
	in.levels = in.levels[:0]
	if s.literal(`,"ts":`) {
		if in.time, ok = s.integer(); !ok || in.time > timeMax || !y.scanType(&s) {
			return false
		}
	} else if !y.scanType(&s) || !s.literal(`,"ts":`) {
		return false
	} else if in.time, ok = s.integer(); !ok || in.time > timeMax {
		return false
	}
	if !s.literal(`,"data":{"s":"`) || !s.literal(in.book.Text) || !s.literal(`","b":[`) {
		return false
	}
	if in.levels, ok = scanLadder(&s, in.levels, market.Buy, in.book); !ok || !s.literal(`,"a":[`) {
		return false
	}
	if in.levels, ok = scanLadder(&s, in.levels, market.Sell, in.book); !ok || !s.literal(`,"u":`) {
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

func (y *Bybit) scanType(s *scanner) bool {
	y.in.snapshot = false
	if s.literal(`,"type":"delta"`) {
		return true
	}
	y.in.snapshot = true
	return s.literal(`,"type":"snapshot"`)
}

// scanLadder reads levels, ["65114.20","6.054"] each, and the closing bracket of
// their list, whose opening one was taken before.
func scanLadder(s *scanner, dst []change, side market.Side, of *book) ([]change, bool) {
	symbol := &of.Symbol
	if symbol.Contract == 0 {
		return s.levels(dst, side, &of.priceShape, &of.qtyShape)
	}
	if s.char(']') {
		return dst, true
	}
	for {
		price, qty, ok := s.pair(symbol.PriceDecimals, 0)
		if !ok || price == 0 {
			return dst, false
		}
		l := levelOf(side, price, qty)
		if l.check(symbol) != nil {
			return dst, false
		}
		dst = append(dst, l)
		if !s.char(',') {
			return dst, s.char(']')
		}
	}
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
	case !b.live:
		y.stats.Early++
		return nil
	case in.update != *last+1:
		return y.refuse(now, b, msg, ErrGap)
	default:
		y.begin(now, b)
		y.list, in.levels = in.levels, y.list
	}
	*last = in.update
	y.stats.Used++
	y.tell(now)
	return nil
}
