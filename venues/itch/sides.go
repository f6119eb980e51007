package itch

import (
	"math/bits"

	"penstock/market"
)

// sides remembers the side of every order reference of the day, for Replace,
// which does not repeat it. References are never reused within a day and are
// given out nearly in sequence, so two bits each in blocks of consecutive
// references do: nothing has to be removed when an order leaves the book, and
// adding an order touches the block that the order before it has just touched.
//
// All memory is taken at start. Blocks are found through an open-addressed table.
type sides struct {
	blocks []sideBlock
	used   int
	index  []blockSlot
	shift  uint
	last   int // slot of the block used last
}

const refsPerBlock = 16384

type sideBlock [refsPerBlock / 32]uint64

type blockSlot struct {
	number uint64 // reference / refsPerBlock
	block  int32  // index in blocks plus one, 0 for an empty slot
}

// newSides takes memory for refs references, two bits each.
func newSides(refs int) sides {
	n := (refs + refsPerBlock - 1) / refsPerBlock
	width := uint(bits.Len(uint(2 * n)))
	return sides{
		blocks: make([]sideBlock, n),
		index:  make([]blockSlot, 1<<width),
		shift:  64 - width,
	}
}

// slot returns where the block number is, or where it would go.
func (s *sides) slot(number uint64) *blockSlot {
	if last := &s.index[s.last]; last.number == number && last.block != 0 {
		return last
	}
	i := int(number * 0x9e3779b97f4a7c15 >> s.shift)
	for s.index[i].block != 0 && s.index[i].number != number {
		i = (i + 1) & (len(s.index) - 1)
	}
	s.last = i
	return &s.index[i]
}

// put remembers the side of ref; false means that every block is in use.
func (s *sides) put(ref uint64, side market.Side) bool {
	at := s.slot(ref / refsPerBlock)
	if at.block == 0 {
		if s.used == len(s.blocks) {
			return false
		}
		s.blocks[s.used] = sideBlock{}
		s.used++
		at.number, at.block = ref/refsPerBlock, int32(s.used)
	}
	word := &s.blocks[at.block-1][ref%refsPerBlock/32]
	*word = *word&^(3<<(ref%32*2)) | uint64(side&3)<<(ref%32*2)
	return true
}

// get returns the side of ref; ok is false when it was never put.
func (s *sides) get(ref uint64) (side market.Side, ok bool) {
	at := s.slot(ref / refsPerBlock)
	if at.block == 0 {
		return 0, false
	}
	code := s.blocks[at.block-1][ref%refsPerBlock/32] >> (ref % 32 * 2) & 3
	return market.Buy&^3 | market.Side(code), code != 0
}

// clear forgets everything.
func (s *sides) clear() {
	clear(s.index)
	s.used, s.last = 0, 0
}
