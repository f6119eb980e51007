package main

import (
	"fmt"
	"math"
	"slices"

	"penstock/policy"
	"penstock/policy/learn"
	"penstock/trial"
	"penstock/venues/sim"
)

// trainer is one run of the learning loop.
type trainer struct {
	slices    int // of training data
	seed      uint64
	rateBps   uint16
	method    learn.Method
	z         float64 // 0: chosen on validation seeds
	regimes   int     // pages by the pace of trading that are tried beside one page; below 2: none
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

	signalSeeds int // hours of training for the price signal; 0: the lean of the touch
	trials      int // pairs by which z is chosen
	quality     *learn.SignalQuality
	sections    []policy.Section // of every table of this run: price signal, pages
	schema      *policy.Schema
	paging      policy.Paging
	pages       int      // of the tables that data are logged with
	best        settings // what was chosen

	gamma       [learn.Ways]float64 // increments of impact a unit, by way
	train, gate []learn.Episode
	baseline    map[string][]float64
	validated   map[string][]float64
	chosen      []learn.RegimeSaving // what each z saved on validation seeds
}

// settings of the learner between which validation chooses.
type settings struct {
	z     float64
	pages int
}

func (s settings) String() string {
	if s.pages > 1 {
		return fmt.Sprintf("z %g, %d regime pages", s.z, s.pages)
	}
	return fmt.Sprintf("z %g", s.z)
}

// data returns episodes as a learner of so many pages sees them.
func (s settings) data(episodes []learn.Episode) []learn.Episode {
	if s.pages > 1 {
		return episodes
	}
	return learn.OnePage(episodes)
}

// trained is what came out.
type trained struct {
	Model  *learn.Model
	Table  *policy.Table
	Report *learn.Report
	OPE    *learn.Evaluation
}

// gateMost is how many slices the gate's off-policy estimates need at most.
const gateMost = 6000

// collectAll learns the price signal and logs training and gate data. What a fill costs the
// parent's later ones is fitted on parents that keep one action.
func (t *trainer) collectAll() (err error) {
	parents := func(slices int) int { return max(slices/learnSlices, 4) }
	if err := t.learnSignal(); err != nil {
		return err
	}
	if t.regimes > 1 && t.pages <= 1 {
		t.pages = t.regimes
		t.sections = append(t.sections, t.paging.Section())
	}
	t.count.phase("every action kept")
	best, err := t.screen(min(max(t.slices/1200, 2), 24))
	if err != nil {
		return err
	}
	around, err := t.favourites(t.seed, best)
	if err != nil {
		return err
	}
	explorer, err := t.explorer(t.seed + 2)
	if err != nil {
		return err
	}
	t.count.phase("training parents")
	if t.train, err = collect(trainSeeds, parents(t.slices), around, t.count); err != nil {
		return err
	}
	t.count.phase("gate parents")
	if t.gate, err = collect(gateSeeds, parents(min(t.slices/4, gateMost)), explorer, t.count); err != nil {
		return err
	}
	for _, data := range [][]learn.Episode{t.train, t.gate} {
		learn.Charge(data, t.gamma)
		learn.Center(data)
	}
	t.baseline, t.validated = map[string][]float64{}, map[string][]float64{}
	return nil
}

// learnWith learns with settings.
func (t *trainer) learnWith(s settings) (*learn.Model, error) {
	o := learn.DefaultOptions()
	o.Method, o.Z, o.Pages = t.method, s.z, s.pages
	return learn.Fit(s.data(t.train), o)
}

// fit learns; without a given z it takes the settings whose paired saving on validation seeds has
// the best lower bound: pessimism, and whether each regime has a page of its own. Off-policy
// estimates do not see what a slice does to the next parents and are too noisy to choose by.
func (t *trainer) fit() (*learn.Model, error) {
	t.best = settings{t.z, max(t.pages, 1)}
	if t.z > 0 || t.method != learn.Pevi {
		return t.learnWith(t.best)
	}
	grid := []settings{{0.5, 1}, {1, 1}, {2, 1}, {3, 1}}
	if t.pages > 1 {
		grid = append(grid, settings{1, t.pages}, settings{2, t.pages})
	}
	var best *learn.Model
	bound := math.Inf(-1)
	t.count.phase("validation pairs")
	for _, try := range grid {
		m, err := t.learnWith(try)
		if err != nil {
			return nil, err
		}
		s, err := t.validate(m, try.String())
		if err != nil {
			return nil, err
		}
		t.chosen = append(t.chosen, s)
		if s.Lower > bound {
			best, bound, t.best = m, s.Lower, try
		}
	}
	return best, nil
}

// validate tries a model in pairs on validation seeds.
func (t *trainer) validate(m *learn.Model, name string) (learn.RegimeSaving, error) {
	table, err := t.export(m, nil)
	if err != nil {
		return learn.RegimeSaving{}, err
	}
	p, err := pairTrials(table, sim.NominalRegime(), validateSeeds, t.trials, t.validated, t.count)
	if err != nil {
		return learn.RegimeSaving{}, err
	}
	p.Regime = name
	return learn.Saving(p), nil
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
	sections := t.sections
	if m.Opt.Pages <= 1 { // no choice between pages
		sections = slices.DeleteFunc(slices.Clone(sections), func(s policy.Section) bool { return s.Tag == "PAGE" })
	}
	return learn.Export(m, learn.ExportOptions{
		BuildOptions: policy.BuildOptions{Version: version, BuildTime: t.notBefore, NotBefore: t.notBefore, NotAfter: t.notAfter},
		Sections:     sections, Schema: t.schema,
		Seeds: []int64{trainSeeds, last}, TrainData: learn.Hash(t.train), Parent: t.parent, Report: report, Slim: t.slim,
		Params: []string{
			fmt.Sprintf("method=%s", m.Opt.Method), fmt.Sprintf("z=%g", m.Opt.Z), fmt.Sprintf("support=%d", m.Opt.MinSupport),
			fmt.Sprintf("explore=%dbps", t.rateBps), fmt.Sprintf("seed=%d", t.seed), "market=" + simulatorName,
			fmt.Sprintf("impact=%.2e", t.gamma), fmt.Sprintf("pages=%d", max(m.Opt.Pages, 1)),
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
	report := learn.Judge(ev)
	report.Signal, report.Chosen = t.quality, t.chosen
	var err error
	report.Baseline, err = trial.Fingerprint()
	return report, ev.OPE, err
}

// control runs the negative controls: the same learner on data that say nothing.
func (t *trainer) control(ev *learn.Evidence) error {
	s := settings{math.Max(t.best.z, 1), t.best.pages}
	if s.pages == 0 { // a table that was made elsewhere
		s.pages = max(t.pages, 1)
	}
	train := s.data(t.train)
	try := func(data []learn.Episode, blind ...int) (*learn.Paired, error) {
		o := learn.DefaultOptions()
		o.Z, o.Blind, o.Pages = s.z, blind, s.pages
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
	if ev.Shuffled, err = try(learn.Shuffle(train, t.seed)); err != nil {
		return err
	}
	blind, err := try(train, policy.FeatureSignal)
	if err != nil {
		return err
	}
	if ev.Shifted, err = try(learn.Shift(train, 7*learnSlices)); err != nil {
		return err
	}
	ev.Shifted.Baseline = blind.Candidate
	return nil
}
