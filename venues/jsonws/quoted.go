package jsonws

import (
	"encoding/binary"
	"math/bits"
)

// quoteRoom is how many bytes quotedAt looks at.
const quoteRoom = 16

// quotedAt is decimalAt for a number that a quote follows, whose digits differ in
// number from one to the next, as quantities do: where it ends follows from where
// the quote is, without a branch that the processor would have to guess. front is
// how many digits it has before the point; next is where the quote is, negative
// when it is no number or another byte follows.
func quotedAt(b []byte, i int, decimals uint8) (v int64, front, next int) {
	const each = 0x0101010101010101
	if uint(i) > uint(len(b)) || len(b)-i < quoteRoom || decimals > 8 {
		return quotedLast(b, i, decimals)
	}
	head := b[i:]
	x, y := binary.LittleEndian.Uint64(head), binary.LittleEndian.Uint64(head[8:])
	p, q := x^each*'"', y^each*'"'
	p, q = (p-each)&^p&highBits, (q-each)&^q&highBits
	size, late := bits.TrailingZeros64(p)>>3, 8+bits.TrailingZeros64(q)>>3
	if p == 0 {
		size = late
	}
	x ^= zeros
	front = digits(x)
	// More than one digit must not begin with 0, and none or eight are not for here.
	most := uint(6)
	if x&0xFF == 0 {
		most = 0
	}
	if uint(front-1) > most {
		return quotedSlowly(b, i, decimals)
	}
	z := binary.LittleEndian.Uint64(head[front+1:]) ^ zeros
	back := size - front - 1 // digits behind the point, -1 without a point
	then := uint64('.' ^ '0')
	if back < 0 {
		then = '"' ^ '0'
	}
	z &= 1<<uint(8*max(back, 0)) - 1
	if size == quoteRoom || uint(back+1) > 9 || back == 0 || x>>(8*uint(front)&63)&0xFF != then ||
		(z+noDigit|z)&highBits|z>>(8*uint(decimals)) != 0 {
		return quotedSlowly(b, i, decimals)
	}
	whole := joined(x << ((64 - 8*uint(front)) & 63))
	return int64(whole*pow10[decimals&15] + joined(z<<(64-8*uint(decimals)))), front, i + size
}

// quotedLast is quotedAt for a number near the end of the message, such as its last:
// what is behind the end becomes 0.
func quotedLast(b []byte, i int, decimals uint8) (v int64, front, next int) {
	if uint(i) >= uint(len(b)) || len(b) < quoteRoom || decimals > 8 {
		return quotedSlowly(b, i, decimals)
	}
	last, out := b[len(b)-quoteRoom:], 8*uint(quoteRoom-(len(b)-i))
	x, y := binary.LittleEndian.Uint64(last), binary.LittleEndian.Uint64(last[8:])
	var window [quoteRoom]byte
	binary.LittleEndian.PutUint64(window[:], x>>out|y<<(64-out)|y>>(out-64))
	binary.LittleEndian.PutUint64(window[8:], y>>out)
	if v, front, next = quotedAt(window[:], 0, decimals); next >= 0 {
		next += i
	}
	return v, front, next
}

// quotedSlowly is quotedAt for what is rare.
func quotedSlowly(b []byte, i int, decimals uint8) (v int64, front, next int) {
	v, next = decimalAt(b, i, decimals)
	if next < 0 || next >= len(b) || b[next] != '"' {
		return 0, 0, -1
	}
	for b[i+front]-'0' <= 9 {
		front++
	}
	return v, front, next
}
