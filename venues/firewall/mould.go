package firewall

import (
	"encoding/binary"
	"math"

	"penstock/fix"
	"penstock/market"
)

// mould is what a session learned from a NewOrderSingle or an OrderCancelRequest that scan has
// read: which bytes of it were words, and which were the digits of numbers and times. A message
// with the same words, and with digits where digits were, has the same fields in the same places,
// so that only the numbers need reading. It knows nothing of the templates that write orders;
// whatever does not fit is left to scan, its twin in the tests.
type mould struct {
	body int // where the body begins, behind a BodyLength of three digits
	last int // where in chunks the last chunk is; it ends at end and may overlap the one before
	// end is where the value of the quantity begins, or the body of a cancel ends. No message is shorter than least.
	end, least int
	tail, more int // bytes behind end that readQuick needs, and how many more it takes
	// Where numbers end, and 0x0f for each of their bytes: the last 16 of the two, the two bytes
	// before those, the last 8 of seq. What is not there has none.
	id, parent, seq      int // parent: of a cancel OrigClOrdID(41)
	keep                 [2][16]byte
	idFirst, parentFirst uint32
	seqKeep              uint64
	// Decimals of the instrument.
	qtyDecimals, priceDecimals uint8
	whole                      bool // it is a cancel, and all of it is in chunks
	chunks                     [mouldChunks]chunk

	linked bool   // the bytes say the parent
	plain  bool   // an order with a limit and nothing else behind the quantity is one for plain
	seen   uint32 // what scan saw up to end, and the quantity
	said   terms
	listed int32 // as that of wireOrder
	sort
	symbol place
	probe  uint64 // the first bytes of the symbol,
	mask   uint64 // ones where they are
}

// chunk is a piece of a mould: for each byte the least value that it may have, and 0x7f less
// how much more: 0 of a word, 9 of a digit, 8 of one that is not zero.
type chunk struct{ low, pad [chunkBytes]byte }

// place is where a value is.
type place struct{ at, n int }

const (
	chunkBytes  = 64
	mouldChunks = 5
	// A session keeps as many moulds as its symbols need, up to mouldsMost. When all are
	// taken, one of relearn messages that fit none replaces one.
	mouldsEach, mouldsMost, relearn = 8, 64, 16
	// mouldDecimals are the most of a quantity or a price whose eight digits fit 64 bits.
	mouldDecimals = 10
	// seqDigits are the most of a MsgSeqNum that fit one word.
	seqDigits = 8
)

// moulds are those of a session.
type moulds struct {
	latest [2]*mould // the one that fitted last, of orders and of cancels, where there is a quick way to read by it
	kindAt int       // of MsgType in a message
	read   reading   // the latest
	all    []mould   // those learned
	missed uint
	full   uint64 // the last MsgSeqNum that has as many digits as that of the mould learned last, 0: none
}

// reading is what a mould makes of a message.
type reading struct {
	n, rest         int // its length, and where what follows quantity and price begins; by reads
	id, parent, seq uint64
	qty, price      uint64 // 0: there is none
}

// never is a mould that no message fits.
var never = mould{end: math.MaxInt}

// kindIndex is 0 of an order and 1 of a cancel.
func kindIndex(kind byte) byte { return kind >> 1 & 1 }

// fit returns the mould that the message at the front of b fits and reads the message by it into
// l.read; nil: it fits none.
func (l *moulds) fit(b []byte) *mould {
	for i := range l.all {
		m := &l.all[i]
		if at := m.symbol.at; len(b) >= at+8 && binary.LittleEndian.Uint64(b[at:])&m.mask == m.probe && m.reads(b, &l.read) {
			if canRead {
				l.latest[kindIndex(b[l.kindAt])] = m
			}
			return m
		}
	}
	return nil
}

// pour makes of an order that m has read what scan makes of it, which reads what is behind the price.
// false is what scan says of that.
func (s *Session) pour(m *mould, b []byte, o *wireOrder) bool {
	r := &s.moulds.read
	if m.linked {
		o.parent = r.parent
	}
	o.id, o.seq = r.id, r.seq
	o.qty, o.price = market.Qty(r.qty), market.Price(r.price)
	o.terms, o.seen, o.listed = m.said, m.seen, m.listed
	if r.price != 0 {
		o.seen |= sawPrice
	}
	o.symbol = b[m.symbol.at : m.symbol.at+m.symbol.n]
	return s.scan(b[r.rest:r.n-trailer], o)
}

// learn makes a mould of a message of a kind that frame and scan have read, if one can be made.
// Its body begins at offset body.
func (s *Session) learn(kind byte, msg []byte, body int) {
	l := &s.moulds
	if l.missed++; cap(l.all) == 0 || s.cfg.IDs != fix.IDDecimal || len(l.all) == cap(l.all) && l.missed%relearn != 0 {
		return
	}
	m := mould{whole: kind == 'F'}
	if !m.whole && l.spells(msg) {
		return // it has other numbers than a mould reads
	}
	o := wireOrder{qty: 1}
	if body != len(s.head)+len("nnn|") || !m.lay(msg, body, s.cfg.ParentTag) {
		return
	}
	read := m.end
	if !m.whole {
		read -= len("38=")
	}
	if !s.scan(msg[body+5:read], &o) {
		return
	}
	m.said, m.seen = o.terms, o.seen|sawQty
	if m.list(s.symbols, o.symbol); m.listed == 0 || int(m.listed) > len(s.f.cfg.Limits) {
		return
	}
	m.sort = s.f.sortOf(market.InstrumentID(m.listed-1), o.side, s.shows(&o) != 0)
	m.plain = !m.whole && m.unit > 0 && m.seen&needed == needed && o.mark == market.Long && !o.idle
	at := len(l.all)
	if at < cap(l.all) {
		l.all = l.all[:at+1]
	} else {
		at = int(l.missed/relearn) % at
	}
	l.all[at] = m
	l.full = m.lastSeq()
}

// spells reports whether the words of an order are those of a mould, whatever its numbers are.
func (l *moulds) spells(msg []byte) bool {
	for i := range l.all {
		if m := &l.all[i]; len(msg) > m.end && word(msg, m.symbol.at)&m.mask == m.probe && m.fits(msg) {
			return true
		}
	}
	return false
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

// spans says of each byte of a message from where and how far its values go.
type spans [chunkBytes * mouldChunks]struct{ low, span byte }

// digits says that text, which is at offset at, may have other digits; a number does not begin with 0.
func (s *spans) digits(text []byte, at int, number bool) {
	for i, c := range text {
		if c-'0' <= 9 {
			s[at+i] = struct{ low, span byte }{'0', 9}
		}
	}
	if number {
		s[at].low, s[at].span = '1', 8
	}
}

// lay lays out the words of a message up to the value of its quantity, of a cancel all; false when
// there is no mould of it.
func (m *mould) lay(msg []byte, body, parentTag int) bool {
	var loose spans
	for i, c := range msg[:min(len(msg), len(loose))] {
		if loose[i].low = c; c >= 0x80 {
			return false
		}
	}
	m.body = body
	loose.digits(msg[body-len("nnn|"):][:3], body-len("nnn|"), false)
	var id, parent, orig, seq place
	for at := body; ; {
		if at == len(msg)-trailer && m.whole {
			m.end = at
			break
		}
		tag, value := readTag(msg, at)
		if tag == fix.TagOrderQty && !m.whole {
			m.end = value
			break
		}
		end := indexSOH(msg, value)
		if tag == fix.TagPrice || end+len("38=") >= len(loose) || end+1+trailer > len(msg) {
			return false
		}
		text, p := msg[value:end], place{value, end - value}
		switch tag {
		case fix.TagLocateBroker, fix.TagMaxFloor, tagDisplayQty:
			return false // its text is not kept
		case fix.TagOrigClOrdID:
			if orig = p; !m.whole {
				return false
			}
		case fix.TagSymbol:
			m.symbol = p
		case fix.TagClOrdID:
			id = p
		case fix.TagMsgSeqNum:
			seq = p
		case parentTag:
			parent = p
		}
		switch tag {
		case fix.TagClOrdID, fix.TagOrigClOrdID, fix.TagMsgSeqNum, parentTag:
			if digits(text) == 0 {
				return false
			}
			loose.digits(text, value, true)
		case fix.TagOrderQty, fix.TagSendingTime, fix.TagTransactTime:
			loose.digits(text, value, false)
		}
		at = end + 1
	}
	if m.whole {
		parent = orig // whose parent's number nobody reads
	}
	m.linked = parent.n != 0
	if id.n == 0 || seq.n == 0 || seq.n > seqDigits || m.symbol.n == 0 || m.whole && orig.n == 0 || m.symbol.at+8 > m.end || m.end <= chunkBytes {
		return false
	}
	m.id, m.idFirst = id.keep(&m.keep[0])
	m.parent, m.parentFirst = parent.keep(&m.keep[1])
	m.seq, m.seqKeep = seq.at+seq.n, uint64(0x0f0f0f0f0f0f0f0f)<<(64-8*seq.n)
	if m.least, m.tail = m.end+trailer, trailer; !m.whole {
		m.least++
		m.tail, m.more = len("1|44=1|")+trailer, 2*len("2345678")
	}
	m.pack(&loose)
	m.mask = ^uint64(0) >> (64 - 8*min(m.symbol.n, 8))
	m.probe = binary.LittleEndian.Uint64(msg[m.symbol.at:]) & m.mask
	return true
}

// pack divides what loose says up to m.end into chunks, the last of which ends there.
func (m *mould) pack(loose *spans) {
	n := (m.end + chunkBytes - 1) / chunkBytes
	m.last = (n - 1) * chunkBytes
	for i := range m.chunks[:n] {
		c, at := &m.chunks[i], min(chunkBytes*i, m.end-chunkBytes)
		for k := range chunkBytes {
			c.low[k], c.pad[k] = loose[at+k].low, 0x7f-loose[at+k].span
		}
	}
}

// unpack is the reverse of pack.
func (m *mould) unpack(loose *spans) {
	for at := 0; at <= m.last; at += chunkBytes {
		c, at := &m.chunks[at/chunkBytes], min(at, m.end-chunkBytes)
		for k := range chunkBytes {
			loose[at+k].low, loose[at+k].span = c.low[k], 0x7f-c.pad[k]
		}
	}
}

// keep returns where a number of up to 18 digits ends, and 0x0f for each of its first two, when it
// has more than 16; all gets those of the last 16.
func (p place) keep(all *[16]byte) (end int, first uint32) {
	for i := range min(p.n, len(all)) {
		all[len(all)-1-i] = 0x0f
	}
	switch p.n - len(all) {
	case 1:
		first = 0x0f00
	case 2:
		first = 0x0f0f
	}
	return max(p.at+p.n, len(all)+2), first
}
