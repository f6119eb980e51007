package fix

import (
	"encoding/binary"
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

// threes has digits3of for 0..999 and in the highest byte their sum, and is as long as a mask needs.
var threes = func() (t [1024]uint32) {
	for i := range 1000 {
		w := uint32(digits3of(uint64(i)))
		t[i] = w | w*0x010101>>16<<24
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

// digits8of has the eight digits of v, below 10^8, the first in the lowest byte.
func digits8of(v uint64) uint64 {
	q := uint64(uint32(v) / 10000)
	w := q | (v-q*10000)<<32 // two numbers of four digits
	q = w * 10486 >> 20 & 0x0000007f_0000007f
	w = q | (w-q*100)<<16 // four of two
	q = w * 103 >> 10 & 0x000f000f_000f000f
	return q | (w-q*10)<<8
}

// digits4of has the four digits of v, below 10,000, the first in the lowest byte.
func digits4of(v uint64) uint64 {
	q := v * 5243 >> 19
	w := q | (v-q*100)<<16
	q = w * 103 >> 10 & 0x000f000f
	return q | (w-q*10)<<8
}

// digits3of has the three digits of v, below 1000, the first in the lowest byte.
func digits3of(v uint64) uint64 {
	q := v * 5243 >> 19
	v -= q * 100
	t := v * 103 >> 10
	return q | t<<8 | (v-t*10)<<16
}

// decimalRoom is what a decimal may take: 20 digits, a point and eight bytes more.
const decimalRoom = 29

// store64 writes the bytes of w at to, the lowest first.
func store64(to unsafe.Pointer, at uint, w uint64) {
	binary.LittleEndian.PutUint64((*[8]byte)(unsafe.Add(to, at))[:], w)
}
