package jsonws

import (
	"fmt"
	"hash/crc32"

	"penstock/event"
	"penstock/market"
)

// OKX decodes the WebSocket v5 feed of OKX: channels books (and books-l2-tbt,
// books50-l2-tbt, which have its form) and trades. Symbols are instrument ids,
// BTC-USDT. A book is guarded by its CRC32 over the 25 best levels of each side,
// as written by the venue, and by seqId; messages of 2022 have no seqId, and a
// message without a checksum must have one.
//
// Sizes of derivatives are in contracts. Symbol.Contract converts those whose
// contract is an amount of the price's currency (ctMult 1, ctType inverse).
type OKX struct {
	outlet
	general general
	ladders []textLadder // by index of books.all
	last    []int64      // seqId of the last message in the book, by index
	in      okxBook
	digits  [(2*okxChecksumDepth + 1) * (textMax + 1)]byte
}

// okxBook is one message of a book channel.
type okxBook struct {
	book     *book
	snapshot bool
	summed   bool // it has a checksum
	numbered bool // it has prevSeqId and seqId
	checksum int32
	previous int64
	seq      int64
	time     uint64 // ms since epoch
	levels   []textLevel
}

const (
	okxChecksumDepth = 25
	okxDepth         = 400  // levels of a side in channel books
	okxDepthMax      = 5000 // more is no book
)

// NewOKX returns a decoder. It subscribes to books and trades.
func NewOKX(c Config) (*OKX, error) {
	o, err := newOutlet(c)
	if err != nil {
		return nil, fmt.Errorf("okx: %w", err)
	}
	x := &OKX{outlet: o, last: make([]int64, len(o.books.all))}
	for range o.books.all {
		x.ladders = append(x.ladders, newTextLadder(okxDepth, okxChecksumDepth))
	}
	return x, nil
}

// Receive takes one message; see Kraken.Receive for its errors.
func (x *OKX) Receive(now int64, msg []byte) error {
	if !x.Settle(now) {
		return ErrNoRoom
	}
	x.stats.Messages++
	if string(msg) == "pong" {
		x.stats.Service++
		return nil
	}
	if x.scan(msg) {
		x.stats.Scanned++
		return x.apply(now, msg)
	}
	return x.receiveGeneral(now, msg)
}

// scan reads a message of channel books into x.in.
func (x *OKX) scan(msg []byte) bool {
	s, in := scanner{b: msg}, &x.in
	if !s.literal(`{"arg":{"channel":"books","instId":"`) {
		return false
	}
	symbol, ok := s.text()
	if !ok {
		return false
	}
	*in = okxBook{book: x.books.find(symbol), levels: in.levels[:0]}
	if in.book == nil || !s.literal(`},"action":"`) {
		return false
	}
	if !s.literal(`update","data":[{"asks":[`) {
		if !s.literal(`snapshot","data":[{"asks":[`) {
			return false
		}
		in.snapshot = true
	}
	if !x.scanSide(&s, market.Sell) || !s.literal(`,"bids":[`) || !x.scanSide(&s, market.Buy) ||
		!s.literal(`,"ts":"`) {
		return false
	}
	if in.time, ok = s.integer(); !ok || in.time > timeMax || !s.char('"') {
		return false
	}
	if s.literal(`,"checksum":`) {
		sum, ok := signed(&s)
		if !ok || sum < -1<<31 || sum > 1<<31-1 {
			return false
		}
		in.checksum, in.summed = int32(sum), true
	}
	if s.literal(`,"prevSeqId":`) {
		if in.previous, ok = signed(&s); !ok || !s.literal(`,"seqId":`) {
			return false
		}
		if in.seq, ok = signed(&s); !ok {
			return false
		}
		in.numbered = true
	}
	return in.guarded() && s.literal(`}]}`) && s.end()
}

// guarded reports whether a hole would be noticed. Where the venue has retired
// the checksum it may leave it out or send 0.
func (in *okxBook) guarded() bool {
	if in.numbered && in.checksum == 0 {
		in.summed = false
	}
	return in.summed || in.numbered
}

// signed takes an integer that may be negative.
func signed(s *scanner) (int64, bool) {
	negative := s.char('-')
	v, ok := s.integer()
	if negative {
		return -int64(v), ok
	}
	return int64(v), ok
}

// scanSide reads levels, ["30245.7","3","0","1"] each, and the closing bracket of
// their list. The third is no longer used, the fourth the number of orders.
func (x *OKX) scanSide(s *scanner, side market.Side) bool {
	in := &x.in
	if s.char(']') {
		return true
	}
	symbol := &in.book.Symbol
	decimals := symbol.QtyDecimals
	if symbol.Contract != 0 {
		decimals = 0
	}
	b, i := s.b, s.i
	for {
		if len(b)-i < 2 || b[i] != '[' || b[i+1] != '"' {
			return false
		}
		start := i + 2
		price, _, end := quotedAt(b, start, symbol.PriceDecimals)
		if end < 0 || len(b)-end < 3 || b[end+1] != ',' || b[end+2] != '"' {
			return false
		}
		next := end + 3
		qty, _, at := quotedAt(b, next, decimals)
		if at < 0 || price == 0 {
			return false
		}
		if i = skipCounts(b, at); i < 0 {
			return false
		}
		in.levels = levelAfter(in.levels)
		l := &in.levels[len(in.levels)-1]
		l.price, l.qty, l.gone, l.side = price, qty, qty == 0, side
		if end-start <= wide && at-next <= wide && len(b)-next >= wide {
			l.sum.keepAt(b, start, end-start, next, at-next)
		} else if fits(b[start:end], b[next:at]) {
			l.sum.keep(b[start:end], b[next:at])
		} else {
			return false
		}
		if symbol.Contract != 0 {
			c := change{price: price, qty: qty}
			if c.check(symbol) != nil {
				return false
			}
			l.qty = c.qty
		}
		s.i = i
		if !s.char(',') {
			return s.char(']')
		}
		i = s.i
	}
}

// skipCounts takes the rest of a level, `","0","1"]`, at b[i:]: two texts, mostly
// of one digit. It is where that ends, negative when something else is there.
func skipCounts(b []byte, i int) int {
	const size = len(`","0","1"]`)
	if len(b)-i >= size && string(b[i:i+7]) == `","0","` && b[i+7]-'0' <= 9 {
		if b[i+8] == '"' && b[i+9] == ']' {
			return i + size
		}
		if b[i+8]-'0' <= 9 && b[i+9] == '"' && len(b)-i > size && b[i+10] == ']' {
			return i + size + 1
		}
	}
	s := scanner{b: b, i: i}
	if !s.literal(`","`) || !skipText(&s) || !s.literal(`,"`) || !skipText(&s) || !s.char(']') {
		return -1
	}
	return s.i
}

func skipText(s *scanner) bool {
	_, ok := s.text()
	return ok
}

// apply brings our copy up to date and tells the changes when number and checksum
// say that the copy is the venue's book.
func (x *OKX) apply(now int64, msg []byte) error {
	in, b := &x.in, x.in.book
	b.heard, b.srcTime = now, int64(in.time)*1_000_000
	if !in.snapshot {
		if !b.live {
			x.stats.Early++
			return nil
		}
		if in.numbered && in.previous != x.last[b.index] {
			return x.refuse(now, b, msg, ErrGap)
		}
	}
	ladder := &x.ladders[b.index]
	x.begin(now, b)
	if in.snapshot {
		ladder.clear()
	}
	x.list = ladder.apply(x.list, in.levels)
	if max(ladder.bids.size(), ladder.asks.size()) > okxDepthMax {
		return x.refuse(now, b, msg, ErrAbsurd)
	}
	if in.summed {
		if x.checksum(ladder) != in.checksum {
			return x.refuse(now, b, msg, ErrChecksum)
		}
		x.stats.ChecksumOK++
	}
	x.last[b.index] = in.seq
	if in.snapshot {
		x.list = x.list[:0]
		x.clear(nil)
		x.list = ladder.list(x.list)
		x.stats.Snapshots++
		b.live, b.resync = true, false
		x.status(event.BookLive)
	}
	x.stats.Used++
	x.tell(now)
	return nil
}

// checksum is CRC32 (IEEE), taken as signed, over the 25 best levels of each side:
// bid:size:ask:size:…, the side that has more going on alone.
func (x *OKX) checksum(ladder *textLadder) int32 {
	n := 0
	var bid, ask *textRung
	i, j := len(ladder.bids.keys), len(ladder.asks.keys)
	for range okxChecksumDepth {
		bid, i = ladder.bids.next(i)
		ask, j = ladder.asks.next(j)
		if bid != nil {
			n = x.collect(n, bid)
		}
		if ask != nil {
			n = x.collect(n, ask)
		}
	}
	return int32(crc32.ChecksumIEEE(x.digits[:max(n-1, 0)]))
}

// collect puts what a level contributes at digits[n:] and returns where it ends.
func (x *OKX) collect(n int, r *textRung) int {
	// More than the part that counts, which is quicker.
	*(*[32]byte)(x.digits[n:]) = [32]byte(r.sum.text[:])
	if r.sum.size > 32 {
		copy(x.digits[n:], r.sum.text[:])
	}
	n += int(r.sum.size)
	x.digits[n] = ':'
	return n + 1
}
