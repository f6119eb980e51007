package learn

import (
	"math"

	"penstock/policy"
)

// width is the number of regressors of a state.
const width = 23

// design is the regressors of every cell: 1, f, f² and f times each bin of the other
// features, with f the share of the slice that is left, and six products that trading
// sense suggests. Everything is proportional to f but the constant: what is not there
// costs nothing.
var design = func() *[policy.States][width]float64 {
	var d [policy.States][width]float64
	for i := range d {
		d[i] = regressors(&cellBins[i])
	}
	return &d
}()

func regressors(b *[policy.Features]uint8) (x [width]float64) {
	f := float64(b[policy.FeatureInventory]+1) / 5
	x[0], x[1], x[2] = 1, f, f*f
	n := 3
	for _, feature := range [...]struct{ id, bins int }{
		{policy.FeatureGap, 3}, {policy.FeatureSignal, 5}, {policy.FeatureSpread, 3},
		{policy.FeatureSweepCost, 3}, {policy.FeatureVolatility, 3}, {policy.FeatureDark, 3},
	} {
		if bin := int(b[feature.id]); bin > 0 {
			x[n+bin-1] = f
		}
		n += feature.bins - 1
	}
	signal := float64(b[policy.FeatureSignal]) - 2
	spread := float64(b[policy.FeatureSpread])
	gap := float64(b[policy.FeatureGap]) - 1
	sweep := float64(b[policy.FeatureSweepCost])
	dark := float64(b[policy.FeatureDark]) - 1
	for _, v := range [...]float64{signal * spread, signal * f, signal * dark, gap * sweep, signal * gap, spread * sweep} {
		x[n] = f * v
		n++
	}
	return x
}

// ridge is least squares with λ = 1 on the diagonal.
type ridge struct {
	n     float64
	gram  [width][width]float64
	xy    [width]float64
	yy    float64
	coef  [width]float64
	inv   [width][width]float64
	sigma float64
}

func (r *ridge) add(x *[width]float64, y float64) { r.addWeighted(x, y, 1) }

func (r *ridge) addWeighted(x *[width]float64, y, weight float64) {
	r.n += weight
	r.yy += weight * y * y
	for i, v := range x {
		if v == 0 {
			continue
		}
		v *= weight
		r.xy[i] += v * y
		for j := range i + 1 {
			r.gram[i][j] += v * x[j]
		}
	}
}

// factor returns the Cholesky factor of the Gram matrix with its prior.
func (r *ridge) factor() (l [width][width]float64) {
	for i := range width {
		for j := range i + 1 {
			sum := r.gram[i][j]
			if i == j {
				sum++
			}
			for k := range j {
				sum -= l[i][k] * l[j][k]
			}
			if i == j {
				l[i][i] = math.Sqrt(math.Max(sum, 1e-12))
			} else {
				l[i][j] = sum / l[j][j]
			}
		}
	}
	return l
}

// solveCoefficients solves without the inverse, for fits that need no errors.
func (r *ridge) solveCoefficients() {
	l := r.factor()
	for i := range width {
		sum := r.xy[i]
		for k := range i {
			sum -= l[i][k] * r.coef[k]
		}
		r.coef[i] = sum / l[i][i]
	}
	for i := width - 1; i >= 0; i-- {
		sum := r.coef[i]
		for k := i + 1; k < width; k++ {
			sum -= l[k][i] * r.coef[k]
		}
		r.coef[i] = sum / l[i][i]
	}
}

// solve inverts by Cholesky. The residual deviation counts the rows, not the prior.
func (r *ridge) solve() {
	l := r.factor()
	for c := range width {
		var e [width]float64
		for i := c; i < width; i++ {
			sum := 0.0
			if i == c {
				sum = 1
			}
			for k := c; k < i; k++ {
				sum -= l[i][k] * e[k]
			}
			e[i] = sum / l[i][i]
		}
		for i := width - 1; i >= 0; i-- {
			sum := e[i]
			for k := i + 1; k < width; k++ {
				sum -= l[k][i] * e[k]
			}
			e[i] = sum / l[i][i]
			r.inv[i][c] = e[i]
		}
	}
	fit := 0.0
	for i := range width {
		for j := range width {
			r.coef[i] += r.inv[i][j] * r.xy[j]
		}
		fit += r.coef[i] * r.xy[i]
	}
	r.sigma = math.Sqrt(math.Max(r.yy-fit, 0) / math.Max(r.n-width, 1))
}

func (r *ridge) at(x *[width]float64) (y float64) {
	for i, v := range x {
		y += v * r.coef[i]
	}
	return y
}

// error returns the standard error of at.
func (r *ridge) error(x *[width]float64) float64 {
	sum := 0.0
	for i, v := range x {
		if v == 0 {
			continue
		}
		row := 0.0
		for j, w := range x {
			row += r.inv[i][j] * w
		}
		sum += v * row
	}
	return r.sigma * math.Sqrt(math.Max(sum, 0))
}

// Center takes from each reward what the market did alone, less what could have been
// expected of it in that state, times what a decision of that time and action is
// exposed to it. The difference has mean zero under every policy, and the exposure is
// one number for each time and action, so values keep their means and lose most of
// their noise. Rows without Control are left as they are.
func Center(episodes []Episode) {
	var fit [Horizon]ridge
	each(episodes, func(s *Step) {
		if s.Control != 0 {
			fit[s.Time].add(unitDesign(s.Cell), s.Control)
		}
	})
	for t := range fit {
		fit[t].solve()
	}
	surprise := func(s *Step) float64 {
		if s.Control == 0 {
			return 0
		}
		return s.Share * (s.Control - fit[s.Time].at(unitDesign(s.Cell)))
	}
	var cross, square [Horizon][policy.Actions]float64
	each(episodes, func(s *Step) {
		c := surprise(s)
		cross[s.Time][s.Action] += c * s.Reward
		square[s.Time][s.Action] += c * c
	})
	each(episodes, func(s *Step) {
		s.Reward -= surprise(s) * cross[s.Time][s.Action] / math.Max(square[s.Time][s.Action], 1e-12)
	})
}

// unitDesign is the design of a cell as if the whole slice were left: the market alone
// does not know how much that is.
func unitDesign(cell uint32) *[width]float64 {
	return designOf(cell + uint32(4-int(binsOf(cell)[policy.FeatureInventory]))*schema[policy.FeatureInventory].Stride)
}

func each(episodes []Episode, f func(*Step)) {
	for i := range episodes {
		for j := range episodes[i].Steps {
			f(&episodes[i].Steps[j])
		}
	}
}
