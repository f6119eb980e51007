package main

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"penstock/internal/testdata"
	"penstock/trial"
	"penstock/venues/tape"
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

// The same parents in recorded books, by BASELINE and one other.
func TestReplayComparesRouters(t *testing.T) {
	if testing.Short() {
		return // each replay is one goroutine's; TestSimulateComparesRouters runs in parallel
	}
	t.Setenv("PENSTOCK_DATA", testdata.Dir(t))
	o, err := parseReplay([]string{"--compare", "--times", "1", "--parent", "BUY 2 BTC-USDT IS 10s", "--json"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := tape.ByInstrument(tape.DefaultFeeds(dataDir()))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := compareRecorded(&o, groups, trial.Opponents()[3:4], &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var lines []trial.Comparison
	if err := json.Unmarshal([]byte(out.String()), &lines); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 2 || lines[0].Trials != 2 || lines[0].Filled < .99 || lines[1].Name != "pro-rata" || lines[1].Difference == 0 {
		t.Errorf("%+v", lines)
	}
	if code, _, errs := penstock(t, "replay", "--compare"); code != exitUsage || !strings.Contains(errs, "needs --parent") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// Parts that nobody has are no opponents.
func TestSimulateComparesWithoutParts(t *testing.T) {
	code, out, errs := penstock(t, "simulate", "--compare", "--without", "sdp,dark", "--fit", "0", "--seeds", "30000", "--qty", "3000",
		"--horizon", "2m", "--json")
	var lines []trial.Comparison
	if err := json.Unmarshal([]byte(out), &lines); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v\n%s", code, err, errs)
	}
	if len(lines) != 1+len(trial.Opponents())-2 {
		t.Errorf("%d lines", len(lines))
	}
	for i := range lines {
		if kinds := lines[i].ByKind; kinds[0]+kinds[1] != 0 {
			t.Errorf("%s traded in pools or with dealers: %v", lines[i].Name, kinds)
		}
	}
	for _, args := range [][]string{{"--compare", "--without", "luck"}, {"--without", "sdp"}} {
		if code, _, errs := penstock(t, append([]string{"simulate"}, args...)...); code != exitUsage || !strings.Contains(errs, "--without") {
			t.Errorf("%v: exit code %d, %s", args, code, errs)
		}
	}
}
