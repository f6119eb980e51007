package main

import (
	"testing"
	"time"

	"penstock/policy"
)

// TestShippedTablePassedTheGate reads the table that the demo trades with.
func TestShippedTablePassedTheGate(t *testing.T) {
	built := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	table, err := policy.Decode(learntFile, built, policy.LoadOptions{AllowUnsigned: true})
	if err != nil {
		t.Fatal(err)
	}
	r := gateOf(table)
	if r == nil || !r.Pass || r.Label != "SIM_ONLY" || len(r.Checks) < 9 {
		t.Fatalf("report: %+v", r)
	}
	own := 0
	for i := range uint32(policy.States) {
		if c := table.At(0, i); !c.Thin() && c.Action != policy.ActionBaseline {
			own++
		}
	}
	if own == 0 {
		t.Error("the table never leaves BASELINE")
	}
	late := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	data, err := shippedTable(late)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := policy.Decode(data, time.Now().UnixNano(), policy.LoadOptions{AllowUnsigned: true}); err != nil || len(data) == len(learntFile) {
		t.Errorf("after its validity the rule-based table should trade: %d bytes, %v", len(data), err)
	}
}

// BenchmarkLoadShipped is what reading and checking the table costs at start.
func BenchmarkLoadShipped(b *testing.B) {
	b.ReportAllocs()
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	for b.Loop() {
		if _, err := policy.Decode(learntFile, now, policy.LoadOptions{AllowUnsigned: true}); err != nil {
			b.Fatal(err)
		}
	}
}
