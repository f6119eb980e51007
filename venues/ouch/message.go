package ouch

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Version is the version of the protocol.
type Version uint8

// Versions.
const (
	V50 Version = iota // OUCH 5.0
	V42                // OUCH 4.2
)

func (v Version) String() string {
	if v == V42 {
		return "ouch-4.2"
	}
	return "ouch-5.0"
}

// Limits of the protocol.
const (
	PriceDecimals = 4             // of every price
	MarketPrice   = 0x7fffffff    // a price that says market order
	MaxPrice      = 1_999_999_900 // 199,999.99
	MaxQty        = 999_999
	tokenSize     = 14
	symbolSize    = 8
)

// ErrMessage reports bytes that are no message of the version.
var ErrMessage = errors.New("ouch: malformed message")

// Message is one message of the venue. Which fields have a meaning depends on Type; see
// Decode.
type Message struct {
	Type      byte
	Time      uint64 // ns since midnight at the venue
	UserRef   uint32 // 5.0: UserRefNum
	OrigRef   uint32 // 5.0: of the order that a Replaced replaces
	Token     [tokenSize]byte
	OrigToken [tokenSize]byte // 4.2: of the order that a Replaced replaces
	Side      byte            // B buy, S sell, T short, E short exempt
	Qty       uint32          // shares: of the order, executed, taken off, or all that a modified order has
	Price     uint64          // in 1/10,000
	Symbol    [symbolSize]byte
	OrderRef  uint64 // of the order in the venue's feed
	Match     uint64
	Liquidity byte
	Reason    uint16 // a character, or the number of a 5.0 reject
	State     byte   // L live, D dead
	Display   byte
	Prevented uint32 // shares that a self match would have traded
	Appendage []byte // 5.0: TagValues; aliases the message
}

// at is where the fields of a type of message stand; 0 is a field that it has not.
type at struct {
	size                               int // without appendage
	ref, orig, token, origToken        int
	side, qty, symbol, price, orderRef int
	match, liquidity, reason, state    int
	display, prevented, appendage      int
	wideReason, shortPrice             bool
}

// layouts50 and layouts42 are the messages of the venue, Nasdaq OUCH 5.0 §3 and 4.2 §6.
var layouts50 = [128]at{
	'S': {size: 10, reason: 9},
	'A': {size: 64, ref: 9, side: 13, qty: 14, symbol: 18, price: 26, display: 35, orderRef: 36, state: 47, token: 48, appendage: 62},
	'U': {size: 68, orig: 9, ref: 13, side: 17, qty: 18, symbol: 22, price: 30, display: 39, orderRef: 40, state: 51, token: 52,
		appendage: 66},
	'C': {size: 18, ref: 9, qty: 13, reason: 17},
	'D': {size: 31, ref: 9, qty: 13, reason: 17, prevented: 18, price: 22, liquidity: 30},
	'E': {size: 36, ref: 9, qty: 13, price: 17, liquidity: 25, match: 26, appendage: 34},
	'B': {size: 36, ref: 9, match: 13, reason: 21, token: 22},
	'F': {size: 49, ref: 9, qty: 13, price: 17, liquidity: 25, match: 26, reason: 34, token: 35},
	'J': {size: 29, ref: 9, reason: 13, wideReason: true, token: 15},
	'P': {size: 13, ref: 9},
	'I': {size: 13, ref: 9},
	'M': {size: 18, ref: 9, side: 13, qty: 14},
	'T': {size: 30, ref: 9, price: 13, display: 21, orderRef: 22},
	'R': {size: 16, ref: 9, reason: 13, appendage: 14},
	'X': {size: 27, ref: 9, symbol: 17, appendage: 25},
	'G': {size: 19, ref: 9, appendage: 17},
	'K': {size: 19, ref: 9, appendage: 17},
	'Q': {size: 13, ref: 9},
}

var layouts42 = [128]at{
	'S': {size: 10, reason: 9},
	'A': {size: 66, token: 9, side: 23, qty: 24, symbol: 28, price: 36, display: 48, orderRef: 49, state: 64, shortPrice: true},
	'U': {size: 80, token: 9, side: 23, qty: 24, symbol: 28, price: 36, display: 48, orderRef: 49, state: 64, origToken: 65,
		shortPrice: true},
	'C': {size: 28, token: 9, qty: 23, reason: 27},
	'D': {size: 37, token: 9, qty: 23, reason: 27, prevented: 28, price: 32, liquidity: 36, shortPrice: true},
	'E': {size: 40, token: 9, qty: 23, price: 27, liquidity: 31, match: 32, shortPrice: true},
	'B': {size: 32, token: 9, match: 23, reason: 31},
	'J': {size: 24, token: 9, reason: 23},
	'P': {size: 23, token: 9},
	'I': {size: 23, token: 9},
	'M': {size: 28, token: 9, side: 23, qty: 24},
	'T': {size: 36, token: 9, price: 23, display: 27, orderRef: 28, shortPrice: true},
}

// Decode reads a message of the venue into m. An unknown type, a length that is not the
// type's, or an appendage that does not fit is an error that wraps ErrMessage.
func Decode(v Version, data []byte, m *Message) error {
	if len(data) == 0 || data[0] >= 128 {
		return fmt.Errorf("%w: %d bytes, no type that we know", ErrMessage, len(data))
	}
	l := &layouts50[data[0]]
	if v == V42 {
		l = &layouts42[data[0]]
	}
	if l.size == 0 {
		return fmt.Errorf("%w: type %q is not in %v", ErrMessage, data[0], v)
	}
	*m = Message{Type: data[0]}
	if len(data) < l.size {
		return fmt.Errorf("%w: type %q with %d bytes, want %d", ErrMessage, data[0], len(data), l.size)
	}
	appendage, ok := l.tail(v, data)
	if !ok {
		return fmt.Errorf("%w: type %q with %d bytes: %d and an appendage of whole fields expected",
			ErrMessage, data[0], len(data), l.size)
	}
	m.Appendage = appendage
	m.Time = binary.BigEndian.Uint64(data[1:])
	m.read(l, data)
	return nil
}

// tail returns the appendage of a message that has at least the size of l. Newer issues of
// 5.0 allow one behind every message, and say the strategy in a self match (D).
func (l *at) tail(v Version, data []byte) (appendage []byte, ok bool) {
	rest := data[l.size:]
	if l.appendage != 0 {
		rest = data[l.appendage:]
	}
	if v == V50 && data[0] == 'D' && (len(rest) == 1 || len(rest) > 2 && int(binary.BigEndian.Uint16(rest)) != len(rest)-2) {
		rest = rest[1:] // the strategy
	}
	if l.appendage == 0 && len(rest) == 0 {
		return nil, true
	}
	if v == V42 || len(rest) < 2 || int(binary.BigEndian.Uint16(rest)) != len(rest)-2 {
		return nil, false
	}
	return rest[2:], validAppendage(rest[2:])
}

// read takes the fields that the layout has.
func (m *Message) read(l *at, data []byte) {
	if l.ref != 0 {
		m.UserRef = binary.BigEndian.Uint32(data[l.ref:])
	}
	if l.orig != 0 {
		m.OrigRef = binary.BigEndian.Uint32(data[l.orig:])
	}
	if l.token != 0 {
		copy(m.Token[:], data[l.token:])
	}
	if l.origToken != 0 {
		copy(m.OrigToken[:], data[l.origToken:])
	}
	if l.side != 0 {
		m.Side = data[l.side]
	}
	if l.qty != 0 {
		m.Qty = binary.BigEndian.Uint32(data[l.qty:])
	}
	if l.symbol != 0 {
		copy(m.Symbol[:], data[l.symbol:])
	}
	if l.price != 0 && l.shortPrice {
		m.Price = uint64(binary.BigEndian.Uint32(data[l.price:]))
	} else if l.price != 0 {
		m.Price = binary.BigEndian.Uint64(data[l.price:])
	}
	if l.orderRef != 0 {
		m.OrderRef = binary.BigEndian.Uint64(data[l.orderRef:])
	}
	if l.match != 0 {
		m.Match = binary.BigEndian.Uint64(data[l.match:])
	}
	if l.liquidity != 0 {
		m.Liquidity = data[l.liquidity]
	}
	if l.wideReason {
		m.Reason = binary.BigEndian.Uint16(data[l.reason:])
	} else if l.reason != 0 {
		m.Reason = uint16(data[l.reason])
	}
	if l.state != 0 {
		m.State = data[l.state]
	}
	if l.display != 0 {
		m.Display = data[l.display]
	}
	if l.prevented != 0 {
		m.Prevented = binary.BigEndian.Uint32(data[l.prevented:])
	}
}
