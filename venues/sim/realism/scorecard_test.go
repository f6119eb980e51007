package realism

import (
	"os"
	"testing"
)

// TestScorecard is R1 to R18 with their targets: a missed one must have its waiver.
func TestScorecard(t *testing.T) {
	effort := Brief
	if os.Getenv("PENSTOCK_REALISM") == "full" {
		effort = Full
	}
	if testing.Short() { // under the race detector: that it runs, not what it measures
		effort = Effort{Days: 2, Pairs: 2, Trips: 2, Passive: 2}
	}
	results, err := Scorecard(effort)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 18 {
		t.Errorf("%d results, want R1 to R18", len(results))
	}
	for _, r := range results {
		t.Logf("%-4s pass %-5v %s: target %s: measured %s", r.ID, r.Pass, r.What, r.Target, r.Measured)
		if !r.Pass && r.Waiver == "" && !testing.Short() {
			t.Errorf("%s %s: target %s, measured %s", r.ID, r.What, r.Target, r.Measured)
		}
	}
}
