package fix

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"penstock/market"
)

// ParseInt reads a FIX int: [-]digits, leading zeros allowed. Empty text,
// anything else and overflow are errors of package market. It does not allocate.
func ParseInt(text []byte) (int64, error) { return market.ParseDecimal(text, 0) }

// pairs holds the two digits of 00..99.
var pairs = func() (t [200]byte) {
	for i := range 100 {
		t[2*i], t[2*i+1] = byte('0'+i/10), byte('0'+i%10)
	}
	return
}()

// digits returns the number of decimal digits of v.
func digits(v uint64) int {
	n := 1
	for ; v >= 1000; v /= 1000 {
		n += 3
	}
	if v >= 100 {
		return n + 2
	}
	if v >= 10 {
		return n + 1
	}
	return n
}

// putDigits fills b with v, right justified with leading zeros, and returns the
// sum of the bytes written.
func putDigits(b []byte, v uint64) (sum uint32) {
	i := len(b)
	if v>>32 == 0 { // division by a constant is cheaper in 32 bits
		return putDigits32(b, uint32(v))
	}
	for i >= 2 {
		p := v % 100
		v /= 100
		c, d := pairs[2*p], pairs[2*p+1]
		i -= 2
		b[i], b[i+1] = c, d
		sum += uint32(c) + uint32(d)
	}
	if i == 1 {
		b[0] = byte('0' + v%10)
		sum += uint32(b[0])
	}
	return sum
}

func putDigits32(b []byte, v uint32) (sum uint32) {
	i := len(b)
	for i >= 2 {
		q := v / 100
		p := 2 * (v - q*100)
		v = q
		c, d := pairs[p], pairs[p+1]
		i -= 2
		b[i], b[i+1] = c, d
		sum += uint32(c) + uint32(d)
	}
	if i == 1 {
		b[0] = byte('0' + v%10)
		sum += uint32(b[0])
	}
	return sum
}

// appendUint appends v in decimal.
func appendUint(dst []byte, v uint64) []byte {
	n := digits(v)
	dst = append(dst, "00000000000000000000"[:n]...)
	putDigits(dst[len(dst)-n:], v)
	return dst
}

// put3 fills b with v, below 1000, and returns the sum of the bytes written.
func put3(b []byte, v uint32) (sum uint32) {
	_ = b[2]
	q := v / 100
	p := 2 * (v - q*100)
	c, d := pairs[p], pairs[p+1]
	b[0], b[1], b[2] = byte('0'+q), c, d
	return '0' + q + uint32(c) + uint32(d)
}

// digits8of has the eight digits of v, below 10^8, the first in the lowest byte.
func digits8of(v uint64) uint64 {
	q := v / 10000
	w := q | (v-q*10000)<<32 // two numbers of four digits
	q = w * 10486 >> 20 & 0x0000007f_0000007f
	w = q | (w-q*100)<<16 // four of two
	q = w * 103 >> 10 & 0x000f000f_000f000f
	return q | (w-q*10)<<8
}

// decimalRoom is what putDecimal may write: 20 digits, a point and eight bytes more.
const decimalRoom = 29

// putDecimal writes v × 10^-decimals without trailing zeros at to, where decimalRoom bytes
// are ours, and returns its length and the sum of its bytes.
func putDecimal(to unsafe.Pointer, v uint64, decimals uint8) (n int, sum uint32) {
	if v >= 100_000_000 || decimals > 7 {
		return putLongDecimal(unsafe.Slice((*byte)(to), decimalRoom), v, decimals)
	}
	w := digits8of(v)
	part := uint(decimals) << 3 // all in bits: eight a digit
	first := min(uint(bits.TrailingZeros64(w))&^7, 56-part)
	behind := min(uint(bits.LeadingZeros64(w))&^7, part)
	part -= behind
	width := 64 - first - behind
	sum = uint32(w*0x0101010101010101>>56) + uint32(width>>3)*'0'
	w = (w + ascii0) >> (first & 63)
	store64(to, 0, w)
	n = int(width >> 3)
	if part > 0 {
		point := width - part
		store64(to, point>>3+1, w>>(point&63))
		*(*byte)(unsafe.Add(to, point>>3)) = '.'
		return n + 1, sum + '.'
	}
	return n, sum
}

// store64 writes the bytes of w at to, the lowest first.
func store64(to unsafe.Pointer, at uint, w uint64) {
	binary.LittleEndian.PutUint64((*[8]byte)(unsafe.Add(to, at))[:], w)
}

func putLongDecimal(b []byte, v uint64, decimals uint8) (n int, sum uint32) {
	var d [20]byte
	w := max(digits(v), int(decimals)+1)
	sum = putDigits(d[:w], v)
	part := int(decimals)
	for part > 0 && d[w-1] == '0' {
		w--
		part--
		sum -= '0'
	}
	n = copy(b, d[:w-part])
	if part > 0 {
		b[n] = '.'
		sum += '.'
		n++
		n += copy(b[n:], d[w-part:w])
	}
	return n, sum
}
