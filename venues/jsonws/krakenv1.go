package jsonws

import (
	"bytes"
	"encoding/binary"
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
	tails   tails
	in      krakenV1Book
	digits  []krakenV1Digits // by index of books.all
}

// krakenV1Digits is what the checksum of a book was last made from.
type krakenV1Digits struct {
	asks, bids krakenV1Side
	asksSum    uint32 // checksum of the asks alone
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
		digits: make([]krakenV1Digits, len(o.books.all)), tails: tails{back: len(krakenV1Tail) + tailMark}}
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
	in := &k.in
	end := 0
	if h := k.tails.of(msg); h != nil {
		in.book, end = h.book, len(msg)-len(h.text)
	} else if end = k.scanTail(msg); end < 0 {
		return false
	}
	in.levels, in.snapshot, in.time = in.levels[:0], false, 0
	s := scanner{b: msg}
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
	return ok && sum <= 1<<32-1 && s.literal(`"}`) && s.i == end
}

// krakenV1Tail closes a message behind the pair.
const krakenV1Tail = `"]`

// scanTail finds the book of an update by its end, and where that begins; it is
// negative when it is none of the book channel.
func (k *KrakenV1) scanTail(msg []byte) int {
	if !bytes.HasSuffix(msg, []byte(krakenV1Tail)) {
		return -1
	}
	close := len(msg) - len(krakenV1Tail)
	pair := bytes.LastIndexByte(msg[:close], '"') + 1
	end := pair - len(k.channel)
	if end < 0 || string(msg[end:pair]) != k.channel {
		return -1
	}
	if k.in.book = k.books.find(msg[pair:close]); k.in.book == nil {
		return -1
	}
	k.tails.learn(msg, end, k.in.book)
	return end
}

// scanSide reads at least one level and the closing bracket of their list.
func (k *KrakenV1) scanSide(s *scanner, side market.Side) bool {
	in := &k.in
	symbol := &in.book.Symbol
	for {
		b, start := s.b, s.i+2
		if start > len(b) || b[start-2] != '[' || b[start-1] != '"' {
			return false
		}
		price, front, end := quotedAt(b, start, symbol.PriceDecimals)
		if end < 0 || len(b)-end < 3 || b[end+1] != ',' || b[end+2] != '"' || price == 0 {
			return false
		}
		next := end + 3
		qty, whole, at := quotedAt(b, next, symbol.QtyDecimals)
		if at < 0 || len(b)-at < 3 || b[at+1] != ',' || b[at+2] != '"' || !fits(b[start:end], b[next:at]) {
			return false
		}
		in.levels = levelAfter(in.levels)
		l := &in.levels[len(in.levels)-1]
		l.price, l.qty, l.gone, l.side = price, qty, qty == 0, side
		l.sum.size = 0
		l.sum.addDigitsAt(b, start, end-start, front)
		l.sum.addDigitsAt(b, next, at-next, whole)
		s.i = at + 3
		micros, ok := s.micros()
		if !ok || micros > microsMax || !s.char('"') {
			return false
		}
		if !s.literal(`,"r"`) {
			in.time = max(in.time, micros*1000)
		}
		if !s.char(']') {
			return false
		}
		if !s.char(',') {
			return s.char(']')
		}
	}
}

// micros takes seconds since the epoch with up to six digits behind the point,
// usually 1618678133.929074, as µs.
func (s *scanner) micros() (int64, bool) {
	const size = len("1618678133.929074")
	if len(s.b)-s.i > size {
		b := s.b[s.i:]
		x := binary.LittleEndian.Uint64(b) ^ zeros
		y := binary.LittleEndian.Uint64(b[size-8:]) ^ zeros
		fraction := y &^ 0xFFFF // y is the last digit before the point, the point, and those behind
		if ((x+noDigit|x)|(fraction+noDigit|fraction))&highBits == 0 && y>>8&0xFF == '.'^'0' &&
			x&0xFF != 0 && y&0xFF <= 9 && b[8]-'0' <= 9 && b[size]-'0' > 9 {
			seconds := joined(x)*100 + uint64(b[8]-'0')*10 + y&0xFF
			s.i += size
			return int64(seconds*1_000_000 + joined(fraction)), true
		}
	}
	return s.decimal(6)
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
	k.list = ladder.apply(k.list, in.levels)
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

// truncate cuts a side to the subscribed depth: the venue does not say that those
// levels went, but will not say either when they change.
func (k *KrakenV1) truncate(side *textSide) {
	for side.size() > k.depth {
		k.list = append(k.list, levelOf(side.side, side.drop(), 0))
	}
}

// checksum is CRC32 (IEEE) over the ten best asks, then the ten best bids.
func (d *krakenV1Digits) checksum(ladder *textLadder) uint32 {
	if d.asks.update(&ladder.asks) {
		d.asksSum = crc32.ChecksumIEEE(d.asks.text[:d.asks.n])
	}
	d.bids.update(&ladder.bids)
	return crc32.Update(d.asksSum, crc32.IEEETable, d.bids.text[:d.bids.n])
}

// update collects the digits of a side again when they may have changed, which it
// reports.
func (d *krakenV1Side) update(side *textSide) bool {
	if !side.stale {
		return false
	}
	side.stale = false
	n, i := 0, len(side.keys)
	var r *textRung
	for range checksumDepth {
		if r, i = side.next(i); r == nil {
			break
		}
		*(*[textMax]byte)(d.text[n:]) = r.sum.text // the whole, which is quicker than its part
		n += int(r.sum.size)
	}
	d.n = n
	return true
}

func (k *KrakenV1) state() event.BookState {
	if k.halted {
		return event.BookHalted
	}
	return event.BookLive
}
