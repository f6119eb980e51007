package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"penstock/policy"
)

func baselineFile(t *testing.T, dir string) string {
	t.Helper()
	data, err := baselineTable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "rules.penstock")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTablesGoOutAndComeBack exports as JSON and CSV and reads both.
func TestTablesGoOutAndComeBack(t *testing.T) {
	dir := t.TempDir()
	path := baselineFile(t, dir)
	table, _, err := loadTable(path, "")
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	for _, kind := range []string{"json", "csv"} {
		text := filepath.Join(dir, "rules."+kind)
		args := []string{"policy", "export", "-o", text}
		if kind == "csv" {
			args = append(args, "--csv")
		}
		if code := Main(append(args, path), &out, &errs); code != 0 {
			t.Fatal(errs.String())
		}
		_, pages, err := importCells(text)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(pages[0], table.Choices(0)) {
			t.Errorf("%s: cells changed on the way", kind)
		}
	}
	if code := Main([]string{"policy", "diff", path, path}, &out, &errs); code != 0 {
		t.Errorf("a table differs from itself: %s", errs.String())
	}
	other := filepath.Join(dir, "other.penstock")
	cells := table.Choices(0)
	cells[7].Action = policy.ActionTakeAll
	changed, err := policy.Build(policy.TrainOptions{Meta: table.Meta(), BuildOptions: policy.BuildOptions{NotAfter: 1 << 62}}, cells)
	if err != nil {
		t.Fatal(err)
	}
	data, err := policy.Encode(changed, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if code := Main([]string{"policy", "diff", path, other}, &out, &errs); code != exitFailed || !strings.Contains(out.String(), "1 of 36450 cells differ") {
		t.Errorf("diff: exit code %d: %s", code, out.String())
	}
}

// TestWholeTablesGoOutAndComeBack: edges, price signal and pages cross as JSON, too.
func TestWholeTablesGoOutAndComeBack(t *testing.T) {
	dir := t.TempDir()
	rules, _, err := loadTable(baselineFile(t, dir), "")
	if err != nil {
		t.Fatal(err)
	}
	schema := policy.DefaultSchema()
	f := &schema[policy.FeatureSignal]
	f.Edges[0], f.Edges[3] = f.EdgeAt(-400), f.EdgeAt(400)
	signal := &policy.Signal{Unit: 3}
	for i := range signal.Edges {
		for k := range signal.Edges[i] {
			signal.Edges[i][k] = uint8(16 * (k + 1))
		}
	}
	for cell := range signal.Values {
		signal.Values[cell] = int8(cell/64 - 32)
	}
	section, err := signal.Section()
	if err != nil {
		t.Fatal(err)
	}
	paging := policy.Paging{By: policy.RegimeSpread, DwellNanos: 30e9, Edges: [policy.MaxPages - 1]int64{3}}
	cells := rules.Choices(0)
	whole, err := policy.Build(policy.TrainOptions{Meta: rules.Meta(), Schema: &schema, BuildOptions: policy.BuildOptions{NotAfter: 1 << 62},
		Extra: []policy.Section{section, paging.Section()}}, cells, cells)
	if err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "whole.json")
	var out bytes.Buffer
	if err := exportTable(whole, false, &out); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(text, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	x, pages, err := importCells(text)
	if err != nil {
		t.Fatal(err)
	}
	options, err := x.options()
	if err != nil {
		t.Fatal(err)
	}
	options.NotAfter = 1 << 62
	back, err := policy.Build(options, pages...)
	if err != nil || back.UUIDText() != whole.UUIDText() {
		t.Errorf("%v; the table that came back is another one", err)
	}
	x.Paging.By = "weather"
	if _, err := x.options(); err == nil {
		t.Error("pages by the weather")
	}
	x.Edges = x.Edges[1:]
	if _, err := x.options(); err == nil {
		t.Error("edges of seven features")
	}
}

func TestBadImportsSayWhere(t *testing.T) {
	dir := t.TempDir()
	table, _, err := loadTable(baselineFile(t, dir), "")
	if err != nil {
		t.Fatal(err)
	}
	var good bytes.Buffer
	if err := exportTable(table, true, &good); err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	if err := exportTable(table, false, &whole); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(good.String(), "\n")
	for name, c := range map[string]struct{ text, want string }{
		"no header":      {strings.Join(lines[1:], ""), "line 1"},
		"not a number":   {lines[0] + strings.Replace(lines[1], "0,0,", "0,x,", 1), "line 2"},
		"cells missing":  {lines[0] + lines[1], "1 cells"},
		"twice":          {lines[0] + lines[1] + strings.Join(lines[1:len(lines)-2], ""), "there twice"},
		"unknown action": {strings.Replace(good.String(), "TAKE_ALL", "TAKE_SOME", 1), "TAKE_SOME"},
		"other bins":     {lines[0] + lines[1] + strings.Replace(strings.Join(lines[2:], ""), ",1\n", ",2\n", 1), "line 3: page 0 cell 1: "},
		"no feature":     {strings.Replace(good.String(), "\n", "x\n", 1), "is no feature"},
		"no confidence":  {strings.Replace(whole.String(), `,"confidence":0`, "", 1), "cell 0: confidence is missing"},
		"bad JSON":       {`{"meta":{},"pages":[[`, "at byte"},
		"unknown field":  {`{"pagez":[]}`, "pagez"},
	} {
		path := filepath.Join(dir, "bad")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := importCells(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

// TestImportsPassTheGate brings in a table that holds back until the last decision: the
// gate must refuse it, and so must every loader.
func TestImportsPassTheGate(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		return // as TestScenarioShowsEverything
	}
	dir := t.TempDir()
	table, err := sameEverywhere(policy.ActionHold)
	if err != nil {
		t.Fatal(err)
	}
	var text, out, errs bytes.Buffer
	if err := exportTable(table, false, &text); err != nil {
		t.Fatal(err)
	}
	from, to := filepath.Join(dir, "hold.json"), filepath.Join(dir, "hold.penstock")
	if err := os.WriteFile(from, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"policy", "import", "-o", to, "--slices", "600", "--pairs", "8", "--stress", "1", from}
	if code := Main(args, &out, &errs); code != exitFailed || !strings.Contains(out.String(), "gate: FAIL") {
		t.Errorf("exit code %d: %s%s", code, out.String(), errs.String())
	}
	if code := Main([]string{"policy", "verify", to}, &out, &errs); code != exitFailed {
		t.Errorf("a refused table was verified: exit code %d", code)
	}
}
