package model

import "math"

// Phi returns the standard normal distribution function at z.
func Phi(z float64) float64 { return 0.5 * math.Erfc(-z/math.Sqrt2) }

// density returns the standard normal density at z.
func density(z float64) float64 { return math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) }

// mills returns density(z) / (1 − Phi(z)), the mean excess of a normal above z; for
// large z by its continued fraction, where both are too small to divide.
func mills(z float64) float64 {
	if tail := Phi(-z); tail > 1e-12 {
		return density(z) / tail
	}
	return z + 1/(z+2/(z+3/z))
}
