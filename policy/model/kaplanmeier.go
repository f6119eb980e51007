package model

import "math"

// Tails estimates how much one dark pool holds, in units of a fixed number of lots,
// from orders that see only what they were filled: the product-limit estimator of
// Kaplan and Meier for censored data, as Ganchev et al. use it ("Censored exploration
// and the dark pool problem", UAI 2009).
type Tails struct {
	// Strength is how many observations the prior is worth at every unit; 0 is the
	// estimator as published, which starves a pool after a few empty answers.
	Strength float64
	Prior    []float64 // hazard of the prior by unit: P(pool holds exactly s | at least s)

	risk   []float64 // N: times that we could see whether the pool holds more than s
	ended  []float64 // D: of these, times that it did not
	weight float64   // of the next observation: grows instead of decaying all that was seen
}

// NewTails returns an estimator for up to units.
func NewTails(units int, strength float64, prior []float64) *Tails {
	return &Tails{Strength: strength, Prior: prior, risk: make([]float64, units),
		ended: make([]float64, units), weight: 1}
}

// DefaultPrior is what is believed of a pool that nobody has tried: empty with
// probability zero, otherwise P(at least s) = s^−tail.
func DefaultPrior(units int, zero, tail float64) []float64 {
	hazard := make([]float64, units)
	for s := range hazard {
		if s == 0 {
			hazard[s] = zero
			continue
		}
		hazard[s] = 1 - math.Pow(float64(s)/float64(s+1), tail)
	}
	return hazard
}

// Observe takes an answer: sent units, filled of them. A complete fill says only that
// there was no less.
func (t *Tails) Observe(sent, filled int) {
	for s := range min(filled, len(t.risk)) {
		t.risk[s] += t.weight
	}
	if filled < sent && filled < len(t.risk) {
		t.risk[filled] += t.weight
		t.ended[filled] += t.weight
	}
}

// Decay makes everything seen so far count factor, 0 to 1, of what it did.
func (t *Tails) Decay(factor float64) {
	t.weight /= factor
	if t.weight < 1e100 {
		return
	}
	for s := range t.risk {
		t.risk[s] /= t.weight
		t.ended[s] /= t.weight
	}
	t.weight = 1
}

// hazard returns P(the pool holds exactly s | it holds at least s). Without prior and
// observation nothing more is expected.
func (t *Tails) hazard(s int) float64 {
	n, d := t.risk[s]/t.weight, t.ended[s]/t.weight
	if t.Strength > 0 && s < len(t.Prior) {
		return (d + t.Strength*t.Prior[s]) / (n + t.Strength)
	}
	if n == 0 {
		return 1
	}
	return d / n
}

// Curve returns P(the pool holds at least s) for s = 1 to len(dst), in dst.
func (t *Tails) Curve(dst []float64) []float64 {
	p := 1.0
	for s := range dst {
		if s < len(t.risk) {
			p *= 1 - t.hazard(s)
		}
		dst[s] = p
	}
	return dst
}

// Optimistic returns Curve with the one change of Ganchev et al.: beyond the last unit
// that was seen at least enough times, the next is as likely as that one, and nothing
// after it is.
func (t *Tails) Optimistic(dst []float64, enough float64) []float64 {
	p, open := 1.0, true
	for s := range dst {
		switch {
		case !open || s >= len(t.risk):
			p = 0
		case t.risk[s]/t.weight < enough:
			open = false
		default:
			p *= 1 - t.ended[s]/t.risk[s]
		}
		dst[s] = p
	}
	return dst
}

// Allocate gives units one by one to the pool where the next is worth most: the chance
// that it is there (curves[i][v] for the unit v+1) times what it is worth there. It
// stops when the best is worth no more than least. value nil makes all worth 1.
func Allocate(dst []int, curves [][]float64, value []float64, units int, least float64) []int {
	clear(dst)
	for range units {
		best, worth := -1, least
		for i, curve := range curves {
			if dst[i] >= len(curve) {
				continue
			}
			w := curve[dst[i]]
			if value != nil {
				w *= value[i]
			}
			if w > worth {
				best, worth = i, w
			}
		}
		if best < 0 {
			break
		}
		dst[best]++
	}
	return dst
}
