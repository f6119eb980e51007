package simtest

import (
	"encoding/binary"
	"strconv"
	"strings"

	"penstock/event"
)

// ouchReader reads what a venue says in SoupBinTCP packets as plainly as can be, and counts for
// itself, since no message of OUCH has a total. It shares nothing with the gateway.
type ouchReader struct {
	seq     uint64 // of the next message
	numbers map[uint32]uint64
	orders  map[uint64]*ouchOrder
}

type ouchOrder struct {
	number                  uint64
	qty, cum, leaves, worth int64
	status                  byte
	trades                  map[uint64]*ouchTrade
}

func (o *ouchOrder) over() bool { return strings.IndexByte("248C", o.status) >= 0 }

// ouchTrade is a trade, by its MatchNumber, and what the report on it was called last.
type ouchTrade struct {
	qty, price int64
	broken     bool
	told       event.ID
}

func newOUCHReader() ouchReader {
	return ouchReader{seq: 1, numbers: map[uint32]uint64{}, orders: map[uint64]*ouchOrder{}}
}

// read takes whole packets.
func (r *ouchReader) read(b []byte) (all []message) {
	for len(b) > 0 {
		n := 2 + int(binary.BigEndian.Uint16(b))
		kind, payload := b[2], b[3:n]
		b = b[n:]
		switch kind {
		case 'A':
			r.seq, _ = strconv.ParseUint(strings.TrimSpace(string(payload[10:])), 10, 64)
		case 'S':
			if m, ok := r.message(payload); ok {
				all = append(all, m)
			}
			r.seq++
		}
	}
	return all
}

// message is one of the venue; false for what tells of no order, or nothing new.
func (r *ouchReader) message(b []byte) (m message, ok bool) {
	be := binary.BigEndian
	u32 := func(at int) int64 { return int64(be.Uint32(b[at:])) }
	if b[0] == 'Q' {
		return m, false
	}
	ref := be.Uint32(b[9:])
	if at := map[byte]int{'A': 48, 'J': 15}[b[0]]; at > 0 {
		number, _ := strconv.ParseUint(strings.TrimSpace(string(b[at:at+14])), 36, 64)
		if r.numbers[ref] != 0 {
			return m, false
		}
		r.numbers[ref] = number
		r.orders[number] = &ouchOrder{number: number, status: '0', trades: map[uint64]*ouchTrade{}}
	}
	o := r.orders[r.numbers[ref]]
	if o == nil {
		return m, false
	}
	m = message{dir: fromVenue, typ: msgReport, number: o.number, id: textNumber('S', r.seq)}
	switch b[0] {
	case 'A':
		m.execType, o.qty = '0', u32(14)
		o.leaves = o.qty
	case 'J':
		m.execType, o.status = '8', '8'
	case 'P':
		m.execType = '6'
	case 'I':
		m.typ = msgCancelReject
	case 'M':
		m.execType, o.qty = 'D', u32(14)
		o.leaves = max(o.qty-o.cum, 0)
	case 'C':
		m.execType = 'D'
		if o.leaves = max(o.leaves-u32(13), 0); o.leaves > 0 {
			o.qty = o.cum + o.leaves
			break
		}
		m.execType = '4'
		if b[17] == 'T' {
			m.execType = 'C'
		}
		o.status = m.execType
	case 'E', 'B', 'F':
		if !r.trade(b, o, &m) {
			return m, false
		}
	}
	if m.ordStatus = o.status; m.execType == '6' {
		m.ordStatus = '6'
	}
	m.qty, m.cum, m.leaves = o.qty, o.cum, o.leaves
	return m, true
}

// trade takes an execution, or what becomes of one.
func (r *ouchReader) trade(b []byte, o *ouchOrder, m *message) bool {
	be := binary.BigEndian
	if b[0] == 'B' {
		match := be.Uint64(b[13:])
		m.execType, m.orig = 'H', textNumber(0, match)
		t := o.trades[match]
		if t == nil {
			return true
		}
		if t.broken {
			return false
		}
		t.broken, m.orig, m.last, m.lastPx = true, t.told, t.qty, t.price
		o.cum, o.worth = o.cum-t.qty, o.worth-t.qty*t.price
		return true
	}
	qty, price, match := int64(be.Uint32(b[13:])), int64(be.Uint64(b[17:])), be.Uint64(b[26:])
	m.last, m.lastPx = qty, price
	t := o.trades[match]
	if b[0] == 'F' {
		if m.execType, m.orig = 'G', textNumber(0, match); t != nil {
			m.orig = t.told
			o.cum, o.worth = o.cum+qty-t.qty, o.worth+qty*price-t.qty*t.price
			t.qty, t.price, t.told = qty, price, m.id
		}
		return true
	}
	m.execType, m.id = 'F', textNumber(0, match)
	if t != nil {
		return t.qty != qty || t.price != price
	}
	o.trades[match] = &ouchTrade{qty: qty, price: price, told: m.id}
	o.cum, o.worth, o.leaves = o.cum+qty, o.worth+qty*price, max(o.leaves-qty, 0)
	switch {
	case o.over():
	case o.leaves == 0:
		o.status = '2'
	default:
		o.status = '1'
	}
	return true
}

// textNumber is a number in digits, behind a letter unless that is 0.
func textNumber(letter byte, n uint64) (id event.ID) {
	text := strconv.FormatUint(n, 10)
	if letter != 0 {
		text = string(letter) + text
	}
	copy(id[:], text)
	return id
}

// matchOf is the MatchNumber that an identifier of an execution spells.
func matchOf(id event.ID) uint64 {
	n, _ := strconv.ParseUint(strings.Trim(id.String(), "\x00AZ"), 10, 64)
	return n
}
