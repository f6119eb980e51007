package learn

import (
	"math"
	"math/rand/v2"
	"slices"

	"penstock/policy"
)

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
