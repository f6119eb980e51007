package jsonws

import (
	"encoding/binary"
	"math/bits"

	"penstock/market"
)

// scanner reads a message in the one form that the venue usually sends: no white
// space, no escapes, numbers without exponents. Each method takes what it names
// from the front and reports false when something else is there; the message then
// goes to the general parser, which decides whether it is wrong or only unusual.
type scanner struct {
	b []byte
	i int
}

// literal takes exactly text.
func (s *scanner) literal(text string) bool {
	end := s.i + len(text)
	if end > len(s.b) || string(s.b[s.i:end]) != text {
		return false
	}
	s.i = end
	return true
}

// char takes one byte.
func (s *scanner) char(c byte) bool {
	if s.i >= len(s.b) || s.b[s.i] != c {
		return false
	}
	s.i++
	return true
}

// end reports whether everything was taken.
func (s *scanner) end() bool { return s.i == len(s.b) }

// text takes characters up to the closing quote, and the quote. The opening quote
// was taken before.
func (s *scanner) text() ([]byte, bool) {
	const each = 0x0101010101010101
	i := s.i
	for len(s.b)-i >= 8 {
		x := binary.LittleEndian.Uint64(s.b[i:])
		quote, escape, delete := x^each*'"', x^each*'\\', x^each*0x7F
		// The lowest high bit is of the first quote, or of a character that is none
		// of a plain text.
		odd := (quote-each)&^quote | (escape-each)&^escape | (delete-each)&^delete | (x-each*' ')&^x | x
		if odd &= highBits; odd == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(odd) >> 3
		if s.b[i] != '"' {
			return nil, false
		}
		text := s.b[s.i:i]
		s.i = i + 1
		return text, true
	}
	for ; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			text := s.b[s.i:i]
			s.i = i + 1
			return text, true
		case c == '\\' || c < ' ' || c > '~':
			return nil, false
		}
	}
	return nil, false
}

// digitsMax is how many digits always fit an int64, and are taken before the
// point.
const digitsMax = 18

// decimal takes a number in JSON's own spelling, without sign and exponent, and
// scales it by 10^decimals. Digits beyond the scale must be zeros.
func (s *scanner) decimal(decimals uint8) (int64, bool) {
	v, next := decimalAt(s.b, s.i, decimals)
	if next < 0 {
		return 0, false
	}
	s.i = next
	return v, true
}

// zeros are eight digits 0.
const zeros = 0x3030303030303030

// eight returns b[i:i+8] less the digit 0 in each byte, the first byte lowest: a
// digit becomes its value. What is behind the end is no digit.
func eight(b []byte, i int) uint64 {
	if i+8 <= len(b) {
		return binary.LittleEndian.Uint64(b[i:i+8]) ^ zeros
	}
	return lastEight(b, i)
}

//go:noinline
func lastEight(b []byte, i int) uint64 {
	if i < len(b) && len(b) >= 8 {
		return binary.LittleEndian.Uint64(b[len(b)-8:])>>(8*uint(i+8-len(b))&63) ^ zeros
	}
	var last [8]byte
	if i < len(b) {
		copy(last[:], b[i:])
	}
	return binary.LittleEndian.Uint64(last[:]) ^ zeros
}

// digits returns how many of the eight bytes of x come before the first that is
// no digit.
func digits(x uint64) int {
	return bits.TrailingZeros64((x+noDigit|x)&highBits) >> 3
}

// joined returns the number that eight digits make, the lowest byte the first.
func joined(x uint64) uint64 {
	x = x*10 + x>>8 // pairs, in every other byte
	return (x&0x000000FF000000FF*0x000F424000000064 +
		x>>16&0x000000FF000000FF*0x0000271000000001) >> 32
}

// decimalAt is decimal at b[i:]. next is where it ends, negative when it is none.
// It looks at eight digits before the point and eight behind it at once; longer
// ones are read one by one.
func decimalAt(b []byte, i int, decimals uint8) (v int64, next int) {
	x := eight(b, i)
	n := digits(x)
	if n == 8 || decimals > 8 {
		return longDecimalAt(b, i, decimals)
	}
	if n == 0 || n > 1 && x&0xFF == 0 {
		return 0, -1
	}
	whole := joined(x<<((64-8*n)&63)) * pow10[decimals&15]
	i += n
	if byte(x>>(8*n&63)) != '.'^'0' {
		return int64(whole), i
	}
	i++
	y := eight(b, i)
	n = digits(y)
	y &= 1<<(8*n) - 1
	if n == 0 || y>>(8*decimals) != 0 {
		return 0, -1
	}
	i += n
	if n == 8 {
		for i < len(b) && b[i] == '0' {
			i++
		}
		if i < len(b) && b[i]-'1' <= 8 {
			return 0, -1
		}
	}
	return int64(whole + joined(y<<(64-8*uint(decimals)))), i
}

func longDecimalAt(b []byte, i int, decimals uint8) (v int64, next int) {
	start, whole := i, uint64(0)
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		whole = whole*10 + uint64(b[i]-'0')
	}
	n := i - start
	if n == 0 || n > digitsMax || n > 1 && b[start] == '0' {
		return 0, -1
	}
	fraction := uint64(0)
	if i < len(b) && b[i] == '.' {
		i++
		start = i
		for end := min(len(b), i+int(decimals)); i < end && b[i]-'0' <= 9; i++ {
			fraction = fraction*10 + uint64(b[i]-'0')
		}
		fraction *= pow10[(int(decimals)-(i-start))&15]
		for i < len(b) && b[i] == '0' {
			i++
		}
		if i == start || i < len(b) && b[i]-'1' <= 8 {
			return 0, -1
		}
	}
	hi, u := bits.Mul64(whole, pow10[decimals&15])
	if u += fraction; hi != 0 || u > 1<<63-1 {
		return 0, -1
	}
	return int64(u), i
}

// integer takes an unsigned integer of at most digitsMax digits.
func (s *scanner) integer() (v uint64, ok bool) {
	v, next := integerAt(s.b, s.i)
	if next < 0 {
		return 0, false
	}
	s.i = next
	return v, true
}

// integerAt is integer at b[i:]. next is where it ends, negative when it is none.
func integerAt(b []byte, i int) (v uint64, next int) {
	start, x := i, eight(b, i)
	n := digits(x)
	if n == 0 || n > 1 && x&0xFF == 0 {
		return 0, -1
	}
	v = joined(x << ((64 - 8*n) & 63))
	if n < 8 {
		return v, i + n
	}
	x = eight(b, i+8)
	if n = digits(x); n == 0 {
		return v, i + 8
	}
	v = v*pow10[n] + joined(x<<((64-8*n)&63))
	i += 8 + n
	for more := n == 8; more && i < len(b) && b[i]-'0' <= 9; i++ {
		if i-start == digitsMax {
			return 0, -1
		}
		v = v*10 + uint64(b[i]-'0')
	}
	return v, i
}

// quoted takes a decimal between quotes.
func (s *scanner) quoted(decimals uint8) (int64, bool) {
	if !s.char('"') {
		return 0, false
	}
	v, ok := s.decimal(decimals)
	return v, ok && s.char('"')
}

var pow10 = func() (p [16]uint64) {
	for i := range p {
		p[i] = uint64(market.Pow10(uint8(i)))
	}
	return p
}()
