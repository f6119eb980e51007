package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"penstock/market"
	"penstock/policy"
)

// fitAgain checks that a parameter set comes out of the journal below dir, which can be read
// again, and that the scorecards are printed.
func fitAgain(t *testing.T, dir string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "params.json")
	if code, _, errs := penstock(t, "params", "fit", "--id", "7", "--out", file, dir); code != 0 {
		t.Fatalf("params fit: exit code %d\n%s", code, errs)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), `"AddMarkout"`) || !strings.Contains(string(data), `"ID": 7`) {
		t.Errorf("params fit wrote %.200s", data)
	}
	if !strings.Contains(string(data), `"Provenance"`) || !strings.Contains(string(data), `"Windows"`) {
		t.Errorf("params fit does not say what it was made of: %.300s", data)
	}
	code, out, errs := penstock(t, "params", "show", dir)
	if code != 0 || !strings.Contains(out, "markouts") || !strings.Contains(out, "one way") || !strings.Contains(out, "windows of") {
		t.Errorf("params show: exit code %d\n%s\n%s", code, out, errs)
	}
}

func TestParamsFileRoundTrip(t *testing.T) {
	venues := []market.Venue{{Name: "LITA"}, {Name: "DRKA"}}
	want := *policy.PriorParams()
	want.ID, want.NoFill, want.Venues[1].Tail[3][0] = 9, 801, 40_000
	data, err := formatParams(&want, venues, &provenance{Journal: "j", Events: 3})
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseParams(data, venues)
	if err != nil || *got != want {
		t.Errorf("read %+v, %v", got, err)
	}
	for name, bad := range map[string]string{
		"unknown key":   strings.Replace(string(data), `"NoFill"`, `"NoFil"`, 1),
		"unknown venue": strings.Replace(string(data), `"DRKA"`, `"DRKB"`, 1),
		"number 0":      strings.Replace(string(data), `"ID": 9`, `"ID": 0`, 1),
		"cut":           string(data[:len(data)/2]),
		"rising tail":   strings.Replace(string(data), "40000", "1", 1),
	} {
		if _, err := parseParams([]byte(bad), venues); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for _, args := range [][]string{{"params"}, {"params", "guess"}, {"params", "fit"}, {"params", "show", "nowhere"}} {
		if code, _, errs := penstock(t, args...); code != exitUsage || errs == "" {
			t.Errorf("%v: exit code %d, %s", args, code, errs)
		}
	}
}
