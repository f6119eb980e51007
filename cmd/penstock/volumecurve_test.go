package main

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"penstock/market"
)

const goodCurve = "# source: ten days\n# zone: America/New_York\nstart,volume\n09:30,500\n12:45,100\n16:00,400\n"

func TestVolumeCurveFile(t *testing.T) {
	f, err := parseCurve([]byte(goodCurve))
	if err != nil {
		t.Fatal(err)
	}
	for date, open := range map[string]time.Duration{
		"2026-01-15": 14*time.Hour + 30*time.Minute, // winter
		"2026-07-15": 13*time.Hour + 30*time.Minute, // summer
	} {
		at, _ := time.Parse(time.DateOnly, date)
		v, err := f.curve(at.Add(12 * time.Hour).UnixNano())
		if err != nil {
			t.Fatal(err)
		}
		if v.Open != int64(open) || v.Step != int64(195*time.Minute) || !slices.Equal(v.Total, []market.Qty{500, 600, 1000}) {
			t.Errorf("%s: %+v", date, v)
		}
	}
}

func TestBadVolumeCurves(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"# source: ten days\n", "", "# source"},
		{"America/New_York", "Mars/Olympus", "line 2: zone"},
		{"America/New_York", "Local", "line 2: zone"},
		{"start,volume", "start;volume", "line 3"},
		{"09:30,500", "9.30,500", "line 4: start"},
		{"09:30,500", "09:30", "line 4: want"},
		{"09:30,500", "09:30,-5", "line 4: volume"},
		{"09:30,500", "09:30,5.5", "line 4: volume"},
		{"09:30,500", "09:30,999999999999999999999", "line 4: volume"},
		{"12:45", "09:30", "line 5: start 09:30"},
		{"16:00", "16:30", "line 6: start 16:30: bins must"},
		{"12:45,100\n16:00,400\n", "", "two bins"},
	} {
		_, err := parseCurve([]byte(strings.Replace(goodCurve, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: %v, want %q", c.to, c.from, err, c.want)
		}
	}
	f, err := parseCurve([]byte("# source: x\nstart,volume\n00:00,0\n12:00,0\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.curve(0); err == nil {
		t.Error("a day without volume is accepted")
	}
}

// TestVWAPRunsAgain trades a VWAP order on sockets and runs its journal again: the curve is
// in it.
func TestVWAPRunsAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "j")
	var out, errs bytes.Buffer
	if code := Main([]string{"demo", "--strategy", "vwap", "--horizon", "3s", "--qty", "3000", "--journal", dir}, &out, &errs); code != 0 {
		t.Fatalf("exit %d\n%s%s", code, &out, &errs)
	}
	if !strings.Contains(out.String(), "VWAP: Filled") {
		t.Errorf("%s", &out)
	}
	out.Reset()
	if code := Main([]string{"dump", "--verify", dir}, &out, &errs); code != 0 {
		t.Fatalf("exit %d\n%s%s", code, &out, &errs)
	}
}
