package learn

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Paired is what a candidate and BASELINE cost on the same seeds, bps of the parent.
type Paired struct {
	Regime    string
	Nominal   bool
	Candidate []float64
	Baseline  []float64
}

// Saved are the differences, positive where the candidate was cheaper.
func (p *Paired) Saved() []float64 {
	d := make([]float64, len(p.Candidate))
	for i := range d {
		d[i] = p.Baseline[i] - p.Candidate[i]
	}
	return d
}

// Evidence is everything that the gate looks at.
type Evidence struct {
	Trials []Paired
	OPE    *Evaluation // on data of seeds never trained on
	Live   bool        // OPE is from live logs; else the table is for a canary only
	// Fallback is the share of decisions of the trials in cells without support, and
	// Strayed how many of those did not map to BASELINE.
	Fallback float64
	Strayed  int
	// Shuffled is the same learner on shuffled rewards; Shifted the same learner with a
	// signal from another time, against itself without a signal.
	Shuffled, Shifted *Paired
	Looks             int    // at the gate's seeds, this one included
	SignedBy          string // who vouches for a gain that looks too good
}

// Check is one line of the gate.
type Check struct {
	ID    string  `json:"id"`
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	Pass  bool    `json:"pass"`
}

// RegimeSaving is what the candidate saved in one regime.
type RegimeSaving struct {
	Regime  string  `json:"regime"`
	Nominal bool    `json:"nominal"`
	Pairs   int     `json:"pairs"`
	Saved   float64 `json:"savedBps"`
	Low     float64 `json:"low95"`
	High    float64 `json:"high95"`
	Lower   float64 `json:"lower95"`
	WinRate float64 `json:"winRate"`
}

// Report is the gate's verdict, section GATE of a table.
type Report struct {
	Pass  bool   `json:"pass"`
	Label string `json:"label"` // SIM_ONLY without live logs
	// Baseline names the opponent (trial.Fingerprint): against another one nothing is proved.
	Baseline string         `json:"baseline,omitempty"`
	Checks   []Check        `json:"checks"`
	Regimes  []RegimeSaving `json:"regimes"`
	OPE      []Estimate     `json:"ope"`
	Signal   *SignalQuality `json:"signal,omitempty"`     // of the price signal, on validation seeds
	Chosen   []RegimeSaving `json:"validation,omitempty"` // of the settings among which this one was chosen
}

// Thresholds of the gate. They are not options: a gate that is loosened is none.
const (
	gateStressLoss   = 0.5  // bps, at 95 %
	gateESS          = 300  // and a hundredth of the decisions
	gateTail         = 1.05 // CVaR against BASELINE's
	gateFallback     = 0.01
	gateSuspicious   = 0.25 // of BASELINE's cost
	gateLooks        = 5
	gateInjected     = 1.0 // bps that the gate must notice
	gateBootstrap    = 10_000
	gateNominalPairs = 8 // fewer prove nothing
)

// Saving summarises paired differences with a bootstrap over pairs.
func Saving(p *Paired) RegimeSaving {
	d := p.Saved()
	e := meanInterval(d)
	wins := 0
	for _, v := range d {
		if v > 0 {
			wins++
		}
	}
	return RegimeSaving{Regime: p.Regime, Nominal: p.Nominal, Pairs: len(d), Saved: e.Value, Low: e.Low, High: e.High,
		Lower: e.Lower, WinRate: float64(wins) / math.Max(float64(len(d)), 1)}
}

func meanInterval(d []float64) Estimate {
	rng := rand.New(rand.NewPCG(uint64(len(d)), 7))
	mean := func(pick func(i int) int) (m float64) {
		for i := range d {
			m += d[pick(i)] / float64(len(d))
		}
		return m
	}
	if len(d) == 0 {
		return Estimate{}
	}
	values := make([]float64, gateBootstrap)
	for b := range values {
		values[b] = mean(func(int) int { return rng.IntN(len(d)) })
	}
	return interval("mean", mean(func(i int) int { return i }), values)
}

// Judge is the gate: every check must hold.
func Judge(ev *Evidence) *Report {
	r := &Report{Label: "LIVE"}
	if !ev.Live {
		r.Label = "SIM_ONLY"
	}
	add := func(id, what string, value, limit float64, pass bool) {
		r.Checks = append(r.Checks, Check{id, what, finite(value), finite(limit), pass})
	}
	nominal, stress := math.Inf(1), math.Inf(1)
	enough, gain, tail := 0, 0.0, 0.0
	for i := range ev.Trials {
		p := &ev.Trials[i]
		s := Saving(p)
		r.Regimes = append(r.Regimes, s)
		if p.Nominal {
			enough++
			if s.Pairs < gateNominalPairs {
				enough = -1 << 20
			}
			nominal = math.Min(nominal, s.Lower)
			gain = math.Max(gain, s.Saved/math.Max(math.Abs(average(p.Baseline)), 1e-9))
			tail = math.Max(tail, cvar(p.Candidate)/math.Max(cvar(p.Baseline), 1e-9))
		} else {
			stress = math.Min(stress, s.Lower)
		}
	}
	add("G1", "paired saving over BASELINE, lower 95 % bound, worst nominal regime, bps > 0", nominal, 0,
		enough > 0 && nominal > 0)
	add("G2", "the same in the worst stressed regime, bps", stress, -gateStressLoss,
		!math.IsInf(stress, 1) && stress >= -gateStressLoss)
	ev.judgeOPE(r, add)
	add("G5", "mean of the worst 5 % of costs over BASELINE's", tail, gateTail, enough > 0 && tail <= gateTail)
	add("G6", "share of decisions in cells without support, all of them BASELINE", ev.Fallback, gateFallback,
		ev.Fallback <= gateFallback && ev.Strayed == 0)
	add("G7", "gain over BASELINE's cost; more is suspicious until a named person signs", gain, gateSuspicious,
		gain <= gateSuspicious || ev.SignedBy != "")
	ev.judgeControls(add)
	add("G9", "looks at the gate's seeds", float64(ev.Looks), gateLooks, ev.Looks > 0 && ev.Looks <= gateLooks)
	r.Pass = true
	for _, c := range r.Checks {
		r.Pass = r.Pass && c.Pass
	}
	return r
}

// judgeOPE is G3 and G4.
func (ev *Evidence) judgeOPE(r *Report, add func(id, what string, value, limit float64, pass bool)) {
	if ev.OPE == nil {
		add("G3", "off-policy estimate", 0, 0, false)
		add("G4", "effective sample size", 0, gateESS, false)
		return
	}
	for _, e := range ev.OPE.Estimates() {
		r.OPE = append(r.OPE, *e)
	}
	lower := math.Min(ev.OPE.DR.Lower, ev.OPE.Step.Lower)
	if ev.Live {
		add("G3", "doubly robust and one-step saving from live logs, lower 95 % bound, bps a slice > 0", lower, 0, lower > 0)
	} else {
		add("G3", "no live logs: SIM_ONLY, for a canary of at most 1 %; simulated logs' lower bound, bps a slice", lower, 0, true)
	}
	need := math.Max(gateESS, float64(ev.OPE.Rows)/100)
	apart := math.Abs(ev.OPE.FQE.Value - ev.OPE.DR.Value)
	width := 2 * math.Hypot(ev.OPE.FQE.SE, ev.OPE.DR.SE)
	add("G4", "effective sample size of single decisions", ev.OPE.Step.ESS, need, ev.OPE.Step.ESS >= need)
	add("G4", "|FQE − DR|, bps a slice, against two standard errors", apart, width, apart <= width)
}

// judgeControls is G8: what learnt nothing must fail, what is better must pass.
func (ev *Evidence) judgeControls(add func(id, what string, value, limit float64, pass bool)) {
	if ev.Shuffled == nil || ev.Shifted == nil {
		add("G8", "negative controls were not run", 0, 0, false)
		return
	}
	shuffled, shifted := Saving(ev.Shuffled), Saving(ev.Shifted)
	add("G8", "learnt from shuffled rewards: lower bound of the saving, must not be > 0", shuffled.Lower, 0, shuffled.Lower <= 0)
	add("G8", "a signal from another time, over no signal: lower bound, must not be > 0", shifted.Lower, 0, shifted.Lower <= 0)
	// Power: differences as noisy as the candidate's, around a true saving.
	injected := Paired{Nominal: true}
	for i := range ev.Trials {
		if p := &ev.Trials[i]; p.Nominal && len(injected.Baseline) == 0 {
			d := p.Saved()
			m := average(d)
			for _, v := range d {
				injected.Baseline = append(injected.Baseline, v-m+gateInjected)
				injected.Candidate = append(injected.Candidate, 0)
			}
		}
	}
	s := Saving(&injected)
	add("G8", "a true saving of 1 bp with the noise of these trials: lower bound, must be > 0", s.Lower, 0, s.Lower > 0)
}

// finite keeps what JSON cannot hold out of a report.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

func average(x []float64) (m float64) {
	for _, v := range x {
		m += v / float64(len(x))
	}
	return m
}

// cvar is the mean of the worst twentieth.
func cvar(costs []float64) float64 {
	s := slices.Sorted(slices.Values(costs))
	n := max(len(s)/20, 1)
	return average(s[max(len(s)-n, 0):])
}

// JSON returns the report as section GATE holds it.
func (r *Report) JSON() ([]byte, error) {
	b, err := json.Marshal(r)
	if err == nil && len(b) > 64<<10 {
		err = fmt.Errorf("learn: gate report of %d bytes, at most 65536", len(b))
	}
	return b, err
}
