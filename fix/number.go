package fix

import "penstock/market"

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
