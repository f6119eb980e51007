package trial

import "penstock/policy"

// Fit works the parents of setups one after the other by BASELINE, each with the parameter
// set that the one before left behind, and returns the mean of what the later half knew:
// what a router has learnt that traded in the stock for so long. Setups are those of
// training seeds.
func Fit(setups []Setup) (*policy.Params, error) {
	p := *policy.PriorParams()
	var known []policy.Params
	for i := range setups {
		base := Baseline()
		if i > 0 {
			base.Params = &p
		}
		r, err := Run(setups[i], &base, nil)
		if err != nil {
			return nil, err
		}
		p = r.Learned
		p.ID = uint64(i + 1)
		if i >= len(setups)/2 {
			known = append(known, p)
		}
	}
	return meanOf(known, uint64(len(setups))), nil
}

// meanOf returns the mean of parameter sets, of what the core learns.
func meanOf(sets []policy.Params, id uint64) *policy.Params {
	mean := *policy.PriorParams()
	mean.ID = id
	n := int64(len(sets))
	if n == 0 {
		return &mean
	}
	of := func(get func(*policy.Params) int64) int64 {
		sum := int64(0)
		for i := range sets {
			sum += get(&sets[i])
		}
		return sum / n
	}
	mean.NoFill = uint16(of(func(p *policy.Params) int64 { return int64(p.NoFill) }))
	for v := range mean.Venues {
		m := &mean.Venues[v]
		m.TakeMarkout = int32(of(func(p *policy.Params) int64 { return int64(p.Venues[v].TakeMarkout) }))
		m.AddMarkout = int32(of(func(p *policy.Params) int64 { return int64(p.Venues[v].AddMarkout) }))
		for c := range m.Reject {
			m.Reject[c] = uint16(of(func(p *policy.Params) int64 { return int64(p.Venues[v].Reject[c]) }))
			m.RejectMove[c] = int32(of(func(p *policy.Params) int64 { return int64(p.Venues[v].RejectMove[c]) }))
		}
		for b := range m.Fill {
			m.Fill[b] = uint16(of(func(p *policy.Params) int64 { return int64(p.Venues[v].Fill[b]) }))
		}
		for b := range m.Tail {
			for k := range m.Tail[b] {
				m.Tail[b][k] = uint16(of(func(p *policy.Params) int64 { return int64(p.Venues[v].Tail[b][k]) }))
			}
		}
		m.Known = policy.KnownMarkout | policy.KnownFill | policy.KnownTail | policy.KnownLastLook
	}
	return &mean
}
