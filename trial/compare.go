package trial

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
	"text/tabwriter"

	"penstock/event"
	"penstock/policy"
	"penstock/router"
)

// Comparison is one way to work a parent against BASELINE, over the same seeds: the same
// stock, the same parent, the same draws. Costs are basis points, positive against the
// client.
type Comparison struct {
	Name       string
	Rule       router.Rule
	Off        router.Switches
	Part       bool    // it is BASELINE without one of its parts
	base       float64 // Filled of BASELINE
	Trials     int
	Mean       float64 // cost
	Filled     float64 // mean share of the quantity
	Difference float64 // its mean cost minus that of BASELINE on the same seeds
	Error      float64 // standard error of Difference
	Worse      int     // seeds on which it cost more than BASELINE
	ByKind     [4]float64
}

// Interval returns the 95 % confidence interval of Difference.
func (c *Comparison) Interval() (low, high float64) {
	t := 1.96 + 2.4/math.Max(float64(c.Trials-1), 1) // Student's quantile, to 0.01 from ten trials on
	return c.Difference - t*c.Error, c.Difference + t*c.Error
}

// incomplete is how much less than BASELINE a router may fill and be compared: what is left
// is marked at a price that takes no account of the impact of trading it.
const incomplete = .02

// Verdict says what the interval shows of the part or router that the line stands for.
func (c *Comparison) Verdict() string {
	low, high := c.Interval()
	switch {
	case c.Filled < c.base-incomplete:
		return "leaves too much unfilled to compare"
	case low > 0:
		return "costs more than BASELINE"
	case high < 0:
		return "costs less than BASELINE"
	case c.Part:
		return "does not earn its place here"
	}
	return "no difference shown"
}

// Baseline returns BASELINE: the schedule of Almgren and Chriss, and the static rule in
// every cell.
func Baseline() Policy { return Policy{Name: "BASELINE", Strategy: event.StrategyIS} }

// Without returns policies with more parts of the brain switched off in each of them. Parts
// that are off already make no opponent.
func Without(policies []Policy, off router.Switches) (all []Policy) {
	for _, p := range policies {
		if p.Off == 0 || p.Off&^off != 0 {
			p.Off |= off
			all = append(all, p)
		}
	}
	return all
}

// Opponents returns what BASELINE is compared with: the simple routers on the same schedule
// (market orders on equal slices), then the brain without each of its parts.
func Opponents() (all []Policy) {
	for _, r := range router.Rules()[1:] {
		p := Policy{Name: r.String(), Rule: r, Strategy: event.StrategyIS}
		if r == router.RuleMarket {
			p.Strategy = event.StrategyTWAP
		}
		all = append(all, p)
	}
	for _, off := range router.AllSwitches() {
		all = append(all, Policy{Name: off.String(), Off: off, Strategy: event.StrategyIS})
	}
	return all
}

// Compare runs base, which is BASELINE or BASELINE without some parts, and each policy on
// every setup, on all processors, and returns a line for each, that of base first. Those that
// use feedback know params; nil is what is compiled in.
func Compare(setups []Setup, base Policy, policies []Policy, params *policy.Params) ([]Comparison, error) {
	all := append([]Policy{base}, policies...)
	for i := range all {
		if all[i].Off&router.OffFeedback == 0 {
			all[i].Params = params
		}
	}
	results := make([][]*Result, len(all))
	for i := range results {
		results[i] = make([]*Result, len(setups))
	}
	jobs, failures := make(chan [2]int), make([]error, runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	for w := range failures {
		workers.Go(func() {
			for job := range jobs {
				if failures[w] != nil {
					continue
				}
				results[job[0]][job[1]], failures[w] = Run(setups[job[1]], &all[job[0]], nil)
			}
		})
	}
	for s := range setups {
		for p := range all {
			jobs <- [2]int{p, s}
		}
	}
	close(jobs)
	workers.Wait()
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	return Paired(all, results), nil
}

// Paired compares the results of each policy with those of the first, trial by trial.
func Paired(policies []Policy, results [][]*Result) []Comparison {
	lines := make([]Comparison, len(policies))
	for i := range policies {
		lines[i] = compared(&policies[i], results[0], results[i])
		lines[i].base = lines[0].Filled
		lines[i].Part = policies[i].Off != policies[0].Off
	}
	return lines
}

func compared(p *Policy, base, own []*Result) Comparison {
	c := Comparison{Name: p.Name, Rule: p.Rule, Off: p.Off, Trials: len(own)}
	n, squares := float64(len(own)), 0.0
	for i, r := range own {
		d := r.Cost - base[i].Cost
		c.Mean += r.Cost / n
		c.Filled += r.Filled / n
		c.Difference += d / n
		for k := range c.ByKind {
			c.ByKind[k] += r.ByKind[k] / n
		}
		if d > 0 {
			c.Worse++
		}
	}
	for i, r := range own {
		squares += math.Pow(r.Cost-base[i].Cost-c.Difference, 2)
	}
	c.Error = math.Sqrt(squares / math.Max(n-1, 1) / n)
	return c
}

// PrintComparison writes lines as a table.
func PrintComparison(w io.Writer, lines []Comparison) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "  router\ttrials\tcost, bp\tagainst BASELINE\t95 % interval\tworse on\tfilled\tdark\tsdp\tposted\ttaken\t  verdict")
	for i := range lines {
		c := &lines[i]
		fmt.Fprintf(t, "  %s\t%d\t%.2f\t", c.Name, c.Trials, c.Mean)
		if i == 0 {
			fmt.Fprint(t, "\t\t\t")
		} else {
			low, high := c.Interval()
			fmt.Fprintf(t, "%+.2f\t%+.2f … %+.2f\t%d\t", c.Difference, low, high, c.Worse)
		}
		fmt.Fprintf(t, "%.0f %%\t%.0f %%\t%.0f %%\t%.0f %%\t%.0f %%\t  ", 100*c.Filled, 100*c.ByKind[0], 100*c.ByKind[1],
			100*c.ByKind[2], 100*c.ByKind[3])
		if i > 0 {
			fmt.Fprint(t, c.Verdict())
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}
