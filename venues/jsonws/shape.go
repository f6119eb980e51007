package jsonws

import (
	"encoding/binary"
	"slices"

	"penstock/event"
	"penstock/market"
)

// shape is what the number before looked like: so many digits before the point,
// so many behind it. The next one mostly looks the same, and where it ends is then
// known without searching for the end: a processor that guesses right reads one
// number while the one before is not finished. A number of another shape is read
// in the usual way; when two such agree, theirs is the shape that is expected.
// Numbers of more than seven digits before the point or eight behind it have none.
type shape struct {
	decimals uint8
	kind     shapeKind
	mixed    uint8  // how often numbers are of another length than the one before, of 128
	other    uint16 // length and digits before the point of the last unexpected number
	size     int    // of the whole number, bytes
	fraction int    // shapeSplit: where the digits behind the point begin
	high     uint64 // the high bits of the bytes that must be digits
	dot      uint64 // what the point is in the first eight bytes
	dotMask  uint64
	front    uint64 // the digits before the point
	back     uint64 // shapeShort: those behind it, once the point is out
	single   uint64 // not 0 when there is one digit before the point, which may be 0
	shift    uint64 // moves the digits to the end
	unit     uint64 // of the last digit so moved

	// shapeSplit: as above, for the digits behind the point.
	backHigh   uint64
	backDigits uint64
	beyond     uint64 // those that are finer than the increment
	align      uint64 // moves them to their decimals
}

type shapeKind uint8

const (
	shapeNone  shapeKind = iota
	shapeShort           // fits eight bytes with its point
	shapeSplit           // up to seven digits, a point, and up to eight more
)

// highBits are set, where noDigit was added, in the bytes that are above 9.
const (
	highBits = 0x8080808080808080
	noDigit  = 0x7676767676767676
)

// read is decimalAt for a number that the byte end follows; next is where end is.
func (f *shape) read(b []byte, i int, end byte) (v int64, next int) {
	next = i + f.size
	if uint(next) >= uint(len(b)) || b[next] != end || len(b)-i < 8 {
		return f.learn(b, i, end)
	}
	x := binary.LittleEndian.Uint64(b[i:]) ^ zeros
	bad := (x+noDigit|x)&f.high | (x^f.dot)&f.dotMask
	switch {
	case bad != 0 || x&0xFF|f.single == 0:
	case f.kind == shapeShort:
		x = x&f.front | x>>8&f.back
		return int64(joined(x<<(f.shift&63)) * f.unit), next
	case f.kind == shapeSplit:
		back := i + f.fraction
		if len(b)-back < 8 {
			break
		}
		y := binary.LittleEndian.Uint64(b[back:]) ^ zeros
		if (y+noDigit|y)&f.backHigh|y&f.beyond != 0 {
			break
		}
		u := joined(y & f.backDigits << (f.align & 63))
		if f.fraction == 2 {
			return int64(u + x&0xFF*f.unit), next
		}
		return int64(u + joined(x<<(f.shift&63))*f.unit), next
	}
	return f.learn(b, i, end)
}

// learn reads a number of any shape, which is expected from now on when it is the
// second in a row that was not.
func (f *shape) learn(b []byte, i int, end byte) (v int64, next int) {
	front := 0
	if end == '"' {
		v, front, next = quotedAt(b, i, f.decimals)
	} else if v, next = decimalAt(b, i, f.decimals); next >= 0 {
		front = digits(eight(b, i))
	}
	if next < 0 || next == len(b) || b[next] != end {
		return 0, -1
	}
	back := max(next-i-front-1, 0)
	decimals := int(f.decimals)
	if other := uint16((next-i)<<8 | front&0xFF); f.kind != shapeNone && f.other != other {
		f.other = other
		return v, next
	}
	*f = shape{decimals: f.decimals, mixed: f.mixed}
	if front >= 8 || back > 8 || decimals > 8 {
		return v, next
	}
	f.kind, f.size = shapeSplit, next-i
	f.front = 1<<(8*front) - 1
	f.high = highBits & f.front
	f.shift, f.unit = uint64(64-8*front), pow10[decimals&15]
	if front == 1 {
		f.single = 1
	}
	if back > 0 {
		f.dot, f.dotMask = ('.'^'0')<<(8*front), 0xFF<<(8*front)
	}
	digits := uint64(1<<(8*back) - 1)
	if front+1+back <= 8 && back <= decimals {
		f.kind = shapeShort
		f.back = digits << (8 * front)
		f.high |= highBits & f.back << 8
		f.shift, f.unit = uint64(64-8*(front+back)), pow10[(decimals-back)&15]
		return v, next
	}
	f.fraction = front + 1
	f.backDigits, f.backHigh = digits, highBits&digits
	f.beyond = digits &^ (1<<(8*decimals) - 1)
	f.align = uint64(64 - 8*decimals)
	return v, next
}

// levels takes levels such as ["61837.60","3.788"], parted by commas, and the
// bracket that ends their list; there may be none. It appends them to to; prices
// must be positive.
func (s *scanner) levels(to *[]change, side market.Side, price, qty *shape) bool {
	b, i := s.b, s.i
	if i < len(b) && b[i] == ']' {
		s.i++
		return true
	}
	const shortest = len(`["1","1"],`)
	n := len(*to)
	dst := room(to, n, (len(b)-i)/shortest+1)
	mixed, size, same, first := qty.mixed > mixedMany, 0, 0, n
	for ; ; n++ {
		if len(b)-i < shortest || b[i] != '[' || b[i+1] != '"' || n >= len(dst) {
			return false
		}
		p, at := price.read(b, i+2, '"')
		if at < 0 || len(b)-at < 4 || b[at+1] != ',' || b[at+2] != '"' || p == 0 {
			return false
		}
		start, q := at+3, int64(0)
		if mixed {
			q, _, at = quotedAt(b, start, qty.decimals)
		} else {
			q, at = qty.read(b, start, '"')
		}
		if at < 0 || len(b)-at < 3 || b[at+1] != ']' {
			return false
		}
		if at-start == size {
			same++
		}
		size = at - start
		dst[n] = change{price: p, qty: q, kind: event.BookLevel, side: side}
		i = at + 3
		if b[at+2] != ',' {
			s.i = i
			qty.mix(n-first, n-first-same)
			*to = (*to)[:n+1]
			return b[at+2] == ']'
		}
	}
}

// room returns all that *to has room for, at least more beyond the first n. Only when
// it grows is a pointer written.
func room(to *[]change, n, more int) []change {
	if cap(*to)-n < more {
		*to = slices.Grow((*to)[:n], more)
	}
	return (*to)[:cap(*to)]
}

// mixedMany is when it is quicker to look for the end of each number.
const mixedMany = 30

// mix notes that of so many numbers some were of another length than the one
// before.
func (f *shape) mix(of, others int) {
	if of > 0 {
		weight := min(of, 32)
		f.mixed = uint8((int(f.mixed)*(64-weight) + 128*others/of*weight) / 64)
	}
}

// levelsOf is levels for the numbers of b, whose contracts become lots.
func (s *scanner) levelsOf(to *[]change, side market.Side, b *book) bool {
	before := len(*to)
	if !s.levels(to, side, &b.priceShape, &b.qtyShape) {
		return false
	}
	if b.Contract == 0 {
		return true
	}
	list := (*to)[before:]
	for i := range list {
		l := &list[i]
		lots, ok := b.lots(l.qty, l.price)
		if !ok {
			return false
		}
		l.qty = lots
	}
	return true
}

// changes takes at least one change such as ["buy","22356.27","0.0123"] and the
// bracket that ends their list.
func (s *scanner) changes(of *book, to *[]change) (ok bool) {
	const shortest = len(`["buy","1","1"],`)
	b, i := s.b, s.i
	price, qty := &of.priceShape, &of.qtyShape
	list := room(to, 0, (len(b)-i)/shortest+1)
	n := 0
	for ; n < len(list) && len(b)-i >= shortest; n++ {
		side := market.Buy
		switch string(b[i : i+8]) {
		case `["buy","`:
			i += 8
		case `["sell",`:
			side = market.Sell
			if i += 9; b[i-1] != '"' {
				return false
			}
		default:
			return false
		}
		p, at := price.read(b, i, '"')
		if at < 0 || len(b)-at < 4 || b[at+1] != ',' || b[at+2] != '"' || p == 0 {
			return false
		}
		q, at := qty.read(b, at+3, '"')
		if at < 0 || len(b)-at < 3 || b[at+1] != ']' {
			return false
		}
		list[n] = change{price: p, qty: q, kind: event.BookLevel, side: side}
		i = at + 3
		if b[at+2] != ',' {
			*to, s.i = (*to)[:n+1], i
			return b[at+2] == ']'
		}
	}
	return false
}
