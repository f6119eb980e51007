package learn

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"penstock/policy"
)

// Horizon is the number of decisions of a slice.
const Horizon = 6

// Step is one decision and what followed until the next.
type Step struct {
	Cell       uint32 // regime page × policy.States + cell of the page
	Time       int    // decision index in the slice
	Action     uint8
	Propensity float64 // of Action under the policy that logged it
	Baseline   float64 // of BASELINE
	Reward     float64 // bps of the slice
	Control    float64 // simulator only: what the market did alone, times the side, bps
	Share      float64 // of the slice that was left before the decision
	// Outer is, by way of trading, what was filled times what the parent had left beyond
	// the slice, in bps of the slice for one increment of impact a unit: see Charge.
	Outer [Ways]float64
}

// Episode is one slice of a parent.
type Episode struct {
	Cluster uint64 // what is resampled as a whole: the parent
	Slice   int
	Steps   []Step
}

// Return is the sum of rewards.
func (e *Episode) Return() (sum float64) {
	for i := range e.Steps {
		sum += e.Steps[i].Reward
	}
	return sum
}

// Rows counts the decisions.
func Rows(episodes []Episode) (n int) {
	for i := range episodes {
		n += len(episodes[i].Steps)
	}
	return n
}

// Hash names a data set: SHA-256 over every step in order.
func Hash(episodes []Episode) [32]byte {
	h := sha256.New()
	var b [8]byte
	put := func(v uint64) {
		binary.LittleEndian.PutUint64(b[:], v)
		h.Write(b[:])
	}
	for i := range episodes {
		put(episodes[i].Cluster)
		for _, s := range episodes[i].Steps {
			put(uint64(s.Cell)<<8 | uint64(s.Action))
			put(math.Float64bits(s.Propensity))
			put(math.Float64bits(s.Reward))
		}
	}
	return [32]byte(h.Sum(nil))
}

// schema is the quantisation that all tables share.
var schema = policy.DefaultSchema()

// bins of every cell, made once.
var cellBins = func() (b [policy.States][policy.Features]uint8) {
	for i := range b {
		for f, bin := range schema.Bins(uint32(i)) {
			b[i][f] = uint8(bin)
		}
	}
	return b
}()

// Cells of every page have the same bins and the same regressors.

func binsOf(cell uint32) *[policy.Features]uint8 { return &cellBins[cell%policy.States] }

func designOf(cell uint32) *[width]float64 { return &design[cell%policy.States] }

// timeOf returns the decision index of a cell.
func timeOf(cell uint32) int { return int(binsOf(cell)[policy.FeatureTime]) }

// OnePage returns the episodes as one sees them who knows no regime pages.
func OnePage(episodes []Episode) []Episode {
	out := clone(episodes)
	each(out, func(s *Step) { s.Cell %= policy.States })
	return out
}
