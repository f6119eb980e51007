package main

import (
	"encoding/json"
	"strings"
	"testing"

	"penstock/internal/testdata"
	"penstock/trial"
)

func checkComparison(t *testing.T, out string, trials int) {
	t.Helper()
	var lines []trial.Comparison
	if err := json.Unmarshal([]byte(out), &lines); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1+len(trial.Opponents()) || lines[0].Name != "BASELINE" || lines[0].Difference != 0 {
		t.Fatalf("%d lines, the first %+v", len(lines), lines[0])
	}
	different := 0
	for i := range lines {
		if lines[i].Trials != trials || lines[i].Filled <= .5 {
			t.Errorf("%s: %d trials, %.2f filled", lines[i].Name, lines[i].Trials, lines[i].Filled)
		}
		if lines[i].Difference != 0 {
			different++
		}
	}
	if different < 3 {
		t.Errorf("only %d routers differ from BASELINE", different)
	}
}

func TestSimulateComparesRouters(t *testing.T) {
	code, out, errs := penstock(t, "simulate", "--compare", "--fit", "2", "--seeds", "30000-30003", "--qty", "3000",
		"--horizon", "5m", "--json")
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, errs)
	}
	checkComparison(t, out, 4)
	if code, _, errs = penstock(t, "simulate", "--compare", "--fit", "-1"); code != exitUsage || !strings.Contains(errs, "training seeds") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// The same parents in recorded books.
func TestReplayComparesRouters(t *testing.T) {
	t.Setenv("PENSTOCK_DATA", testdata.Dir(t))
	code, out, errs := penstock(t, "replay", "--compare", "--parent", "BUY 2 BTC-USDT IS 10s", "--with-simulated", "dark,sdp", "--json")
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, errs)
	}
	checkComparison(t, out, 2*replayTimes)
	if code, _, errs = penstock(t, "replay", "--compare"); code != exitUsage || !strings.Contains(errs, "needs --parent") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
