package firewall

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"penstock/fix"
	"penstock/market"
)

// mould is what a session learned from a NewOrderSingle that scan has read: which bytes of it
// were words, and which were the digits of numbers and times. A message with the same words,
// and with digits where digits were, has the same fields in the same places, so that only the
// numbers need reading. It knows nothing of the templates that write orders; whatever does not
// fit is left to scan, its twin in the tests.
type mould struct {
	probe  uint64 // the first bytes of the symbol,
	mask   uint64 // ones where they are
	symbol place
	id     place
	parent place
	seq    place
	body   int    // where the body begins, behind a BodyLength of three digits
	n      int    // of chunks; they hold all up to the value of the quantity
	end    int    // where that begins; the last chunk ends there and may overlap
	seen   uint32 // what scan saw up to end, and the quantity
	said   terms
	listed int32 // as that of wireOrder
	// Decimals of the instrument.
	qtyDecimals, priceDecimals uint8
	chunks                     [mouldChunks]chunk
}

// chunk is a piece of a mould: for each byte the least value that it may have, and how much
// more: 0 of a word, 9 of a digit.
type chunk struct{ low, span [chunkBytes]byte }

// place is where a value is.
type place struct{ at, n int32 }

const (
	chunkBytes  = 32
	mouldChunks = 10
	// A session keeps as many moulds as its symbols need, up to mouldsMost. When all are
	// taken, one of relearn messages that fit none replaces one.
	mouldsEach, mouldsMost, relearn = 8, 64, 16
	// mouldDecimals are the most of a quantity or a price whose eight digits fit 64 bits.
	mouldDecimals = 10
)

// moulds are those of a session.
type moulds struct {
	all    []mould // those learned
	latest int     // the one that fitted last
	missed uint
}

// cast reads the order that b begins with as frame and scan do, but quantity and price at
// once, and returns its length. It is 0, and o as before, when the order fits no mould or these
// two are not plain texts of up to eight characters; ok is what scan says of fields behind them.
func (s *Session) cast(b []byte, o *wireOrder) (n int, ok bool) {
	l := &s.moulds
	if l.latest >= len(l.all) {
		return 0, false
	}
	m := &l.all[l.latest]
	n = m.fits(b)
	if n == 0 {
		if m, n = l.find(b); n == 0 {
			return 0, false
		}
	}
	at := m.pour(b[:n-trailer], o)
	switch at {
	case 0:
		return 0, false
	case n - trailer:
		return n, true
	}
	return n, s.scan(b[at:n-trailer], o)
}

// find returns the mould that the message at the front of b fits, and its length.
//
//go:noinline
func (l *moulds) find(b []byte) (*mould, int) {
	for i := range l.all {
		m := &l.all[i]
		if at := int(m.symbol.at); len(b) >= at+8 && binary.LittleEndian.Uint64(b[at:])&m.mask == m.probe {
			if n := m.fits(b); n > 0 {
				l.latest = i
				return m, n
			}
		}
	}
	return nil, 0
}

// fits returns the length of the message at the front of b, 0 when not all bytes up to m.end
// are as the mould has them, or it is not whole.
func (m *mould) fits(b []byte) (n int) {
	if len(b) <= m.end || !fitsAll(&b[0], &m.chunks[0], m.n, m.end-chunkBytes) {
		return 0
	}
	w := load32(unsafe.Pointer(&b[m.body-len("nnn|")])) ^ zeros&0xffffff
	n = m.body + int(w&0xff)*100 + int(w>>8&0xff)*10 + int(w>>16&0xff) + trailer
	if n <= m.end+trailer || n > len(b) || !ends(b[n-8:n]) {
		return 0
	}
	return n
}

// fitsBytes reports whether each byte of msg is one that the chunks allow there. The last
// chunk begins at last.
func fitsBytes(msg []byte, chunks []chunk, last int) bool {
	for i := range chunks {
		c, at := &chunks[i], min(chunkBytes*i, last)
		for k, b := range msg[at : at+chunkBytes] {
			if b-c.low[k] > c.span[k] {
				return false
			}
		}
	}
	return true
}

// pour reads the numbers of a message that fits m, up to its trailer, and returns the offset of
// what is left to scan. What the places name lies before m.end, as lay saw to it.
func (m *mould) pour(b []byte, o *wireOrder) (at int) {
	qty, at := short(b, m.end, m.qtyDecimals)
	price, seen := uint64(0), m.seen
	text := unsafe.Pointer(unsafe.SliceData(b))
	if at > 0 && load32(unsafe.Add(text, at))&0xffffff == '4'|'4'<<8|'='<<16 && at < len(b) {
		if price, at = short(b, at+len("44="), m.priceDecimals); price-1 >= uint64(market.MaxPrice) {
			return 0
		}
		seen |= sawPrice
	}
	if qty-1 >= uint64(market.MaxQty) {
		return 0
	}
	if m.parent.n != 0 {
		o.parent = m.parent.number(text)
	}
	o.id, o.seq = m.id.number(text), m.seq.number(text)
	o.qty, o.price = market.Qty(qty), market.Price(price)
	o.terms, o.seen, o.listed = m.said, seen, m.listed
	o.symbol = unsafe.Slice((*byte)(unsafe.Add(text, m.symbol.at)), m.symbol.n)
	return at
}

func load32(p unsafe.Pointer) uint32 { return binary.LittleEndian.Uint32((*[4]byte)(p)[:]) }
func load64(p unsafe.Pointer) uint64 { return binary.LittleEndian.Uint64((*[8]byte)(p)[:]) }

// short reads a decimal of up to eight characters at offset at, in units of 10^-decimals, and
// returns the offset behind its SOH; with 0 it is no such text, or scan says why. The trailer
// is behind b.
func short(b []byte, at int, decimals uint8) (v uint64, next int) {
	if at+2 > len(b) {
		return 0, 0
	}
	w := load64(unsafe.Pointer(&b[at]))
	x := w ^ ones*fix.SOH
	n := uint(8)
	if soh := (x - ones) &^ x & highs; soh != 0 {
		n = uint(bits.TrailingZeros64(soh)) >> 3
	} else if at+8 >= len(b) || b[at+8] != fix.SOH {
		return 0, 0
	}
	if n == 0 {
		return 0, 0
	}
	w = (w ^ zeros) << ((64 - 8*n) & 63) // the last digit in the highest byte
	part := uint(0)
	x = w ^ ones*('.'^'0')
	if dot := (x - ones) &^ x & highs; dot != 0 {
		p := uint(bits.TrailingZeros64(dot)) & 56
		if part = 7 - p>>3; part > uint(decimals) || part+1 == n {
			return 0, 0
		}
		before := uint64(1)<<p<<8 - 1
		w = w&^before | w<<8&before&^0xff
	}
	if (w+0x7676767676767676|w)&highs != 0 {
		return 0, 0
	}
	return eight(w) * pow10[(uint(decimals)-part)&15], at + int(n) + 1
}

// fits reports whether number can read it: by whole words that end where it does.
func (p place) fits() bool { return p.n <= maxDigits && p.at+p.n >= (p.n+7)&^7 }

// number reads the digits at p, 0 when they begin with a zero, as digits does.
func (p place) number(text unsafe.Pointer) uint64 {
	text = unsafe.Add(text, p.at)
	if *(*byte)(text) == '0' {
		return 0
	}
	n := uint(p.n)
	text = unsafe.Add(text, n)
	low := load64(unsafe.Add(text, -8)) ^ zeros
	if n <= 8 {
		return eight(last(low, n))
	}
	middle := load64(unsafe.Add(text, -16)) ^ zeros
	if n <= 16 {
		return eight(last(middle, n-8))*100_000_000 + eight(low)
	}
	high := uint64(*(*byte)(unsafe.Add(text, -17)) - '0')
	if n == maxDigits {
		high += uint64(*(*byte)(unsafe.Add(text, -18))-'0') * 10
	}
	return (high*100_000_000+eight(middle))*100_000_000 + eight(low)
}

// last keeps the last n bytes of w, 1 to 8.
func last(w uint64, n uint) uint64 {
	shift := (64 - 8*n) & 63
	return w >> shift << shift
}

// eight returns the number of eight digits, the first in the lowest byte.
func eight(x uint64) uint64 {
	x = (x*10 + x>>8) & 0x00ff00ff00ff00ff
	x = (x*100 + x>>16) & 0x0000ffff0000ffff
	return (x*10_000 + x>>32) & 0xffffffff
}

// learn makes a mould of a message that frame and scan have read, if one can be made. Its body
// begins at offset body.
func (s *Session) learn(msg []byte, body int) {
	l := &s.moulds
	if l.missed++; !canFit || cap(l.all) == 0 || s.cfg.IDs != fix.IDDecimal || len(l.all) == cap(l.all) && l.missed%relearn != 0 {
		return
	}
	if _, n := l.find(msg); n > 0 {
		return // it had other numbers than a mould reads
	}
	var m mould
	var o wireOrder
	if body != len(s.head)+len("nnn|") || !m.lay(msg, body, s.cfg.ParentTag) || !s.scan(msg[body+5:m.end-len("38=")], &o) {
		return
	}
	m.said, m.seen = o.terms, o.seen|sawQty
	if m.list(s.symbols, o.symbol); m.listed == 0 {
		return
	}
	if len(l.all) < cap(l.all) {
		l.latest = len(l.all)
		l.all = l.all[:l.latest+1]
	} else {
		l.latest = int(l.missed/relearn) % len(l.all)
	}
	l.all[l.latest] = m
}

// list says which instrument is meant by text, if it is one.
func (m *mould) list(symbols []Symbol, text []byte) {
	for i := range symbols {
		sym := &symbols[i]
		switch {
		case sym.Text != string(text) || sym.Text == "":
		case m.listed != 0 || sym.QtyDecimals > mouldDecimals || sym.PriceDecimals > mouldDecimals:
			m.listed = 0
			return
		default:
			m.listed, m.qtyDecimals, m.priceDecimals = int32(i)+1, sym.QtyDecimals, sym.PriceDecimals
		}
	}
}

// lay lays out the words of a message up to the value of its quantity; false when there is no
// mould of it.
func (m *mould) lay(msg []byte, body, parentTag int) bool {
	var loose [chunkBytes * mouldChunks]bool // digits of any value
	m.body = body
	for i := range len("nnn") {
		loose[body-len("nnn|")+i] = true
	}
	for at := body; ; {
		tag, value := readTag(msg, at)
		if tag == fix.TagOrderQty {
			m.end = value
			break
		}
		end := indexSOH(msg, value)
		if tag == fix.TagPrice || end+len("38=") >= len(loose) || end+1+trailer >= len(msg) {
			return false
		}
		text, p := msg[value:end], place{int32(value), int32(end - value)}
		switch tag {
		case fix.TagLocateBroker, fix.TagMaxFloor, tagDisplayQty, fix.TagOrigClOrdID:
			return false // its text is not kept
		case fix.TagSymbol:
			m.symbol = p
		case fix.TagClOrdID:
			m.id = p
		case fix.TagMsgSeqNum:
			m.seq = p
		case parentTag:
			m.parent = p
		}
		switch tag {
		case fix.TagClOrdID, fix.TagMsgSeqNum, parentTag:
			if _, ok := plain(text); !ok || len(text) > maxDigits {
				return false
			}
			fallthrough
		case fix.TagSendingTime, fix.TagTransactTime:
			for i, c := range text {
				loose[value+i] = c-'0' <= 9
			}
		}
		at = end + 1
	}
	if !m.id.fits() || !m.seq.fits() || !m.parent.fits() || m.id.n == 0 || m.seq.n == 0 || m.symbol.n == 0 || int(m.symbol.at)+8 > m.end || m.end < chunkBytes {
		return false
	}
	m.n = (m.end + chunkBytes - 1) / chunkBytes
	for i := range m.chunks[:m.n] {
		c, at := &m.chunks[i], min(chunkBytes*i, m.end-chunkBytes)
		for k := range chunkBytes {
			if c.low[k] = msg[at+k]; loose[at+k] {
				c.low[k], c.span[k] = '0', 9
			}
		}
	}
	m.mask = ^uint64(0) >> (64 - 8*min(m.symbol.n, 8))
	m.probe = binary.LittleEndian.Uint64(msg[m.symbol.at:]) & m.mask
	return true
}
