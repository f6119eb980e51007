package model

import "math"

// FillCurve is the chance that a posted order fills in time, by where it stands in its
// queue and by how the touch leans. Times to fill are censored by cancels and horizons,
// so that each bucket is a Kaplan–Meier estimate over bins of time.
type FillCurve struct {
	edges   []float64 // upper ends of the bins, seconds, ascending
	buckets [QueueBuckets * LeanBuckets]survival
}

// Buckets of a FillCurve.
const (
	QueueBuckets = 5 // ahead / depth: 0 to 0.2 … 0.8 to 1 and beyond
	LeanBuckets  = 5 // signed imbalance: strongly for us … strongly against us
)

type survival struct{ risk, filled []float64 }

// NewFillCurve returns an empty estimate with bins of time whose upper ends double from
// first to at least last, in seconds.
func NewFillCurve(first, last float64) *FillCurve {
	f := &FillCurve{}
	for at := first; ; at *= math.Sqrt2 {
		f.edges = append(f.edges, at)
		if at >= last {
			break
		}
	}
	for i := range f.buckets {
		f.buckets[i] = survival{make([]float64, len(f.edges)), make([]float64, len(f.edges))}
	}
	return f
}

// Bucket returns the bucket of an order with ahead of depth in front, when the touch
// leans by imbalance, −1 to 1, positive with more on our own side.
func Bucket(ahead, depth, imbalance float64) int {
	queue, lean := 0, 0
	if depth > 0 {
		queue = min(int(QueueBuckets*ahead/depth), QueueBuckets-1)
	}
	lean = min(max(int((1-imbalance)/2*LeanBuckets), 0), LeanBuckets-1)
	return max(queue, 0)*LeanBuckets + lean
}

// bin returns the bin of a time.
func (f *FillCurve) bin(seconds float64) int {
	for i, edge := range f.edges {
		if seconds <= edge {
			return i
		}
	}
	return len(f.edges)
}

// Observe takes one order: how long it rested, and whether that ended by a fill.
func (f *FillCurve) Observe(bucket int, seconds float64, filled bool) {
	s, end := &f.buckets[bucket], f.bin(seconds)
	for i := range min(end, len(f.edges)) {
		s.risk[i]++
	}
	if end < len(f.edges) {
		// One that was taken away within the bin was at risk for half of it.
		s.risk[end] += 0.5
		if filled {
			s.risk[end] += 0.5
			s.filled[end]++
		}
	}
}

// priorFills is what the pooled curve of all buckets counts in each of them.
const priorFills = 8

// Probability returns the chance that an order of the bucket fills within a time.
func (f *FillCurve) Probability(bucket int, seconds float64) float64 {
	left, s := 1.0, &f.buckets[bucket]
	for i := range f.edges {
		risk, filled := 0.0, 0.0
		for b := range f.buckets {
			risk += f.buckets[b].risk[i]
			filled += f.buckets[b].filled[i]
		}
		pooled := 0.0
		if risk > 0 {
			pooled = filled / risk
		}
		hazard := (s.filled[i] + priorFills*pooled) / (s.risk[i] + priorFills)
		low := 0.0
		if i > 0 {
			low = f.edges[i-1]
		}
		if seconds <= f.edges[i] {
			return 1 - left*math.Pow(1-hazard, (seconds-low)/(f.edges[i]-low))
		}
		left *= 1 - hazard
	}
	return 1 - left
}
