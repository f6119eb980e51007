package learn

import (
	"fmt"
	"math"

	"penstock/policy"
)

// Method is a way to learn; all stand behind Fit.
type Method string

// Methods. Pevi is the one that is shipped, the others show what it is for.
const (
	Pevi   Method = "pevi"   // linear fitted Q iteration on lower confidence bounds (Jin, Yang, Wang 2021)
	Linear Method = "linear" // the same without pessimism and anchor
	Greedy Method = "greedy" // tabular, believes every mean
	VILCB  Method = "vi-lcb" // tabular, Bernstein penalty
	CQL    Method = "cql"    // tabular, conservative Q learning
)

// Methods lists them.
var Methods = []Method{Pevi, Linear, Greedy, VILCB, CQL}

// Options of Fit.
type Options struct {
	Method     Method
	Z          float64 // standard errors subtracted, of Pevi
	MinSupport int     // rows of (time, share, signal, action) below which an action is not chosen
	MinState   int     // rows of (time, share, signal) below which a cell has low support
	Blind      []int   // features that the learner may not use, for ablation
	Pages      int     // regime pages, each learnt from its own rows; 0 is 1
}

// DefaultOptions are those for data of a simulator.
func DefaultOptions() Options { return Options{Method: Pevi, Z: 1, MinSupport: 50, MinState: 50} }

// Model is what was learnt: values by cell and action, and the choice of each cell.
type Model struct {
	Q, SE   []float32 // pages × policy.States × policy.Actions, bps; NaN where there is no value
	Visits  []uint32
	Choices []policy.Choice
	Opt     Options
	fits    []pageFits // by page, of the linear methods without blind features
}

// pageFits are the fits of a page by decision and action.
type pageFits [Horizon][policy.Actions]ridge

func (m *Model) pages() int { return len(m.Choices) / policy.States }

func at(cell uint32, action uint8) int { return int(cell)*policy.Actions + int(action) }

// coarse counts rows by time, share left, signal and action.
type coarse [Horizon * 5 * 5][policy.Actions]int

func coarseOf(cell uint32) int {
	b := binsOf(cell)
	return (int(b[policy.FeatureTime])*5+int(b[policy.FeatureInventory]))*5 + int(b[policy.FeatureSignal])
}

// Fit learns from episodes. It is deterministic.
func Fit(episodes []Episode, opt Options) (*Model, error) {
	if len(episodes) == 0 {
		return nil, fmt.Errorf("learn: no episodes")
	}
	pages := max(opt.Pages, 1)
	cells := pages * policy.States
	if pages > policy.MaxPages {
		return nil, fmt.Errorf("learn: %d pages, a table has at most %d", pages, policy.MaxPages)
	}
	m := &Model{
		Q: make([]float32, cells*policy.Actions), SE: make([]float32, cells*policy.Actions),
		Visits:  make([]uint32, cells*policy.Actions),
		Choices: make([]policy.Choice, cells), Opt: opt,
	}
	counts := make([]coarse, pages)
	outside := false
	each(episodes, func(s *Step) {
		if outside = outside || int(s.Cell) >= cells; outside {
			return
		}
		m.Visits[at(s.Cell, s.Action)]++
		counts[s.Cell/policy.States][coarseOf(m.dim(s.Cell))][s.Action]++
	})
	if outside {
		return nil, fmt.Errorf("learn: the data have more than %d regime pages", pages)
	}
	next := make([]float64, cells) // value of a cell of the next decision
	for t := Horizon - 1; t >= 0; t-- {
		switch opt.Method {
		case Pevi, Linear:
			for page := range pages {
				m.fitLinear(episodes, page, t, next)
			}
		case Greedy, VILCB, CQL:
			m.fitTabular(episodes, t, next)
		default:
			return nil, fmt.Errorf("learn: unknown method %q", opt.Method)
		}
		for cell := range uint32(cells) {
			if timeOf(cell) == t {
				next[cell] = m.choose(cell, &counts[cell/policy.States])
			}
		}
	}
	return m, nil
}

// target is the reward of step k and the value of what follows.
func target(e *Episode, k int, next []float64) float64 {
	y := e.Steps[k].Reward
	if k+1 < len(e.Steps) {
		y += next[e.Steps[k+1].Cell]
	}
	return y
}

// fitLinear fits every action of decision t on a page.
func (m *Model) fitLinear(episodes []Episode, page, t int, next []float64) {
	var fits [policy.Actions]ridge
	for i := range episodes {
		e := &episodes[i]
		for k := range e.Steps {
			if s := &e.Steps[k]; s.Time == t && int(s.Cell/policy.States) == page {
				fits[s.Action].add(m.seen(s.Cell), target(e, k, next))
			}
		}
	}
	for a := range fits {
		fits[a].solve()
	}
	if len(m.Opt.Blind) == 0 {
		if m.fits == nil {
			m.fits = make([]pageFits, m.pages())
		}
		m.fits[page][t] = fits
	}
	for i := range uint32(policy.States) {
		cell := uint32(page)*policy.States + i
		if timeOf(cell) != t {
			continue
		}
		x := m.seen(cell)
		for a := range fits {
			q, se := math.NaN(), math.NaN()
			if fits[a].n > width {
				q, se = fits[a].at(x), fits[a].error(x)
			}
			m.Q[at(cell, uint8(a))], m.SE[at(cell, uint8(a))] = float32(q), float32(se)
		}
	}
}

// seen is the design of a cell as the learner sees it.
func (m *Model) seen(cell uint32) *[width]float64 { return designOf(m.dim(cell)) }

// dim is a cell with the blind features at their middle.
func (m *Model) dim(cell uint32) uint32 {
	for _, f := range m.Opt.Blind {
		middle := int(schema[f].Bins) / 2
		cell += uint32(middle-int(binsOf(cell)[f])) * schema[f].Stride
	}
	return cell
}

// fitTabular takes means of each cell and action of decision t.
func (m *Model) fitTabular(episodes []Episode, t int, next []float64) {
	type moments struct{ n, sum, squares float64 }
	sums := map[int]*moments{}
	for i := range episodes {
		e := &episodes[i]
		for k := range e.Steps {
			s := &e.Steps[k]
			if s.Time != t {
				continue
			}
			key, y := at(s.Cell, s.Action), target(e, k, next)
			c := sums[key]
			if c == nil {
				c = &moments{}
				sums[key] = c
			}
			c.n++
			c.sum += y
			c.squares += y * y
		}
	}
	for cell := range uint32(len(m.Choices)) {
		if timeOf(cell) != t {
			continue
		}
		rows := 0.0
		for a := range uint8(policy.Actions) {
			i := at(cell, a)
			m.Q[i], m.SE[i] = float32(math.NaN()), float32(math.NaN())
			if c := sums[i]; c != nil {
				mean := c.sum / c.n
				variance := math.Max(c.squares/c.n-mean*mean, 0)
				// Bernstein: √(variance·ι/n) + range·ι/n, with ι = 1.
				m.Q[i], m.SE[i] = float32(mean), float32(math.Sqrt(variance/c.n)+1/c.n)
				rows += c.n
			}
		}
		if m.Opt.Method == CQL && rows > 0 {
			m.conserve(cell, rows)
		}
	}
}

// conserve lowers values of actions that the data took seldom: gradient steps on
// squared error plus α(softmax − data share).
func (m *Model) conserve(cell uint32, rows float64) {
	const alpha, rate, steps = 0.5, 0.2, 50
	var q, mean, share [policy.Actions]float64
	for a := range q {
		i := at(cell, uint8(a))
		share[a] = float64(m.Visits[i]) / rows
		if share[a] > 0 {
			mean[a] = float64(m.Q[i])
			q[a] = mean[a]
		}
	}
	for range steps {
		top, sum := math.Inf(-1), 0.0
		for a := range q {
			top = math.Max(top, q[a])
		}
		for a := range q {
			sum += math.Exp(q[a] - top)
		}
		for a := range q {
			soft := math.Exp(q[a]-top) / sum
			q[a] -= rate * (share[a]*(q[a]-mean[a]) + alpha*(soft-share[a]))
		}
	}
	for a := range q {
		if share[a] > 0 {
			m.Q[at(cell, uint8(a))] = float32(q[a])
		}
	}
}

// choose sets the choice of a cell and returns its value. The anchored methods leave
// BASELINE only for an action whose lower bound beats BASELINE's value and which the
// data took often enough in such a state.
func (m *Model) choose(cell uint32, counts *coarse) float64 {
	n := &counts[coarseOf(m.dim(cell))]
	base := float64(m.Q[at(cell, policy.ActionBaseline)])
	anchored := m.Opt.Method == Pevi || m.Opt.Method == VILCB
	z := 0.0
	if anchored {
		z = m.Opt.Z
	}
	c := policy.Choice{Action: policy.ActionBaseline, Alt: policy.ActionBaseline}
	state := 0
	best, second := math.Inf(-1), math.Inf(-1)
	bestID, secondID := policy.ActionBaseline, policy.ActionBaseline
	for a := range uint8(policy.Actions) {
		state += n[a]
		i := at(cell, a)
		value := float64(m.Q[i]) - z*float64(m.SE[i])
		if a == policy.ActionBaseline {
			value = base
		}
		if math.IsNaN(value) || anchored && a != policy.ActionBaseline && n[a] < m.Opt.MinSupport {
			continue
		}
		switch {
		case value > best:
			best, bestID, second, secondID = value, a, best, bestID
		case value > second:
			second, secondID = value, a
		}
	}
	c.Unseen = state == 0
	c.LowSupport = state < m.Opt.MinState
	if anchored && (c.LowSupport || math.IsNaN(base)) {
		bestID, best = policy.ActionBaseline, base
	}
	c.Action = bestID
	if bestID != policy.ActionBaseline {
		c.Alt = secondID
		if se := float64(m.SE[at(cell, bestID)]); se > 0 && !math.IsNaN(base) {
			c.Confidence = uint8(min(max(int((best-base)/se), 0), 7))
		}
	}
	m.Choices[cell] = c
	if math.IsNaN(best) || math.IsInf(best, 0) {
		return 0
	}
	return best
}

// Act returns what the model does in a cell.
func (m *Model) Act(cell uint32) uint8 {
	if c := &m.Choices[cell]; !c.Unseen && !c.LowSupport {
		return c.Action
	}
	return policy.ActionBaseline
}
