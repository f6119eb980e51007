package learn

import (
	"math"
	"math/rand/v2"
	"slices"

	"penstock/policy"
)

// Policy says what is done in a cell of a page (Step.Cell). It must be deterministic.
type Policy func(cell uint32) uint8

// Baseline is the policy that every other is compared with.
func Baseline(uint32) uint8 { return policy.ActionBaseline }

// Estimate is the value of a policy over that of BASELINE, bps a slice, positive is
// better, with a bootstrap interval over clusters.
type Estimate struct {
	Name      string  `json:"name"`
	Value     float64 `json:"value"`
	SE        float64 `json:"se"`
	Low, High float64 // two-sided 95 %: 2.5 and 97.5 %
	Lower     float64 `json:"lower95"` // one-sided 95 %
	ESS       float64 `json:"ess"`     // effective sample size; 0 where nothing is weighed
}

// Evaluation is what the estimators say about a policy on data that another logged.
type Evaluation struct {
	Episodes, Rows, Clusters int
	WIS, PDIS, DR, FQE, Step Estimate
	// Fallback is the share of decisions in cells without support, where the policy is
	// BASELINE.
	Fallback float64
	Matched  float64 // share of logged actions that the policy would have taken
}

// Estimates lists them in the order in which they are printed.
func (e *Evaluation) Estimates() []*Estimate {
	return []*Estimate{&e.WIS, &e.PDIS, &e.DR, &e.FQE, &e.Step}
}

// EvaluateOptions set the bootstrap.
type EvaluateOptions struct {
	Resamples    int // of weights
	FQEResamples int // of refits
	Seed         uint64
}

// DefaultEvaluate are the usual numbers of resamples.
func DefaultEvaluate() EvaluateOptions {
	return EvaluateOptions{Resamples: 2000, FQEResamples: 100, Seed: 1}
}

// Evaluate estimates the value of target over BASELINE from episodes that neither the
// target nor its training has seen. Episodes need the propensities of the policy that
// logged them.
func Evaluate(episodes []Episode, target Policy, opt EvaluateOptions) *Evaluation {
	ev := &Evaluation{Episodes: len(episodes), Rows: Rows(episodes)}
	of, clusters := clustersOf(episodes)
	ev.Clusters = clusters
	q, qb := fitQ(episodes, target, nil), fitQ(episodes, Baseline, nil)
	list := make([]terms, len(episodes))
	matched := 0
	for i := range episodes {
		list[i] = weigh(&episodes[i], target, q, qb)
		for j := range episodes[i].Steps {
			if s := &episodes[i].Steps[j]; target(s.Cell) == s.Action {
				matched++
			}
		}
	}
	ev.Matched = float64(matched) / math.Max(float64(ev.Rows), 1)
	rng := rand.New(rand.NewPCG(opt.Seed, 0x70656e73746f636b))
	ev.bootstrap(list, of, clusters, opt.Resamples, rng)
	values := make([]float64, 0, opt.FQEResamples)
	for range opt.FQEResamples {
		count := resample(clusters, rng)
		weight := func(i int) float64 { return count[of[i]] }
		a, b := fitQ(episodes, target, weight), fitQ(episodes, Baseline, weight)
		values = append(values, startValue(episodes, a, target, weight)-startValue(episodes, b, Baseline, weight))
	}
	ev.FQE = interval("FQE", startValue(episodes, q, target, nil)-startValue(episodes, qb, Baseline, nil), values)
	return ev
}

func clustersOf(episodes []Episode) (of []int, n int) {
	seen := map[uint64]int{}
	of = make([]int, len(episodes))
	for i := range episodes {
		k, ok := seen[episodes[i].Cluster]
		if !ok {
			k = len(seen)
			seen[episodes[i].Cluster] = k
		}
		of[i] = k
	}
	return of, len(seen)
}

func resample(n int, rng *rand.Rand) []float64 {
	count := make([]float64, n)
	for range n {
		count[rng.IntN(n)]++
	}
	return count
}

// terms are what one episode gives to each estimator, for the policy and BASELINE.
type terms struct {
	weight, weighted [2]float64 // whole-trajectory ρ and ρ·return
	perDecision      [2]float64
	robust           [2]float64
	step             float64 // one-step advantage, summed over the decisions
	ratio, ratio2    float64 // of the one-step weights
}

func weigh(e *Episode, target Policy, q, qb *qFit) (t terms) {
	for k, p := range [2]Policy{target, Baseline} {
		fit := q
		if k == 1 {
			fit = qb
		}
		rho, sum := 1.0, 0.0
		for i := range e.Steps {
			s := &e.Steps[i]
			rho *= ratioOf(s, p)
			sum += s.Reward
			t.perDecision[k] += rho * s.Reward
		}
		t.weight[k], t.weighted[k] = rho, rho*sum
		d := 0.0
		for i := len(e.Steps) - 1; i >= 0; i-- {
			s := &e.Steps[i]
			d = fit.value(s.Cell, p) + ratioOf(s, p)*(s.Reward+d-fit.at(s.Cell, s.Action))
		}
		t.robust[k] = d
	}
	for i := range e.Steps {
		s := &e.Steps[i]
		next := 0.0
		if i+1 < len(e.Steps) {
			next = qb.value(e.Steps[i+1].Cell, Baseline)
		}
		rho := ratioOf(s, target)
		error := s.Reward + next - qb.at(s.Cell, s.Action)
		t.step += qb.at(s.Cell, target(s.Cell)) + rho*error - qb.value(s.Cell, Baseline) - ratioOf(s, Baseline)*error
		t.ratio += rho
		t.ratio2 += rho * rho
	}
	return t
}

func ratioOf(s *Step, p Policy) float64 {
	if p(s.Cell) != s.Action {
		return 0
	}
	return 1 / s.Propensity
}

// bootstrap sets all estimates but FQE.
func (ev *Evaluation) bootstrap(list []terms, of []int, clusters, n int, rng *rand.Rand) {
	sums := make([]sum, clusters)
	for i := range list {
		sums[of[i]].add(&list[i])
	}
	whole := sum{}
	for i := range sums {
		whole.merge(&sums[i], 1)
	}
	point := whole.estimates()
	values := make([][]float64, len(point))
	for range n {
		count, s := resample(clusters, rng), sum{}
		for i, c := range count {
			if c > 0 {
				s.merge(&sums[i], c)
			}
		}
		for k, v := range s.estimates() {
			values[k] = append(values[k], v)
		}
	}
	for k, name := range [...]string{"WIS", "PDIS", "DR", "one-step"} {
		e := interval(name, point[k], values[k])
		e.ESS = whole.weight[0] * whole.weight[0] / math.Max(whole.weight2, 1e-300)
		if k >= 2 { // weights of single decisions
			e.ESS = whole.ratio * whole.ratio / math.Max(whole.ratio2, 1e-300)
		}
		*[...]*Estimate{&ev.WIS, &ev.PDIS, &ev.DR, &ev.Step}[k] = e
	}
}

// sum adds up terms of a cluster or a sample.
type sum struct {
	n                                     float64
	weight, weighted, perDecision, robust [2]float64
	weight2, step, ratio, ratio2          float64
}

func (s *sum) add(t *terms) {
	s.n++
	for k := range 2 {
		s.weight[k] += t.weight[k]
		s.weighted[k] += t.weighted[k]
		s.perDecision[k] += t.perDecision[k]
		s.robust[k] += t.robust[k]
	}
	s.weight2 += t.weight[0] * t.weight[0]
	s.step += t.step
	s.ratio += t.ratio
	s.ratio2 += t.ratio2
}

func (s *sum) merge(o *sum, c float64) {
	s.n += c * o.n
	for k := range 2 {
		s.weight[k] += c * o.weight[k]
		s.weighted[k] += c * o.weighted[k]
		s.perDecision[k] += c * o.perDecision[k]
		s.robust[k] += c * o.robust[k]
	}
	s.weight2 += c * o.weight2
	s.step += c * o.step
	s.ratio += c * o.ratio
	s.ratio2 += c * o.ratio2
}

func (s *sum) estimates() [4]float64 {
	wis := func(k int) float64 { return s.weighted[k] / math.Max(s.weight[k], 1e-300) }
	return [4]float64{
		wis(0) - wis(1), (s.perDecision[0] - s.perDecision[1]) / s.n, (s.robust[0] - s.robust[1]) / s.n, s.step / s.n,
	}
}

// interval summarises resampled values.
func interval(name string, value float64, values []float64) Estimate {
	e := Estimate{Name: name, Value: value, Low: value, High: value, Lower: value}
	if len(values) == 0 {
		return e
	}
	slices.Sort(values)
	at := func(p float64) float64 { return values[min(int(p*float64(len(values))), len(values)-1)] }
	e.Low, e.High, e.Lower = at(.025), at(.975), at(.05)
	m := 0.0
	for _, v := range values {
		m += v / float64(len(values))
	}
	for _, v := range values {
		e.SE += (v - m) * (v - m) / float64(len(values))
	}
	e.SE = math.Sqrt(e.SE)
	return e
}

// qFit is Q under a policy, linear by decision and action.
type qFit struct {
	fits [Horizon][policy.Actions]ridge
	back [Horizon]float64 // mean over actions, where an action was never seen
}

// fitQ is fitted Q evaluation of p, each episode weighed (nil: all one).
func fitQ(episodes []Episode, p Policy, weight func(i int) float64) *qFit {
	q := &qFit{}
	for t := Horizon - 1; t >= 0; t-- {
		n, total := 0.0, 0.0
		for i := range episodes {
			w := 1.0
			if weight != nil {
				if w = weight(i); w == 0 {
					continue
				}
			}
			e := &episodes[i]
			for k := range e.Steps {
				s := &e.Steps[k]
				if s.Time != t {
					continue
				}
				y := s.Reward
				if k+1 < len(e.Steps) {
					y += q.value(e.Steps[k+1].Cell, p)
				}
				q.fits[t][s.Action].addWeighted(designOf(s.Cell), y, w)
				n += w
				total += w * y
			}
		}
		if n > 0 {
			q.back[t] = total / n
		}
		for a := range q.fits[t] {
			q.fits[t][a].solveCoefficients()
		}
	}
	return q
}

func (q *qFit) at(cell uint32, action uint8) float64 {
	t := timeOf(cell)
	if f := &q.fits[t][action]; f.n > width {
		return f.at(designOf(cell))
	}
	return q.back[t]
}

func (q *qFit) value(cell uint32, p Policy) float64 { return q.at(cell, p(cell)) }

func startValue(episodes []Episode, q *qFit, p Policy, weight func(i int) float64) float64 {
	sum, n := 0.0, 0.0
	for i := range episodes {
		w := 1.0
		if weight != nil {
			w = weight(i)
		}
		if len(episodes[i].Steps) > 0 && w > 0 {
			sum += w * q.value(episodes[i].Steps[0].Cell, p)
			n += w
		}
	}
	return sum / math.Max(n, 1)
}
