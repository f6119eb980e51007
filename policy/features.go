package policy

import (
	"encoding/binary"
	"math/bits"

	"penstock/event"
	"penstock/market"
)

// Features is the number of state features.
const Features = event.Features

// Codes are the quantised features of one state, in feature order.
type Codes = [Features]uint8

// Feature numbers, in table order.
const (
	FeatureTime       = iota // decision index in the slice
	FeatureInventory         // remaining share of the slice
	FeatureGap               // distance of the parent from its schedule
	FeatureSignal            // price signal, positive = adverse
	FeatureSpread            // composite spread
	FeatureSweepCost         // price of immediacy
	FeatureVolatility        // realised against normal
	FeatureDark              // dark fills against expectation
)

// Inputs is the state of a parent at one decision, as the router measures it.
// Signs are the parent's: positive means bad for the client, on either side.
type Inputs struct {
	Decision  int64      // index of the decision in the slice, from 0
	Remaining market.Qty // rest of the slice
	Slice     market.Qty // the slice at its start
	// Gap is what the parent still has to do minus what its schedule says it
	// should: positive is behind, negative ahead.
	Gap market.Qty
	// Signal is the expected move of the mid against the parent, in 1/1000 of
	// the half-spread: positive means that waiting costs.
	Signal int64
	Spread int64 // composite spread in ticks
	// SweepCost is what taking Remaining now would cost per lot against the mid,
	// in 1/1000 of the half-spread; 1000 when the touch holds it all.
	SweepCost  int64
	Volatility int64 // realised / normal for the time of day, in 1/1000
	DarkFill   int64 // dark quantity filled / expected, in 1/1000
}

// Raw returns the features before quantisation, in the units of the schema.
func (in *Inputs) Raw() [Features]int64 {
	return [Features]int64{
		in.Decision, fifths(in.Remaining, in.Slice), perMille(in.Gap, in.Slice), in.Signal,
		in.Spread, in.SweepCost, in.Volatility, in.DarkFill,
	}
}

// Codes returns the quantised features. It does not allocate. The codes are put
// together in one word: eight byte stores read back as a word cost a stall.
func (in *Inputs) Codes() (codes Codes) {
	raw, q := in.Raw(), &quantisers
	binary.LittleEndian.PutUint64(codes[:], q[0].code(raw[0])|q[1].code(raw[1])<<8|
		q[2].code(raw[2])<<16|q[3].code(raw[3])<<24|q[4].code(raw[4])<<32|
		q[5].code(raw[5])<<40|q[6].code(raw[6])<<48|q[7].code(raw[7])<<56)
	return codes
}

// quantiser maps a raw value to its code. hi is the smallest value of code 255,
// so that clamping to lo..hi keeps the product far from overflow.
type quantiser struct {
	lo, hi int64
	scale  uint64
}

// code returns the code of x, 0 to 255.
func (q *quantiser) code(x int64) uint64 {
	return uint64(min(max(x, q.lo), q.hi)-q.lo) * q.scale >> 16
}

var quantisers = func() (q [Features]quantiser) {
	for f := range q {
		def := &defaultSchema[f]
		top := (255<<16 + int64(def.Scale) - 1) / int64(def.Scale)
		q[f] = quantiser{lo: def.Lo, hi: def.Lo + top, scale: uint64(def.Scale)}
	}
	return q
}()

// fifths returns ceil(5 × remaining / slice), 0 to 5. Of a slice of nothing,
// any remainder is all of it.
func fifths(remaining, slice market.Qty) int64 {
	if remaining <= 0 {
		return 0
	}
	if remaining >= slice {
		return 5
	}
	if slice < 1<<60 { // the products fit: compares cost less than a division
		left, n := 5*remaining, int64(1)
		if left > slice {
			n++
		}
		if left > 2*slice {
			n++
		}
		if left > 3*slice {
			n++
		}
		if left > 4*slice {
			n++
		}
		return n
	}
	hi, lo := bits.Mul64(uint64(remaining), 5)
	lo, carry := bits.Add64(lo, uint64(slice)-1, 0)
	n, _ := bits.Div64(hi+carry, lo, uint64(slice))
	return int64(n)
}

// gapLimit bounds the relative gap, far outside the edges of its bins.
const gapLimit = 8

// perMille returns floor(1000 × gap / slice), saturated at ±8000.
func perMille(gap, slice market.Qty) int64 {
	size := uint64(gap)
	if gap < 0 {
		size = -size
	}
	if size == 0 {
		return 0
	}
	if slice <= 0 || size/gapLimit >= uint64(slice) {
		if gap < 0 {
			return -gapLimit * 1000
		}
		return gapLimit * 1000
	}
	n, rest := perMilleOf(size, uint64(slice))
	if gap > 0 {
		return int64(n)
	}
	if rest > 0 {
		n++
	}
	return -int64(n)
}

// perMilleOf returns 1000 × size / slice and the rest, for a quotient that fits. Short divisions
// take a third of the time.
func perMilleOf(size, slice uint64) (n, rest uint64) {
	if product := size * 1000; size <= 1<<32/1000 && slice < 1<<32 {
		return uint64(uint32(product) / uint32(slice)), uint64(uint32(product) % uint32(slice))
	}
	hi, lo := bits.Mul64(size, 1000)
	return bits.Div64(hi, lo, slice)
}
