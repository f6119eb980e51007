package router

import (
	"bytes"
	"slices"
	"testing"
)

// TestRewarmChangesNothing runs days twice, with Rewarm between all events and without: the
// commands, the decisions and the whole state are the same after each event, and it does not
// allocate.
func TestRewarmChangesNothing(t *testing.T) {
	live := 0
	for seed := range uint64(3) {
		events := recordedWorld(t, 200+seed, 800)
		c, warmed := testCore(t), testCore(t)
		out, other := c.OutputFor(), warmed.OutputFor()
		for i := range events {
			e, f := events[i], events[i]
			out.Reset()
			other.Reset()
			for turn := range uint64(3 * RewarmParts) {
				if _, _, ok := warmed.Rewarm(turn); ok {
					live++
				}
			}
			c.Step(&e, out)
			warmed.Step(&f, other)
			if !slices.Equal(out.Commands, other.Commands) || !slices.Equal(out.Decisions, other.Decisions) {
				t.Fatalf("seed %d: event %d gives other commands", seed, e.Seq)
			}
			if i%50 == 0 || i == len(events)-1 {
				before := savedState(t, warmed)
				for turn := range uint64(RewarmParts) {
					warmed.Rewarm(turn)
				}
				if !bytes.Equal(savedState(t, warmed), before) || !bytes.Equal(before, savedState(t, c)) {
					t.Fatalf("seed %d: after event %d the state is another", seed, e.Seq)
				}
			}
		}
		turn := uint64(0)
		if n := testing.AllocsPerRun(100, func() { turn++; warmed.Rewarm(turn) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
		if trouble := warmed.Audit(); trouble != "" {
			t.Error(trouble)
		}
	}
	if live < 1000 {
		t.Errorf("a parent was live %d times only", live)
	}
}

// TestForgetWaitsForTheOrders lets no core forget an order that can still execute.
func TestForgetWaitsForTheOrders(t *testing.T) {
	c := testCore(t)
	out := c.OutputFor()
	open := 0
	for _, e := range recordedWorld(t, 300, 800) {
		out.Reset()
		c.Step(&e, out)
		for _, slot := range c.agenda.all {
			if c.parents[slot].first != none {
				open++
				if n := c.childCount; c.Forget() || c.childCount != n {
					t.Fatal("a working child was forgotten")
				}
			}
		}
	}
	if open < 100 {
		t.Errorf("orders were open %d times only", open)
	}
}
