package simtest

import "math/bits"

// draw returns value n of a stream of a seed: the output function of PCG RXS-M-XS 64
// (O'Neill 2014), twice, over a counter instead of a sequence.
func draw(seed, stream, n uint64) uint64 {
	return permute(permute(seed+n*0x9e3779b97f4a7c15) + stream*0xda942042e4dd58b5)
}

func permute(state uint64) uint64 {
	state = state*6364136223846793005 + 1442695040888963407
	word := (state>>((state>>59)+5) ^ state) * 12605985483714917081
	return word>>43 ^ word
}

// stream is a source of choices. The zero value of n begins it.
type stream struct{ seed, id, n uint64 }

func (s *stream) next() uint64 {
	s.n++
	return draw(s.seed, s.id, s.n)
}

// below returns 0 to n-1, and 0 for n < 1.
func (s *stream) below(n int64) int64 {
	if n < 1 {
		return 0
	}
	hi, _ := bits.Mul64(s.next(), uint64(n))
	return int64(hi)
}

// between returns low to high, both included.
func (s *stream) between(low, high int64) int64 { return low + s.below(high-low+1) }

// once reports true once in n times.
func (s *stream) once(n int64) bool { return s.below(n) == 0 }

// pick returns an index in proportion to its weight, -1 when all are 0.
func (s *stream) pick(weights []uint16) int {
	sum := int64(0)
	for _, w := range weights {
		sum += int64(w)
	}
	if sum == 0 {
		return -1
	}
	r := s.below(sum)
	for i, w := range weights {
		if r -= int64(w); r < 0 {
			return i
		}
	}
	return -1
}
