package sim

import (
	"math"
	"slices"
)

// Streams of random draws; each consumer has its own.
const (
	streamFlow uint64 = iota + 1
	streamContra
	streamHold
	streamMoves
	streamMetas
	streamStock
	streamPath
	streamNews
	streamDark
	streamLatency
)

// Distributions are sampled from integer tables made once at start, so that a
// run holds no floating-point state and is the same on every machine. The tables
// are rounded far above the last bit of the library functions that make them.

// tableBits is the log of the entries of a quantile table.
const tableBits = 10

// quantile interpolates a table of quantiles at draw.
func quantile(table *[1<<tableBits + 1]int64, draw uint64) int64 {
	i := draw >> (64 - tableBits)
	lo, hi := table[i], table[i+1]
	part := int64(draw << tableBits >> 44) // 20 bits
	return lo + ((hi-lo)*part)>>20
}

// gapTable holds quantiles of the exponential distribution with mean 2^16.
type gapTable [1<<tableBits + 1]int64

func newGapTable() *gapTable {
	var t gapTable
	for i := range t {
		p := math.Min(float64(i)/(1<<tableBits), 1-1.0/(1<<(tableBits+2)))
		t[i] = int64(math.Round(-math.Log1p(-p) * (1 << 16)))
	}
	return &t
}

// maxMeanNanos keeps the products of draw within 64 bits: about two hours.
const maxMeanNanos = 1 << 43

// draw returns an exponential time of about the given mean, at least 1 ns.
func (t *gapTable) draw(draw uint64, meanNanos int64) int64 {
	q := quantile((*[1<<tableBits + 1]int64)(t), draw)
	return max(1, meanNanos*q>>16)
}

// powerTable holds the cumulated weights of k^-exponent for k = 1..n, of 2^32.
type powerTable []uint64

func newPowerTable(exponentPercent, n int64) *powerTable {
	t := make(powerTable, n)
	sum := 0.0
	for k := range t {
		sum += math.Pow(float64(k+1), -float64(exponentPercent)/100)
	}
	part := 0.0
	for k := range t {
		part += math.Pow(float64(k+1), -float64(exponentPercent)/100)
		t[k] = uint64(math.Round(part / sum * (1 << 32)))
	}
	t[n-1] = 1 << 32
	return &t
}

// draw returns a value of 1..n.
func (t *powerTable) draw(draw uint64) int64 {
	i, found := slices.BinarySearch(*t, draw>>32)
	if found {
		i++
	}
	return int64(i) + 1
}

// logNormalTable holds quantiles of a log-normal factor with median 2^16.
type logNormalTable [1<<tableBits + 1]int64

func newLogNormalTable(sigmaMilli int64) *logNormalTable {
	var t logNormalTable
	sigma := float64(sigmaMilli) / 1000
	for i := range t {
		p := (float64(i) + 0.5) / (1<<tableBits + 1)
		z := math.Sqrt2 * math.Erfinv(2*p-1)
		t[i] = int64(math.Round(math.Exp(sigma*z) * (1 << 16)))
	}
	return &t
}

// draw returns a log-normal time with the given median, at least 1 ns.
func (t *logNormalTable) draw(draw uint64, medianNanos int64) int64 {
	q := quantile((*[1<<tableBits + 1]int64)(t), draw)
	return max(1, medianNanos*q>>16)
}
