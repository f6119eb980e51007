package learn

import (
	"math"
	"math/rand/v2"

	"penstock/policy"
)

// toy is a small decision process whose values are known exactly: the signal is the
// state, five of them, drawn anew at each decision; an action earns its mean in that
// state, less a cost that falls due at the next decision.
type toy struct {
	mean  [5][policy.Actions]float64
	later [policy.Actions]float64
	noise float64
}

func newToy(noise float64) *toy {
	m := &toy{noise: noise}
	for s := range m.mean {
		for a := range m.mean[s] {
			m.mean[s][a] = -.5 + .3*math.Sin(float64(3*s+5*a))
		}
	}
	for a := range m.later {
		m.later[a] = .2 * float64(a%3)
	}
	return m
}

// cell of a time and signal, everything else in the middle.
func toyCell(t, s int) uint32 {
	c := uint32(t) * schema[policy.FeatureTime].Stride
	for f := range policy.Features {
		bin := uint32(schema[f].Bins / 2)
		switch f {
		case policy.FeatureTime:
			continue
		case policy.FeatureSignal:
			bin = uint32(s)
		case policy.FeatureInventory:
			bin = 4
		}
		c += bin * schema[f].Stride
	}
	return c
}

// value is the exact expected return of a policy over an episode.
func (m *toy) value(p Policy) (v float64) {
	for t := range Horizon {
		for s := range m.mean {
			a := p(toyCell(t, s))
			v += m.mean[s][a] / 5
			if t+1 < Horizon {
				v -= m.later[a] / 5
			}
		}
	}
	return v
}

// play logs episodes of BASELINE with uniform exploration at rate ε.
func (m *toy) play(n int, epsilon float64, seed uint64) []Episode {
	rng := rand.New(rand.NewPCG(seed, 2))
	list := make([]Episode, n)
	for i := range list {
		e := &list[i]
		e.Cluster = uint64(i / 4)
		owed := 0.0
		for t := range Horizon {
			s := rng.IntN(5)
			a := policy.ActionBaseline
			if rng.Float64() < epsilon {
				a = uint8(rng.IntN(policy.Actions))
			}
			p := epsilon / policy.Actions
			if a == policy.ActionBaseline {
				p += 1 - epsilon
			}
			e.Steps = append(e.Steps, Step{
				Cell: toyCell(t, s), Time: t, Action: a, Propensity: p, Baseline: 1 - epsilon + epsilon/policy.Actions, Share: 1,
				Reward: m.mean[s][a] - owed + m.noise*rng.NormFloat64(),
			})
			owed = m.later[a]
		}
	}
	return list
}

// best is the optimal policy of the toy.
func (m *toy) best(cell uint32) (best uint8) {
	t, s := timeOf(cell), int(cellBins[cell][policy.FeatureSignal])
	top := math.Inf(-1)
	for a := range uint8(policy.Actions) {
		v := m.mean[s][a]
		if t+1 < Horizon {
			v -= m.later[a]
		}
		if v > top {
			top, best = v, a
		}
	}
	return best
}
