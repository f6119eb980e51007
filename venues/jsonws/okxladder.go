package jsonws

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"penstock/market"
)

// textMax is how many characters a level may contribute to a checksum: the
// longest of a recorded venue has 24.
const textMax = 47

// textLevel is a level of a message together with what it contributes to the
// venue's checksum.
type textLevel struct {
	price, qty int64 // of the instrument
	gone       bool  // the venue's quantity is 0; qty may be 0 for a part of a lot
	side       market.Side
	sum        sumText
}

// sumText is text[:size]; what is behind it is of no meaning.
type sumText struct {
	size uint8
	text [textMax]byte
}

// fits reports whether a sumText can hold price and quantity and a colon.
func fits(price, qty []byte) bool { return len(price)+1+len(qty) <= textMax }

// wide is how much is copied at once of a number, whose length then needs no loop.
const wide = 16

// keep sets the text to price:qty, as written. They fit.
func (t *sumText) keep(price, qty []byte) {
	n := copy(t.text[:], price)
	t.text[n] = ':'
	t.size = uint8(n + 1 + copy(t.text[n+1:], qty))
}

// keepAt is keep for numbers in b, of which each is at most wide long and has wide
// bytes in b.
func (t *sumText) keepAt(b []byte, price, priceSize, qty, qtySize int) {
	*(*[wide]byte)(t.text[:]) = [wide]byte(b[price:])
	t.text[priceSize&31] = ':'
	*(*[wide]byte)(t.text[(priceSize+1)&31:]) = [wide]byte(b[qty:])
	t.size = uint8(priceSize + 1 + qtySize)
}

// keepDigits sets the text to the digits of price and quantity, each without its
// point and leading zeros. They fit.
func (t *sumText) keepDigits(price, qty []byte) {
	t.size = 0
	t.addDigits(price)
	t.addDigits(qty)
}

func (t *sumText) addDigits(text []byte) {
	leading := true
	for _, c := range text {
		if c == '.' || leading && c == '0' {
			continue
		}
		leading = false
		t.text[t.size] = c
		t.size++
	}
}

// addDigitsAt is addDigits for the number of so many bytes at b[i:], front of them
// before its point. It has 2*wide bytes in b and at most eight digits behind the
// point and seven before it, or is left to addDigits.
func (t *sumText) addDigitsAt(b []byte, i, size, front int) {
	back := max(size-front-1, 0)
	if back > 8 || front > 7 || len(b)-i < 2*wide {
		t.addDigits(b[i : i+size])
		return
	}
	zero := 0
	rest := i + front + 1
	if b[i] == '0' {
		front = 0
		zero = min(bits.TrailingZeros64(binary.LittleEndian.Uint64(b[rest:])^zeros)>>3, back)
	}
	n := int(t.size & 31)
	*(*[8]byte)(t.text[n:]) = [8]byte(b[i:])
	n = (n + front) & 31
	*(*[8]byte)(t.text[n:]) = [8]byte(b[rest+zero:])
	t.size = uint8(n + back - zero)
}

// textRung is the body of a level of a textSide.
type textRung struct {
	qty int64
	sum sumText
}

// textKey is the place of a level in the order of prices.
type textKey struct {
	rank int64  // the better the price, the greater: see textSide.rank
	slot uint32 // of its body
	gone bool   // the level went; the key is there for the next level nearby
}

// textSide is one side of a book whose checksum is over the venue's own digits.
// The best price comes last, for that is where most changes are; bodies stay where
// they are when keys move. Keys of levels that went stay for a while: most come
// back, or others near them, and nothing has to move then. The last key is never
// one of those.
type textSide struct {
	side   market.Side
	all    []textKey // what keys lie in
	keys   []textKey
	dead   int // how many of keys are gone
	bodies []textRung
	free   []uint32 // slots of bodies without a level
	near   int      // where a level was looked for last: the next is mostly a little worse
	top    int      // how many levels the checksum covers
	stale  bool     // one of those is not what it was at the last checksum
}

func newTextSide(side market.Side, depth, top int) textSide {
	all := make([]textKey, 0, 4*depth)
	return textSide{side: side, all: all, keys: all, bodies: make([]textRung, 0, 2*depth),
		free: make([]uint32, 0, 2*depth), top: top}
}

func (t *textSide) clear() {
	t.keys, t.bodies, t.free, t.stale, t.dead = t.all[:0], t.bodies[:0], t.free[:0], true, 0
}

// size is how many levels there are.
func (t *textSide) size() int { return len(t.keys) - t.dead }

// touch notes that the level at i changed, comes or goes.
func (t *textSide) touch(i int) { t.stale = t.stale || len(t.keys)-i <= t.top+t.dead }

// rank returns the rank of a price, and the price of a rank.
func (t *textSide) rank(price int64) int64 {
	if t.side == market.Sell {
		return -price
	}
	return price
}

// at returns where the key of a rank is, or where it would go.
func (t *textSide) at(rank int64) (i int, found bool) {
	keys := t.keys
	// The place is in keys[lo:hi+1].
	lo, hi := 0, len(keys)
	if t.near < hi && keys[t.near].rank >= rank {
		hi = t.near
	}
	for step := 1; hi >= step; step *= 2 {
		if keys[hi-step].rank < rank {
			lo = hi - step + 1
			break
		}
		hi -= step
	}
	for n := hi - lo; n > 0; {
		half := (n + 1) / 2
		if keys[lo+half-1].rank < rank {
			lo += half
		}
		n -= half
	}
	t.near = lo
	return lo, lo < len(keys) && keys[lo].rank == rank
}

// remove takes a level out; false says that there is none.
func (t *textSide) remove(price int64) bool {
	i, found := t.at(t.rank(price))
	if !found || t.keys[i].gone {
		return false
	}
	t.touch(i)
	k := &t.keys[i]
	t.free = append(t.free, k.slot)
	k.gone = true
	t.dead++
	for n := len(t.keys); n > 0 && t.keys[n-1].gone; n-- {
		t.keys = t.keys[:n-1]
		t.dead--
	}
	return true
}

// put sets a level. changed is false when it had that quantity already.
func (t *textSide) put(l *textLevel) (changed bool) {
	rank := t.rank(l.price)
	i, found := t.at(rank)
	if found && !t.keys[i].gone {
		r := &t.bodies[t.keys[i].slot]
		changed = r.qty != l.qty
		r.qty, r.sum = l.qty, l.sum
		t.touch(i)
		return changed
	}
	if !found {
		i = t.room(i)
	}
	slot := uint32(len(t.bodies))
	if n := len(t.free); n > 0 {
		slot, t.free = t.free[n-1], t.free[:n-1]
	} else {
		t.bodies = append(t.bodies, textRung{})
	}
	t.keys[i] = textKey{rank: rank, slot: slot}
	t.dead-- // it was one, or room has made one
	t.touch(i)
	r := &t.bodies[slot]
	r.qty, r.sum = l.qty, l.sum
	return true
}

// room makes room for a key between i-1 and i, and returns where: in place of one
// that is gone if there is one near.
func (t *textSide) room(i int) int {
	const near = 8
	for j := i; j < min(i+near, len(t.keys)); j++ {
		if t.keys[j].gone {
			copy(t.keys[i+1:j+1], t.keys[i:j])
			return i
		}
	}
	for j := i - 1; j >= max(i-near, 0); j-- {
		if t.keys[j].gone {
			copy(t.keys[j:i-1], t.keys[j+1:i])
			return i - 1
		}
	}
	if len(t.keys) == cap(t.keys) || t.dead > 16+len(t.keys)/4 {
		i = t.compact(i)
	}
	t.keys = t.keys[:len(t.keys)+1]
	copy(t.keys[i+1:], t.keys[i:])
	t.dead++
	return i
}

// compact drops the keys that are gone and returns where i is then.
func (t *textSide) compact(i int) int {
	all := t.all[:0]
	if 2*t.size() > cap(all) {
		t.all = make([]textKey, 0, 2*cap(all)+1)
		all = t.all
	}
	at := 0
	for j, k := range t.keys {
		if j == i {
			at = len(all)
		}
		if !k.gone {
			all = append(all, k)
		}
	}
	if i == len(t.keys) {
		at = len(all)
	}
	t.keys, t.dead = all, 0
	return at
}

// next returns the level before i, the next worse one, and its place; nil when
// there is none. It begins at len(keys).
func (t *textSide) next(i int) (*textRung, int) {
	for i--; i >= 0; i-- {
		if k := &t.keys[i]; !k.gone {
			return &t.bodies[k.slot], i
		}
	}
	return nil, 0
}

// drop forgets the worst level and returns its price.
func (t *textSide) drop() (price int64) {
	for t.keys[0].gone {
		t.keys = t.keys[1:]
		t.dead--
	}
	price = t.rank(t.keys[0].rank)
	t.free = append(t.free, t.keys[0].slot)
	t.keys = t.keys[1:]
	return price
}

// textLadder is our copy of a venue's book, to check it.
type textLadder struct {
	bids, asks textSide
}

func newTextLadder(depth, top int) textLadder {
	return textLadder{newTextSide(market.Buy, depth, top), newTextSide(market.Sell, depth, top)}
}

func (l *textLadder) clear() {
	l.bids.clear()
	l.asks.clear()
}

// set puts a level in or takes it out; it reports whether that changes the book.
func (l *textLadder) set(level *textLevel) bool {
	side := &l.bids
	if level.side == market.Sell {
		side = &l.asks
	}
	if level.gone {
		return side.remove(level.price)
	}
	return side.put(level)
}

// apply sets levels and appends what that changes.
func (l *textLadder) apply(dst []change, levels []textLevel) []change {
	dst = slices.Grow(dst, len(levels))
	for i := range levels {
		if level := &levels[i]; l.set(level) {
			dst = dst[:len(dst)+1]
			dst[len(dst)-1] = levelOf(level.side, level.price, level.qty)
		}
	}
	return dst
}

// list appends the whole book as changes, bids first, the best of each first.
func (l *textLadder) list(dst []change) []change {
	for _, side := range [2]*textSide{&l.bids, &l.asks} {
		for i := len(side.keys) - 1; i >= 0; i-- {
			k := &side.keys[i]
			if qty := side.bodies[k.slot].qty; !k.gone && qty > 0 {
				dst = append(dst, levelOf(side.side, side.rank(k.rank), qty))
			}
		}
	}
	return dst
}

// levelAfter returns levels with room for one more, which may hold anything.
func levelAfter(levels []textLevel) []textLevel {
	if n := len(levels); n < cap(levels) {
		return levels[:n+1]
	}
	return append(levels, textLevel{})
}
