package fix

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"penstock/market"
)

// tailField is a field that varies in width: SOH, which ends the field before it, its tag and
// the equals sign. Sums of what is behind the rendered part count what bytes have more than '0'.
type tailField struct {
	text     uint64
	sum      uint64 // of text
	decimals uint8
	whole    uint   // bits of eight digits that are before the point, eight a digit
	len      uint   // of text
	most     uint64 // up to it a number has eight digits at most; 0: too many decimals for that
	ones     uint64 // a bit of the last digit before the point, which is always there
}

func newTailField(tag int, decimals uint8) (f tailField) {
	var b [8]byte
	text := append(appendUint(append(b[:0], SOH), uint64(tag)), '=')
	f = tailField{text: binary.LittleEndian.Uint64(b[:]), sum: tailSum(text), decimals: decimals, len: uint(len(text))}
	if decimals <= 7 {
		f.most, f.whole, f.ones = 99_999_999, 64-8*uint(decimals), 1<<63>>(8*decimals)
	}
	return f
}

// tailSum is the sum of a text behind the rendered part.
func tailSum(text []byte) (sum uint64) {
	for _, c := range text {
		sum += uint64(c) - '0'
	}
	return sum
}

// put writes the field with v × 10^-decimals, without trailing zeros, at offset at of to, where
// decimalRoom bytes more than its tag are ours. It returns where the field ends, and sum with
// that of its bytes.
//
//go:noinline
func (f *tailField) put(to unsafe.Pointer, at uint, sum, v uint64) (uint, uint64) {
	store64(to, at, f.text)
	at += f.len
	sum += f.sum
	if v > f.most {
		text := market.AppendTrimmed(unsafe.Slice((*byte)(unsafe.Add(to, at)), decimalRoom)[:0], int64(v), f.decimals)
		return at + uint(len(text)), sum + tailSum(text)
	}
	w := digits8of(v)
	first, used := f.cut(w)
	store64(to, at, (w+ascii0)>>first)
	at += (used - first) >> 3
	if part := used - f.whole; part != 0 {
		store64(to, at-part>>3+1, (w+ascii0)>>(f.whole&63))
		*(*byte)(unsafe.Add(to, at-part>>3)) = '.'
		sum += point
		at++
	}
	return at, sum + w*0x0101010101010101>>56
}

// point is the sum of a decimal point.
const point = 1<<64 + '.' - '0'

// cut says between which bits of digits8of a number is without the zeros before and after it.
func (f *tailField) cut(w uint64) (first, used uint) {
	w |= f.ones
	return uint(bits.TrailingZeros64(w|1<<63)) & 56, uint(bits.Len64(w)+7) &^ 7
}
