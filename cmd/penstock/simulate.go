package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"runtime"
	"strconv"
	"strings"
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

const simulateUsage = `usage: penstock simulate [--policy FILE|NAME] [--against FILE|NAME] [--seeds A-B] [--regime NAME]
                         [--qty SHARES] [--horizon DURATION] [--slice DURATION] [--json]
       penstock simulate --compare [--without PART,…] [--fit N] [--seeds A-B] …

Works one parent order for each seed in the simulated stock, with the router's real core in
virtual time, and the same parent by another policy: both meet the same candidate events, so
the difference of costs is what the policies did. With --compare it is BASELINE against
simple routers (best price, lit only, pro rata, a random venue, market orders) and against
itself without each of its parts, after --fit N training seeds (20) in which the venues were
got to know; --without sdp, or any of dark, sdp, post, fees, feedback, leaves parts out of all
of them. Seeds 1 to 9999 train, 10000 to 19999
validate, 20000 to 29999 are the gate's, those from 30000 are for the final test.

policies: baseline (Almgren-Chriss schedule, BASELINE in every cell), table files, rules (the
rule-based table), twap, vwap, pov (takers on those schedules), random (any action, any time)

defaults: --policy baseline --against baseline --seeds 30000-30019 --regime nominal --qty 60000
--horizon 30m --slice 1m

regimes: nominal, calm, dark-empty, dark-half, dark-toxic, dark-x1.5, fees-10-mils, halt,
impact-x1.5, latency-x10, memory-long, memory-short, narrow, outage, quiet, sdp-rejects, thin,
trend, volatile, volatile-and-thin, wide
`

// simulateOptions are one comparison.
type simulateOptions struct {
	policies [2]*trial.Policy // tried, and what it is compared with
	first    uint64
	last     uint64
	regime   sim.Regime
	qty      int64
	horizon  time.Duration
	slice    time.Duration
	without  router.Switches // of --compare: parts that nobody has
}

func simulate(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	name := flags.String("policy", "baseline", "")
	against := flags.String("against", "baseline", "")
	seeds := flags.String("seeds", "30000-30019", "")
	regime := flags.String("regime", "nominal", "")
	asJSON := flags.Bool("json", false, "")
	compare := flags.Bool("compare", false, "")
	fit := flags.Int("fit", 20, "")
	parts := flags.String("without", "", "")
	var o simulateOptions
	flags.Int64Var(&o.qty, "qty", 60_000, "")
	flags.DurationVar(&o.horizon, "horizon", 30*time.Minute, "")
	flags.DurationVar(&o.slice, "slice", time.Minute, "")
	if err := parseFlags(flags, simulateUsage, args, stderr); err != nil {
		return err
	}
	if flags.NArg() != 0 {
		return usageError("simulate: "+flags.Arg(0)+" is left over", simulateUsage)
	}
	var err error
	if o.first, o.last, err = parseSeeds(*seeds); err != nil {
		return usageError("simulate: --seeds: "+err.Error(), simulateUsage)
	}
	var ok bool
	if o.regime, ok = sim.RegimeNamed(*regime); !ok {
		return usageError(fmt.Sprintf("simulate: no regime %q; there are %s", *regime, regimeNames()), simulateUsage)
	}
	if *fit < 0 || *fit > 9999 {
		return usageError("simulate: --fit: 0 to 9999 training seeds", simulateUsage)
	}
	if o.without, err = parseParts(*parts); err != nil {
		return usageError("simulate: --without: "+err.Error(), simulateUsage)
	}
	if !*compare && o.without != 0 {
		return usageError("simulate: --without needs --compare", simulateUsage)
	}
	if *compare {
		return compareSimulated(&o, *fit, *asJSON, stdout, stderr)
	}
	for i, n := range []string{*name, *against} {
		if o.policies[i], err = trialPolicy(n); err != nil {
			return err
		}
	}
	c, err := o.run(startCounter(stderr, "trials"))
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if *asJSON {
		return writeJSON(stdout, c)
	}
	c.print(stdout)
	return nil
}

func parseSeeds(text string) (first, last uint64, err error) {
	a, b, ok := strings.Cut(text, "-")
	if !ok {
		b = a
	}
	if first, err = strconv.ParseUint(a, 10, 48); err == nil {
		last, err = strconv.ParseUint(b, 10, 48)
	}
	if err != nil || last < first {
		return 0, 0, fmt.Errorf("%q is not a range such as 30000-30099", text)
	}
	if last-first >= maxSeeds {
		return 0, 0, fmt.Errorf("%q are more than %d seeds", text, maxSeeds)
	}
	return first, last, nil
}

// maxSeeds bounds a range: the outcome of each is kept.
const maxSeeds = 1_000_000

func regimeNames() string {
	var names []string
	for _, r := range sim.Regimes() {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

// trialPolicy finds a policy by name, or reads a table. Everything but the takers works
// the parent on the Almgren-Chriss schedule.
func trialPolicy(name string) (*trial.Policy, error) {
	p := &trial.Policy{Name: name, Strategy: event.StrategyIS}
	var err error
	switch name {
	case "baseline":
	case "random":
		p.Explore = router.Exploration{RateBps: 10_000, Seed: 1}
	case "rules":
		p.Table, err = policy.BuildBaseline(policy.BuildOptions{Version: version, NotAfter: math.MaxInt64})
	case "twap", "vwap", "pov":
		p.Strategy = map[string]event.Strategy{"twap": event.StrategyTWAP, "vwap": event.StrategyVWAP, "pov": event.StrategyPOV}[name]
		p.Participation = 1000
		p.Table, err = sameEverywhere(policy.ActionTakeAll)
	default:
		p.Table, _, err = loadTable(name, "")
		if err != nil && !strings.ContainsAny(name, "./") {
			err = usageError(fmt.Sprintf("no policy %q, and no table of that name: %v", name, err), simulateUsage)
		}
	}
	return p, err
}

// sameEverywhere is the table that does one thing in every cell.
func sameEverywhere(action uint8) (*policy.Table, error) {
	return oneAction(action, 1, policy.TrainOptions{
		BuildOptions: policy.BuildOptions{NotAfter: math.MaxInt64},
		Meta:         policy.Meta{Trainer: "one action", Version: version},
	})
}

func oneAction(action uint8, pages int, o policy.TrainOptions) (*policy.Table, error) {
	cells := make([]policy.Choice, policy.States)
	for i := range cells {
		cells[i] = policy.Choice{Action: action, Alt: policy.ActionHold}
	}
	list := [policy.MaxPages][]policy.Choice{cells, cells, cells, cells}
	return policy.Build(o, list[:max(pages, 1)]...)
}

// comparison is the outcome of paired trials, as JSON and as text.
type comparison struct {
	Policy    string             `json:"policy"`
	Against   string             `json:"against"`
	Regime    string             `json:"regime"`
	Simulator string             `json:"simulator"`
	Qty       int64              `json:"qty"`
	Horizon   string             `json:"horizon"`
	Seeds     [2]uint64          `json:"seeds"`
	Saving    learn.RegimeSaving `json:"saving"`
	Costs     [2]costSummary     `json:"costs"`
	Pairs     []pairOfCosts      `json:"pairs"`
}

// costSummary is the distribution of one policy's costs, bps of the arrival value.
type costSummary struct {
	Policy                                              string
	Mean, Median, SD, P5, P95, CVaR95                   float64
	Spread, Drift, Fees, Remainder, Impact, EndImpact   float64
	Filled, Dark, SDP, Posted, Taken, Children, Markout float64
}

type pairOfCosts struct {
	Seed       uint64     `json:"seed"`
	Candidate  float64    `json:"candidate"`
	Baseline   float64    `json:"against"`
	CostParts  [4]float64 `json:"parts"` // spread, drift, fees, remainder of the candidate
	ImpactDiff float64    `json:"impactDiff"`
}

// simulatorName says which market the numbers come from, for the wording of claims.
const simulatorName = "penstock stock 1 (docs/realism.md)"

func (o *simulateOptions) setup(seed uint64) trial.Setup {
	return trial.Draw(seed, o.regime, market.Qty(o.qty), int64(o.horizon/time.Second), int64(o.slice/time.Second))
}

// run tries both policies on every seed.
func (o *simulateOptions) run(count *counter) (*comparison, error) {
	list, err := o.runAll(o.policies[0], o.policies[1:], count)
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// runAll tries a policy and others on every seed and compares it with each of them.
func (o *simulateOptions) runAll(tried *trial.Policy, others []*trial.Policy, count *counter) ([]*comparison, error) {
	n := int(o.last - o.first + 1)
	results := make([][]*trial.Result, n)
	count.expect(n)
	err := inParallel(n, func(i int) error {
		defer count.add(1)
		s := o.setup(o.first + uint64(i))
		alone, err := trial.Alone(s)
		if err != nil {
			return err
		}
		results[i] = make([]*trial.Result, 1+len(others))
		for k := range results[i] {
			p := tried
			if k > 0 {
				p = others[k-1]
			}
			if k > 0 && p == tried {
				results[i][k] = results[i][0]
				continue
			}
			r, err := trial.Run(s, p, nil)
			if err != nil {
				return err
			}
			r.Compare(&s, alone)
			r.Fills, r.Path = nil, nil
			results[i][k] = r
		}
		return nil
	})
	count.close()
	if err != nil {
		return nil, err
	}
	var list []*comparison
	for k := range others {
		pairs := make([][2]*trial.Result, n)
		for i := range results {
			pairs[i] = [2]*trial.Result{results[i][0], results[i][1+k]}
		}
		list = append(list, o.with(tried, others[k]).summarise(pairs))
	}
	return list, nil
}

// with returns the options for two policies.
func (o *simulateOptions) with(tried, against *trial.Policy) *simulateOptions {
	c := *o
	c.policies = [2]*trial.Policy{tried, against}
	return &c
}

func (o *simulateOptions) summarise(results [][2]*trial.Result) *comparison {
	c := &comparison{Policy: o.policies[0].Name, Against: o.policies[1].Name, Regime: o.regime.Name, Simulator: simulatorName,
		Qty: o.qty, Horizon: o.horizon.String(), Seeds: [2]uint64{o.first, o.last}}
	p := learn.Paired{Regime: o.regime.Name, Nominal: o.regime.Nominal}
	var each [2][]*trial.Result
	for _, r := range results {
		p.Candidate, p.Baseline = append(p.Candidate, r[0].Cost), append(p.Baseline, r[1].Cost)
		each[0], each[1] = append(each[0], r[0]), append(each[1], r[1])
		c.Pairs = append(c.Pairs, pairOfCosts{r[0].Seed, r[0].Cost, r[1].Cost,
			[4]float64{r[0].Spread, r[0].Drift, r[0].Fees, r[0].Remainder}, r[1].Impact - r[0].Impact})
	}
	c.Saving = learn.Saving(&p)
	for k := range each {
		c.Costs[k] = costsOf(o.policies[k].Name, each[k])
	}
	return c
}

func costsOf(name string, list []*trial.Result) costSummary {
	s := costSummary{Policy: name}
	n := float64(len(list))
	costs := make([]float64, 0, len(list))
	for _, r := range list {
		costs = append(costs, r.Cost)
		for _, v := range []struct {
			to   *float64
			from float64
		}{
			{&s.Mean, r.Cost}, {&s.Spread, r.Spread}, {&s.Drift, r.Drift}, {&s.Fees, r.Fees}, {&s.Remainder, r.Remainder},
			{&s.Impact, r.Impact}, {&s.EndImpact, r.EndImpact}, {&s.Filled, r.Filled}, {&s.Dark, r.ByKind[0]},
			{&s.SDP, r.ByKind[1]}, {&s.Posted, r.ByKind[2]}, {&s.Taken, r.ByKind[3]}, {&s.Children, float64(r.Children)},
			{&s.Markout, r.Markouts[1]},
		} {
			*v.to += v.from / n
		}
	}
	q := learn.Quantiles(costs, .05, .5, .95)
	s.P5, s.Median, s.P95 = q[0], q[1], q[2]
	s.SD, s.CVaR95 = learn.Deviation(costs), learn.CVaR(costs)
	return s
}

// print is a table in the words that a claim may use.
func (c *comparison) print(w io.Writer) {
	fmt.Fprintf(w, "%-10s %8s %8s %8s %8s %8s %8s %7s %7s %7s %8s %7s  %s\n", "policy", "cost bp", "median", "sd", "CVaR95",
		"spread", "drift", "fees", "left", "impact", "markout", "filled", "dark/sdp/post/take")
	for _, s := range c.Costs {
		fmt.Fprintf(w, "%-10.10s %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f %7.2f %7.2f %7.2f %8.2f %6.1f%%  %.0f/%.0f/%.0f/%.0f %%\n", s.Policy, s.Mean,
			s.Median, s.SD, s.CVaR95, s.Spread, s.Drift, s.Fees, s.Remainder, s.Impact, s.Markout, 100*s.Filled, 100*s.Dark, 100*s.SDP,
			100*s.Posted, 100*s.Taken)
	}
	fmt.Fprintln(w, c.claim())
}

func (c *comparison) claim() string {
	s := &c.Saving
	return fmt.Sprintf("in simulator %s, regime %s, policy %s saved %.2f bps (95 %% interval %.2f to %.2f, win rate %.0f %%) vs %s on %d "+
		"paired orders of %d shares over %s", c.Simulator, c.Regime, c.Policy, s.Saved, s.Low, s.High, 100*s.WinRate, c.Against, s.Pairs, c.Qty, c.Horizon)
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// inParallel runs f for 0..n-1 on all processors and returns the first error by index.
func inParallel(n int, f func(i int) error) error {
	errs := make([]error, n)
	work := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range work {
				errs[i] = f(i)
			}
		}()
	}
	for i := range n {
		work <- i
	}
	close(work)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
