package book

import (
	"penstock/internal/assert"
	"penstock/market"
)

// Level is one price of a ladder with the displayed size there.
type Level struct {
	Price market.Price
	Qty   market.Qty
}

// Ladder is one side of a book: sorted keys with the numbers of their levels. Its
// capacity is fixed; when it is full the worst level gives way and Dropped counts it.
// Single writer; not safe for concurrent use.
//
//	near  86 … 98 99 100 101        in the ladder itself, the best last
//	far   12 15 … 83 84             the others, in leaves, the best last
//	pool  #0 {101 30} #1 {84 75} …  a level never moves while it lives
//
// Most changes are near the touch and of levels that exist: they look at one or two
// cache lines of keys. An order that knows its level's number looks at none. Only a level
// that comes or goes moves others along, the better ones of those near: a new best level
// moves none. While there are far levels at least nearLow are near; levels
// change over by several, so that not every one that comes or goes moves another.
type Ladder struct {
	keys     [near]int64 // count of them, the best last
	numbers  [near]uint32
	count    int32 // of levels that are near
	beyond   int32 // levels in far
	capacity int32
	owner    uint16 // of its levels: nobody on a level feed
	sign     int64  // +1 bid, -1 ask: the larger a key, the better
	pool     *pool
	Dropped  uint64
	far      []branch
	floors   []int64  // of far
	_        [40]byte // the next begins a cache line
}

const (
	near    = 16
	nearLow = 9  // while there are far levels: see leavesFor
	nearMid = 12 // where those that come near, or leave it, stop
	// noKey is below every key, and the sum of two is no overflow.
	noKey = -1 << 62
)

// pool holds the levels of several ladders. Its memory is taken at start, and levels
// that are used stay together. Level 0 is nobody's.
type pool struct {
	levels   []level
	free     uint32 // the first free one; its size is the number of the next, 0 after the last
	buried   uint32 // the first that orders of a cleared book still name, chained in the same way
	freeLeaf uint32
	leaves   []leaf // of the ladders
}

// level is a price of one book. Its book is the owner of its orders.
type level struct {
	key  int64
	word uint64 // size << ownerBits | owner
}

const (
	ownerBits = 15
	ownerMask = 1<<ownerBits - 1
	nobody    = 0 // owner of levels that are free, buried, or of a level feed
)

const _ = uint64(market.MaxQty) << ownerBits // a size and its owner fit

func (l *level) owner() uint16   { return uint16(l.word & ownerMask) }
func (l *level) qty() market.Qty { return market.Qty(l.word >> ownerBits) }

func (l *level) set(qty market.Qty) { l.word = uint64(qty)<<ownerBits | l.word&ownerMask }

// newPool returns a pool for capacity levels, in so many leaves.
func newPool(capacity, leaves int) *pool {
	p := &pool{levels: make([]level, capacity+1), leaves: make([]leaf, leaves)}
	for i := range p.levels {
		p.levels[i] = p.unused(i)
	}
	if capacity > 0 {
		p.free = 1
	}
	p.freeLeaves()
	return p
}

// unused returns what level i is before it is used: linked to the next.
func (p *pool) unused(i int) level {
	if i == 0 || i == len(p.levels)-1 {
		return level{key: noKey}
	}
	return level{noKey, uint64(i+1) << ownerBits}
}

// take returns the number of a level; the pool must not be exhausted.
func (p *pool) take(key int64, qty market.Qty, owner uint16) uint32 {
	number := p.free
	assert.That(number != 0, "a pool has levels for all that its ladders may hold")
	l := &p.levels[number]
	p.free = uint32(l.qty())
	*l = level{key, uint64(qty)<<ownerBits | uint64(owner)}
	return number
}

func (p *pool) give(number uint32) {
	p.levels[number] = level{noKey, uint64(p.free) << ownerBits}
	p.free = number
}

// bury takes a level from its owner, though orders name it.
func (p *pool) bury(number uint32) {
	p.levels[number] = level{noKey, uint64(p.buried) << ownerBits}
	p.buried = number
}

// exhume gives back what is buried: no order names it any more.
func (p *pool) exhume() {
	for p.buried != 0 {
		number := p.buried
		p.buried = uint32(p.levels[number].qty())
		p.give(number)
	}
}

// MaxLevels is the largest capacity of a ladder.
const MaxLevels = 1 << 24

// NewLadder returns an empty ladder of side for at most capacity levels.
func NewLadder(side market.Side, capacity int) Ladder {
	return newLadder(side, capacity, newPool(capacity, leavesFor(capacity)))
}

// newLadder returns a ladder whose levels are in p. The pool must have enough for all
// its ladders.
func newLadder(side market.Side, capacity int, p *pool) Ladder {
	assert.That(capacity >= 0 && capacity <= MaxLevels, "the capacity of a ladder is in range")
	l := Ladder{sign: side.Sign(), pool: p, capacity: int32(capacity), far: make([]branch, leavesFor(capacity))}
	l.floors = make([]int64, len(l.far)+rankPad)
	for i := range l.far {
		l.far[i].n, l.floors[i] = 0, noKey // every page is there before the first level comes
	}
	l.far, l.floors = l.far[:0], l.floors[:0]
	return l
}

// Len returns the number of levels.
func (l *Ladder) Len() int { return int(l.count + l.beyond) }

// Full reports whether a new level would push another one out.
func (l *Ladder) Full() bool { return l.count+l.beyond == l.capacity }

// number returns that of the level at a spot.
func (l *Ladder) number(s spot) uint32 {
	if s.branch == nigh {
		return l.numbers[s.at&(near-1)]
	}
	return l.pool.leaves[l.far[s.branch].leaf].numbers[s.at]
}

// At returns level i, 0 being the best.
func (l *Ladder) At(i int) Level {
	at := int(l.count) - 1 - i
	number := l.numbers[at&(near-1)]
	if at < 0 {
		number = l.farNumber(-1 - at)
	}
	v := &l.pool.levels[number]
	return Level{market.Price(v.key * l.sign), v.qty()}
}

// Best returns the best level; ok is false when the side is empty.
func (l *Ladder) Best() (best Level, ok bool) {
	if l.count == 0 {
		return Level{}, false
	}
	return l.At(0), true
}

// Qty returns the size at price, 0 when there is none.
func (l *Ladder) Qty(price market.Price) market.Qty {
	if s, found := l.search(l.sign * int64(price)); found {
		return l.pool.levels[l.number(s)].qty()
	}
	return 0
}

// Clear empties the ladder, keeping its memory. Which level goes first does not depend on how
// many are near: a book that was loaded goes on with the same numbers.
func (l *Ladder) Clear() {
	drop := l.pool.give
	if l.owner != nobody {
		drop = l.pool.bury
	}
	for _, b := range l.far {
		for _, number := range l.pool.leaves[b.leaf].numbers[:b.n] {
			drop(number)
		}
		l.pool.giveLeaf(b.leaf)
	}
	for _, number := range l.numbers[:l.count] {
		drop(number)
	}
	l.count, l.beyond, l.far, l.floors = 0, 0, l.far[:0], l.floors[:0]
}

// Set makes the size at price qty; 0 deletes the level. It reports whether the
// best level changed.
func (l *Ladder) Set(price market.Price, qty market.Qty) (touched bool) {
	key := l.sign * int64(price)
	best := key >= l.top()
	s, found := l.search(key)
	switch {
	case found && qty == 0:
		l.remove(s)
	case found:
		l.pool.levels[l.number(s)].set(qty)
	case qty == 0:
		return false
	default:
		l.insert(s, key, qty)
		return best && l.count > 0
	}
	return best
}

// Add changes the size at price by delta and reports whether the best level
// changed; ok is false, and nothing changes, when the size would go negative.
func (l *Ladder) Add(price market.Price, delta market.Qty) (touched, ok bool) {
	qty := l.Qty(price) + delta
	return qty >= 0 && l.Set(price, qty), qty >= 0
}

// top returns the key of the best level, noKey when there is none.
func (l *Ladder) top() int64 {
	if l.count == 0 {
		return noKey
	}
	return l.keys[(l.count-1)&(near-1)]
}

// topQty returns the size of the best level; there must be one.
func (l *Ladder) topQty() market.Qty {
	return l.pool.levels[l.numbers[(l.count-1)&(near-1)]].qty()
}

// join returns the number of the level at key for an order to come to, which is made
// without size where there is none. Where Set and Add drop the worst level, it refuses: a
// level may not lose its orders.
func (l *Ladder) join(key int64) (number uint32, ok bool) {
	s, found := l.search(key)
	switch {
	case found:
		return l.number(s), true
	case l.Full():
		return 0, false
	}
	return l.insert(s, key, 0), true
}

// leave takes away the level at key, which has lost its last order.
func (l *Ladder) leave(key int64) {
	s, found := l.search(key)
	assert.That(found, "an order's level is in the ladder")
	l.remove(s)
}

// push makes a level better than all, of a ladder that is not full, and returns its number.
func (l *Ladder) push(key int64, qty market.Qty) (number uint32) {
	number = l.pool.take(key, qty, l.owner)
	l.putNear(int(l.count), key, number)
	return number
}

// pop takes the best level away.
func (l *Ladder) pop() {
	l.count--
	l.pool.give(l.numbers[l.count&(near-1)])
	if l.count < nearLow && l.beyond > 0 {
		l.fetch()
	}
}

// remove takes a level away.
func (l *Ladder) remove(s spot) {
	l.pool.give(l.number(s))
	if s.branch != nigh {
		l.cut(s)
		return
	}
	l.count--
	for i := s.at; i < int(l.count); i++ {
		l.keys[i&(near-1)], l.numbers[i&(near-1)] = l.keys[(i+1)&(near-1)], l.numbers[(i+1)&(near-1)]
	}
	if l.count < nearLow && l.beyond > 0 {
		l.fetch()
	}
}

// insert makes a level where it belongs and returns its number. When the ladder is full
// the worst gives way, which may be the new one.
func (l *Ladder) insert(s spot, key int64, qty market.Qty) (number uint32) {
	if l.Full() {
		l.Dropped++
		worst := spot{branch: nigh}
		if l.beyond > 0 {
			worst.branch = 0
		}
		if s == worst {
			return 0
		}
		l.remove(worst)
		s, _ = l.search(key)
	}
	number = l.pool.take(key, qty, l.owner)
	if s.branch != nigh {
		l.put(s, key, number)
	} else {
		l.putNear(s.at, key, number)
	}
	return number
}

// putNear puts a level before those that are better.
func (l *Ladder) putNear(at int, key int64, number uint32) {
	if l.count == near {
		l.evict()
		if at -= near - nearMid; at < 0 {
			s, _ := l.searchFar(key) // it lies among those that went
			l.put(s, key, number)
			return
		}
	}
	for i := int(l.count); i > at; i-- {
		l.keys[i&(near-1)], l.numbers[i&(near-1)] = l.keys[(i-1)&(near-1)], l.numbers[(i-1)&(near-1)]
	}
	l.keys[at&(near-1)], l.numbers[at&(near-1)] = key, number
	l.count++
}

// search returns where key is, or where it belongs.
func (l *Ladder) search(key int64) (s spot, found bool) {
	at := rank(l.keys[:l.count], key+1)
	if at == 0 && l.beyond > 0 {
		return l.searchFar(key)
	}
	if below := uint(at - 1); below < near && l.keys[below] == key {
		return spot{nigh, int(below)}, true
	}
	return spot{nigh, at}, false
}
