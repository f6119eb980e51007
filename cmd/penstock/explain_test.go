package main

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
)

// explainAgain checks that every decision of the journal below dir is explained, and that
// the terms of each venue sum to its net cost.
func explainAgain(t *testing.T, dir string) {
	t.Helper()
	code, out, errs := penstock(t, "explain", "--json", dir)
	if code != 0 {
		t.Fatalf("explain: exit code %d\n%s", code, errs)
	}
	number := func(text string) float64 {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		return f
	}
	decisions, terms, placed := 0, 0, 0
	order := ""
	for line := range strings.Lines(out) {
		var e explained
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		decisions++
		order = e.Order
		if len(e.Features) != 8 && len(e.Reasons) == 0 {
			t.Errorf("decision after #%d: %d features and no reason", e.Event, len(e.Features))
		}
		for _, v := range e.Venues {
			if v.Qty != "0" {
				placed++
			}
			if v.Net == "" {
				continue
			}
			terms++
			p := number(v.Chance)
			want := p*(number(v.Price)+number(v.Fee)+number(v.Markout)) + (1-p)*(number(v.Moved)+number(v.Fallback)) + number(v.Leakage)
			size := math.Abs(number(v.Price)) + math.Abs(number(v.Fallback)) + math.Abs(number(v.Moved)) + math.Abs(number(v.Fee))
			if math.Abs(want-number(v.Net)) > .002*size+1e-6 {
				t.Errorf("decision after #%d, %s %s: terms sum to %g, net is %s", e.Event, v.Venue, v.Way, want, v.Net)
			}
		}
	}
	if decisions == 0 || terms == 0 || placed == 0 {
		t.Errorf("%d decisions, %d terms, %d placed", decisions, terms, placed)
	}
	code, out, _ = penstock(t, "explain", "--limit", "2", dir, order)
	if code != 0 || strings.Count(out, "action ") != 2 || !strings.Contains(out, "fallback") {
		t.Errorf("explain of order %s: exit code %d\n%s", order, code, out)
	}
	if code, _, errs = penstock(t, "explain", dir, "NOBODY"); code != exitFailed || !strings.Contains(errs, "about order NOBODY") {
		t.Errorf("explain of an unknown order: exit code %d, %s", code, errs)
	}
}

func TestExplainNeedsAJournal(t *testing.T) {
	for _, args := range [][]string{{"explain"}, {"explain", "a", "b", "c"}, {"explain", "--limit", "-1", "a"}, {"explain", "nowhere"}} {
		if code, _, errs := penstock(t, args...); code != exitUsage || errs == "" {
			t.Errorf("%v: exit code %d, %s", args, code, errs)
		}
	}
}
