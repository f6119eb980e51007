package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"penstock/event"
	"penstock/policy"
	"penstock/policy/learn"
	"penstock/router"
	"penstock/trial"
	"penstock/venues/sim"
)

// explored is the example configuration with exploration switched on around a table.
func explored(t *testing.T, keys string) (*Config, error) {
	t.Helper()
	text, err := os.ReadFile("../../docs/penstock.toml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.toml")
	return ParseConfig(path, []byte(strings.Replace(string(text), "[policy]\n", "[policy]\n"+keys, 1)))
}

// TestExplorationIsOffAndBounded: nothing explores that nobody asked for, and nobody can ask for
// more than the bounds.
func TestExplorationIsOffAndBounded(t *testing.T) {
	cfg, err := explored(t, "")
	if err != nil {
		t.Fatal(err)
	}
	if x := cfg.Router.Explore; x.RateBps != 0 || x.Candidates != nil {
		t.Errorf("the example explores: %+v", x)
	}
	if masks, err := cfg.candidates(policy.StaticTable()); masks != nil || err != nil {
		t.Errorf("candidates without exploration: %d, %v", len(masks), err)
	}
	const table, good = "table = \"t.penstock\"\n[policy.explore]\n", "rate_bps = 400\nmax_cost_bps = 0.2\nmax_parent_qty = \"20000\"\n"
	if cfg, err = explored(t, table+good); err != nil {
		t.Fatal(err)
	}
	if x := cfg.Router.Explore; x.RateBps != 400 || !x.Single || !x.Bounded || x.MaxParentQty != 20_000 {
		t.Errorf("exploration %+v", x)
	}
	if _, err := cfg.candidates(policy.StaticTable()); err == nil {
		t.Error("a table without values was explored with")
	}
	for name, c := range map[string]struct{ keys, want string }{
		"no table":        {"[policy.explore]\n" + good, "no policy.table"},
		"no rate":         {table + strings.Replace(good, "rate_bps = 400\n", "", 1), "rate_bps"},
		"rate too high":   {table + strings.Replace(good, "400", "4001", 1), "rate_bps"},
		"cost too high":   {table + strings.Replace(good, "0.2", "0.31", 1), "max_cost_bps"},
		"no cost":         {table + strings.Replace(good, "max_cost_bps = 0.2\n", "", 1), "max_cost_bps"},
		"cost no number":  {table + strings.Replace(good, "0.2", "nan", 1), "max_cost_bps"},
		"no largest":      {table + strings.Replace(good, "max_parent_qty = \"20000\"\n", "", 1), "max_parent_qty"},
		"largest is zero": {table + strings.Replace(good, "20000", "0", 1), "max_parent_qty"},
		"unknown key":     {table + good + "always = true\n", "always"},
	} {
		if _, err := explored(t, c.keys); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

// valued is a table whose values make two actions equally good in every cell, and all others bad.
func valued(t *testing.T) *policy.Table {
	t.Helper()
	m := &learn.Model{Q: make([]float32, policy.States*policy.Actions), SE: make([]float32, policy.States*policy.Actions),
		Visits: make([]uint32, policy.States*policy.Actions), Choices: make([]policy.Choice, policy.States)}
	for i := range m.Q {
		m.Q[i], m.SE[i] = -5, .1
		if a := uint8(i % policy.Actions); a == policy.ActionBaseline || a == policy.ActionPostJoin {
			m.Q[i] = -1
		}
	}
	for i := range m.Choices { // posts, so that slices have many decisions
		m.Choices[i] = policy.Choice{Action: policy.ActionPostJoin, Alt: policy.ActionHold}
	}
	table, err := learn.Export(m, learn.ExportOptions{BuildOptions: policy.BuildOptions{Version: "1", NotAfter: math.MaxInt64}})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestLiveExplorationDeviatesOncePerSlice works a parent as a configured router would and reads
// what the decision records say.
func TestLiveExplorationDeviatesOncePerSlice(t *testing.T) {
	cfg, err := explored(t, "table = \"t.penstock\"\n[policy.explore]\nrate_bps = 4000\nmax_cost_bps = 0.3\nmax_parent_qty = \"60000\"\n")
	if err != nil {
		t.Fatal(err)
	}
	table := valued(t)
	x := cfg.Router.Explore
	if x.Candidates, err = cfg.candidates(table); err != nil {
		t.Fatal(err)
	}
	run := func(x router.Exploration) (drawn map[uint32]map[uint32]bool, decisions int) {
		drawn = map[uint32]map[uint32]bool{}
		s := trial.Draw(3, sim.NominalRegime(), 60_000, 1200, 60)
		_, err := trial.Run(s, &trial.Policy{Strategy: event.StrategyIS, Table: table, Explore: x}, func(_ *event.Event, out *event.Output) {
			for i := range out.Decisions {
				d := &out.Decisions[i]
				decisions++
				if d.PropensityBps == 0 {
					t.Errorf("decision %d.%d has no propensity", d.Slice, d.Epoch)
				}
				if d.Flags&event.DecisionExplored == 0 {
					continue
				}
				if d.Action != policy.ActionBaseline && d.Action != policy.ActionPostJoin || d.PropensityBps == 10_000 {
					t.Errorf("drew %s with propensity %d", policy.ActionName(d.Action), d.PropensityBps)
				}
				if drawn[d.Slice] == nil {
					drawn[d.Slice] = map[uint32]bool{}
				}
				drawn[d.Slice][d.Epoch] = true
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return drawn, decisions
	}
	drawn, decisions := run(x)
	if len(drawn) == 0 || decisions < 20 {
		t.Errorf("%d slices explored in %d decisions", len(drawn), decisions)
	}
	for slice, epochs := range drawn {
		if len(epochs) > 1 {
			t.Errorf("slice %d deviated at %d decisions", slice, len(epochs))
		}
	}
	x.MaxParentQty = 59_999
	if drawn, _ := run(x); len(drawn) != 0 {
		t.Error("a parent beyond the bound was explored with")
	}
}
