package jsonws

import "penstock/market"

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
	for i := s.i; i < len(s.b); i++ {
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

// digitsMax is how many digits always fit an int64.
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

// decimalAt is decimal at b[i:]. next is where it ends, negative when it is none.
func decimalAt(b []byte, i int, decimals uint8) (v int64, next int) {
	start, u := i, uint64(0)
	for ; i < len(b); i++ {
		d := b[i] - '0'
		if d > 9 {
			break
		}
		u = u*10 + uint64(d)
	}
	whole := i - start
	if whole == 0 || whole+int(decimals) > digitsMax || whole > 1 && b[start] == '0' {
		return 0, -1
	}
	if i == len(b) || b[i] != '.' {
		return int64(u * pow10[decimals&15]), i
	}
	i++
	start = i
	end := min(len(b), i+int(decimals))
	for ; i < end; i++ {
		d := b[i] - '0'
		if d > 9 {
			break
		}
		u = u*10 + uint64(d)
	}
	missing := int(decimals) - (i - start)
	for i < len(b) && b[i] == '0' {
		i++
	}
	if i == start || i < len(b) && b[i]-'1' <= 8 {
		return 0, -1
	}
	return int64(u * pow10[missing&15]), i
}

// integer takes an unsigned integer of at most digitsMax digits.
func (s *scanner) integer() (v uint64, ok bool) {
	start := s.i
	for s.i < len(s.b) && s.b[s.i]-'0' <= 9 {
		v = v*10 + uint64(s.b[s.i]-'0')
		s.i++
	}
	n := s.i - start
	return v, n > 0 && n <= digitsMax && (n == 1 || s.b[start] != '0')
}

// quoted takes a decimal between quotes.
func (s *scanner) quoted(decimals uint8) (int64, bool) {
	if !s.char('"') {
		return 0, false
	}
	v, ok := s.decimal(decimals)
	return v, ok && s.char('"')
}

// pair takes a level such as ["61837.60","3.788"].
func (s *scanner) pair(priceDecimals, qtyDecimals uint8) (price, qty int64, ok bool) {
	if !s.char('[') {
		return 0, 0, false
	}
	return s.numbers(priceDecimals, qtyDecimals)
}

// numbers takes the rest of a level after its bracket, or after its side.
func (s *scanner) numbers(priceDecimals, qtyDecimals uint8) (price, qty int64, ok bool) {
	b, i := s.b, s.i
	if i >= len(b) || b[i] != '"' {
		return 0, 0, false
	}
	price, i = decimalAt(b, i+1, priceDecimals)
	if i < 0 || len(b)-i < 3 || b[i] != '"' || b[i+1] != ',' || b[i+2] != '"' {
		return 0, 0, false
	}
	qty, i = decimalAt(b, i+3, qtyDecimals)
	if i < 0 || len(b)-i < 2 || b[i] != '"' || b[i+1] != ']' {
		return 0, 0, false
	}
	s.i = i + 2
	return price, qty, true
}

var pow10 = func() (p [16]uint64) {
	for i := range p {
		p[i] = uint64(market.Pow10(uint8(i)))
	}
	return p
}()
