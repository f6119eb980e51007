package realism

import "math"

// SignACF returns the autocorrelation of trade signs at the given lags, over days.
func SignACF(days []*Series, lags []int) []float64 {
	out := make([]float64, len(lags))
	for i, lag := range lags {
		var sum, n float64
		for _, d := range days {
			for t := lag; t < len(d.Trades); t++ {
				a, b := d.Trades[t].Sign, d.Trades[t-lag].Sign
				if a != 0 && b != 0 {
					sum += float64(a) * float64(b)
					n++
				}
			}
		}
		out[i] = sum / math.Max(n, 1)
	}
	return out
}

// Slope returns the least squares slope of y over x.
func Slope(x, y []float64) float64 {
	var mx, my, sxy, sxx float64
	for i := range x {
		mx += x[i] / float64(len(x))
		my += y[i] / float64(len(x))
	}
	for i := range x {
		sxy += (x[i] - mx) * (y[i] - my)
		sxx += (x[i] - mx) * (x[i] - mx)
	}
	return sxy / sxx
}

// decayExponent fits lag^−γ to positive values.
func decayExponent(lags []int, values []float64) float64 {
	var x, y []float64
	for i, v := range values {
		if v > 0 {
			x, y = append(x, math.Log(float64(lags[i]))), append(y, math.Log(v))
		}
	}
	return -Slope(x, y)
}

// Returns are the changes of the mid over steps of so many seconds, within each day.
func Returns(days []*Series, step int) (r []float64) {
	for _, d := range days {
		for t := step; t < len(d.Mid); t += step {
			if d.Mid[t] > 0 && d.Mid[t-step] > 0 {
				r = append(r, d.Mid[t]-d.Mid[t-step])
			}
		}
	}
	return r
}

// Moments returns the root mean square and the kurtosis about zero.
func Moments(r []float64) (rms, kurtosis float64) {
	var m2, m4 float64
	for _, v := range r {
		m2 += v * v
		m4 += v * v * v * v
	}
	n := float64(len(r))
	return math.Sqrt(m2 / n), m4 / n / (m2 / n * m2 / n)
}

// acf1 is the autocorrelation of returns at a lag, within days, of f of them.
func acf1(days []*Series, step, lag int, f func(float64) float64) float64 {
	var sum, n, sxy, sxx float64
	var all [][]float64
	for _, d := range days {
		r := Returns([]*Series{d}, step)
		for i := range r {
			r[i] = f(r[i])
			sum += r[i]
			n++
		}
		all = append(all, r)
	}
	mean := sum / n
	for _, r := range all {
		for i := range r {
			sxx += (r[i] - mean) * (r[i] - mean)
			if i >= lag {
				sxy += (r[i] - mean) * (r[i-lag] - mean)
			}
		}
	}
	return sxy / sxx
}

func same(v float64) float64 { return v }

// signature is the greatest over the least of σ(step)/√step.
func signature(days []*Series, steps []int) float64 {
	low, high := math.Inf(1), 0.0
	for _, step := range steps {
		rms, _ := Moments(Returns(days, step))
		v := rms / math.Sqrt(float64(step))
		low, high = math.Min(low, v), math.Max(high, v)
	}
	return high / low
}

// leanPredicts returns the share of next mid moves that go the way of a strong lean
// (beyond 0.6), and the share of upward moves by quintile of lean.
func leanPredicts(days []*Series) (strong float64, quintiles [5]float64) {
	var right, n float64
	var up, count [5]float64
	for _, d := range days {
		for t := 0; t < len(d.Mid); t += 5 {
			if d.Mid[t] == 0 {
				continue
			}
			next := t + 1
			for next < len(d.Mid) && next < t+60 && (d.Mid[next] == d.Mid[t] || d.Mid[next] == 0) {
				next++
			}
			if next == len(d.Mid) || d.Mid[next] == d.Mid[t] || d.Mid[next] == 0 {
				continue
			}
			rise := 0.0
			if d.Mid[next] > d.Mid[t] {
				rise = 1
			}
			q := min(int((d.Lean[t]+1)/.4), 4)
			up[q] += rise
			count[q]++
			if math.Abs(d.Lean[t]) > .6 {
				n++
				if (rise == 1) == (d.Lean[t] > 0) {
					right++
				}
			}
		}
	}
	for q := range quintiles {
		quintiles[q] = up[q] / math.Max(count[q], 1)
	}
	return right / math.Max(n, 1), quintiles
}

// arrivalsCV is the coefficient of variation of the times between trades, those of
// one moment counted once.
func arrivalsCV(days []*Series) float64 {
	var sum, squares, n float64
	for _, d := range days {
		for i := 1; i < len(d.Trades); i++ {
			if g := d.Trades[i].Time - d.Trades[i-1].Time; g > 0 {
				sum += g
				squares += g * g
				n++
			}
		}
	}
	mean := sum / n
	return math.Sqrt(squares/n-mean*mean) / mean
}

// uShape returns volume and absolute return per minute in the first and last half
// hour over those of the middle third of the day.
func uShape(days []*Series) (volume, volatility float64) {
	var vol, move [2]float64
	var seconds [2]float64
	for _, d := range days {
		part := func(t int) int {
			switch {
			case t < 1800 || t >= d.Seconds-1800:
				return 0
			case t >= d.Seconds/3 && t < 2*d.Seconds/3:
				return 1
			}
			return -1
		}
		for t := range d.Seconds {
			if p := part(t); p >= 0 {
				seconds[p]++
			}
		}
		for i := range d.Trades {
			if p := part(int(d.Trades[i].Time)); p >= 0 {
				vol[p] += d.Trades[i].Qty
			}
		}
		for t := 60; t < len(d.Mid); t += 60 {
			if p := part(t); p >= 0 && d.Mid[t] > 0 && d.Mid[t-60] > 0 {
				move[p] += math.Abs(d.Mid[t] - d.Mid[t-60])
			}
		}
	}
	return vol[0] / seconds[0] / (vol[1] / seconds[1]), move[0] / seconds[0] / (move[1] / seconds[1])
}

// mean is the mean of what is not zero.
func mean(days []*Series, of func(*Series) []float64) float64 {
	var sum, n float64
	for _, d := range days {
		for _, v := range of(d) {
			if v != 0 {
				sum += v
				n++
			}
		}
	}
	return sum / math.Max(n, 1)
}

// meanSE returns mean and standard error.
func meanSE(x []float64) (m, se float64) {
	for _, v := range x {
		m += v / float64(len(x))
	}
	for _, v := range x {
		se += (v - m) * (v - m)
	}
	return m, math.Sqrt(se / float64(len(x)-1) / float64(len(x)))
}
