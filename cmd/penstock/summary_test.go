package main

import (
	"strings"
	"testing"

	"penstock/event"
	"penstock/policy/learn"
	"penstock/venues/sim"
)

// TestLatencyIsToldInOneUnit: in µs, and without a 99.9th percentile that would be the largest of few.
func TestLatencyIsToldInOneUnit(t *testing.T) {
	t.Parallel()
	s := summary{Latency: []latencyLine{
		{What: "tick", Count: 1000, P50: 310, P90: 99_949, P99: 1_140_000, P999: 2_000_000_000, Max: 2_000_000_000},
		{What: "clock", Count: 999, P50: 310, P90: 400, P99: 500, P999: 77_000, Max: 78_000},
		{What: "nothing"},
	}}
	var out strings.Builder
	s.printLatency(&out)
	var rows []string
	for line := range strings.Lines(out.String()) {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	want := []string{"", "tick to order: from the bytes received to the order or cancel sent, in µs",
		"cause messages p50 p90 p99 p99.9 max", "tick 1000 0.3 99.9 1140.0 2000000.0 2000000.0", "clock 999 0.3 0.4 0.5 - 78.0",
		"nothing 0 - - - - -"}
	if len(rows) != len(want)+1 || !strings.Contains(rows[len(want)], "bench/RESULTS.md") {
		t.Fatalf("%q", rows)
	}
	for i := range want {
		if rows[i] != want[i] {
			t.Errorf("%q, want %q", rows[i], want[i])
		}
	}
}

// TestUsagesNameWhatThereIs: what a person may write is in the help of its command.
func TestUsagesNameWhatThereIs(t *testing.T) {
	t.Parallel()
	names := func(command, usage string, all ...string) {
		words := strings.FieldsFunc(usage, func(r rune) bool { return strings.ContainsRune(" ,;()\n", r) })
		for _, name := range all {
			found := false
			for _, w := range words {
				found = found || w == name || strings.TrimSuffix(w, ".") == name
			}
			if !found {
				t.Errorf("%s -h does not name %s", command, name)
			}
		}
	}
	for _, r := range sim.Regimes() {
		names("simulate", simulateUsage, r.Name)
	}
	for _, m := range learn.Methods {
		names("train", trainUsage, string(m))
	}
	for k := event.LimitParentMaxQty; k <= event.LimitFirmCredit; k++ {
		names("ctl", ctlUsage, k.String())
	}
	names("penstock", usage, "version")
	for name := range commands {
		names("penstock", usage, name)
	}
}
