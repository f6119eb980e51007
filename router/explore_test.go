package router

import (
	"math"
	"testing"

	"penstock/policy"
)

// TestDrawsHaveTheirPropensity draws many times and compares how often each action
// came with what the records would say.
func TestDrawsHaveTheirPropensity(t *testing.T) {
	const n = 200_000
	candidates := make([]policy.ActionMask, policy.States)
	candidates[5] = 1<<policy.ActionHold | 1<<policy.ActionPostJoin | 1<<policy.ActionTake25
	for name, x := range map[string]Exploration{
		"all":        {RateBps: 3000, Seed: 1},
		"candidates": {RateBps: 4000, Seed: 2, Candidates: candidates},
	} {
		c := &Core{exploration: x}
		var seen [policy.Actions]float64
		var said [policy.Actions]float64
		mask := policy.ActionMask(0).Block(policy.ActionDarkRest)
		for i := range uint64(n) {
			p := &Parent{Number: i}
			action, _, odds := c.explore(p, 0, 5, policy.ActionTake25, 0, mask, true)
			seen[action]++
			said[action] = float64(odds.action) / certain
			if want := x.Candidates == nil; (odds.baseline > 0) != want {
				t.Fatalf("%s: baseline has probability %d", name, odds.baseline)
			}
		}
		sum := 0.0
		for id, s := range seen {
			f := s / n
			sum += said[id]
			if math.Abs(f-said[id]) > 5*math.Sqrt(said[id]/n)+1e-3 {
				t.Errorf("%s: %s came with %.4f, records say %.4f", name, policy.ActionName(uint8(id)), f, said[id])
			}
		}
		if math.Abs(sum-1) > .01 || seen[policy.ActionDarkRest] != 0 {
			t.Errorf("%s: propensities sum to %.3f, masked action came %v times", name, sum, seen[policy.ActionDarkRest])
		}
	}
}

func TestOneDecisionOfASliceDeviates(t *testing.T) {
	c := &Core{exploration: Exploration{RateBps: certain, Single: true, Seed: 9}}
	sum := 0
	for i := range uint64(500) {
		p, drawn := &Parent{Number: i}, 0
		for p.decision = range int64(decisionsPerSlice) {
			if c.explore(p, 0, 0, policy.ActionHold, 0, 0, true); p.draw.on {
				drawn++
			}
		}
		if sum += drawn; drawn > 1 {
			t.Fatalf("parent %d: %d decisions of a slice were drawn", i, drawn)
		}
	}
	if sum < 495 { // shares are rounded down
		t.Errorf("%d of 500 slices were drawn in, at certainty", sum)
	}
	c.exploration.MaxParentQty = 100
	p := &Parent{OrderQty: 200}
	for p.decision = range int64(decisionsPerSlice) {
		if c.explore(p, 0, 0, policy.ActionHold, 0, 0, true); p.draw.on {
			t.Error("a parent beyond the bound was explored with")
		}
	}
}

func TestExplorationIsOffByDefault(t *testing.T) {
	c := &Core{}
	action, flags, odds := c.explore(&Parent{}, 0, 0, policy.ActionBaseline, 3, 0, true)
	if action != policy.ActionBaseline || flags != 3 || odds != (propensity{certain, certain}) {
		t.Errorf("action %d, flags %d, odds %v", action, flags, odds)
	}
}

// TestBoundedExplorationStaysInItsCandidates: a page or a table without candidates is followed,
// and a swap brings the candidates of the new table.
func TestBoundedExplorationStaysInItsCandidates(t *testing.T) {
	two := make([]policy.ActionMask, policy.States)
	two[7] = policy.ActionMask(0).Block(policy.ActionBaseline).Block(policy.ActionPostJoin)
	drawn := func(c *Core, page int) (n int) {
		for i := range uint64(400) {
			action, _, odds := c.explore(&Parent{Number: i}, page, 7, policy.ActionHold, 0, 0, true)
			if action != policy.ActionHold {
				n++
			}
			if action != policy.ActionHold && action != policy.ActionBaseline && action != policy.ActionPostJoin {
				t.Fatalf("drew %s", policy.ActionName(action))
			}
			if odds.action == 0 {
				t.Fatal("a decision without propensity")
			}
		}
		return n
	}
	c := &Core{exploration: Exploration{RateBps: certain, Bounded: true, Seed: 4, Candidates: two}}
	if n := drawn(c, 0); n < 200 {
		t.Errorf("%d of 400 decisions deviated", n)
	}
	if n := drawn(c, 1); n != 0 {
		t.Errorf("%d draws on a page without candidates", n)
	}
	if c.rollBack(); drawn(c, 0) != 0 {
		t.Error("drew after the rollback to the compiled-in table")
	}
	if err := (&Exploration{Candidates: two[:9]}).validate(); err == nil {
		t.Error("candidates of nine cells were accepted")
	}
}
