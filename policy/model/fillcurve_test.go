package model

import (
	"math"
	"math/rand/v2"
	"testing"
)

// restingOrder draws how long an order of a bucket takes to fill, and when it is taken
// away instead.
func restingOrder(r *rand.Rand, ahead, lean float64) (fill, cancel float64) {
	rate := .25 * math.Exp(-2.2*ahead-.9*lean)
	return r.ExpFloat64() / rate, 4 + 20*r.Float64()
}

// Fitted on one half, judged on the other: better than a constant (Brier skill), and
// calibrated (slope of what came on what was said).
func TestFillCurveIsCalibrated(t *testing.T) {
	const horizon = 4.0
	r := rand.New(rand.NewPCG(8, 8))
	f := NewFillCurve(.05, 60)
	for range 40_000 {
		ahead, lean := r.Float64(), 2*r.Float64()-1
		fill, cancel := restingOrder(r, ahead, lean)
		f.Observe(Bucket(ahead, 1, lean), min(fill, cancel), fill <= cancel)
	}
	var said, came []float64
	mean := 0.0
	for range 20_000 {
		ahead, lean := r.Float64(), 2*r.Float64()-1
		fill, _ := restingOrder(r, ahead, lean)
		said = append(said, f.Probability(Bucket(ahead, 1, lean), horizon))
		came = append(came, where(fill <= horizon, 1))
		mean += came[len(came)-1]
	}
	mean /= float64(len(came))
	brier, constant, sxy, sxx, meanSaid := 0.0, 0.0, 0.0, 0.0, 0.0
	for _, p := range said {
		meanSaid += p / float64(len(said))
	}
	for i := range said {
		brier += math.Pow(said[i]-came[i], 2)
		constant += math.Pow(mean-came[i], 2)
		sxy += (said[i] - meanSaid) * (came[i] - mean)
		sxx += math.Pow(said[i]-meanSaid, 2)
	}
	skill, slope := 1-brier/constant, sxy/sxx
	t.Logf("Brier skill %.3f, slope %.3f, said %.3f, came %.3f", skill, slope, meanSaid, mean)
	if skill < .03 || slope < .9 || slope > 1.1 || math.Abs(meanSaid-mean) > .02 {
		t.Errorf("skill %.3f, slope %.3f, said %.3f, came %.3f", skill, slope, meanSaid, mean)
	}
	front, back := f.Probability(Bucket(.05, 1, 0), horizon), f.Probability(Bucket(.95, 1, 0), horizon)
	if front <= back {
		t.Errorf("at the front %.3f, at the back %.3f", front, back)
	}
}

func TestFillCurveBounds(t *testing.T) {
	f := NewFillCurve(.1, 10)
	if p := f.Probability(0, 5); p != 0 {
		t.Errorf("nothing seen: %g", p)
	}
	f.Observe(3, 1e9, false)
	f.Observe(3, 0, true)
	last := 0.0
	for s := 0.0; s < 20; s += .1 {
		p := f.Probability(3, s)
		if p < last || p > 1 {
			t.Fatalf("at %g s: %g after %g", s, p, last)
		}
		last = p
	}
	for _, b := range []int{Bucket(-1, 1, 2), Bucket(9, 1, -2), Bucket(1, 0, 0)} {
		if b < 0 || b >= QueueBuckets*LeanBuckets {
			t.Errorf("bucket %d", b)
		}
	}
}
