package jsonws

import (
	"fmt"
	"math/bits"

	"penstock/event"
	"penstock/market"
)

// Kraken decodes the WebSocket v2 feed of Kraken: channel book, with its CRC32
// checked on every message, and channel trade.
type Kraken struct {
	outlet
	general general
	depth   int
	halted  bool           // the venue is not online
	ladders []krakenLadder // by index of books.all
	clock   clock
	heads   heads
	in      krakenBook
}

// krakenBook is one book message, in units of the pair's precision.
type krakenBook struct {
	book     *book
	snapshot bool
	checksum uint32
	time     int64 // ns since the epoch, negative when there is none that can be
	levels   []change
}

// KrakenDepths are the depths that can be subscribed to.
var KrakenDepths = []int{10, 25, 100, 500, 1000}

// NewKraken returns a decoder of books of the given depth, one of KrakenDepths.
func NewKraken(c Config, depth int) (*Kraken, error) {
	o, err := newOutlet(c)
	if err != nil {
		return nil, fmt.Errorf("kraken: %w", err)
	}
	o.heartbeat = true
	k := &Kraken{outlet: o, depth: depth, heads: heads{at: len(krakenUpdate)}}
	for i := range k.books.all {
		b := &k.books.all[i]
		b.priceShape.decimals, b.qtyShape.decimals = b.PricePrecision, b.QtyPrecision
	}
	for _, d := range KrakenDepths {
		if d == depth {
			for range k.books.all {
				k.ladders = append(k.ladders, newKrakenLadder(depth))
			}
			return k, nil
		}
	}
	return nil, fmt.Errorf("kraken: depth %d, must be one of %v", depth, KrakenDepths)
}

// Receive takes one message. It is nil when the message was of use or needed
// none; ErrNoRoom asks for the same message again; any other error is a
// *MessageError, after which the book that the message was for is STALE.
func (k *Kraken) Receive(now int64, msg []byte) error {
	if !k.Settle(now) {
		return ErrNoRoom
	}
	k.stats.Messages++
	if k.scan(msg) {
		k.stats.Scanned++
		return k.apply(now, msg)
	}
	return k.receiveGeneral(now, msg)
}

// How book messages begin.
const (
	krakenUpdate   = `{"channel":"book","type":"update","data":[{"symbol":"`
	krakenSnapshot = `{"channel":"book","type":"snapshot","data":[{"symbol":"`
)

// scan reads a book message in the venue's order of fields into k.in.
func (k *Kraken) scan(msg []byte) bool {
	s, in := scanner{b: msg}, &k.in
	in.snapshot, in.time, in.levels = false, -1, in.levels[:0]
	if h := k.heads.of(msg); h != nil {
		in.book, s.i = h.book, len(h.text)
	} else {
		if !s.literal(krakenUpdate) {
			if !s.literal(krakenSnapshot) {
				return false
			}
			in.snapshot = true
		}
		symbol, ok := s.text()
		if !ok {
			return false
		}
		if in.book = k.books.find(symbol); in.book == nil || !s.literal(`,"bids":[`) {
			return false
		}
		if !in.snapshot {
			k.heads.learn(msg, s.i, in.book, 0)
		}
	}
	if !k.scanSide(&s, market.Buy) || !s.literal(`,"asks":[`) || !k.scanSide(&s, market.Sell) ||
		!s.literal(`,"checksum":`) {
		return false
	}
	sum, ok := s.integer()
	if !ok || sum > 1<<32-1 {
		return false
	}
	in.checksum = uint32(sum)
	if s.literal(`,"timestamp":"`) {
		if in.time, ok = s.time(&k.clock); !ok {
			return false
		}
	}
	return s.literal(`}]}`) && s.end()
}

// scanSide reads levels and the closing bracket of their list.
func (k *Kraken) scanSide(s *scanner, side market.Side) bool {
	in := &k.in
	if s.char(']') {
		return true
	}
	b, i := s.b, s.i
	price, qty := &in.book.priceShape, &in.book.qtyShape
	for {
		if len(b)-i < 9 || string(b[i:i+8]) != `{"price"` || b[i+8] != ':' {
			return false
		}
		p, at := price.read(b, i+9, ',')
		if at < 0 || len(b)-at < 8 || p == 0 || string(b[at:at+7]) != `,"qty":` {
			return false
		}
		q, at := qty.read(b, at+7, '}')
		if at < 0 || len(b)-at < 2 {
			return false
		}
		in.levels = append(in.levels, levelOf(side, p, q))
		i = at + 2
		switch b[at+1] {
		case ']':
			s.i = i
			return true
		case ',':
		default:
			return false
		}
	}
}

// apply brings our copy up to date and tells the changes when the checksum says
// that the copy is the venue's book.
func (k *Kraken) apply(now int64, msg []byte) error {
	in, b := &k.in, k.in.book
	b.heard = now
	if in.time >= 0 {
		b.srcTime = in.time
	}
	if !in.snapshot && !b.live {
		k.stats.Early++
		return nil
	}
	ladder := &k.ladders[b.index]
	k.begin(now, b)
	if in.snapshot {
		ladder.clear()
	}
	for _, l := range in.levels {
		if ladder.of(l.side).set(l.price, l.qty) && !in.snapshot {
			if err := k.change(b, l); err != nil {
				return k.refuse(now, b, msg, err)
			}
		}
	}
	for _, side := range [2]*krakenSide{&ladder.bids, &ladder.asks} {
		if err := k.truncate(b, side, in.snapshot); err != nil {
			return k.refuse(now, b, msg, err)
		}
	}
	if ladder.checksum() != in.checksum {
		return k.refuse(now, b, msg, ErrChecksum)
	}
	if in.snapshot {
		if err := k.whole(b, ladder); err != nil {
			return k.refuse(now, b, msg, err)
		}
	}
	k.stats.ChecksumOK++
	k.stats.Used++
	k.tell(now)
	return nil
}

// truncate cuts a side to the subscribed depth: the venue does not say that those
// levels went, but will not say either when they change.
func (k *Kraken) truncate(b *book, side *krakenSide, quietly bool) error {
	for i := k.depth; i < len(side.rungs) && !quietly; i++ {
		if err := k.change(b, levelOf(side.side, side.rungs[i].price, 0)); err != nil {
			return err
		}
	}
	side.cut(k.depth)
	return nil
}

// whole lists the book from its snapshot.
func (k *Kraken) whole(b *book, ladder *krakenLadder) error {
	k.clear(nil)
	for _, side := range [2]*krakenSide{&ladder.bids, &ladder.asks} {
		for i := range side.rungs {
			r := &side.rungs[i]
			if err := k.change(b, levelOf(side.side, r.price, r.qty)); err != nil {
				return err
			}
		}
	}
	k.stats.Snapshots++
	b.live, b.resync = true, false
	k.status(k.state())
	return nil
}

func (k *Kraken) state() event.BookState {
	if k.halted {
		return event.BookHalted
	}
	return event.BookLive
}

// change lists a level in the instrument's units.
func (k *Kraken) change(b *book, l change) error {
	price, ok1 := rescale(l.price, b.PricePrecision, b.PriceDecimals)
	qty, ok2 := rescale(l.qty, b.QtyPrecision, b.QtyDecimals)
	if !ok1 || !ok2 {
		return ErrAbsurd
	}
	k.list = append(k.list, levelOf(l.side, price, qty))
	return nil
}

// rescale turns v / 10^from, not negative, into v' / 10^to; ok is false when that
// is not exact.
func rescale(v int64, from, to uint8) (scaled int64, ok bool) {
	if from > to {
		p := int64(pow10[from-to])
		return v / p, v%p == 0
	}
	hi, lo := bits.Mul64(uint64(v), pow10[to-from])
	return int64(lo), hi == 0 && lo < 1<<63
}
