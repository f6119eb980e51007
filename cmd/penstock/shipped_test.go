package main

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"penstock/policy"
	"penstock/policy/learn"
	"penstock/trial"
)

// TestWhatShipsWasDecidedAgainstThisBaseline: a table that beat another BASELINE than the one in
// this program has proved nothing, and neither has the choice of BASELINE.
func TestWhatShipsWasDecidedAgainstThisBaseline(t *testing.T) {
	v, table, err := shippedVerdict(shipped, time.Now().UnixNano())
	if err != nil {
		t.Fatal(err)
	}
	if (table != nil) != (v.Ships == shipsTable) {
		t.Errorf("%s ships with a table of %d bytes", v.Ships, len(table))
	}
	now, err := trial.Fingerprint()
	if err != nil {
		t.Fatal(err)
	}
	if err := v.checkOpponent(now); err != nil {
		t.Error(err)
	}
}

// won is a verdict in favour of a table, and the table.
func won(t *testing.T) (verdict, []byte) {
	t.Helper()
	report := &learn.Report{Pass: true, Label: "SIM_ONLY", Baseline: "b1", Checks: []learn.Check{{ID: "G1", Pass: true}}}
	data, err := report.JSON()
	if err != nil {
		t.Fatal(err)
	}
	table, err := oneAction(policy.ActionDarkSDP, 1, policy.TrainOptions{
		BuildOptions: policy.BuildOptions{NotAfter: 100}, Meta: policy.Meta{Trainer: "test", Version: "1"},
		Extra: []policy.Section{{Tag: "GATE", Data: data}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file, err := policy.Encode(table, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := verdict{Baseline: "b1", Table: table.UUIDText(), Gate: report,
		Final: []learn.RegimeSaving{{Regime: "nominal", Nominal: true, Lower: .1}, {Regime: "thin", Lower: -.4}}}
	v.judge()
	return v, file
}

func shippedDir(t *testing.T, v *verdict, table []byte) fs.FS {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	dir := fstest.MapFS{"shipped/verdict.json": {Data: data}}
	if table != nil {
		dir["shipped/"+shipsTable] = &fstest.MapFile{Data: table}
	}
	return dir
}

// TestVerdictFollowsFromItsReport: nobody ships a table by editing a word, and every way to lose
// is found.
func TestVerdictFollowsFromItsReport(t *testing.T) {
	good, file := won(t)
	v, table, err := shippedVerdict(shippedDir(t, &good, file), 50)
	if err != nil || v.Ships != shipsTable || table == nil {
		t.Fatalf("a table that won does not ship: %v, %v", v, err)
	}
	if err := v.checkOpponent("b2"); err == nil || !strings.Contains(err.Error(), "make scenario") {
		t.Errorf("another BASELINE: %v", err)
	}
	for name, edit := range map[string]func(*verdict){
		"a check fails":        func(v *verdict) { v.Gate.Checks[0].Pass = false },
		"the gate refused":     func(v *verdict) { v.Gate.Pass = false },
		"nominal saves nought": func(v *verdict) { v.Final[0].Lower = 0 },
		"a stressed loss":      func(v *verdict) { v.Final[1].Lower = -.6 },
		"no final test":        func(v *verdict) { v.Final = nil },
	} {
		v, file := won(t)
		edit(&v)
		if _, _, err := shippedVerdict(shippedDir(t, &v, file), 50); err == nil {
			t.Errorf("%s: the table ships by its word", name)
		}
		if v.judge(); v.Ships != shipsBaseline || v.Why == "" {
			t.Errorf("%s: ships %s, %q", name, v.Ships, v.Why)
		}
		if _, _, err := shippedVerdict(shippedDir(t, &v, file), 50); err == nil {
			t.Errorf("%s: BASELINE ships, and so does a table", name)
		}
		if _, table, err := shippedVerdict(shippedDir(t, &v, nil), 50); err != nil || table != nil {
			t.Errorf("%s: BASELINE does not ship: %v", name, err)
		}
	}
	other := good
	other.Table = "another"
	for name, dir := range map[string]fs.FS{
		"another table":    shippedDir(t, &other, file),
		"no table":         shippedDir(t, &good, nil),
		"a damaged table":  shippedDir(t, &good, file[:len(file)-1]),
		"an empty verdict": shippedDir(t, &verdict{}, nil),
		"no verdict":       fstest.MapFS{},
	} {
		if _, _, err := shippedVerdict(dir, 50); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
