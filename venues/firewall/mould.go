package firewall

import (
	"encoding/binary"

	"penstock/fix"
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
	n      int // of chunks; they hold all up to the quantity or the price
	end    int // where that begins; the last chunk ends there and may overlap
	id     place
	parent place
	seq    place
	said   wireOrder // what scan read up to end; numbers and text come from each message
	chunks [mouldChunks]chunk
}

// chunk is a piece of a mould.
type chunk struct {
	same  [chunkBytes]byte // the bytes that never change, zero elsewhere
	fixed [chunkBytes]byte // ones where they are; the others are digits
}

// place is where a value is.
type place struct{ at, n int32 }

const (
	chunkBytes  = 16
	mouldChunks = 20
	// A session keeps as many moulds as its symbols need, up to mouldsMost. When all are
	// taken, one of relearn messages that fit none replaces one.
	mouldsEach, mouldsMost, relearn = 8, 64, 16
)

// moulds are those of a session.
type moulds struct {
	all    []mould // those learned
	latest int     // the one that fitted last
	missed uint
}

// read reads a body as scan does.
func (s *Session) read(body []byte, o *wireOrder) bool {
	if body[3] == 'D' && s.cfg.IDs == fix.IDDecimal {
		if m := s.moulds.find(body); m != nil {
			return s.pour(m, body, o)
		}
		if !s.scan(body[5:], o) {
			return false
		}
		s.learn(body)
		return true
	}
	return s.scan(body[5:], o)
}

// find returns the mould that a body fits, nil when there is none.
func (l *moulds) find(body []byte) *mould {
	if l.latest < len(l.all) {
		if m := &l.all[l.latest]; m.fits(body) {
			return m
		}
	}
	for i := range l.all {
		m := &l.all[i]
		if at := int(m.symbol.at); i != l.latest && len(body) >= at+8 &&
			binary.LittleEndian.Uint64(body[at:])&m.mask == m.probe && m.fits(body) {
			l.latest = i
			return m
		}
	}
	return nil
}

// fits reports whether all bytes up to m.end are as the mould has them.
func (m *mould) fits(body []byte) bool {
	return len(body) > m.end && fitsAll(&body[0], &m.chunks[0], m.n, m.end-chunkBytes)
}

// fitsWords reports whether body has the fixed bytes of the chunks where these have them, and
// digits elsewhere. The last chunk begins at last.
func fitsWords(body []byte, chunks []chunk, last int) bool {
	wrong := uint64(0)
	for i := range chunks {
		c, at := &chunks[i], min(chunkBytes*i, last)
		for k := 0; k < chunkBytes; k += 8 {
			x, fixed := binary.LittleEndian.Uint64(body[at+k:]), binary.LittleEndian.Uint64(c.fixed[k:])
			d := x ^ zeros
			wrong |= x&fixed ^ binary.LittleEndian.Uint64(c.same[k:]) | (d&^highs+0x7676767676767676|d)&^fixed&highs
		}
	}
	return wrong == 0
}

// pour reads the numbers of a body that fits m, and the fields behind them.
func (s *Session) pour(m *mould, body []byte, o *wireOrder) bool {
	parent, now := o.parent, o.now
	if m.parent.n != 0 {
		parent = m.parent.number(body)
	}
	*o = m.said
	o.id, o.parent, o.seq, o.now = m.id.number(body), parent, m.seq.number(body), now
	o.symbol = body[m.symbol.at : m.symbol.at+m.symbol.n]
	return s.tail(body, m.end, o)
}

// numberRoom is from where a number begins to the end of what the chunks hold, at least: it
// is read by whole words.
const numberRoom = 24

// number reads the digits at p, 0 when they begin with a zero, as digits does.
func (p place) number(b []byte) uint64 {
	t := b[p.at : p.at+numberRoom]
	if t[0] == '0' {
		return 0
	}
	n, first := uint(p.n), binary.LittleEndian.Uint64(t)^zeros
	left := -(8 * n) & 63 // bits behind the last digit
	if n <= 8 {
		return eight(first << left)
	}
	second := binary.LittleEndian.Uint64(t[8:]) ^ zeros
	if n <= 16 {
		return eight(first)*pow10[n-8] + eight(second<<left)
	}
	third := binary.LittleEndian.Uint64(t[16:]) ^ zeros
	return (eight(first)*100_000_000+eight(second))*pow10[n-16] + eight(third<<left)
}

// tail reads the fields from offset at on as scan does: a quantity and a price at once, and by
// scan what comes after them.
func (s *Session) tail(b []byte, at int, o *wireOrder) bool {
	for len(b)-at > 4 {
		var bit uint32
		var text *[]byte
		switch binary.LittleEndian.Uint32(b[at:]) & 0xffffff {
		case '3' | '8'<<8 | '='<<16:
			bit, text = sawQty, &o.qtyText
		case '4' | '4'<<8 | '='<<16:
			bit, text = sawPrice, &o.priceText
		default:
			return s.scan(b[at:], o)
		}
		at += 3
		end := indexSOH(b, at)
		if end <= at || o.seen&bit != 0 {
			return false
		}
		*text = b[at:end]
		o.seen |= bit
		at = end + 1
	}
	return s.scan(b[at:], o)
}

// eight returns the number of eight digits, the first in the lowest byte.
func eight(x uint64) uint64 {
	x = (x*10 + x>>8) & 0x00ff00ff00ff00ff
	x = (x*100 + x>>16) & 0x0000ffff0000ffff
	return (x*10_000 + x>>32) & 0xffffffff
}

// learn makes a mould of a body that scan has read, if one can be made.
func (s *Session) learn(body []byte) {
	l := &s.moulds
	if l.missed++; cap(l.all) == 0 || len(l.all) == cap(l.all) && l.missed%relearn != 0 {
		return
	}
	var m mould
	if !m.lay(body, s.cfg.ParentTag) || !s.scan(body[5:m.end], &m.said) {
		return
	}
	m.said.symbol = nil
	if len(l.all) < cap(l.all) {
		l.latest = len(l.all)
		l.all = l.all[:l.latest+1]
	} else {
		l.latest = int(l.missed/relearn) % len(l.all)
	}
	l.all[l.latest] = m
}

// lay lays out the words of a body up to its quantity or price; false when there is no mould
// of it.
func (m *mould) lay(body []byte, parentTag int) bool {
	var loose [chunkBytes * mouldChunks]bool // digits of any value
	for at := 0; ; {
		tag, value := readTag(body, at)
		if tag == fix.TagOrderQty || tag == fix.TagPrice {
			m.end = at
			break
		}
		end := indexSOH(body, value)
		if end >= len(loose) || end+1 >= len(body) {
			return false
		}
		text, p := body[value:end], place{int32(value), int32(end - value)}
		switch tag {
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
	for _, p := range [...]place{m.id, m.seq, m.parent} {
		if int(p.at)+numberRoom > m.end {
			return false
		}
	}
	if m.id.n == 0 || m.seq.n == 0 || m.symbol.n == 0 || int(m.symbol.at)+8 > m.end {
		return false
	}
	m.n = (m.end + chunkBytes - 1) / chunkBytes
	for i := range m.chunks[:m.n] {
		c, at := &m.chunks[i], min(chunkBytes*i, m.end-chunkBytes)
		for k := range chunkBytes {
			if !loose[at+k] {
				c.fixed[k], c.same[k] = 0xff, body[at+k]
			}
		}
	}
	m.mask = ^uint64(0) >> (64 - 8*min(m.symbol.n, 8))
	m.probe = binary.LittleEndian.Uint64(body[m.symbol.at:]) & m.mask
	return true
}
