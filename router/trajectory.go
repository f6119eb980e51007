package router

import "math/bits"

// kappa is κT of an Almgren–Chriss trajectory: the horizon over the half-life of the
// holdings, in 1/1024. 0 sells evenly.
type kappa uint32

// kappaUnit is a kappa of one: a half-life as long as the horizon.
const kappaUnit = 1024

// fraction is a share of one in 2^60ths.
type fraction uint64

const one fraction = 1 << 60

// done returns the share of an order that the trajectory has executed when now of
// horizon have passed, 0 ≤ now ≤ horizon, horizon > 0: 1 − sinh(κ(T−t))/sinh(κT)
// (Almgren and Chriss 2000, "Optimal execution of portfolio transactions", eq. 16).
// Integers only, so that every machine plans the same quantities.
func (k kappa) done(now, horizon int64) fraction {
	if now >= horizon {
		return one
	}
	hi, lo := bits.Mul64(uint64(now), uint64(one))
	elapsed, _ := bits.Div64(hi, lo, uint64(horizon))
	if k == 0 {
		return fraction(elapsed)
	}
	// x = κt and y = κT in 2^-60 would not fit: both are cut to 2^-48.
	y := uint64(k) << 38
	hi, lo = bits.Mul64(y, elapsed)
	x := hi<<4 | lo>>60
	// sinh(y−x)/sinh(y) = (e^−x − e^−(2y−x)) / (1 − e^−2y)
	num := expNegative(x) - expNegative(2*y-x)
	den := uint64(one) - expNegative(2*y)
	hi, lo = bits.Mul64(num, uint64(one))
	held, _ := bits.Div64(hi, lo, den)
	return one - fraction(held)
}

// ln2 is log 2 in 2^-48.
const ln2 = 195103586505167

// expNegative returns e^−x, x in 2^-48, in 2^-60. The error is below 2^-46.
func expNegative(x uint64) uint64 {
	halvings := x / ln2
	if halvings >= 60 {
		return 0
	}
	r := (x - halvings*ln2) << 12 // in 2^-60, below log 2
	// Horner: 1 − r(1 − r/2(1 − r/3(…))), 16 terms leave less than 2^-50.
	sum := uint64(one)
	for n := uint64(16); n > 0; n-- {
		hi, lo := bits.Mul64(r, sum)
		sum = uint64(one) - (hi<<4|lo>>60)/n
	}
	return sum >> halvings
}

// of returns f of n, rounded down.
func (f fraction) of(n int64) int64 { return mulDiv(n, int64(f), int64(one)) }
