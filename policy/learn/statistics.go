package learn

import (
	"math"
	"slices"
)

// Quantiles returns quantiles of x.
func Quantiles(x []float64, p ...float64) []float64 {
	s := slices.Sorted(slices.Values(x))
	out := make([]float64, len(p))
	for i := range p {
		if len(s) > 0 {
			out[i] = s[min(int(p[i]*float64(len(s))), len(s)-1)]
		}
	}
	return out
}

// Deviation returns the standard deviation of x.
func Deviation(x []float64) float64 {
	m, sum := average(x), 0.0
	for _, v := range x {
		sum += (v - m) * (v - m)
	}
	return math.Sqrt(sum / math.Max(float64(len(x)-1), 1))
}

// CVaR returns the mean of the largest twentieth of costs.
func CVaR(costs []float64) float64 { return cvar(costs) }
