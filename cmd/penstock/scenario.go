package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"penstock/event"
	"penstock/policy"
	"penstock/policy/learn"
	"penstock/trial"
	"penstock/venues/sim"
)

const scenarioUsage = `usage: penstock scenario [-o DIR] [--brief] [--slices N] [--pairs N] [--stress N]
                         [--trials N] [--long N] [--horizon DURATION] [--table FILE] [--ledger FILE]

One large order, 500,000 shares of a stock that trades 2 million a day at a spread of two cents,
worked by the learnt table, by BASELINE on the Almgren-Chriss schedule, and by takers on TWAP,
VWAP and POV and at random, on seeds that nobody trained on. Learns the table first, with its
learning curve and ablations, unless --table names one. Writes scenario.html (pictures inside),
scenario.json and the table to DIR, with its values and (small.penstock) without. --pairs and --stress are
pairs of a nominal and of a stressed regime, --trials those of a point of the learning curve, of an
ablation and of the choice of z, --long those of the large order; --horizon takes the place of one
hour, four hours and the whole day. --ledger counts the looks at the gate's seeds, as in penstock train.
--brief is a small run that shows that everything works.
`

// scenarioSize says how much is run.
type scenarioSize struct {
	slices, pairs, stress int // of learning and its gate
	signal                int // hours for the price signal
	final, finalStress    int // pairs of the final test in nominal and in stressed regimes
	long                  int // pairs of the large order
	ablation              int // pairs of each ablation, deviation and point of the learning curve
	deviations            int // actions that are tried in one bin of the signal each
	looks                 int // at the gate's seeds, this one included
	horizons              []time.Duration
	qty                   int64
}

var (
	scenarioFull = scenarioSize{slices: 100_000, pairs: 80, stress: 40, signal: 60, final: 150, finalStress: 40, long: 10, ablation: 30, deviations: 6,
		horizons: []time.Duration{time.Hour, 4 * time.Hour, 6*time.Hour + 30*time.Minute}, qty: 500_000}
	scenarioBrief = scenarioSize{slices: 600, pairs: 8, stress: 1, signal: 4, final: 4, finalStress: 1, long: 1, ablation: 2, deviations: 1,
		horizons: []time.Duration{10 * time.Minute}, qty: 20_000}
)

// scenario is everything that the page shows; it is also its JSON.
type scenarioResult struct {
	Simulator  string               `json:"simulator"`
	Made       string               `json:"made"`
	Table      string               `json:"table"`
	Gate       *learn.Report        `json:"gate"`
	Shipped    string               `json:"shipped"` // the table or BASELINE, and why
	Orders     []orderRow           `json:"orders"`
	Final      []learn.RegimeSaving `json:"final"`
	FinalWords []string             `json:"claims"`
	Parts      [2]costSummary       `json:"parts"`
	Curve      []curvePoint         `json:"learningCurve"`
	Ablations  []curvePoint         `json:"ablations"`
	Deviations []curvePoint         `json:"deviations"` // from BASELINE, by one action in one bin of the signal
	Impact     impactPicture        `json:"impact"`
	Decisions  []explainedDecision  `json:"decisions"`
	Pairs      []pairOfCosts        `json:"pairs"`
	verdict    verdict
}

// orderRow is one policy on one size and horizon.
type orderRow struct {
	Qty     int64              `json:"qty"`
	Horizon string             `json:"horizon"`
	Cost    costSummary        `json:"cost"`
	Saving  learn.RegimeSaving `json:"savingOfTheTable"` // over this policy
}

type curvePoint struct {
	Name   string             `json:"name"`
	Slices int                `json:"slices,omitempty"`
	Saving learn.RegimeSaving `json:"saving"`
}

// impactPicture is the mid with the router minus without, on one seed, by minute.
type impactPicture struct {
	Seed     uint64    `json:"seed"`
	Baseline []float64 `json:"baselineBps"`
	Table    []float64 `json:"tableBps"`
}

func scenario(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("scenario", flag.ContinueOnError)
	dir := flags.String("o", "out/scenario", "")
	brief := flags.Bool("brief", false, "")
	training := flags.Int("slices", 0, "")
	pairs := flags.Int("pairs", 0, "")
	long := flags.Int("long", 0, "")
	stress := flags.Int("stress", 0, "")
	trials := flags.Int("trials", 0, "")
	horizon := flags.Duration("horizon", 0, "")
	tablePath := flags.String("table", "", "")
	ledger := flags.String("ledger", "", "")
	if err := parseFlags(flags, scenarioUsage, args, stderr); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return usageError(fmt.Sprintf("scenario: %q is not an option", flags.Arg(0)), scenarioUsage)
	}
	size := scenarioFull
	if *brief {
		size = scenarioBrief
	}
	if *training > 0 {
		size.slices = *training
	}
	if *pairs > 0 {
		size.pairs, size.final, size.ablation = *pairs, *pairs, max(*pairs/3, 2)
	}
	if *stress > 0 {
		size.stress, size.finalStress = *stress, *stress
	}
	if *trials > 0 {
		size.ablation = *trials
	}
	if *long > 0 {
		size.long = *long
	}
	if *horizon > 0 {
		size.horizons = []time.Duration{*horizon}
	}
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return err
	}
	count := startCounter(stderr, "scenario")
	s := &scenarioResult{Simulator: simulatorName, Made: time.Now().UTC().Format("2006-01-02 15:04 UTC")}
	size.looks = 1
	var err error
	if *tablePath == "" {
		if size.looks, err = look(*ledger, filepath.Join(*dir, "table.penstock")); err != nil {
			return err
		}
	}
	table, err := s.learn(&size, *tablePath, *dir, count)
	if err != nil {
		return err
	}
	if err := s.compare(&size, table, count); err != nil {
		return err
	}
	count.close()
	if err := s.write(*dir); err != nil {
		return err
	}
	for _, c := range s.FinalWords {
		fmt.Fprintln(stdout, c)
	}
	fmt.Fprintf(stdout, "wrote %s and scenario.json\n", filepath.Join(*dir, "scenario.html"))
	return nil
}

// learn makes the table, its learning curve and its ablations, or reads one.
func (s *scenarioResult) learn(size *scenarioSize, path, dir string, count *counter) (*policy.Table, error) {
	if path != "" {
		table, _, err := loadTable(path, "")
		if err != nil {
			return nil, err
		}
		s.Table, s.Gate = table.UUIDText(), gateOf(table)
		if s.Gate == nil {
			return nil, failed("%s was never judged: nothing says against which BASELINE", path)
		}
		return table, nil
	}
	t := &trainer{slices: size.slices, seed: 1, rateBps: 5000, method: learn.Pevi, pairs: size.pairs, stress: size.stress,
		controls: size.pairs, looks: size.looks, regimes: 3, count: count, signalSeeds: size.signal, trials: size.ablation}
	t.notBefore, t.notAfter = validity(time.Now().UTC().Truncate(24 * time.Hour))
	if err := t.collectAll(); err != nil {
		return nil, err
	}
	out, err := t.run()
	if err != nil {
		return nil, err
	}
	s.Table, s.Gate = out.Table.UUIDText(), out.Report
	t.slim = true
	small, err := t.export(out.Model, out.Report)
	if err != nil {
		return nil, err
	}
	for name, table := range map[string]*policy.Table{"table.penstock": out.Table, "small.penstock": small} {
		data, err := policy.Encode(table, nil)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return nil, err
		}
	}
	return out.Table, s.study(t, size)
}

// study learns again with less data and without parts, and tries each on validation
// seeds.
func (s *scenarioResult) study(t *trainer, size *scenarioSize) error {
	t.count.phase("learning curve and ablations")
	cache := map[string][]float64{}
	try := func(name string, data []learn.Episode, o learn.Options) (curvePoint, error) {
		m, err := learn.Fit(data, o)
		if err != nil {
			return curvePoint{}, err
		}
		table, err := t.export(m, nil)
		if err != nil {
			return curvePoint{}, err
		}
		p, err := pairTrials(table, sim.NominalRegime(), validateSeeds, size.ablation, cache, t.count)
		if err != nil {
			return curvePoint{}, err
		}
		p.Regime = name
		return curvePoint{Name: name, Slices: len(data), Saving: learn.Saving(p)}, nil
	}
	train, shipped := t.best.data(t.train), learn.DefaultOptions()
	shipped.Z, shipped.Pages = t.best.z, t.best.pages
	for _, part := range []int{16, 4, 2, 1} {
		p, err := try("all features", train[:len(train)/part], shipped)
		if err != nil {
			return err
		}
		s.Curve = append(s.Curve, p)
	}
	variants := []struct {
		name   string
		method learn.Method
		z      float64
		blind  []int
	}{
		{"as learnt (pevi, " + t.best.String() + ")", learn.Pevi, shipped.Z, nil},
		{"without the price signal", learn.Pevi, shipped.Z, []int{policy.FeatureSignal}},
		{"without dark experience", learn.Pevi, shipped.Z, []int{policy.FeatureDark}},
		{"without spread and sweep cost", learn.Pevi, shipped.Z, []int{policy.FeatureSpread, policy.FeatureSweepCost}},
		{"without pessimism (linear)", learn.Linear, 0, nil},
		{"tabular, greedy", learn.Greedy, 0, nil},
		{"tabular, VI-LCB", learn.VILCB, shipped.Z, nil},
		{"tabular, CQL", learn.CQL, 0, nil},
	}
	for _, v := range variants {
		o := shipped
		o.Method, o.Z, o.Blind = v.method, v.z, v.blind
		p, err := try(v.name, train, o)
		if err != nil {
			return err
		}
		s.Ablations = append(s.Ablations, p)
	}
	return s.deviate(t, size, cache)
}

// deviate tries BASELINE with another action in one bin of the price signal, in every other state
// itself: what is left for a table to find there, without learning.
func (s *scenarioResult) deviate(t *trainer, size *scenarioSize, cache map[string][]float64) error {
	t.count.phase("deviations from BASELINE")
	bins := policy.DefaultSchema()[policy.FeatureSignal]
	for _, a := range []uint8{policy.ActionDarkSDP, policy.ActionHold, policy.ActionDarkRest, policy.ActionSDPProbePost,
		policy.ActionTakeAll, policy.ActionMixUrgent}[:size.deviations] {
		for bin := range bins.Bins {
			cells := make([]policy.Choice, policy.States)
			for i := range cells {
				cells[i] = policy.Choice{Action: policy.ActionBaseline, Alt: policy.ActionHold}
				if uint32(i)/bins.Stride%bins.Bins == bin {
					cells[i].Action = a
				}
			}
			table, err := policy.Build(t.carrierOptions("one deviation"), slices.Repeat([][]policy.Choice{cells}, max(t.pages, 1))...)
			if err != nil {
				return err
			}
			p, err := pairTrials(table, sim.NominalRegime(), validateSeeds, size.ablation, cache, t.count)
			if err != nil {
				return err
			}
			p.Regime = fmt.Sprintf("%s, signal bin %d", policy.ActionName(a), bin)
			s.Deviations = append(s.Deviations, curvePoint{Name: p.Regime, Saving: learn.Saving(p)})
		}
	}
	return nil
}

// compare tries the table and the others on the final seeds.
func (s *scenarioResult) compare(size *scenarioSize, table *policy.Table, count *counter) error {
	learnt := &trial.Policy{Name: "table", Strategy: event.StrategyIS, Table: table}
	count.phase("final test")
	var others []*trial.Policy
	for _, name := range []string{"baseline", "twap", "vwap", "pov", "random"} {
		p, err := trialPolicy(name)
		if err != nil {
			return err
		}
		others = append(others, p)
	}
	for _, h := range size.horizons {
		if err := s.order(size.qty, h, size.long, learnt, others, count); err != nil {
			return err
		}
	}
	if err := s.order(5_000, 10*time.Minute, size.long, learnt, others[:2], count); err != nil {
		return err
	}
	for _, r := range sim.Regimes() {
		n := size.final
		if !r.Nominal {
			n = size.finalStress
		}
		o := simulateOptions{policies: [2]*trial.Policy{learnt, others[0]}, first: finalSeeds, last: finalSeeds + uint64(n) - 1,
			regime: r, qty: 60_000, horizon: learnHorizon * time.Second, slice: learnSlice * time.Second}
		c, err := o.run(count)
		if err != nil {
			return err
		}
		if s.Final = append(s.Final, c.Saving); r.Nominal {
			s.FinalWords = append(s.FinalWords, c.claim())
		}
		if r.Name == "nominal" {
			s.Parts, s.Pairs = c.Costs, c.Pairs
		}
	}
	if err := s.decide(); err != nil {
		return err
	}
	return s.pictures(size, learnt, others[0])
}

// decide says what ships: the table, if the gate did not refuse it, it wins in nominal regimes and
// loses at most half a bp in the others, on seeds that nobody had seen.
func (s *scenarioResult) decide() error {
	v := verdict{Baseline: s.Gate.Baseline, Table: s.Table, Gate: s.Gate, Final: s.Final}
	v.judge()
	now, err := trial.Fingerprint()
	if err != nil {
		return err
	}
	if err := v.checkOpponent(now); err != nil {
		v.Ships, v.Why = shipsBaseline, err.Error()
	}
	s.Shipped, s.verdict = v.String(), v
	return nil
}

// order runs all policies on one size and horizon.
func (s *scenarioResult) order(qty int64, h time.Duration, pairs int, learnt *trial.Policy, others []*trial.Policy, count *counter) error {
	o := simulateOptions{first: finalSeeds, last: finalSeeds + uint64(pairs) - 1,
		regime: sim.NominalRegime(), qty: qty, horizon: h, slice: time.Minute}
	list, err := o.runAll(learnt, others, count)
	if err != nil {
		return err
	}
	for i, c := range list {
		if i == 0 {
			s.Orders = append(s.Orders, orderRow{Qty: qty, Horizon: h.String(), Cost: c.Costs[0]})
		}
		s.Orders = append(s.Orders, orderRow{Qty: qty, Horizon: h.String(), Cost: c.Costs[1], Saving: c.Saving})
	}
	return nil
}

// pictures are the impact on one seed, and five decisions.
func (s *scenarioResult) pictures(size *scenarioSize, learnt, baseline *trial.Policy) error {
	h := size.horizons[0]
	o := simulateOptions{regime: sim.NominalRegime(), qty: size.qty, horizon: h, slice: time.Minute}
	setup := o.setup(finalSeeds + 1)
	alone, err := trial.Alone(setup)
	if err != nil {
		return err
	}
	var kept []event.Decision
	s.Impact.Seed = setup.Seed
	for k, p := range []*trial.Policy{baseline, learnt} {
		r, err := trial.Run(setup, p, func(_ *event.Event, out *event.Output) {
			if k == 1 {
				kept = append(kept, out.Decisions...)
			}
		})
		if err != nil {
			return err
		}
		var line []float64
		for sec := int64(0); sec <= setup.Horizon; sec += 60 {
			mid := float64(alone.Mid2(&setup, 0))
			line = append(line, float64(setup.Side.Sign())*float64(r.Path.Mid2(&setup, sec)-alone.Mid2(&setup, sec))*1e4/mid)
		}
		if k == 0 {
			s.Impact.Baseline = line
		} else {
			s.Impact.Table = line
		}
	}
	s.Decisions = explainFive(learnt.Table, kept)
	return nil
}
