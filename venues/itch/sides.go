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
	recent *sideBlock // the block that an order was last added to
	number uint64     // its number
	blocks []sideBlock
	used   int
	index  []blockSlot
	shift  uint
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
	i := int(number * 0x9e3779b97f4a7c15 >> s.shift)
	for s.index[i].block != 0 && s.index[i].number != number {
		i = (i + 1) & (len(s.index) - 1)
	}
	return &s.index[i]
}

// put remembers the side of ref; false means that every block is in use.
func (s *sides) put(ref uint64, side market.Side) bool {
	if (ref/refsPerBlock != s.number || s.recent == nil) && !s.turn(ref/refsPerBlock) {
		return false
	}
	word := &s.recent[ref%refsPerBlock/32]
	*word = *word&^(3<<(ref%32*2)) | uint64(side&3)<<(ref%32*2)
	return true
}

// turn makes the block number the recent one.
func (s *sides) turn(number uint64) bool {
	at := s.slot(number)
	if at.block == 0 {
		if s.used == len(s.blocks) {
			return false
		}
		s.blocks[s.used] = sideBlock{}
		s.used++
		at.number, at.block = number, int32(s.used)
	}
	s.recent, s.number = &s.blocks[at.block-1], number
	return true
}

// get returns the side of ref; ok is false when it was never put.
func (s *sides) get(ref uint64) (side market.Side, ok bool) {
	block := s.recent
	if ref/refsPerBlock != s.number || block == nil {
		at := s.slot(ref / refsPerBlock)
		if at.block == 0 {
			return 0, false
		}
		block = &s.blocks[at.block-1]
	}
	code := block[ref%refsPerBlock/32] >> (ref % 32 * 2) & 3
	return market.Buy&^3 | market.Side(code), code != 0
}

// clear forgets everything.
func (s *sides) clear() {
	clear(s.index)
	s.used, s.recent = 0, nil
}
