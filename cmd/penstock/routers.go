package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"penstock/market"
	"penstock/policy"
	"penstock/router"
	"penstock/trial"
	"penstock/venues/tape"
)

// compareSimulated works the parents of o by BASELINE, by simple routers and by BASELINE
// without each of its parts. Parents of training seeds 1 to fit come first: what venues
// show there is what all but those without feedback know.
func compareSimulated(o *simulateOptions, fit int, asJSON bool, stdout, stderr io.Writer) error {
	draw := func(seed uint64) trial.Setup {
		return trial.Draw(seed, o.regime, market.Qty(o.qty), int64(o.horizon/time.Second), int64(o.slice/time.Second))
	}
	var training, setups []trial.Setup
	for seed := range fit {
		training = append(training, draw(uint64(seed)+1))
	}
	for seed := o.first; seed <= o.last; seed++ {
		setups = append(setups, draw(seed))
	}
	var params *policy.Params
	if fit > 0 {
		var err error
		if params, err = trial.Fit(training); err != nil {
			return &exitError{exitUsage, err}
		}
	}
	base, opponents := trial.Baseline(), trial.Without(trial.Opponents(), o.without)
	base.Off = o.without
	fmt.Fprintf(stderr, "%d trials of %d routers\n", len(setups), len(opponents)+1)
	lines, err := trial.Compare(setups, base, opponents, params)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if asJSON {
		return writeJSON(stdout, lines)
	}
	fmt.Fprintf(stdout, "%d shares in %v, slices of %v, regime %s, seeds %d to %d, parameters fitted on %d training seeds;\n"+
		"all routers meet the same stock%s; costs in basis points, positive against the client\n\n",
		o.qty, o.horizon, o.slice, o.regime.Name, o.first, o.last, fit, without(o.without))
	return trial.PrintComparison(stdout, lines)
}

// parseParts reads names of parts with commas between them.
func parseParts(text string) (off router.Switches, err error) {
next:
	for _, name := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		for _, s := range router.AllSwitches() {
			if s.String() == "no-"+name {
				off |= s
				continue next
			}
		}
		return 0, fmt.Errorf("%q is not one of dark, sdp, post, fees, feedback", name)
	}
	return off, nil
}

func without(off router.Switches) (text string) {
	for _, s := range router.AllSwitches() {
		if off&s != 0 {
			text += ", " + s.String()
		}
	}
	return text
}

// compareRecorded routes the parent of o on each side and at several times of the recording
// by BASELINE and each opponent, and prints what each costs against BASELINE. Few parents on
// one recording are few: the interval says so.
func compareRecorded(o *replayOptions, groups [][]tape.Feed, opponents []trial.Policy, stdout, stderr io.Writer) error {
	if o.parent == nil || o.times < 1 {
		return usageError("replay: --compare needs --parent, and --times of 1 or more", replayUsage)
	}
	routers := append([]trial.Policy{trial.Baseline()}, opponents...)
	results := make([][]*trial.Result, len(routers))
	for i, p := range routers {
		fmt.Fprintf(stderr, "%s …\n", p.Name)
		for k := range o.times {
			for _, side := range []market.Side{market.Buy, market.Sell} {
				own, parent := *o, *o.parent
				parent.side, own.parent = side, &parent
				own.at += time.Duration(k) * (parent.horizon + 5*time.Second)
				own.rule, own.off, own.journal = p.Rule, p.Off, ""
				r, err := replayCost(&own, groups)
				if err != nil {
					return err
				}
				results[i] = append(results[i], r)
			}
		}
	}
	lines := trial.Paired(routers, results)
	if o.json {
		return writeJSON(stdout, lines)
	}
	fmt.Fprintf(stdout, "%s on each side, %d times from %v on, in recorded books; costs in basis points of the arrival value,\n"+
		"positive against the client\n\n", o.parent.symbol, o.times, o.at)
	return trial.PrintComparison(stdout, lines)
}

// replayCost plays the recordings of the parent's instrument and returns what it cost.
func replayCost(o *replayOptions, groups [][]tape.Feed) (*trial.Result, error) {
	for _, group := range groups {
		if !carries([][]tape.Feed{group}, o.parent.symbol) {
			continue
		}
		run, err := runReplay(o, group)
		if err != nil {
			return nil, err
		}
		parents := run.core.Parents()
		if len(parents) != 1 {
			return nil, failed("replay: the parent at %v was not accepted: %s; a shorter horizon may fit the recording", o.at, run.refuse)
		}
		return run.cost(), nil
	}
	return nil, failed("replay: no feed carries %s", o.parent.symbol)
}

// cost returns what the parent cost, in basis points of its value at arrival. What was not
// filled is marked at the far touch of the last book.
func (r *replayRun) cost() *trial.Result {
	p := &r.core.Parents()[0]
	arrival, sign := float64(p.ArrivalMid2)/2, float64(p.Side.Sign())
	bps := 1e4 / (float64(p.OrderQty) * arrival)
	out := &trial.Result{Filled: float64(p.Cum) / float64(p.OrderQty), Fees: float64(p.Fees) * bps}
	out.Cost = sign*(float64(p.Notional)-float64(p.Cum)*arrival)*bps + out.Fees
	if far := r.core.Composite(p.Instrument).Touch(p.Side.Contra()); far.OK && p.Cum < p.OrderQty {
		out.Remainder = sign * float64(p.OrderQty-p.Cum) * (float64(far.Price) - arrival) * bps
		out.Cost += out.Remainder
	}
	children := r.core.Children()
	for i := range children {
		c := &children[i]
		kind := 3
		switch {
		case r.cfg.Router.Venues[c.Venue].Kind == market.Dark:
			kind = 0
		case r.cfg.Router.Venues[c.Venue].Kind == market.SDP:
			kind = 1
		case c.TIF == market.TIFDay:
			kind = 2
		}
		out.ByKind[kind] += float64(c.Cum) / max(float64(p.Cum), 1)
	}
	return out
}
