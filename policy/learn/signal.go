package learn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

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

// SignalQuality is how well a signal predicts on samples that it was not fitted on.
type SignalQuality struct {
	Samples  int
	Clusters int
	Teacher  float64  // R² of the teacher, a ridge on many regressors
	Student  float64  // R² of the table that is shipped
	Lean     float64  // R² of the lean of the touch alone, rescaled as well as it can be
	Gain     Estimate // Student less Lean, resampled by cluster
	Spearman float64  // rank correlation of student and teacher
	Shuffled float64  // mean R² of students that were fitted on shuffled moves
}

// Acceptable reports whether a signal may be shipped: it keeps what the teacher knows, is
// better than the touch alone beyond chance, and one fitted on shuffled moves knows nothing.
func (q *SignalQuality) Acceptable() bool {
	return q.Student >= signalKeeps*q.Teacher && q.Spearman >= signalRanks && q.Gain.Lower > 0 && q.Shuffled < signalNothing*q.Student
}

// What Acceptable demands.
const (
	signalKeeps   = .85
	signalRanks   = .95
	signalNothing = .1
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

// raise makes values rise, or stay, along each of three axes: the nearest such table in
// weighted squares, by Dykstra's projections onto one axis after the other, each of which is
// pooling of adjacent violators. What rounding left is raised at last.
func raise(values, weights []float64) {
	const size, rounds = policy.SignalBins, 200
	strides := [...]int{1, size, size * size}
	var owed [len(strides)][]float64
	for a := range owed {
		owed[a] = make([]float64, len(values))
	}
	before := make([]float64, len(values))
	for range rounds {
		worst := 0.0
		for a, stride := range strides {
			for i := range values {
				values[i] += owed[a][i]
				before[i] = values[i]
			}
			eachLine(len(values), stride, func(start int) { pool(values, weights, start, stride) })
			for i := range values {
				owed[a][i] = before[i] - values[i]
			}
		}
		for cell := range values {
			for _, stride := range strides {
				if cell/stride%size > 0 {
					worst = math.Max(worst, values[cell-stride]-values[cell])
				}
			}
		}
		if worst < 1e-9 {
			break
		}
	}
	for cell := range values {
		for _, stride := range strides {
			if cell/stride%size > 0 {
				values[cell] = math.Max(values[cell], values[cell-stride])
			}
		}
	}
}

// eachLine calls f with the first cell of every line along an axis.
func eachLine(cells, stride int, f func(start int)) {
	for cell := range cells {
		if cell/stride%policy.SignalBins == 0 {
			f(cell)
		}
	}
}

// pool is isotonic regression of one line.
func pool(values, weights []float64, start, stride int) {
	type block struct {
		sum, weight float64
		n           int
	}
	var blocks [policy.SignalBins]block
	top := 0
	for k := range policy.SignalBins {
		i := start + k*stride
		b := block{values[i] * weights[i], weights[i], 1}
		for top > 0 && blocks[top-1].sum*b.weight > b.sum*blocks[top-1].weight {
			top--
			b.sum, b.weight, b.n = b.sum+blocks[top].sum, b.weight+blocks[top].weight, b.n+blocks[top].n
		}
		blocks[top] = b
		top++
	}
	i := start
	for _, b := range blocks[:top] {
		for range b.n {
			values[i] = b.sum / b.weight
			i += stride
		}
	}
}

// JudgeSignal fits a signal on samples and says how it does on others, of clusters that the
// fit has not seen.
func JudgeSignal(samples, others []SignalSample, seed uint64) (*policy.Signal, *SignalQuality, error) {
	s, t, err := fitSignal(samples)
	if err != nil {
		return nil, nil, err
	}
	lean := fitTeacher(samples, leanRegressors)
	q := &SignalQuality{Samples: len(others)}
	student := func(m *SignalSample) float64 { return float64(s.At(m.Inputs[0], m.Inputs[1], m.Inputs[2])) / 1000 }
	sums := map[uint64]*squares{}
	var order []uint64
	a, b := make([]float64, len(others)), make([]float64, len(others))
	for i := range others {
		m := &others[i]
		a[i], b[i] = student(m), t.at(m)
		c := sums[m.Cluster]
		if c == nil {
			c = &squares{}
			sums[m.Cluster] = c
			order = append(order, m.Cluster)
		}
		c.add(m.Move, a[i], b[i], lean.at(m))
	}
	q.Clusters = len(order)
	whole := squares{}
	for _, k := range order {
		whole.merge(sums[k], 1)
	}
	q.Student, q.Teacher, q.Lean = whole.explained()
	q.Spearman = rankCorrelation(a, b)
	rng := rand.New(rand.NewPCG(seed, 3))
	values := make([]float64, 1000)
	for i := range values {
		part := squares{}
		for k, n := range resample(len(order), rng) {
			part.merge(sums[order[k]], n)
		}
		x, _, y := part.explained()
		values[i] = x - y
	}
	q.Gain = interval("student less lean", q.Student-q.Lean, values)
	if q.Shuffled, err = shuffledSignal(samples, others, rng); err != nil {
		return nil, nil, err
	}
	return s, q, nil
}

// shuffles is how often the negative control is fitted: one alone may point the right way by luck.
const shuffles = 8

// shuffledSignal is the negative control: mean R² of signals that were fitted on moves dealt out anew.
func shuffledSignal(samples, others []SignalSample, rng *rand.Rand) (mean float64, err error) {
	dealt := slices.Clone(samples)
	for range shuffles {
		rng.Shuffle(len(dealt), func(i, j int) { dealt[i].Move, dealt[j].Move = dealt[j].Move, dealt[i].Move })
		s, _, err := fitSignal(dealt)
		if err != nil {
			return 0, err
		}
		sum := squares{}
		for i := range others {
			m := &others[i]
			sum.add(m.Move, float64(s.At(m.Inputs[0], m.Inputs[1], m.Inputs[2]))/1000, 0, 0)
		}
		r, _, _ := sum.explained()
		mean += r / shuffles
	}
	return mean, nil
}

// squares are sums of squared errors of three predictions and of zero.
type squares struct{ zero, a, b, c float64 }

func (s *squares) add(y, a, b, c float64) {
	s.zero += y * y
	s.a += (y - a) * (y - a)
	s.b += (y - b) * (y - b)
	s.c += (y - c) * (y - c)
}

func (s *squares) merge(o *squares, n float64) {
	s.zero += n * o.zero
	s.a += n * o.a
	s.b += n * o.b
	s.c += n * o.c
}

// explained returns the shares of the squares that the predictions explain.
func (s *squares) explained() (a, b, c float64) {
	of := func(e float64) float64 { return 1 - e/math.Max(s.zero, 1e-300) }
	return of(s.a), of(s.b), of(s.c)
}

// rankCorrelation is Spearman's, ties at their mean rank.
func rankCorrelation(a, b []float64) float64 {
	x, y := ranks(a), ranks(b)
	n := float64(len(a))
	mean := (n - 1) / 2
	var xy, xx, yy float64
	for i := range x {
		xy += (x[i] - mean) * (y[i] - mean)
		xx += (x[i] - mean) * (x[i] - mean)
		yy += (y[i] - mean) * (y[i] - mean)
	}
	return xy / math.Max(math.Sqrt(xx*yy), 1e-300)
}

func ranks(v []float64) []float64 {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		switch {
		case v[i] < v[j]:
			return -1
		case v[i] > v[j]:
			return 1
		}
		return 0
	})
	r := make([]float64, len(v))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && v[order[j]] == v[order[i]] {
			j++
		}
		for k := i; k < j; k++ {
			r[order[k]] = float64(i+j-1) / 2
		}
		i = j
	}
	return r
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
