package learn

import (
	"math"

	"penstock/policy"
)

// teacherWidth is the number of regressors of a teacher: all odd, so that a market in the
// mirror gives the mirrored answer.
const teacherWidth = 18

// teacher is a ridge regression of moves.
type teacher struct{ coef [teacherWidth]float64 }

// signalScale is what an input is divided by, so that ordinary values are about one.
var signalScale = [policy.SignalInputs]float64{500, 1000, 1500}

// pressed returns the inputs in ordinary units.
func (s *SignalSample) pressed() (x [policy.SignalInputs]float64) {
	for i, v := range s.Inputs {
		x[i] = math.Min(math.Max(float64(v)/signalScale[i], -3), 3)
	}
	return x
}

// odd returns the regressors of a sample: each input as it is, its root and its square with
// its sign, products with what has no side, and products of two inputs with the third's sign.
func odd(s *SignalSample) (z [teacherWidth]float64) {
	x := s.pressed()
	n := 0
	put := func(v float64) { z[n] = v; n++ }
	for _, v := range x {
		put(v)
		put(math.Copysign(math.Sqrt(math.Abs(v)), v))
		put(v * math.Abs(v))
	}
	wide, busy := 0.0, math.Min(float64(s.Pace)/1000, 3)-1
	if s.Spread >= 3 {
		wide = 1
	}
	put(x[0] * wide)
	put(x[1] * wide)
	put(x[2] * wide)
	put(x[0] * busy)
	put(x[1] * busy)
	put(x[2] * busy)
	put(x[0] * math.Abs(x[1]))
	put(x[1] * math.Abs(x[0]))
	put(x[2] * math.Abs(x[0]))
	return z
}

// fitTeacher is least squares with a penalty of one row a regressor; use says which
// regressors may be used.
func fitTeacher(samples []SignalSample, use int) *teacher {
	var a [teacherWidth][teacherWidth + 1]float64
	for i := range samples {
		z := odd(&samples[i])
		for j := range use {
			for k := range j + 1 {
				a[j][k] += z[j] * z[k]
			}
			a[j][teacherWidth] += z[j] * samples[i].Move
		}
	}
	for j := range use {
		for k := range j {
			a[k][j] = a[j][k]
		}
		a[j][j]++
	}
	t := &teacher{}
	for j := range use { // Gauss-Jordan; the matrix is positive definite
		for r := range use {
			if r == j {
				continue
			}
			f := a[r][j] / a[j][j]
			for k := j; k < use; k++ {
				a[r][k] -= f * a[j][k]
			}
			a[r][teacherWidth] -= f * a[j][teacherWidth]
		}
	}
	for j := range use {
		t.coef[j] = a[j][teacherWidth] / a[j][j]
	}
	return t
}

func (t *teacher) at(s *SignalSample) (y float64) {
	for i, v := range odd(s) {
		y += v * t.coef[i]
	}
	return y
}

// leanRegressors are the first of odd: the lean of the touch in three shapes.
const leanRegressors = 3
