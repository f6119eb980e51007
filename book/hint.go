package book

import "math/bits"

// A level is guessed from its key: what says where the guesses of a book lie is so little that
// it is kept by instrument as well, so that nobody waits for the book to find the guess.

// hint is the place of the first guess of a book << grainBits | the power of two of keys that
// share one.
type hint uint32

const (
	grainBits = 6
	grainMask = 1<<grainBits - 1
	maxGrain  = 32 // while no key has been seen
)

// newHint spreads the guesses of books.
func newHint(owner uint16) hint {
	return hint(uint64(owner)*0x9e3779b97f4a7c15>>38)<<grainBits | maxGrain
}

// of returns the hint when every key is a multiple of tick: keys of neighbouring levels, less
// their last bits, are neighbours, so that the guesses of a book lie together.
func (h hint) of(tick uint64) hint {
	return h&^grainMask | hint(min(bits.Len64(tick)-1, maxGrain))
}

// guess returns where the number of the level at key probably is.
func (o *Orders) guess(h hint, key int64) *uint32 {
	return at[uint32](o.guessed, (uint64(key>>(h&grainMask))+uint64(h>>grainBits))&o.narrow)
}

// wideOrders is the capacity from which an index is taken to have more levels than the cache.
const wideOrders = 1 << 17
