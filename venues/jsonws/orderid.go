package jsonws

import (
	"encoding/binary"
	"math/bits"

	"penstock/market"
)

// orderID is a UUID.
type orderID struct{ high, low uint64 }

// ref is how events name the order: the halves of the UUID, xor. Of 122 random
// bits 64 remain, so among a million orders at once two share a ref with odds of
// 1 to 37 million (n²/2 ÷ 2^64). The decoder sees that, for it keeps the whole
// id, and begins the book anew.
func (id orderID) ref() uint64 { return id.high ^ id.low }

const orderIDSize = len("d50ec984-77a8-460a-b958-66f114b0de9b")

// parseOrderID reads a UUID of lower-case digits.
func parseOrderID(b []byte) (id orderID, ok bool) {
	if len(b) != orderIDSize || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return id, false
	}
	four := func(at int) uint64 { return uint64(binary.LittleEndian.Uint32(b[at:])) }
	w0, bad0 := hexDigits(binary.LittleEndian.Uint64(b[0:8]))
	w1, bad1 := hexDigits(four(9) | four(14)<<32)
	w2, bad2 := hexDigits(four(19) | four(24)<<32)
	w3, bad3 := hexDigits(binary.LittleEndian.Uint64(b[28:36]))
	return orderID{w0<<32 | w1, w2<<32 | w3}, bad0|bad1|bad2|bad3 == 0
}

// hexDigits returns the number that eight digits 0-9 a-f make, the lowest byte the
// first; bad is not 0 when there is another character.
func hexDigits(x uint64) (v, bad uint64) {
	const each = 0x0101010101010101
	letters := x >> 6 & each
	v = x&(each*0x0F) + letters*9
	bad = (v + each*'0' + letters*('a'-10-'0')) ^ x | v&(each*0xF0) |
		(v+each*0x76)>>7&each ^ letters
	v = (v<<4 | v>>8) & 0x00FF00FF00FF00FF
	v = (v<<8 | v>>16) & 0x0000FFFF0000FFFF
	return (v<<16 | v>>32) & 0xFFFFFFFF, bad
}

// restingOrder is an order on a book.
type restingOrder struct {
	id    orderID
	book  *book // nil: the place is free
	price int64
	qty   int64
	side  market.Side
}

// restingOrders finds orders by their refs. It grows with the books and never
// shrinks.
type restingOrders struct {
	slots []restingOrder // a power of two; open addressing, no tombstones
	n     int
}

const restingOrdersMin = 1 << 10

func (r *restingOrders) home(ref uint64) int {
	return int(ref * 0x9E3779B97F4A7C15 >> (64 - uint(bits.TrailingZeros(uint(len(r.slots))))))
}

// find returns the order of a ref, nil when there is none. The pointer is valid
// until the next insert or remove.
func (r *restingOrders) find(ref uint64) *restingOrder {
	if r.n == 0 {
		return nil
	}
	for i := r.home(ref); ; i = (i + 1) & (len(r.slots) - 1) {
		switch o := &r.slots[i]; {
		case o.book == nil:
			return nil
		case o.id.ref() == ref:
			return o
		}
	}
}

// insert adds an order whose ref is not there.
func (r *restingOrders) insert(o restingOrder) {
	if (r.n+1)*4 > len(r.slots)*3 {
		was := r.slots
		r.slots, r.n = make([]restingOrder, max(restingOrdersMin, 2*len(was))), 0
		for i := range was {
			if was[i].book != nil {
				r.insert(was[i])
			}
		}
	}
	i := r.home(o.id.ref())
	for r.slots[i].book != nil {
		i = (i + 1) & (len(r.slots) - 1)
	}
	r.slots[i] = o
	r.n++
}

// remove takes an order out and closes the gap that it leaves.
func (r *restingOrders) remove(o *restingOrder) {
	mask := len(r.slots) - 1
	gap := r.home(o.id.ref())
	for &r.slots[gap] != o {
		gap = (gap + 1) & mask
	}
	for i := (gap + 1) & mask; r.slots[i].book != nil; i = (i + 1) & mask {
		// An order moves when its home is not between the gap and its place.
		if (i-r.home(r.slots[i].id.ref()))&mask >= (i-gap)&mask {
			r.slots[gap] = r.slots[i]
			gap = i
		}
	}
	r.slots[gap] = restingOrder{}
	r.n--
}

// removeAll takes the orders of b out.
func (r *restingOrders) removeAll(b *book) {
	was := r.slots
	if r.n == 0 {
		return
	}
	r.slots, r.n = make([]restingOrder, len(was)), 0
	for i := range was {
		if was[i].book != nil && was[i].book != b {
			r.insert(was[i])
		}
	}
}
