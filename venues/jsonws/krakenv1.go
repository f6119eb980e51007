package jsonws

import (
	"bytes"
	"fmt"
	"hash/crc32"

	"penstock/event"
	"penstock/market"
)

// KrakenV1 decodes the WebSocket v1 feed of Kraken: channel book, with its CRC32
// checked on every update, and channel trade. Symbols are named as in its pair
// field, XBT/USD.
//
// The checksum is over the digits that the venue sent, so the pair's precision
// need not be configured: PricePrecision and QtyPrecision are not used. A v1
// snapshot has no checksum; the first update proves it.
type KrakenV1 struct {
	outlet
	general general
	wrapped []byte // see parse
	depth   int
	name    string       // of the book channel: book-25
	channel string       // ,"book-25"," is what comes before the pair
	halted  bool         // the venue is not online
	ladders []textLadder // by index of books.all
	in      krakenV1Book
	digits  []krakenV1Digits // by index of books.all
}

// krakenV1Digits is what the checksum of a book was last made from.
type krakenV1Digits struct {
	asks, bids krakenV1Side
}

type krakenV1Side struct {
	n    int
	text [(checksumDepth + 1) * textMax]byte
}

// krakenV1Book is one book message.
type krakenV1Book struct {
	book     *book
	snapshot bool
	checksum uint32
	time     int64 // latest of its levels that is not a repetition, ns since epoch; 0 none
	levels   []textLevel
}

// NewKrakenV1 returns a decoder of books of the given depth, one of KrakenDepths.
func NewKrakenV1(c Config, depth int) (*KrakenV1, error) {
	o, err := newOutlet(c)
	if err != nil {
		return nil, fmt.Errorf("kraken v1: %w", err)
	}
	if err := noContracts("kraken v1", &o); err != nil {
		return nil, err
	}
	name := fmt.Sprintf("book-%d", depth)
	k := &KrakenV1{outlet: o, depth: depth, name: name, channel: `,"` + name + `","`,
		digits: make([]krakenV1Digits, len(o.books.all))}
	for _, d := range KrakenDepths {
		if d == depth {
			for range k.books.all {
				k.ladders = append(k.ladders, newTextLadder(depth, checksumDepth))
			}
			return k, nil
		}
	}
	return nil, fmt.Errorf("kraken v1: depth %d, must be one of %v", depth, KrakenDepths)
}

// noContracts refuses symbols in contracts for a venue that has none.
func noContracts(venue string, o *outlet) error {
	for i := range o.books.all {
		if b := &o.books.all[i]; b.Contract != 0 {
			return fmt.Errorf("%s: symbol %s: has no contracts", venue, b.Text)
		}
	}
	return nil
}

// Receive takes one message; see Kraken.Receive for its errors.
func (k *KrakenV1) Receive(now int64, msg []byte) error {
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

// scan reads a book update such as
//
//	[1920,{"a":[[price,volume,time]]},{"b":[[…,"r"]],"c":"123"},"book-25","XBT/USD"]
//
// into k.in. The pair, which the scale of the numbers depends on, comes last and
// is looked at first.
func (k *KrakenV1) scan(msg []byte) bool {
	if !bytes.HasSuffix(msg, []byte(`"]`)) {
		return false
	}
	pair := bytes.LastIndexByte(msg[:len(msg)-2], '"') + 1
	end := pair - len(k.channel)
	if end < 0 || string(msg[end:pair]) != k.channel {
		return false
	}
	in := &k.in
	if in.book = k.books.find(msg[pair : len(msg)-2]); in.book == nil {
		return false
	}
	in.levels, in.snapshot, in.time = in.levels[:0], false, 0
	s := scanner{b: msg[:end]}
	if !s.char('[') {
		return false
	}
	if _, ok := s.integer(); !ok || !s.literal(`,{"`) {
		return false
	}
	if s.literal(`a":[`) {
		if !k.scanSide(&s, market.Sell) {
			return false
		}
		if s.literal(`},{"b":[`) && !k.scanSide(&s, market.Buy) {
			return false
		}
	} else if !s.literal(`b":[`) || !k.scanSide(&s, market.Buy) {
		return false
	}
	if !s.literal(`,"c":"`) {
		return false
	}
	sum, ok := s.integer()
	in.checksum = uint32(sum)
	return ok && sum <= 1<<32-1 && s.literal(`"}`) && s.end()
}

// scanSide reads at least one level and the closing bracket of their list.
func (k *KrakenV1) scanSide(s *scanner, side market.Side) bool {
	in := &k.in
	for {
		l := textLevel{side: side}
		if !l.scan(s, in.book.PriceDecimals, in.book.QtyDecimals) {
			return false
		}
		micros, ok := s.decimal(6)
		if !ok || micros > microsMax || !s.char('"') {
			return false
		}
		if !s.literal(`,"r"`) {
			in.time = max(in.time, micros*1000)
		}
		in.levels = append(in.levels, l)
		if !s.char(']') {
			return false
		}
		if !s.char(',') {
			return s.char(']')
		}
	}
}

// microsMax is 2200-01-01 in µs: a later time is no time.
const microsMax = timeMax * 1000

// apply brings our copy up to date and tells the changes when the checksum says
// that the copy is the venue's book.
func (k *KrakenV1) apply(now int64, msg []byte) error {
	in, b := &k.in, k.in.book
	b.heard = now
	if in.time != 0 {
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
	for i := range in.levels {
		k.set(ladder, &in.levels[i])
	}
	k.truncate(&ladder.bids)
	k.truncate(&ladder.asks)
	if in.snapshot {
		k.list = k.list[:0]
		k.clear(nil)
		k.list = ladder.list(k.list)
		k.stats.Snapshots++
		b.live, b.resync = true, false
		k.status(k.state())
	} else {
		if k.digits[b.index].checksum(ladder) != in.checksum {
			return k.refuse(now, b, msg, ErrChecksum)
		}
		k.stats.ChecksumOK++
	}
	k.stats.Used++
	k.tell(now)
	return nil
}

func (k *KrakenV1) set(ladder *textLadder, l *textLevel) {
	side := ladder.of(l.side)
	if l.gone {
		if side.remove(l.price) {
			k.list = append(k.list, levelOf(l.side, l.price, 0))
		}
		return
	}
	r, changed := side.put(l.price, l.qty)
	n := appendDigits(&r.text, 0, l.priceText)
	r.size = uint8(appendDigits(&r.text, n, l.qtyText))
	if changed {
		k.list = append(k.list, levelOf(l.side, l.price, l.qty))
	}
}

// appendDigits puts text without its point and leading zeros at dst[n:] and
// returns where that ends.
func appendDigits(dst *[textMax]byte, n int, text []byte) int {
	leading := true
	for _, c := range text {
		if c == '.' || leading && c == '0' {
			continue
		}
		leading = false
		dst[n] = c
		n++
	}
	return n
}

// truncate cuts a side to the subscribed depth: the venue does not say that those
// levels went, but will not say either when they change.
func (k *KrakenV1) truncate(side *textSide) {
	for len(side.keys) > k.depth {
		k.list = append(k.list, levelOf(side.side, side.keys[0].price, 0))
		side.drop()
	}
}

// checksum is CRC32 (IEEE) over the ten best asks, then the ten best bids.
func (d *krakenV1Digits) checksum(ladder *textLadder) uint32 {
	d.asks.update(&ladder.asks)
	d.bids.update(&ladder.bids)
	sum := crc32.ChecksumIEEE(d.asks.text[:d.asks.n])
	return crc32.Update(sum, crc32.IEEETable, d.bids.text[:d.bids.n])
}

// update collects the digits of a side again when they may have changed.
func (d *krakenV1Side) update(side *textSide) {
	if !side.stale {
		return
	}
	side.stale = false
	n := 0
	for i := range checksumDepth {
		r := side.best(i)
		if r == nil {
			break
		}
		*(*[textMax]byte)(d.text[n:]) = r.text // the whole, which is quicker than its part
		n += int(r.size)
	}
	d.n = n
}

func (k *KrakenV1) state() event.BookState {
	if k.halted {
		return event.BookHalted
	}
	return event.BookLive
}
