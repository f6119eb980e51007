package fix

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"penstock/market"
)

const ascii0 = 0x3030303030303030

// lastDigits has the last n bytes of text, 1 to 8, that end at offset end: each ^ '0', in the
// highest bytes, and zeros before them. end is 8 or more.
func (m *Message) lastDigits(end, n int) uint64 {
	shift := uint(64-8*n) & 63
	return (m.load8(end) ^ ascii0) >> shift << shift
}

// load8 has the eight bytes before offset end of the frame, which are there.
func (m *Message) load8(end int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(m.buf)), end-8))[:])
}

// noDigits has the high bit of each byte of w, text ^ ascii0, that was no digit; higher ones
// may be wrong.
func noDigits(w uint64) uint64 { return (w + 0x7676767676767676 | w) & 0x8080808080808080 }

// value8 reads eight digits, text ^ ascii0, the first in the lowest byte.
func value8(w uint64) uint64 {
	w = w * (1 + 10<<8) >> 8 & 0x00ff00ff00ff00ff
	w = w * (1 + 100<<16) >> 16 & 0x0000ffff0000ffff
	return w * (1 + 10000<<32) >> 32
}

// powers of ten that a fraction of up to 7 digits is multiplied by.
var powers = [16]int64{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// DecimalAt returns the value of s in units of 10^-decimals, as market.ParseDecimal
// reads it, of a number that is not negative. ok is false when it cannot be read or is
// not there.
func (m *Message) DecimalAt(s Slot, decimals uint8) (v int64, ok bool) {
	at := m.spans[m.index.at[s&63]]
	end := int(at >> 32)
	n := end - int(uint32(at))
	if uint(n-1) < 8 && end >= 8 && decimals < 10 {
		w := m.lastDigits(end, n)
		bad := noDigits(w)
		if bad == 0 {
			return int64(value8(w)) * powers[decimals&15], true
		}
		point := uint(bits.TrailingZeros64(bad)) & 56 // bits before it
		part := uint8(7 - point>>3)
		if byte(w>>point) == '.'^'0' && part <= decimals && n > 1 {
			before := uint64(256)<<point - 1
			w = w&^before | w<<8&before
			if noDigits(w) == 0 {
				return int64(value8(w)) * powers[(decimals-part)&15], true
			}
		}
	}
	return m.slowDecimal(s, decimals)
}

func (m *Message) slowDecimal(s Slot, decimals uint8) (v int64, ok bool) {
	text := m.At(s)
	if len(text) == 0 || text[0] == '-' {
		return 0, false
	}
	v, err := market.ParseDecimal(text, decimals)
	return v, err == nil
}

// UintAt returns the value of s, a whole number as AppendUint writes it; ok is false for
// anything else: a sign, a leading zero, nothing, more than 64 bits.
func (m *Message) UintAt(s Slot) (v uint64, ok bool) {
	at := m.spans[m.index.at[s&63]]
	start, end := int(uint32(at)), int(at>>32)
	n := end - start
	if n < 1 || n > 19 || end < 24 {
		return parseUint(m.buf[start:end])
	}
	if m.buf[start] == '0' {
		return 0, false
	}
	if n <= 8 {
		w := m.lastDigits(end, n)
		return value8(w), noDigits(w) == 0
	}
	low, middle := m.load8(end)^ascii0, m.lastDigits(end-8, min(n-8, 8))
	bad := noDigits(low) | noDigits(middle)
	v = value8(low) + value8(middle)*1e8
	if n > 16 {
		high := m.lastDigits(end-16, n-16)
		bad |= noDigits(high)
		v += value8(high) * 1e16
	}
	return v, bad == 0
}

// parseUint is UintAt, a digit at a time.
func parseUint(text []byte) (v uint64, ok bool) {
	if len(text) == 0 || len(text) > 20 || text[0] == '0' {
		return 0, false
	}
	for _, c := range text {
		d := uint64(c - '0')
		if d > 9 || v > (1<<64-1-d)/10 {
			return 0, false
		}
		v = v*10 + d
	}
	return v, true
}

// IDAt returns the order number that f spells at s, 0 when it is none of f.
func (m *Message) IDAt(s Slot, f IDFormat) uint64 {
	if f != IDDecimal {
		return f.Parse(m.At(s))
	}
	if id, ok := m.UintAt(s); ok {
		return id
	}
	return 0
}

// secondCache remembers the last second that was read: times of one message, and of
// those that follow, mostly differ in their fraction only.
type secondCache struct {
	text [16]byte // YYYYMMDD-HH:MM:S
	last byte     // the second's last digit
	base int64    // ns since the epoch
}

// TimeAt returns the value of s, a UTCTimestamp, in ns since the epoch; ok is false when
// it is none or not there.
func (m *Message) TimeAt(s Slot) (ns int64, ok bool) {
	text := m.At(s)
	if len(text) != stampLen || text[16] != m.clock.last || string(text[:16]) != string(m.clock.text[:]) {
		return m.clock.read(text)
	}
	a, b, c := text[18]-'0', text[19]-'0', text[20]-'0'
	if text[17] != '.' || a > 9 || b > 9 || c > 9 {
		return 0, false
	}
	return m.clock.base + (int64(a)*100+int64(b)*10+int64(c))*1_000_000, true
}

func (c *secondCache) read(text []byte) (ns int64, ok bool) {
	ns, err := ParseTime(text)
	if err != nil {
		return 0, false
	}
	if len(text) == stampLen {
		copy(c.text[:], text)
		c.last, c.base = text[16], ns-ns%second
	}
	return ns, true
}
