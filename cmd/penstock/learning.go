package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"
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
	gateSeeds     = 22_000 // those before were looked at
	finalSeeds    = 30_200 // those before were opened for tables that are not shipped
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
func collect(first uint64, parents int, p func(seed uint64) *trial.Policy, count *counter) ([]learn.Episode, error) {
	parts := make([][]learn.Episode, parents)
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
		_, err = trial.Run(s, p(s.Seed), func(e *event.Event, out *event.Output) {
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
		parts[i] = g.Episodes
		return nil
	})
	return slices.Concat(parts...), err
}

// impactSamples are what the fills before each slice of a trial left in the price when it
// began: what a slice owes to those after it.
func impactSamples(s *trial.Setup, r *trial.Result, alone trial.Path) (list []learn.ImpactSample) {
	var traded [learn.Ways]float64
	n := 0
	for sec := s.Slice; sec < s.Horizon; sec += s.Slice {
		for ; n < len(r.Fills) && r.Fills[n].Time < s.Arrival()+sec*1e9; n++ {
			traded[trial.KindOf(&r.Fills[n])] += float64(r.Fills[n].Qty)
		}
		moved := float64(s.Side.Sign()) * float64(r.Path.Mid2(s, sec)-alone.Mid2(s, sec)) / 2
		list = append(list, learn.ImpactSample{Cost: moved, Ways: traded})
	}
	return list
}

// carrier is a table that does one thing everywhere and sees states as the tables of this run
// do: with their price signal, edges and pages.
func (t *trainer) carrier(action uint8) (*policy.Table, error) {
	return oneAction(action, t.pages, t.carrierOptions("one action"))
}

func (t *trainer) carrierOptions(trainer string) policy.TrainOptions {
	return policy.TrainOptions{
		BuildOptions: policy.BuildOptions{NotAfter: math.MaxInt64}, Meta: policy.Meta{Trainer: trainer, Version: version},
		Extra: t.sections, Schema: t.schema,
	}
}

// explorer is BASELINE with uniform exploration: what a gate's estimates are made from.
func (t *trainer) explorer(seed uint64) (func(uint64) *trial.Policy, error) {
	table, err := t.carrier(policy.ActionBaseline)
	p := &trial.Policy{Name: "explorer", Strategy: event.StrategyIS, Table: table,
		Explore: router.Exploration{RateBps: t.rateBps, Seed: seed}}
	return func(uint64) *trial.Policy { return p }, err
}

// favourites explores around BASELINE with every third parent, else around one of the actions
// that did best when kept, so that the data show what an action does when it is kept.
func (t *trainer) favourites(seed uint64, best []uint8) (func(uint64) *trial.Policy, error) {
	var around [policy.Actions]*trial.Policy
	for _, a := range append([]uint8{policy.ActionBaseline}, best...) {
		table, err := t.carrier(a)
		if err != nil {
			return nil, err
		}
		around[a] = &trial.Policy{Name: "explorer", Strategy: event.StrategyIS, Table: table,
			Explore: router.Exploration{RateBps: t.rateBps, Seed: seed}}
	}
	return func(s uint64) *trial.Policy {
		if s%3 == 0 {
			return around[policy.ActionBaseline]
		}
		return around[best[s/3%uint64(len(best))]]
	}, nil
}

// favoured is how many actions training explores around besides BASELINE.
const favoured = 4

// screen keeps each action for whole parents, without exploring, on the first training seeds:
// from what it trades and how far the price then stands from where it would be follows what each
// way of trading costs the rest of a parent, which parents that mix actions cannot tell apart.
// It returns the actions that cost least.
func (t *trainer) screen(parents int) (best []uint8, err error) {
	costs := make([]float64, policy.Actions)
	results := make([][]learn.ImpactSample, policy.Actions*parents)
	var tables [policy.Actions]*policy.Table
	for a := range tables {
		if tables[a], err = t.carrier(uint8(a)); err != nil {
			return nil, err
		}
	}
	cost := make([]float64, len(results))
	undisturbed := make([]func() (trial.Path, error), parents) // once for all actions
	for i := range undisturbed {
		undisturbed[i] = sync.OnceValues(func() (trial.Path, error) {
			return trial.Alone(learnSetup(trainSeeds+uint64(i), sim.NominalRegime()))
		})
	}
	t.count.expect(len(results))
	err = inParallel(len(results), func(i int) error {
		defer t.count.add(1)
		s := learnSetup(trainSeeds+uint64(i%parents), sim.NominalRegime())
		alone, err := undisturbed[i%parents]()
		if err != nil {
			return err
		}
		r, err := trial.Run(s, &trial.Policy{Strategy: event.StrategyIS, Table: tables[i/parents]}, nil)
		if err != nil {
			return err
		}
		results[i], cost[i] = impactSamples(&s, r, alone), r.Cost
		return nil
	})
	for a := range costs {
		pairs := learn.Paired{Candidate: cost[a*parents:][:parents], Baseline: cost[:parents]}
		costs[a] = -learn.Saving(&pairs).Lower // who only puts trading off saves by luck, and varies
	}
	t.gamma = learn.FitImpact(slices.Concat(results...))
	for a := range uint8(policy.Actions) {
		if a != policy.ActionBaseline && a != policy.ActionHold {
			best = append(best, a)
		}
	}
	slices.SortStableFunc(best, func(a, b uint8) int { return cmp.Compare(costs[a], costs[b]) })
	return best[:favoured], err
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

// tableActs is what a table does in a cell of a page, as the core resolves it with everything
// possible. A page that it does not have is its first.
func tableActs(table *policy.Table) learn.Policy {
	var acts [policy.MaxPages * policy.States]uint8
	for i := range uint32(len(acts)) {
		acts[i], _ = policy.Resolve(table.At(int(i/policy.States), i%policy.States), 0)
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
			if c := table.At(int(s.Cell/policy.States), s.Cell%policy.States); c.Thin() {
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
