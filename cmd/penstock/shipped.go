package main

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"penstock/policy"
	"penstock/policy/learn"
)

// shipped holds what the last run of `make scenario` decided: verdict.json, and table.penstock
// if a learnt table won.
//
//go:embed shipped
var shipped embed.FS

// verdict says what ships, and why: it follows from the gate's report and the final test, and is
// worth something only for the BASELINE that was the opponent.
type verdict struct {
	Ships    string               `json:"ships"` // BASELINE or table.penstock
	Why      string               `json:"why"`
	Baseline string               `json:"baseline"` // trial.Fingerprint of the opponent
	Table    string               `json:"table"`    // UUID of what was judged
	Gate     *learn.Report        `json:"gate"`
	Final    []learn.RegimeSaving `json:"final"` // on seeds that nobody had looked at
}

// What ships.
const (
	shipsBaseline = "BASELINE"
	shipsTable    = "table.penstock"
)

// judge decides by the gate's report and the final test.
func (v *verdict) judge() {
	v.Ships = shipsBaseline
	for _, c := range v.Gate.Checks {
		if !c.Pass {
			v.Why = fmt.Sprintf("the gate refused the table: %s, %s: %.2f, limit %.2f", c.ID, c.What, c.Value, c.Limit)
			return
		}
	}
	if !v.Gate.Pass || len(v.Final) == 0 {
		v.Why = "the gate's report or the final test is missing"
		return
	}
	for i := range v.Final {
		f := &v.Final[i]
		least, word := 0.0, "not above zero"
		if !f.Nominal {
			least, word = -0.5, "below the -0.5 that a stressed regime may lose"
		}
		if !(f.Lower > least) {
			v.Why = fmt.Sprintf("on the final seeds (regime %s) the table's saving of %.2f bps has a lower 95 %% bound of %.2f, which is %s",
				f.Regime, f.Saved, f.Lower, word)
			return
		}
	}
	v.Ships, v.Why = shipsTable, "it passed the gate and the final test"
}

// String is what a page says about it.
func (v *verdict) String() string {
	if v.Ships == shipsBaseline {
		return shipsBaseline + ": " + v.Why
	}
	return v.Table + ": " + v.Why
}

// shippedVerdict reads what the program carries; table is nil when BASELINE ships. A verdict
// that does not follow from its report, or a table that is not the one it names, is an error.
func shippedVerdict(dir fs.FS, now int64) (v *verdict, table []byte, err error) {
	data, err := fs.ReadFile(dir, "shipped/verdict.json")
	if err != nil {
		return nil, nil, err
	}
	v = &verdict{}
	if err := json.Unmarshal(data, v); err != nil {
		return nil, nil, fmt.Errorf("shipped/verdict.json: %w", err)
	}
	if v.Gate == nil {
		return nil, nil, errors.New("shipped/verdict.json: no report of the gate")
	}
	follows := *v
	if follows.judge(); follows.Ships != v.Ships || follows.Why != v.Why {
		return nil, nil, fmt.Errorf("shipped/verdict.json says %q, its report says %q", v, &follows)
	}
	table, err = fs.ReadFile(dir, "shipped/"+shipsTable)
	switch {
	case v.Ships == shipsBaseline && err == nil:
		return nil, nil, errors.New("BASELINE ships, and so does a table")
	case v.Ships == shipsBaseline:
		return v, nil, nil
	case err != nil:
		return nil, nil, err
	}
	t, err := policy.Decode(table, now, policy.LoadOptions{AllowUnsigned: true})
	if err != nil {
		return nil, nil, fmt.Errorf("shipped/%s: %w", shipsTable, err)
	}
	if r := gateOf(t); t.UUIDText() != v.Table || r == nil || r.Baseline != v.Baseline {
		return nil, nil, fmt.Errorf("shipped/%s is %s, not the table that the verdict is about", shipsTable, t.UUIDText())
	}
	return v, table, nil
}

// checkOpponent is an error when BASELINE has changed since the verdict.
func (v *verdict) checkOpponent(now string) error {
	if v.Baseline == now {
		return nil
	}
	return fmt.Errorf("%s was decided against BASELINE %s; BASELINE is now %s, so nothing is proved: run make scenario and copy "+
		"verdict.json (and small.penstock as %s if it ships) to cmd/penstock/shipped", strings.TrimSuffix(v.Ships, ".penstock"), v.Baseline, now, shipsTable)
}
