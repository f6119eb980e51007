package book

import "penstock/market"

// Level is one price of a ladder with the displayed size there.
type Level struct {
	Price market.Price
	Qty   market.Qty
}

// Ladder is one side of a book: levels sorted so that the best is last, which
// makes changes near the touch cheap. Its capacity is fixed; when it is full the
// worst level gives way and Dropped counts it. Single writer; not safe for
// concurrent use.
type Ladder struct {
	levels  []Level
	sign    int64 // +1 bid, -1 ask: larger sign×price is better
	Dropped uint64
}

// NewLadder returns an empty ladder of side for at most capacity levels.
func NewLadder(side market.Side, capacity int) Ladder {
	return Ladder{levels: make([]Level, 0, capacity), sign: side.Sign()}
}

// Len returns the number of levels.
func (l *Ladder) Len() int { return len(l.levels) }

// Full reports whether a new level would push another one out.
func (l *Ladder) Full() bool { return len(l.levels) == cap(l.levels) }

// At returns level i, 0 being the best.
func (l *Ladder) At(i int) Level { return l.levels[len(l.levels)-1-i] }

// Best returns the best level; ok is false when the side is empty.
func (l *Ladder) Best() (best Level, ok bool) {
	if len(l.levels) == 0 {
		return Level{}, false
	}
	return l.levels[len(l.levels)-1], true
}

// Qty returns the size at price, 0 when there is none.
func (l *Ladder) Qty(price market.Price) market.Qty {
	i := l.search(price)
	if i < len(l.levels) && l.levels[i].Price == price {
		return l.levels[i].Qty
	}
	return 0
}

// Clear empties the ladder, keeping its memory.
func (l *Ladder) Clear() { l.levels = l.levels[:0] }

// Set makes the size at price qty; 0 deletes the level. It reports whether the
// best level changed.
func (l *Ladder) Set(price market.Price, qty market.Qty) (touched bool) {
	i := l.search(price)
	n := len(l.levels)
	found := i < n && l.levels[i].Price == price
	switch {
	case found && qty == 0:
		copy(l.levels[i:], l.levels[i+1:])
		l.levels = l.levels[:n-1]
		return i == n-1
	case found:
		l.levels[i].Qty = qty
		return i == n-1
	case qty == 0:
		return false
	case n == cap(l.levels):
		return l.replaceWorst(i, Level{price, qty})
	}
	l.levels = l.levels[:n+1]
	copy(l.levels[i+1:], l.levels[i:n])
	l.levels[i] = Level{price, qty}
	return i == n
}

func (l *Ladder) replaceWorst(i int, level Level) (touched bool) {
	l.Dropped++
	if i == 0 {
		return false
	}
	copy(l.levels, l.levels[1:i])
	l.levels[i-1] = level
	return i == len(l.levels)
}

// Add changes the size at price by delta and reports whether the best level
// changed; ok is false, and nothing changes, when the size would go negative.
func (l *Ladder) Add(price market.Price, delta market.Qty) (touched, ok bool) {
	qty := l.Qty(price) + delta
	if qty < 0 {
		return false, false
	}
	return l.Set(price, qty), true
}

// search returns the index of price, or where it belongs. Most changes are near
// the touch, so the last few levels are tried first.
func (l *Ladder) search(price market.Price) int {
	key := l.sign * int64(price)
	hi := len(l.levels)
	for range 8 {
		if hi == 0 {
			return 0
		}
		k := l.sign * int64(l.levels[hi-1].Price)
		if k < key {
			return hi
		}
		if k == key {
			return hi - 1
		}
		hi--
	}
	lo := 0
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if l.sign*int64(l.levels[mid].Price) < key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
