package router

import (
	"slices"
	"testing"

	"penstock/policy"
)

// TestBaselineIsWhatRunsWithoutATable plays days in which everything goes wrong into a core
// with no table, and into one with a table, read from a file, whose every cell says
// BASELINE: commands and decisions are the same to the byte.
func TestBaselineIsWhatRunsWithoutATable(t *testing.T) {
	file, err := policy.Encode(policy.StaticTable(), nil)
	if err != nil {
		t.Fatal(err)
	}
	table, err := policy.Decode(file, 0, policy.LoadOptions{AllowUnsigned: true})
	if err != nil {
		t.Fatal(err)
	}
	decisions := 0
	for seed := range uint64(4) {
		events := recordedWorld(t, 500+seed, 1500)
		without, with := testConfig(), testConfig()
		with.Table = table
		a, err := New(without)
		if err != nil {
			t.Fatal(err)
		}
		b, err := New(with)
		if err != nil {
			t.Fatal(err)
		}
		outA, outB := a.OutputFor(), b.OutputFor()
		for i := range events {
			e, f := events[i], events[i]
			outA.Reset()
			outB.Reset()
			a.Step(&e, outA)
			b.Step(&f, outB)
			if !slices.Equal(outA.Commands, outB.Commands) || len(outA.Decisions) != len(outB.Decisions) {
				t.Fatalf("seed %d: event %d gives other commands with a table of BASELINE", seed, e.Seq)
			}
			for k := range outA.Decisions {
				decisions++
				if outA.Decisions[k] != outB.Decisions[k] {
					t.Fatalf("seed %d: event %d gives other decisions", seed, e.Seq)
				}
			}
		}
	}
	if decisions < 200 {
		t.Errorf("%d decisions", decisions)
	}
}
