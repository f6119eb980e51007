package jsonws

import "penstock/market"

// textMax is how many characters a level may contribute to a checksum: the
// longest of a recorded venue has 24.
const textMax = 47

// textLevel is a level of a message together with how the venue wrote it, which
// is what its checksum is over. The texts are valid during the call.
type textLevel struct {
	price, qty int64 // of the instrument
	gone       bool  // the venue's quantity is 0; qty may be 0 for a part of a lot
	side       market.Side
	priceText  []byte
	qtyText    []byte
}

// fits reports whether a textRung can hold the texts.
func (l *textLevel) fits() bool { return len(l.priceText)+1+len(l.qtyText) <= textMax }

// scan takes the beginning of a level, ["price","quantity"," up to the opening
// quote of what follows.
func (l *textLevel) scan(s *scanner, priceDecimals, qtyDecimals uint8) bool {
	b, start := s.b, s.i+2
	if start > len(b) || b[start-2] != '[' || b[start-1] != '"' {
		return false
	}
	price, i := decimalAt(b, start, priceDecimals)
	if i < 0 || len(b)-i < 3 || b[i] != '"' || b[i+1] != ',' || b[i+2] != '"' {
		return false
	}
	l.price, l.priceText = price, b[start:i]
	start = i + 3
	qty, i := decimalAt(b, start, qtyDecimals)
	if i < 0 || len(b)-i < 3 || b[i] != '"' || b[i+1] != ',' || b[i+2] != '"' {
		return false
	}
	l.qty, l.qtyText, l.gone = qty, b[start:i], qty == 0
	s.i = i + 3
	return price > 0 && l.fits()
}

// textRung is the body of a level of a textSide.
type textRung struct {
	qty  int64
	size uint8
	text [textMax]byte // what it contributes to the checksum
}

// textKey is the place of a level in the order of prices.
type textKey struct {
	price int64
	slot  uint32 // of its body
}

// textSide is one side of a book whose checksum is over the venue's own digits.
// The best price comes last, for that is where most changes are; bodies stay where
// they are when keys move.
type textSide struct {
	side   market.Side
	all    []textKey // what keys lie in
	keys   []textKey
	bodies []textRung
	free   []uint32 // slots of bodies without a key
	top    int      // how many levels the checksum covers
	stale  bool     // one of those is not what it was at the last checksum
}

func newTextSide(side market.Side, depth, top int) textSide {
	all := make([]textKey, 0, 4*depth)
	return textSide{side: side, all: all, keys: all, bodies: make([]textRung, 0, 2*depth),
		free: make([]uint32, 0, 2*depth), top: top}
}

func (t *textSide) clear() {
	t.keys, t.bodies, t.free, t.stale = t.all[:0], t.bodies[:0], t.free[:0], true
}

// touch notes that the level at i changed, comes or goes.
func (t *textSide) touch(i int) { t.stale = t.stale || len(t.keys)-i <= t.top }

// at returns where price is, or where it would go.
func (t *textSide) at(price int64) (i int, found bool) {
	lo, hi := 0, len(t.keys)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		p := t.keys[mid].price
		if p != price && (p < price) == (t.side == market.Buy) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(t.keys) && t.keys[lo].price == price
}

// remove takes a level out; false says that there is none.
func (t *textSide) remove(price int64) bool {
	i, found := t.at(price)
	if found {
		t.touch(i)
		t.free = append(t.free, t.keys[i].slot)
		t.keys = append(t.keys[:i], t.keys[i+1:]...)
	}
	return found
}

// put makes room for a level and sets its quantity. The text of the rung is left
// to the caller. changed is false when the level had that quantity already.
func (t *textSide) put(price, qty int64) (r *textRung, changed bool) {
	i, found := t.at(price)
	if found {
		r = &t.bodies[t.keys[i].slot]
		changed = r.qty != qty
		r.qty = qty
		t.touch(i)
		return r, changed
	}
	if len(t.keys) == cap(t.keys) {
		if 2*len(t.keys) > cap(t.all) {
			t.all = make([]textKey, 0, 2*cap(t.all)+1)
		}
		t.keys = append(t.all[:0], t.keys...)
	}
	t.keys = t.keys[:len(t.keys)+1]
	copy(t.keys[i+1:], t.keys[i:])
	slot := uint32(len(t.bodies))
	if n := len(t.free); n > 0 {
		slot, t.free = t.free[n-1], t.free[:n-1]
	} else {
		t.bodies = append(t.bodies, textRung{})
	}
	t.keys[i] = textKey{price, slot}
	t.touch(i)
	r = &t.bodies[slot]
	r.qty = qty
	return r, true
}

// best returns the i-th best level, nil when there are fewer.
func (t *textSide) best(i int) *textRung {
	if i >= len(t.keys) {
		return nil
	}
	return &t.bodies[t.keys[len(t.keys)-1-i].slot]
}

// drop forgets the worst level.
func (t *textSide) drop() {
	t.free = append(t.free, t.keys[0].slot)
	t.keys = t.keys[1:]
}

// textLadder is our copy of a venue's book, to check it.
type textLadder struct {
	bids, asks textSide
}

func newTextLadder(depth, top int) textLadder {
	return textLadder{newTextSide(market.Buy, depth, top), newTextSide(market.Sell, depth, top)}
}

func (l *textLadder) of(side market.Side) *textSide {
	if side == market.Buy {
		return &l.bids
	}
	return &l.asks
}

func (l *textLadder) clear() {
	l.bids.clear()
	l.asks.clear()
}

// list appends the whole book as changes, bids first, the best of each first.
func (l *textLadder) list(dst []change) []change {
	for _, side := range [2]*textSide{&l.bids, &l.asks} {
		for i := len(side.keys) - 1; i >= 0; i-- {
			if qty := side.bodies[side.keys[i].slot].qty; qty > 0 {
				dst = append(dst, levelOf(side.side, side.keys[i].price, qty))
			}
		}
	}
	return dst
}
