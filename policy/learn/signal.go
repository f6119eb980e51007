package learn

import (
	"fmt"
	"math"

	"penstock/policy"
)

// SignalSample is what a market showed at one moment, and where its mid went.
type SignalSample struct {
	Cluster uint64                     // seed or day: what is resampled as a whole
	Inputs  [policy.SignalInputs]int64 // book.Pressure: lean, order flow imbalance, flow
	Spread  int64                      // ticks
	Pace    int64                      // trades against usual, in 1/1000
	Move    float64                    // mid later less mid now, in half-spreads
}

// FitSignal distils a teacher, fitted on samples, into a table that rises with each input.
func FitSignal(samples []SignalSample) (*policy.Signal, error) {
	s, _, err := fitSignal(samples)
	return s, err
}

func fitSignal(samples []SignalSample) (*policy.Signal, *teacher, error) {
	if len(samples) < 1000 {
		return nil, nil, fmt.Errorf("learn: %d samples for a price signal, at least 1000 are needed", len(samples))
	}
	t := fitTeacher(samples, teacherWidth)
	s := &policy.Signal{}
	fitEdges(s, samples)
	values := distil(s, t, samples)
	top := 0.0
	for _, v := range values {
		top = math.Max(top, math.Abs(v))
	}
	s.Unit = int32(min(max(math.Ceil(top*1000/127), 1), 100))
	for i, v := range values {
		s.Values[i] = int8(min(max(math.Round(v*1000/float64(s.Unit)), -127), 127))
	}
	return s, t, nil
}

// fitEdges puts about as many samples in each bin, alike on both sides of zero.
func fitEdges(s *policy.Signal, samples []SignalSample) {
	for i := range s.Edges {
		sizes := make([]float64, len(samples))
		for k := range samples {
			sizes[k] = math.Abs(float64(samples[k].Inputs[i]))
		}
		const middle = policy.SignalBins/2 - 1 // the edge at zero
		zero := int(policy.SignalCode(i, 0))
		s.Edges[i][middle] = uint8(zero)
		for n, q := range Quantiles(sizes, 1/8., 2/8., 3/8., 4/8., 5/8., 6/8., 7/8.) {
			code := int(policy.SignalCode(i, int64(q)))
			up := max(code, int(s.Edges[i][middle+n])+1)
			up = min(up, 255-(6-n))
			s.Edges[i][middle+1+n] = uint8(up)
			s.Edges[i][middle-1-n] = uint8(2*zero - up)
		}
	}
}

// distil returns the mean of what the teacher says in each cell, pulled to a plane where
// there are few samples, made odd, and made to rise.
func distil(s *policy.Signal, t *teacher, samples []SignalSample) []float64 {
	const cells, few = len(s.Values), 5.0
	n, sum := make([]float64, cells), make([]float64, cells)
	plane, centre := newPlane(), make([][policy.SignalInputs]float64, cells)
	for i := range samples {
		cell, y := signalCellOf(s, &samples[i]), t.at(&samples[i])
		mirror := cells - 1 - cell
		n[cell]++
		n[mirror]++
		sum[cell] += y
		sum[mirror] -= y
		x := samples[i].pressed()
		plane.add(&x, y)
		for k := range x {
			centre[cell][k] += x[k]
			centre[mirror][k] -= x[k]
		}
	}
	plane.solve()
	middles := middlesOf(s)
	values, weights := make([]float64, cells), make([]float64, cells)
	for cell := range values {
		at := centre[cell]
		for k := range at {
			if n[cell] > 0 {
				at[k] /= n[cell]
			} else {
				at[k] = middles[k][cell/[...]int{256, 16, 1}[k]%policy.SignalBins]
			}
		}
		values[cell] = (sum[cell] + few*plane.at(&at)) / (n[cell] + few)
		weights[cell] = n[cell] + 1
	}
	raise(values, weights)
	return values
}

func signalCellOf(s *policy.Signal, m *SignalSample) int {
	var bin [policy.SignalInputs]int
	for i, v := range m.Inputs {
		bin[i] = s.Bin(i, policy.SignalCode(i, v))
	}
	return policy.SignalCell(bin[0], bin[1], bin[2])
}

// middlesOf returns a value within each bin, in ordinary units.
func middlesOf(s *policy.Signal) (m [policy.SignalInputs][policy.SignalBins]float64) {
	unit := [policy.SignalInputs]float64{8, 32, 32} // of a code
	for i := range m {
		zero := float64(policy.SignalCode(i, 0))
		for b := range m[i] {
			lo, hi := 0.0, 256.0
			if b > 0 {
				lo = float64(s.Edges[i][b-1])
			}
			if b < policy.SignalBins-1 {
				hi = float64(s.Edges[i][b])
			}
			m[i][b] = math.Min(math.Max(((lo+hi)/2-zero)*unit[i]/signalScale[i], -3), 3)
		}
	}
	return m
}

// plane is least squares through the origin of three inputs.
type plane struct {
	a [policy.SignalInputs][policy.SignalInputs + 1]float64
	b [policy.SignalInputs]float64
}

func newPlane() *plane { return &plane{} }

func (p *plane) add(x *[policy.SignalInputs]float64, y float64) {
	for i := range x {
		for j := range x {
			p.a[i][j] += x[i] * x[j]
		}
		p.a[i][policy.SignalInputs] += x[i] * y
	}
}

func (p *plane) solve() {
	for i := range p.b {
		p.a[i][i]++
	}
	for i := range p.b {
		for r := range p.b {
			if r == i {
				continue
			}
			f := p.a[r][i] / p.a[i][i]
			for k := range p.a[r] {
				p.a[r][k] -= f * p.a[i][k]
			}
		}
	}
	for i := range p.b {
		p.b[i] = math.Max(p.a[i][policy.SignalInputs]/p.a[i][i], 0) // it must rise
	}
}

func (p *plane) at(x *[policy.SignalInputs]float64) (y float64) {
	for i, v := range x {
		y += p.b[i] * v
	}
	return y
}

// SignalEdges returns the default schema with the signal's bins cut at the fifths of what a
// signal says on samples, alike on both sides of zero.
func SignalEdges(s *policy.Signal, samples []SignalSample) *policy.Schema {
	sizes := make([]float64, len(samples))
	for i := range samples {
		in := &samples[i].Inputs
		sizes[i] = math.Abs(float64(s.At(in[0], in[1], in[2])))
	}
	q := Quantiles(sizes, .2, .6)
	out := policy.DefaultSchema()
	f := &out[policy.FeatureSignal]
	inner := f.EdgeAt(int64(q[0]))
	outer := max(f.EdgeAt(int64(q[1])), f.EdgeAt(inner+1))
	f.Edges[2], f.Edges[3] = inner, outer
	f.Edges[1], f.Edges[0] = f.EdgeAt(-inner), f.EdgeAt(-outer)
	if f.Edges[1] >= f.Edges[2] {
		f.Edges[1] = f.EdgeAt(f.Edges[2] - 1 - int64(1<<16/f.Scale))
	}
	if f.Edges[0] >= f.Edges[1] {
		f.Edges[0] = f.EdgeAt(f.Edges[1] - 1 - int64(1<<16/f.Scale))
	}
	return &out
}
