package firewall

import (
	"encoding/binary"
	"math/bits"

	"penstock/fix"
	"penstock/market"
)

// reads reads the message that b begins with; false when it does not fit m: not all its bytes are
// those that m has there, it is not whole, or quantity and price are no plain texts of up to
// eight characters in the bounds of market. b is not empty.
func (m *mould) reads(b []byte, r *reading) bool {
	if canRead && len(b) > m.end {
		if n := m.size(b); n <= len(b) && readQuick(&b[0], n, m, r) {
			r.n, r.rest = n, n-trailer
			return true
		}
	}
	return m.readWords(b, r)
}

// size is how long the message in b is, if it fits m.
func (m *mould) size(b []byte) int {
	length := word(b, m.body-5) >> 8
	return m.body + int(length&0xf)*100 + int(length>>8&0xf)*10 + int(length>>16&0xf) + trailer
}

// readWords is reads by words of eight bytes.
func (m *mould) readWords(b []byte, r *reading) bool {
	if len(b) <= m.end || !m.fits(b) {
		return false
	}
	n := m.size(b)
	if n < m.least || n > len(b) || m.whole && n > m.least || !ends(b[n-8:n]) {
		return false
	}
	r.n, r.rest, r.qty, r.price = n, m.end, 0, 0
	if !m.whole {
		if r.qty, r.rest = short(b[:n-trailer], m.end, m.qtyDecimals); r.rest == 0 || r.qty-1 >= uint64(market.MaxQty) {
			return false
		}
		if at := r.rest; string(b[at:at+3]) == "44=" {
			if r.price, r.rest = short(b[:n-trailer], at+len("44="), m.priceDecimals); r.price-1 >= uint64(market.MaxPrice) {
				return false
			}
		}
	}
	r.id = number(b, m.id, &m.keep[0], m.idFirst)
	r.parent = number(b, m.parent, &m.keep[1], m.parentFirst)
	r.seq = eight(word(b, m.seq-8) & m.seqKeep)
	return true
}

func word(b []byte, at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }

// fits reports whether each byte of b up to m.end is one that m allows there.
func (m *mould) fits(b []byte) bool {
	bad := uint64(0)
	for i := 0; i <= m.last; i += chunkBytes {
		c, at := &m.chunks[i/chunkBytes], min(i, m.end-chunkBytes)
		for k := 0; k < chunkBytes; k += 8 {
			w := word(b, at+k)
			over := w&^highs | highs - word(c.low[:], k) // each byte on its own: what is below low has no high bit
			bad |= w | ^over | (over&^highs + word(c.pad[:], k))
		}
	}
	return bad&highs == 0
}

// number reads what ends at end: see place.keep.
func number(b []byte, end int, keep *[16]byte, first uint32) uint64 {
	head := uint64(binary.LittleEndian.Uint16(b[end-18:])) & uint64(first)
	high, low := word(b, end-16)&word(keep[:], 0), word(b, end-8)&word(keep[:], 8)
	return (head&0xf*10+head>>8)*1e16 + eight(high)*1e8 + eight(low)
}

// short reads a decimal of up to eight characters at offset at, in units of 10^-decimals, and
// returns the offset behind its SOH; with 0 it is no such text. The trailer is behind b.
func short(b []byte, at int, decimals uint8) (v uint64, next int) {
	if at+2 > len(b) {
		return 0, 0
	}
	w := word(b[:len(b)+trailer], at)
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

// eight returns the number of eight digits, the first in the lowest byte.
func eight(x uint64) uint64 {
	x = (x*10 + x>>8) & 0x00ff00ff00ff00ff
	x = (x*100 + x>>16) & 0x0000ffff0000ffff
	return (x*10_000 + x>>32) & 0xffffffff
}
