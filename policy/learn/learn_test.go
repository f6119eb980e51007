package learn

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"penstock/policy"
)

// TestEstimatorsFindTheTruth compares every estimator with the exact value of a policy
// that deviates a little, with enough data for all of them.
func TestEstimatorsFindTheTruth(t *testing.T) {
	m := newToy(.3)
	target := func(cell uint32) uint8 {
		if timeOf(cell) == 2 {
			return m.best(cell)
		}
		return policy.ActionBaseline
	}
	truth := m.value(target) - m.value(Baseline)
	e := Evaluate(m.play(20_000, .5, 3), target, EvaluateOptions{Resamples: 300, FQEResamples: 10, Seed: 1})
	for _, est := range e.Estimates() {
		if math.Abs(est.Value-truth) > 4*est.SE+.01 {
			t.Errorf("%s says %.3f ± %.3f, true %.3f", est.Name, est.Value, est.SE, truth)
		}
		if est.Low > est.Value || est.High < est.Value || est.Lower < est.Low {
			t.Errorf("%s: interval %.3f to %.3f, bound %.3f around %.3f", est.Name, est.Low, est.High, est.Lower, est.Value)
		}
	}
	if e.Clusters != 5000 || e.Rows != 120_000 {
		t.Errorf("%d clusters, %d rows", e.Clusters, e.Rows)
	}
}

// TestWeightsStarve shows what the effective sample size is for: a policy that deviates
// at every decision has a handful of matching trajectories, and the interval of their
// weighted mean misses the truth, while its ESS says so.
func TestWeightsStarve(t *testing.T) {
	m := newToy(.3)
	truth := m.value(m.best) - m.value(Baseline)
	missed, ess := 0, 0.0
	for seed := range uint64(6) {
		e := Evaluate(m.play(1500, .3, seed), m.best, EvaluateOptions{Resamples: 100, FQEResamples: 5, Seed: 1})
		ess = math.Max(ess, e.WIS.ESS)
		if e.WIS.Low > truth || e.WIS.High < truth {
			missed++
		}
		if math.Abs(e.FQE.Value-truth) > .6 {
			t.Errorf("seed %d: FQE %.2f, true %.2f", seed, e.FQE.Value, truth)
		}
	}
	if missed < 3 || ess > 30 {
		t.Errorf("WIS missed the truth %d times of 6, effective sample size up to %.0f", missed, ess)
	}
}

// TestModelWithoutAPieceIsBiased: fitted Q evaluation believes the logs, so what they
// leave out is missing from its answer.
func TestModelWithoutAPieceIsBiased(t *testing.T) {
	m := newToy(.1)
	truth := m.value(m.best) - m.value(Baseline)
	data := m.play(6000, .6, 9)
	full := Evaluate(data, m.best, EvaluateOptions{Resamples: 50, FQEResamples: 2, Seed: 1})
	// The next decision's share of the reward is cut off: FQE believes what it sees.
	for i := range data {
		data[i].Steps = data[i].Steps[:Horizon-1]
	}
	cut := Evaluate(data, m.best, EvaluateOptions{Resamples: 50, FQEResamples: 2, Seed: 1})
	if math.Abs(full.FQE.Value-truth) > .1 || math.Abs(cut.FQE.Value-truth) < 2*math.Abs(full.FQE.Value-truth) {
		t.Errorf("true %.3f, FQE %.3f, on logs without their last decision %.3f", truth, full.FQE.Value, cut.FQE.Value)
	}
}

func gain(m *toy, model *Model) float64 { return m.value(model.Act) - m.value(Baseline) }

// TestPessimismPays compares the learners on little data.
func TestPessimismPays(t *testing.T) {
	m := newToy(.6)
	gains := map[Method]float64{}
	for _, method := range Methods {
		for seed := range uint64(4) {
			o := DefaultOptions()
			o.Method, o.MinSupport, o.MinState = method, 5, 5
			model, err := Fit(m.play(700, .5, seed), o)
			if err != nil {
				t.Fatal(err)
			}
			gains[method] += gain(m, model) / 4
		}
	}
	best := m.value(m.best) - m.value(Baseline)
	t.Logf("true best %.2f, learnt %v", best, gains)
	if gains[Pevi] <= 0 || gains[Pevi] < gains[Greedy] || gains[VILCB] < gains[Greedy]-.2 {
		t.Errorf("gains %v: pessimism should pay on little data", gains)
	}
	if _, err := Fit(nil, DefaultOptions()); err == nil {
		t.Error("no data were accepted")
	}
	if _, err := Fit(m.play(10, .5, 1), Options{Method: "guess"}); err == nil {
		t.Error("an unknown method was accepted")
	}
}

func TestFitRepeats(t *testing.T) {
	m := newToy(.5)
	a, _ := Fit(m.play(500, .5, 1), DefaultOptions())
	b, _ := Fit(m.play(500, .5, 1), DefaultOptions())
	if !reflect.DeepEqual(a.Choices, b.Choices) {
		t.Error("equal data gave different models")
	}
	one, again := Hash(m.play(50, .5, 1)), Hash(m.play(50, .5, 1))
	if one != again {
		t.Error("equal data have two hashes")
	}
	if one == Hash(m.play(50, .5, 2)) {
		t.Error("different data have one hash")
	}
}

// TestCenteringKeepsMeans: the control takes noise away and moves no value.
func TestCenteringKeepsMeans(t *testing.T) {
	m := newToy(.1)
	plain, noisy := m.play(4000, .5, 4), m.play(4000, .5, 4)
	for i := range noisy {
		for k := range noisy[i].Steps {
			s := &noisy[i].Steps[k]
			market := 3 * math.Sin(float64(i*7919+k*104729))
			s.Control = market
			s.Reward -= .6 * market
		}
	}
	before := Deviation(returns(noisy))
	Center(noisy)
	if after := Deviation(returns(noisy)); after > before/2.5 {
		t.Errorf("deviation %.2f before, %.2f after", before, after)
	}
	if d := average(returns(noisy)) - average(returns(plain)); math.Abs(d) > .05 {
		t.Errorf("centering moved the mean by %.3f", d)
	}
}

func returns(episodes []Episode) (r []float64) {
	for i := range episodes {
		r = append(r, episodes[i].Return())
	}
	return r
}

func TestImpactCoefficientsAreFound(t *testing.T) {
	want := [Ways]float64{.01, .03, 0, .06}
	var samples []ImpactSample
	for i := range 50 {
		s := ImpactSample{}
		for w := range s.Ways {
			s.Ways[w] = float64((i*(w+3)*7)%29 + 1)
			s.Cost += want[w] * s.Ways[w]
		}
		samples = append(samples, s)
	}
	got := FitImpact(samples)
	for w := range want {
		if math.Abs(got[w]-want[w]) > 1e-6 {
			t.Errorf("%s: %.6f, want %.6f", WayNames[w], got[w], want[w])
		}
	}
	for i := range samples {
		samples[i].Cost -= .05 * samples[i].Ways[0]
	}
	if got = FitImpact(samples); got[0] != 0 {
		t.Errorf("negative impact %.4f was believed", got[0])
	}
}

// evidence is a candidate that saves bps on every pair, give or take.
func evidence(saved float64) *Evidence {
	paired := func(name string, nominal bool, saved float64) Paired {
		p := Paired{Regime: name, Nominal: nominal}
		for i := range 60 {
			market := 20 * math.Sin(float64(i))
			p.Baseline = append(p.Baseline, 15+market)
			p.Candidate = append(p.Candidate, 15+market-saved+.8*math.Cos(float64(3*i)))
		}
		return p
	}
	null := paired("nominal", true, -.1)
	ope := &Evaluation{Rows: 1000, DR: Estimate{Value: .2, SE: .1}, FQE: Estimate{Value: .25, SE: .1}, Step: Estimate{ESS: 900}}
	return &Evidence{
		Trials: []Paired{paired("nominal", true, saved), paired("volatile", false, saved)},
		OPE:    ope, Shuffled: &null, Shifted: &null, Looks: 1,
	}
}

// TestGateRefuses breaks one condition after the other.
func TestGateRefuses(t *testing.T) {
	if r := Judge(evidence(1)); !r.Pass || r.Label != "SIM_ONLY" {
		t.Errorf("a true saving of 1 bp did not pass: %+v", r.Checks)
	}
	for name, edit := range map[string]func(*Evidence){
		"G1 nothing saved":     func(e *Evidence) { e.Trials = evidence(0).Trials },
		"G1 no nominal regime": func(e *Evidence) { e.Trials = e.Trials[1:] },
		"G1 too few pairs": func(e *Evidence) {
			e.Trials[0].Candidate, e.Trials[0].Baseline = e.Trials[0].Candidate[:4], e.Trials[0].Baseline[:4]
		},
		"G2 stress loses":     func(e *Evidence) { e.Trials[1] = evidence(-1).Trials[1] },
		"G2 no stress":        func(e *Evidence) { e.Trials = e.Trials[:1] },
		"G3 live logs lose":   func(e *Evidence) { e.Live, e.OPE.DR.Lower = true, -.1 },
		"G3 no estimate":      func(e *Evidence) { e.OPE = nil },
		"G4 few samples":      func(e *Evidence) { e.OPE.Step.ESS = 100 },
		"G4 estimates apart":  func(e *Evidence) { e.OPE.FQE.Value = 2 },
		"G5 heavier tail":     func(e *Evidence) { e.Trials[0].Candidate[1] += 60; e.Trials[0].Candidate[8] += 60 },
		"G6 no support":       func(e *Evidence) { e.Fallback = .02 },
		"G6 strayed":          func(e *Evidence) { e.Strayed = 1 },
		"G7 too good":         func(e *Evidence) { e.Trials = evidence(6).Trials },
		"G8 shuffled passes":  func(e *Evidence) { e.Shuffled = &evidence(1).Trials[0] },
		"G8 shifted passes":   func(e *Evidence) { e.Shifted = &evidence(1).Trials[0] },
		"G8 not run":          func(e *Evidence) { e.Shuffled = nil },
		"G9 looked too often": func(e *Evidence) { e.Looks = 6 },
	} {
		e := evidence(1)
		edit(e)
		r := Judge(e)
		failed := ""
		for _, c := range r.Checks {
			if !c.Pass {
				failed += c.ID + " "
			}
		}
		if r.Pass || len(failed) < 2 || failed[:2] != name[:2] && failed[:2] != "G1" {
			t.Errorf("%s: pass %v, failed %s", name, r.Pass, failed)
		}
	}
	signed := evidence(6)
	if signed.SignedBy = "A. Trader"; !Judge(signed).Pass {
		t.Error("a signed gain did not pass")
	}
}

// TestTablesCarryTheirReport exports, reads back, and looks values up.
func TestTablesCarryTheirReport(t *testing.T) {
	m := newToy(.5)
	model, err := Fit(m.play(3000, .6, 1), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	report := Judge(evidence(1))
	opt := ExportOptions{BuildOptions: policy.BuildOptions{Version: "1", NotAfter: 100}, Seeds: []int64{1, 2}, Report: report, TrainData: [32]byte{1}}
	table, err := Export(model, opt)
	if err != nil {
		t.Fatal(err)
	}
	file, err := policy.Encode(table, nil)
	if err != nil {
		t.Fatal(err)
	}
	back, err := policy.Decode(file, 50, policy.LoadOptions{AllowUnsigned: true})
	if err != nil {
		t.Fatal(err)
	}
	cell := toyCell(2, 4)
	v, ok := ValuesOf(back, 0, cell)
	if !ok || v.Q[m.best(cell)] != model.Q[at(cell, m.best(cell))] || v.Baseline != model.Q[at(cell, policy.ActionBaseline)] {
		t.Errorf("values read back: %+v", v)
	}
	checkCandidates(t, back, model)
	slim := opt
	slim.Slim = true
	if table, err = Export(model, slim); err != nil {
		t.Fatal(err)
	}
	sameValues(t, table, back)
	if _, err := Candidates(policy.StaticTable(), .3, .4); err == nil {
		t.Error("candidates of a table without values")
	}
	report.Pass = false
	if table, err = Export(model, opt); err != nil {
		t.Fatal(err)
	}
	if file, err = policy.Encode(table, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := policy.Decode(file, 50, policy.LoadOptions{AllowUnsigned: true}); err == nil {
		t.Error("a table that failed the gate was loaded")
	}
	if b, err := report.JSON(); err != nil || !json.Valid(b) {
		t.Errorf("report: %s, %v", b, err)
	}
}

// checkCandidates: what may be drawn costs what was said at most, by the table's values.
func checkCandidates(t *testing.T, table *policy.Table, m *Model) {
	t.Helper()
	const loss, rate = .3, .4
	masks, err := Candidates(table, loss, rate)
	if err != nil || len(masks) != policy.States {
		t.Fatalf("%d masks, %v", len(masks), err)
	}
	several := 0
	for cell := range uint32(policy.States) {
		best, n := math.Inf(-1), 0
		for a := range uint8(policy.Actions) {
			if q := float64(m.Q[at(cell, a)]); !math.IsNaN(q) {
				best = math.Max(best, q)
			}
		}
		for a := range uint8(policy.Actions) {
			if !masks[cell].Blocks(a) {
				continue
			}
			n++
			lost := best - float64(m.Q[at(cell, a)])
			if a == policy.ActionBaseline {
				lost *= rate / 2 // of two candidates or more it has half of the draws at most
			}
			if math.IsNaN(lost) || lost > loss+1e-6 {
				t.Fatalf("cell %d: %s may be drawn and loses %.3f bps", cell, policy.ActionName(a), lost)
			}
		}
		if n > maxCandidates {
			t.Fatalf("cell %d: %d candidates", cell, n)
		}
		if n > 1 {
			several++
		}
	}
	if several == 0 {
		t.Error("no cell has anything to draw from")
	}
}

// sameValues: a slim table says of every cell what the whole one says.
func sameValues(t *testing.T, slim, whole *policy.Table) {
	t.Helper()
	near := func(a, b float32) bool {
		return a == b || a != a && b != b || math.Abs(float64(a-b)) < 1e-3*(1+math.Abs(float64(b)))
	}
	for cell := uint32(0); cell < policy.States; cell += 7 {
		a, ok := ValuesOf(slim, 0, cell)
		b, okB := ValuesOf(whole, 0, cell)
		if !ok || !okB || a.Visits != b.Visits || !near(a.Baseline, b.Baseline) {
			t.Fatalf("cell %d: %v %v, %+v, the whole table %+v", cell, ok, okB, a, b)
		}
		for i := range a.Q {
			if !near(a.Q[i], b.Q[i]) || !near(a.SE[i], b.SE[i]) {
				t.Fatalf("cell %d, %s: %v ± %v, the whole table %v ± %v", cell, policy.ActionName(uint8(i)), a.Q[i], a.SE[i], b.Q[i], b.SE[i])
			}
		}
	}
}
