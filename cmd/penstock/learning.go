package main

import (
	"fmt"
	"math"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
	"penstock/policy/learn"
	"penstock/router"
	"penstock/trial"
	"penstock/venues/sim"
)

// Seeds are split once and for all: what is trained on is never tested on.
const (
	trainSeeds    = 1
	validateSeeds = 10_000
	gateSeeds     = 20_000
	finalSeeds    = 30_000
)

// A learning parent takes half an hour in slices of a minute; its size varies with the
// seed between 1 and 4 % of a day's volume.
const (
	learnHorizon = 1800
	learnSlice   = 60
	learnSlices  = learnHorizon / learnSlice
	learnLeast   = 20_000
	learnStep    = 5_000
	learnSizes   = 13

	// learnTerminal is what a share left at the end of a slice costs beyond the mid: half
	// a spread, the taking fee, and a tick for having to hurry.
	learnTerminal = trial.Tick * 23 / 10
)

func learnSetup(seed uint64, r sim.Regime) trial.Setup {
	qty := learnLeast + learnStep*int64(seed*0x9e3779b97f4a7c15>>33%learnSizes)
	return trial.Draw(seed, r, market.Qty(qty), learnHorizon, learnSlice)
}

// collect logs parents worked by a policy and returns their slices, in order of seeds.
func collect(first uint64, parents int, p func(seed uint64) *trial.Policy, count *counter) ([]learn.Episode, []learn.ImpactSample, error) {
	parts, samples := make([][]learn.Episode, parents), make([]learn.ImpactSample, parents)
	r := sim.NominalRegime()
	var venues []market.Venue
	for _, v := range sim.StockVenues(&r) {
		venues = append(venues, v.Venue)
	}
	count.expect(parents)
	err := inParallel(parents, func(i int) error {
		defer count.add(1)
		s := learnSetup(first+uint64(i), r)
		alone, err := trial.Alone(s)
		if err != nil {
			return err
		}
		g := learn.NewLog(learn.LogConfig{
			Venues: venues, Terminal: learnTerminal, Cluster: s.Seed,
			Alone: func(now int64) int64 { return alone.At(&s, now) },
		})
		result, err := trial.Run(s, p(s.Seed), func(e *event.Event, out *event.Output) {
			g.Event(e)
			for i := range out.Commands {
				g.Command(&out.Commands[i])
			}
			for i := range out.Decisions {
				g.Decision(&out.Decisions[i])
			}
		})
		if n := g.Dropped["no propensity"]; n > 0 && err == nil {
			err = fmt.Errorf("seed %d: %d decisions without propensity", s.Seed, n)
		}
		if err != nil {
			return err
		}
		parts[i], samples[i] = g.Episodes, impactSample(&s, result, alone)
		return nil
	})
	var all []learn.Episode
	for _, p := range parts {
		all = append(all, p...)
	}
	return all, samples, err
}

// impactSample is what the fills of a trial left for those after them.
func impactSample(s *trial.Setup, r *trial.Result, alone trial.Path) (sample learn.ImpactSample) {
	left := float64(s.Qty)
	for i := range r.Fills {
		f := &r.Fills[i]
		q := float64(f.Qty)
		left -= q
		if f.Mid2 != 0 {
			sample.Cost += float64(s.Side.Sign()) * q * float64(f.Mid2-alone.At(s, f.Time)) / 2
		}
		sample.Ways[trial.KindOf(f)] += q * left
	}
	return sample
}

// explorer is BASELINE with uniform exploration: what a gate's estimates are made from.
func explorer(rateBps uint16, seed uint64) func(uint64) *trial.Policy {
	p := &trial.Policy{Name: "explorer", Strategy: event.StrategyIS, Explore: router.Exploration{RateBps: rateBps, Seed: seed}}
	return func(uint64) *trial.Policy { return p }
}

// favourites explores around BASELINE with every other parent, else around one action
// that changes with the seed, so that the data show what an action does when it is kept.
func favourites(rateBps uint16, seed uint64) (func(uint64) *trial.Policy, error) {
	var around [policy.Actions]*trial.Policy
	for a := range around {
		p := *explorer(rateBps, seed)(0)
		if a != int(policy.ActionBaseline) {
			var err error
			if p.Table, err = sameEverywhere(uint8(a)); err != nil {
				return nil, err
			}
		}
		around[a] = &p
	}
	return func(s uint64) *trial.Policy {
		if s%2 == 0 {
			return around[policy.ActionBaseline]
		}
		return around[s/2%policy.Actions]
	}, nil
}

// pairTrials tries a table against BASELINE in a regime. What BASELINE costs there is
// kept in cache, by regime.
func pairTrials(table *policy.Table, r sim.Regime, first uint64, n int, cache map[string][]float64, count *counter) (*learn.Paired, error) {
	p := &learn.Paired{Regime: r.Name, Nominal: r.Nominal, Candidate: make([]float64, n), Baseline: cache[r.Name]}
	fresh := len(p.Baseline) != n
	if fresh {
		p.Baseline = make([]float64, n)
		cache[r.Name] = p.Baseline
	}
	count.expect(n)
	err := inParallel(n, func(i int) error {
		defer count.add(1)
		s := learnSetup(first+uint64(i), r)
		c, err := trial.Run(s, &trial.Policy{Name: "candidate", Strategy: event.StrategyIS, Table: table}, nil)
		if err != nil {
			return err
		}
		p.Candidate[i] = c.Cost
		if fresh {
			b, err := trial.Run(s, &trial.Policy{Name: "baseline", Strategy: event.StrategyIS}, nil)
			if err != nil {
				return err
			}
			p.Baseline[i] = b.Cost
		}
		return nil
	})
	return p, err
}

// trainer is one run of the learning loop.
type trainer struct {
	slices    int // of training data
	seed      uint64
	rateBps   uint16
	method    learn.Method
	z         float64 // 0: chosen on validation seeds
	pairs     int     // of each nominal regime
	stress    int     // of each stressed regime
	controls  int     // pairs of each negative control
	looks     int
	signedBy  string
	slim      bool
	notBefore int64
	notAfter  int64
	parent    [32]byte
	count     *counter

	gamma                   [learn.Ways]float64 // increments of impact a unit, by way
	train, validation, gate []learn.Episode
	baseline                map[string][]float64
}

// trained is what came out.
type trained struct {
	Model  *learn.Model
	Table  *policy.Table
	Report *learn.Report
	OPE    *learn.Evaluation
}

// collectAll logs training, validation and gate data. What a fill costs the parent's
// later ones is fitted on the training parents.
func (t *trainer) collectAll() (err error) {
	parents := func(slices int) int { return max(slices/learnSlices, 4) }
	around, err := favourites(t.rateBps, t.seed)
	if err != nil {
		return err
	}
	var samples []learn.ImpactSample
	t.count.phase("training parents")
	if t.train, samples, err = collect(trainSeeds, parents(t.slices), around, t.count); err != nil {
		return err
	}
	t.count.phase("validation parents")
	if t.validation, _, err = collect(validateSeeds, parents(t.slices/4), explorer(t.rateBps, t.seed+1), t.count); err != nil {
		return err
	}
	t.count.phase("gate parents")
	if t.gate, _, err = collect(gateSeeds, parents(t.slices/4), explorer(t.rateBps, t.seed+2), t.count); err != nil {
		return err
	}
	t.gamma = learn.FitImpact(samples)
	for _, data := range [][]learn.Episode{t.train, t.validation, t.gate} {
		learn.Charge(data, t.gamma)
		learn.Center(data)
	}
	t.baseline = map[string][]float64{}
	return nil
}

// options are the learner's; support scales with the data.
func (t *trainer) options(z float64) learn.Options {
	o := learn.DefaultOptions()
	o.Method, o.Z = t.method, z
	return o
}

// fit learns; without a given z it takes the one whose fitted Q evaluation on validation
// seeds has the best lower bound. Estimates by weights are too noisy to choose by.
func (t *trainer) fit() (*learn.Model, error) {
	if t.z > 0 || t.method != learn.Pevi {
		return learn.Fit(t.train, t.options(t.z))
	}
	var best *learn.Model
	bound := math.Inf(-1)
	for _, z := range []float64{0.5, 1, 2, 3} {
		m, err := learn.Fit(t.train, t.options(z))
		if err != nil {
			return nil, err
		}
		e := learn.Evaluate(t.validation, m.Act, learn.EvaluateOptions{Resamples: 1, FQEResamples: 20, Seed: t.seed})
		if e.FQE.Lower > bound || best == nil {
			best, bound = m, e.FQE.Lower
		}
	}
	return best, nil
}

// run is the whole loop: learn, estimate off-policy, try in pairs, judge, export.
func (t *trainer) run() (*trained, error) {
	m, err := t.fit()
	if err != nil {
		return nil, err
	}
	out := &trained{Model: m}
	table, err := t.export(m, nil)
	if err != nil {
		return nil, err
	}
	if out.Report, out.OPE, err = t.judge(table); err != nil {
		return nil, err
	}
	out.Table, err = t.export(m, out.Report)
	return out, err
}

func (t *trainer) export(m *learn.Model, report *learn.Report) (*policy.Table, error) {
	last := int64(trainSeeds + max(t.slices/learnSlices, 4) - 1)
	return learn.Export(m, learn.ExportOptions{
		BuildOptions: policy.BuildOptions{Version: version, BuildTime: t.notBefore, NotBefore: t.notBefore, NotAfter: t.notAfter},
		Seeds:        []int64{trainSeeds, last}, TrainData: learn.Hash(t.train), Parent: t.parent, Report: report, Slim: t.slim,
		Params: []string{
			fmt.Sprintf("method=%s", m.Opt.Method), fmt.Sprintf("z=%g", m.Opt.Z), fmt.Sprintf("support=%d", m.Opt.MinSupport),
			fmt.Sprintf("explore=%dbps", t.rateBps), fmt.Sprintf("seed=%d", t.seed), "market=" + simulatorName,
			fmt.Sprintf("impact=%.2e", t.gamma),
		},
	})
}

// judge gathers the evidence for a table and lets the gate decide.
func (t *trainer) judge(table *policy.Table) (*learn.Report, *learn.Evaluation, error) {
	act := tableActs(table)
	ev := &learn.Evidence{Looks: t.looks, SignedBy: t.signedBy}
	ev.OPE = learn.Evaluate(t.gate, act, learn.DefaultEvaluate())
	ev.Fallback, ev.Strayed = fallback(t.gate, table)
	t.count.phase("paired trials")
	for _, r := range sim.Regimes() {
		n := t.stress
		if r.Nominal {
			n = t.pairs
		}
		if n == 0 {
			continue
		}
		p, err := pairTrials(table, r, gateSeeds, n, t.baseline, t.count)
		if err != nil {
			return nil, nil, err
		}
		ev.Trials = append(ev.Trials, *p)
	}
	t.count.phase("negative controls")
	if err := t.control(ev); err != nil {
		return nil, nil, err
	}
	t.count.close()
	return learn.Judge(ev), ev.OPE, nil
}

// control runs the negative controls: the same learner on data that say nothing.
func (t *trainer) control(ev *learn.Evidence) error {
	z := math.Max(t.z, 1)
	try := func(data []learn.Episode, blind ...int) (*learn.Paired, error) {
		o := learn.DefaultOptions()
		o.Z, o.Blind = z, blind
		m, err := learn.Fit(data, o)
		if err != nil {
			return nil, err
		}
		table, err := t.export(m, nil)
		if err != nil {
			return nil, err
		}
		return pairTrials(table, sim.NominalRegime(), gateSeeds, t.controls, map[string][]float64{"nominal": t.baseline["nominal"][:t.controls]}, t.count)
	}
	var err error
	if ev.Shuffled, err = try(learn.Shuffle(t.train, t.seed)); err != nil {
		return err
	}
	blind, err := try(t.train, policy.FeatureSignal)
	if err != nil {
		return err
	}
	if ev.Shifted, err = try(learn.Shift(t.train, 7*learnSlices)); err != nil {
		return err
	}
	ev.Shifted.Baseline = blind.Candidate
	return nil
}

// tableActs is what a table does in a cell, as the core resolves it with everything
// possible.
func tableActs(table *policy.Table) learn.Policy {
	var acts [policy.States]uint8
	for cell := range uint32(policy.States) {
		acts[cell], _ = policy.Resolve(table.At(0, cell), 0)
	}
	return func(cell uint32) uint8 { return acts[cell] }
}

// fallback is the share of decisions in cells without support, and how many of those
// the table would not leave to BASELINE.
func fallback(episodes []learn.Episode, table *policy.Table) (share float64, strayed int) {
	thin, n := 0, 0
	for i := range episodes {
		for _, s := range episodes[i].Steps {
			n++
			if c := table.At(0, s.Cell); c.Thin() {
				thin++
				if a, _ := policy.Resolve(c, 0); a != policy.ActionBaseline {
					strayed++
				}
			}
		}
	}
	return float64(thin) / math.Max(float64(n), 1), strayed
}

// validity is a year from the build, from the day before it.
func validity(now time.Time) (from, until int64) {
	return now.Add(-24 * time.Hour).UnixNano(), now.AddDate(1, 0, 0).UnixNano()
}
