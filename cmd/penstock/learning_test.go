package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"penstock/policy"
	"penstock/policy/learn"
)

// TestScenarioShowsEverything is the short version of the scenario: learning, gate, final
// test, page. So little data must leave the gate shut.
func TestScenarioShowsEverything(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		return // each parent is one goroutine's; TestSimulateSaysWhatItKnows runs them in parallel under the race detector
	}
	dir := t.TempDir()
	var out, errs bytes.Buffer
	if code := Main([]string{"scenario", "--brief", "-o", dir}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	page, err := os.ReadFile(filepath.Join(dir, "scenario.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"in simulator", "Learning curve", "Gate: ", "<svg", "twap", "random", "mid with us", "SIM_ONLY", "Decisions, explained"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if bytes.Contains(page, []byte("NaN")) || bytes.Contains(page, []byte("%!")) {
		t.Error("the page shows what is no number")
	}
	var s scenarioResult
	data, err := os.ReadFile(filepath.Join(dir, "scenario.json"))
	if err != nil || json.Unmarshal(data, &s) != nil {
		t.Fatalf("scenario.json: %v", err)
	}
	if len(s.Orders) < 7 || len(s.Decisions) != 5 || len(s.Ablations) != 8 || len(s.Curve) != 4 || s.Gate == nil || len(s.Gate.Regimes) < 20 {
		t.Errorf("orders %d, decisions %d, ablations %d, curve %d", len(s.Orders), len(s.Decisions), len(s.Ablations), len(s.Curve))
	}
	if s.Gate.Pass || !strings.HasPrefix(s.Shipped, "BASELINE") {
		t.Errorf("20 parents of training passed the gate: %+v", s.Gate.Checks)
	}
	errs.Reset()
	if code := Main([]string{"policy", "verify", filepath.Join(dir, "table.penstock")}, &out, &errs); code != exitFailed {
		t.Errorf("a table that failed the gate: exit code %d, %s", code, errs.String())
	}
}

// TestLogsRepeat collects twice and looks at what is in the logs.
func TestLogsRepeat(t *testing.T) {
	c := startCounter(&bytes.Buffer{}, "")
	explorer, err := (&trainer{rateBps: 5000}).explorer(3)
	if err != nil {
		t.Fatal(err)
	}
	episodes, err := collect(77, 2, explorer, c)
	if err != nil {
		t.Fatal(err)
	}
	again, err := collect(77, 2, explorer, c)
	if err != nil || learn.Hash(episodes) != learn.Hash(again) {
		t.Error("the same seeds gave other logs")
	}
	if len(episodes) < 2*learnSlices-2 {
		t.Fatalf("%d slices", len(episodes))
	}
	actions := map[uint8]bool{}
	for _, e := range episodes {
		for _, s := range e.Steps {
			actions[s.Action] = true
			if s.Propensity <= 0 || s.Propensity > 1 || s.Share <= 0 {
				t.Fatalf("step %+v", s)
			}
		}
	}
	if len(actions) < policy.Actions-2 {
		t.Errorf("only %d actions were explored", len(actions))
	}
}

func TestSimulateSaysWhatItKnows(t *testing.T) {
	var out, errs bytes.Buffer
	args := []string{"simulate", "--policy", "twap", "--seeds", "5-8", "--qty", "3000", "--horizon", "2m"}
	if code := Main(args, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	if !strings.Contains(out.String(), "vs baseline on 4 paired orders of 3000 shares over 2m0s") {
		t.Errorf("claim: %s", out.String())
	}
	out.Reset()
	if code := Main(append(args, "--json"), &out, &errs); code != 0 {
		t.Fatal(errs.String())
	}
	var c comparison
	if err := json.Unmarshal(out.Bytes(), &c); err != nil || len(c.Pairs) != 4 || c.Saving.Pairs != 4 {
		t.Errorf("JSON: %v, %d pairs", err, len(c.Pairs))
	}
	for _, bad := range [][]string{
		{"simulate", "--seeds", "9-3"}, {"simulate", "--regime", "mars"}, {"simulate", "--policy", "genius"},
		{"train", "--slices", "10", "-o", "x"}, {"train"},
	} {
		if code := Main(bad, &out, &errs); code != exitUsage {
			t.Errorf("%v: exit code %d, want %d", bad, code, exitUsage)
		}
	}
}

func TestLedgerCountsLooks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.json")
	for want := 1; want <= 6; want++ {
		if n, err := look(path, "t"); err != nil || n != want {
			t.Fatalf("look %d counted as %d: %v", want, n, err)
		}
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := look(path, "t"); err == nil {
		t.Error("a broken ledger was overwritten")
	}
}
