package book

import (
	"penstock/event"
	"penstock/market"
)

// Level is one price of a ladder with the displayed size there.
type Level struct {
	Price market.Price
	Qty   market.Qty
}

// Ladder is one side of a book: levels sorted so that the best is last, which
// makes changes near the touch cheap. Its capacity is fixed; when it is full the
// worst level gives way and Dropped counts it. Single writer; not safe for
// concurrent use.
//
// Most books are short. Up to few levels lie where the ladder's owner has them, next
// to what else an event touches; a ladder that outgrows them moves to memory of its
// own, which is there from the start, until it is cleared.
type Ladder struct {
	levels  []rung
	top     int64 // key of the best level, noKey when there is none
	sign    int64 // +1 bid, -1 ask
	short   []rung
	long    []rung
	Dropped uint64
}

// few is how many levels lie next to their owner.
const few = 32

// rung is a level whose key, sign × price, is the larger the better.
type rung struct {
	key int64
	qty market.Qty
}

// noKey is below every key, and the sum of two is no overflow.
const noKey = -1 << 62

// NewLadder returns an empty ladder of side for at most capacity levels.
func NewLadder(side market.Side, capacity int) Ladder {
	return newLadder(side, capacity, make([]rung, min(few, capacity)))
}

// newLadder returns a ladder whose first levels lie in short.
func newLadder(side market.Side, capacity int, short []rung) Ladder {
	l := Ladder{top: noKey, sign: side.Sign(), short: short[:min(len(short), capacity)], long: make([]rung, capacity)}
	for i := range l.long {
		l.long[i].key = noKey // every page is there before the first level comes
	}
	l.levels = l.short[:0]
	return l
}

// Len returns the number of levels.
func (l *Ladder) Len() int { return len(l.levels) }

// Full reports whether a new level would push another one out.
func (l *Ladder) Full() bool { return len(l.levels) == len(l.long) }

// At returns level i, 0 being the best.
func (l *Ladder) At(i int) Level {
	r := l.levels[len(l.levels)-1-i]
	return Level{market.Price(r.key * l.sign), r.qty}
}

// Best returns the best level; ok is false when the side is empty.
func (l *Ladder) Best() (best Level, ok bool) {
	if len(l.levels) == 0 {
		return Level{}, false
	}
	return l.At(0), true
}

// Qty returns the size at price, 0 when there is none.
func (l *Ladder) Qty(price market.Price) market.Qty {
	if i, found := l.search(l.sign * int64(price)); found {
		return l.levels[i].qty
	}
	return 0
}

// Clear empties the ladder, keeping its memory.
func (l *Ladder) Clear() { l.levels, l.top = l.short[:0], noKey }

// Set makes the size at price qty; 0 deletes the level. It reports whether the
// best level changed.
func (l *Ladder) Set(price market.Price, qty market.Qty) (touched bool) {
	key := l.sign * int64(price)
	i, found := l.search(key)
	switch {
	case found && qty == 0:
		return l.remove(i)
	case found:
		l.levels[i].qty = qty
		return i == len(l.levels)-1
	case qty == 0:
		return false
	}
	return l.insert(i, rung{key, qty})
}

// Add changes the size at price by delta and reports whether the best level
// changed; ok is false, and nothing changes, when the size would go negative.
func (l *Ladder) Add(price market.Price, delta market.Qty) (touched, ok bool) {
	key := l.sign * int64(price)
	i, found := l.search(key)
	if found {
		qty := l.levels[i].qty + delta
		if qty > 0 {
			l.levels[i].qty = qty
			return i == len(l.levels)-1, true
		}
		return qty == 0 && l.remove(i), qty == 0
	}
	if delta <= 0 {
		return false, delta == 0
	}
	return l.insert(i, rung{key, delta}), true
}

// join adds an order's size at price and returns what was there before. Where Set
// and Add drop the worst level, it refuses: a level may not lose its orders.
func (l *Ladder) join(price market.Price, qty market.Qty) (
	touched bool, before market.Qty, reason event.Reason,
) {
	key := l.sign * int64(price)
	i, found := l.search(key)
	switch {
	case !found && l.Full():
		return false, 0, event.ReasonBookFull
	case !found:
		return l.insert(i, rung{key, qty}), 0, event.ReasonNone
	}
	before = l.levels[i].qty
	if before > market.MaxQty-qty {
		return false, before, event.ReasonAbsurd
	}
	l.levels[i].qty = before + qty
	return i == len(l.levels)-1, before, event.ReasonNone
}

func (l *Ladder) remove(i int) (touched bool) {
	n := len(l.levels) - 1
	copy(l.levels[i:], l.levels[i+1:])
	l.levels = l.levels[:n]
	if i < n {
		return false
	}
	l.top = noKey
	if n > 0 {
		l.top = l.levels[n-1].key
	}
	return true
}

func (l *Ladder) insert(i int, r rung) (touched bool) {
	n := len(l.levels)
	if n == len(l.short) && n < len(l.long) && &l.levels[0] == &l.short[0] {
		copy(l.long, l.short)
		l.levels = l.long[:n]
	}
	if n == len(l.long) {
		l.Dropped++
		if i == 0 {
			return false
		}
		copy(l.levels, l.levels[1:i]) // the worst gives way
		i--
	} else {
		l.levels = l.levels[:n+1]
		copy(l.levels[i+1:], l.levels[i:n])
	}
	l.levels[i] = r
	if i < len(l.levels)-1 {
		return false
	}
	l.top = r.key
	return true
}

// near is how many levels from the touch are looked at all at once.
const near = 8

// search returns the index of key, or where it belongs. Most changes are near the
// touch: how many of the last levels are better than key is counted without a
// branch, because which one it is cannot be foretold.
func (l *Ladder) search(key int64) (i int, found bool) {
	n := len(l.levels)
	if n < near {
		for i = n; i > 0; i-- {
			if k := l.levels[i-1].key; k <= key {
				if k == key {
					return i - 1, true
				}
				break
			}
		}
		return i, false
	}
	t := (*[near]rung)(l.levels[n-near:])
	better := (key-t[0].key)>>63 + (key-t[1].key)>>63 + (key-t[2].key)>>63 + (key-t[3].key)>>63 +
		(key-t[4].key)>>63 + (key-t[5].key)>>63 + (key-t[6].key)>>63 + (key-t[7].key)>>63
	if better == -near {
		return l.searchFar(key, n-near)
	}
	i = n + int(better) // better counts downwards
	if l.levels[i-1].key == key {
		return i - 1, true
	}
	return i, false
}

// searchFar searches the first hi levels.
func (l *Ladder) searchFar(key int64, hi int) (i int, found bool) {
	lo, n := 0, hi
	for n > 0 { // the answer is in lo .. lo+n
		half := (n + 1) / 2
		// Written so that it compiles to a conditional move.
		next := lo + half
		if l.levels[next-1].key > key {
			next = lo
		}
		lo, n = next, n-half
	}
	if lo > 0 && l.levels[lo-1].key == key {
		return lo - 1, true
	}
	return lo, false
}
