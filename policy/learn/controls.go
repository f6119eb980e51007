package learn

import (
	"math/rand/v2"

	"penstock/policy"
)

// Shuffle returns the episodes with rewards dealt out anew among all decisions of the
// same time: whatever is learnt from them is chance.
func Shuffle(episodes []Episode, seed uint64) []Episode {
	rng := rand.New(rand.NewPCG(seed, 1))
	out := clone(episodes)
	var pools [Horizon][]float64
	each(out, func(s *Step) { pools[s.Time] = append(pools[s.Time], s.Reward) })
	for t := range pools {
		p := pools[t]
		rng.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
	}
	each(out, func(s *Step) {
		p := pools[s.Time]
		s.Reward, pools[s.Time] = p[0], p[1:]
	})
	return out
}

// Shift returns the episodes with the signal of each decision taken from another
// episode, so many before: a signal that says nothing about now.
func Shift(episodes []Episode, by int) []Episode {
	out := clone(episodes)
	f := policy.FeatureSignal
	for i := range out {
		other := &episodes[((i-by)%len(episodes)+len(episodes))%len(episodes)]
		if len(other.Steps) == 0 {
			continue
		}
		for k := range out[i].Steps {
			s := &out[i].Steps[k]
			from := binsOf(other.Steps[min(k, len(other.Steps)-1)].Cell)[f]
			s.Cell += uint32(int(from)-int(binsOf(s.Cell)[f])) * schema[f].Stride
		}
	}
	return out
}

func clone(episodes []Episode) []Episode {
	out := make([]Episode, len(episodes))
	for i := range episodes {
		out[i] = episodes[i]
		out[i].Steps = append([]Step(nil), episodes[i].Steps...)
	}
	return out
}
