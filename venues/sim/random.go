package sim

import "math/bits"

// random is one counter-based stream: draw n depends on the seed, the stream and
// n only, so that what one stream consumes never shifts another.
// The mixer is splitmix64 (Steele, Lea, Flood 2014).
type random struct {
	key uint64
	n   uint64
}

const golden = 0x9e3779b97f4a7c15

func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func newRandom(seed, stream uint64) random {
	return random{key: mix64(seed+golden) ^ mix64(stream*golden+1)}
}

// at returns draw n.
func (r *random) at(n uint64) uint64 { return mix64(r.key + (n+1)*golden) }

// next returns the draws in turn.
func (r *random) next() uint64 {
	r.n++
	return r.at(r.n)
}

// below maps a draw to 0..n-1.
func below(draw uint64, n int64) int64 {
	hi, _ := bits.Mul64(draw, uint64(n))
	return int64(hi)
}
