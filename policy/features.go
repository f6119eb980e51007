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

// Codes returns the quantised features. It does not allocate.
func (in *Inputs) Codes() (codes Codes) {
	binary.LittleEndian.PutUint64(codes[:], in.word())
	return codes
}

// word is the codes in one word, feature 0 lowest: eight byte stores read back as a word cost a
// stall, and so does an array of raw values on the way. What the schema says is constant here,
// and ordinary states take the same branches.
func (in *Inputs) word() uint64 {
	slice := in.Slice
	var inventory uint64
	var mille int64
	if in.ordinary() {
		inventory = in.inventory()
		// From the limit up nothing is negative, and the quotient is rounded down.
		mille = int64(uint64(1000*(in.Gap+gapLimit*slice))/uint64(slice)) - 1000*gapLimit
	} else {
		inventory, mille = uint64(fifths(in.Remaining, slice)), perMille(in.Gap, slice)
	}
	return code(in.Decision, 0, unitScale) | inventory<<8 |
		code(mille, gapLo, ratioScale)<<16 | code(in.Signal, signalLo, signalScale)<<24 |
		code(in.Spread, 0, unitScale)<<32 | code(in.SweepCost, 0, ratioScale)<<40 |
		code(in.Volatility, 0, ratioScale)<<48 | code(in.DarkFill, 0, ratioScale)<<56
}

// ordinary reports whether what products and quotients of the slice need fits, as it does but
// for nonsense.
func (in *Inputs) ordinary() bool {
	return uint64(in.Slice-1) < 1<<40 && uint64(in.Remaining) <= uint64(in.Slice) &&
		uint64(in.Gap+gapLimit*in.Slice) <= uint64(2*gapLimit*in.Slice)
}

// inventory is fifths of an ordinary state.
func (in *Inputs) inventory() uint64 {
	left, slice := 5*in.Remaining, in.Slice
	// The sign of each difference, without a branch.
	return (uint64(-left)>>63 + uint64(slice-left)>>63) + (uint64(2*slice-left)>>63 + uint64(3*slice-left)>>63 + uint64(4*slice-left)>>63)
}

// code returns the code of x, 0 to 255. Clamping to the smallest value of code 255 keeps the
// product far from overflow.
func code(x, lo int64, scale uint64) uint64 {
	top := lo + int64((255<<16+scale-1)/scale)
	return uint64(min(max(x, lo), top)-lo) * scale >> 16
}

// fifths returns ceil(5 × remaining / slice), 0 to 5. Of a slice of nothing,
// any remainder is all of it.
func fifths(remaining, slice market.Qty) int64 {
	if remaining <= 0 {
		return 0
	}
	if remaining >= slice {
		return 5
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
	hi, lo := bits.Mul64(size, 1000)
	n, rest := bits.Div64(hi, lo, uint64(slice))
	if gap > 0 {
		return int64(n)
	}
	if rest > 0 {
		n++
	}
	return -int64(n)
}
