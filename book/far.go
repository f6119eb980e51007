package book

import (
	"slices"

	"penstock/internal/assert"
)

// Far levels lie in leaves: sorted runs of keys, the best last. One that comes or goes moves
// those of its leaf alone, and is found in few cache lines, which do not wait for each other.
//
//	floors 12 57 …                              the worst first
//	far    {leaf 5 n 20} {leaf 2 n 31} …
//	leaf   12 15 … 56, with the numbers of their levels
//
// A floor is at most the first key of its leaf and above every key of the one before. Two
// neighbours have more than half a leaf of levels between them, so that the pool has leaves
// for all: n levels have at most 2n/(leafHalf+1) + 1. That nearLow others of a ladder are near
// makes up for the last one, so that ladders need no more leaves together than one alone.
const (
	leafKeys = 32
	leafHalf = leafKeys / 2
)

// branch is a leaf of a ladder.
type branch struct {
	leaf uint32
	n    uint32
}

type leaf struct {
	keys    [leafKeys]int64
	numbers [leafKeys]uint32 // of a free leaf: the first is the next free one
}

// leavesFor returns how many leaves a ladder of some capacity may have.
func leavesFor(capacity int) int {
	if capacity <= near {
		return 0
	}
	return 2*(capacity-nearLow)/(leafHalf+1) + 1
}

// freeLeaves chains all leaves as free ones.
func (p *pool) freeLeaves() {
	for i := range p.leaves {
		p.leaves[i].numbers[0] = uint32(i + 1)
	}
	p.freeLeaf = 0
}

func (p *pool) leafLeft() bool { return int(p.freeLeaf) < len(p.leaves) }

func (p *pool) takeLeaf() uint32 {
	assert.That(p.leafLeft(), "a pool has leaves for all that its ladders may hold")
	n := p.freeLeaf
	p.freeLeaf = p.leaves[n].numbers[0]
	return n
}

func (p *pool) giveLeaf(n uint32) {
	p.leaves[n].numbers[0] = p.freeLeaf
	p.freeLeaf = n
}

// spot is where a key lies or belongs: in a leaf by its branch, or, in branch nigh, near.
type spot struct{ branch, at int }

const nigh = -1

// searchFar looks at the floors and then at the keys of one leaf.
func (l *Ladder) searchFar(key int64) (s spot, found bool) {
	lo, n := 0, len(l.floors)
	for n > 2*leafKeys { // the answer is in lo .. lo+n-1
		half := n / 2
		lo += half & int((l.floors[lo+half]-key-1)>>63)
		n -= half
	}
	s.branch = lo + max(rank(l.floors[lo:lo+n], key+1)-1, 0)
	b := &l.far[s.branch]
	v := &l.pool.leaves[b.leaf]
	prefetchLeaf(v)
	s.at = rank(v.keys[:b.n], key)
	return s, s.at < int(b.n) && v.keys[s.at&(leafKeys-1)] == key
}

// farNumber returns the number of the i-th far level, 0 being the best.
func (l *Ladder) farNumber(i int) uint32 {
	for j := len(l.far) - 1; ; j-- {
		b := &l.far[j]
		if n := int(b.n); i < n {
			return l.pool.leaves[b.leaf].numbers[n-1-i]
		}
		i -= int(b.n)
	}
}

// evict lets the worst of the near levels become far, when all places there are taken.
func (l *Ladder) evict() {
	for i := range near - nearMid {
		end := spot{branch: max(len(l.far)-1, 0)}
		if len(l.far) > 0 {
			end.at = int(l.far[end.branch].n)
		}
		l.put(end, l.keys[i], l.numbers[i])
	}
	copy(l.keys[:], l.keys[near-nearMid:])
	copy(l.numbers[:], l.numbers[near-nearMid:])
	l.count = nearMid
}

// fetch brings the best of the far levels near.
func (l *Ladder) fetch() {
	n := min(nearMid-l.count, l.beyond)
	copy(l.keys[n:], l.keys[:l.count])
	copy(l.numbers[n:], l.numbers[:l.count])
	l.count += n
	for i := n - 1; i >= 0; i-- {
		last := len(l.far) - 1
		b := &l.far[last]
		v, at := &l.pool.leaves[b.leaf], int(b.n)-1
		l.keys[i], l.numbers[i] = v.keys[at], v.numbers[at]
		l.cut(spot{last, at})
	}
}

// put puts a far level where it belongs.
func (l *Ladder) put(s spot, key int64, number uint32) {
	switch {
	case len(l.far) == 0:
		l.grow(0, key)
	case l.far[s.branch].n == leafKeys:
		s = l.split(s, key)
	}
	b := &l.far[s.branch]
	v := &l.pool.leaves[b.leaf]
	copy(v.keys[s.at+1:b.n+1], v.keys[s.at:b.n])
	copy(v.numbers[s.at+1:b.n+1], v.numbers[s.at:b.n])
	v.keys[s.at], v.numbers[s.at] = key, number
	l.floors[s.branch] = min(l.floors[s.branch], key)
	b.n++
	l.beyond++
}

// grow makes an empty leaf at branch j.
func (l *Ladder) grow(j int, floor int64) *leaf {
	n := l.pool.takeLeaf()
	l.far = slices.Insert(l.far, j, branch{leaf: n})
	l.floors = slices.Insert(l.floors, j, floor)
	return &l.pool.leaves[n]
}

// split makes room in a full leaf and returns where a key belongs then. Keys that come in
// order at the best end fill their leaves.
func (l *Ladder) split(s spot, key int64) spot {
	j := s.branch
	if s.at == leafKeys && j == len(l.far)-1 {
		l.grow(j+1, key)
		return spot{branch: j + 1}
	}
	v := &l.pool.leaves[l.far[j].leaf]
	right := l.grow(j+1, v.keys[leafHalf])
	copy(right.keys[:], v.keys[leafHalf:])
	copy(right.numbers[:], v.numbers[leafHalf:])
	l.far[j].n, l.far[j+1].n = leafHalf, leafKeys-leafHalf
	if s.at > leafHalf {
		return spot{j + 1, s.at - leafHalf}
	}
	return s
}

// cut takes a far level away.
func (l *Ladder) cut(s spot) {
	l.beyond--
	j := s.branch
	b := &l.far[j]
	v := &l.pool.leaves[b.leaf]
	copy(v.keys[s.at:b.n-1], v.keys[s.at+1:b.n])
	copy(v.numbers[s.at:b.n-1], v.numbers[s.at+1:b.n])
	b.n--
	switch {
	case b.n == 0:
		l.fell(j)
	case j+1 < len(l.far) && b.n+l.far[j+1].n <= leafHalf:
		l.merge(j)
	case j > 0 && l.far[j-1].n+b.n <= leafHalf:
		l.merge(j - 1)
	}
}

// merge takes the leaf behind branch j into that of j.
func (l *Ladder) merge(j int) {
	a, b := &l.far[j], &l.far[j+1]
	v, w := &l.pool.leaves[a.leaf], &l.pool.leaves[b.leaf]
	copy(v.keys[a.n:], w.keys[:b.n])
	copy(v.numbers[a.n:], w.numbers[:b.n])
	a.n += b.n
	l.fell(j + 1)
}

// fell takes branch j away.
func (l *Ladder) fell(j int) {
	l.pool.giveLeaf(l.far[j].leaf)
	l.far = slices.Delete(l.far, j, j+1)
	l.floors = slices.Delete(l.floors, j, j+1)
}
