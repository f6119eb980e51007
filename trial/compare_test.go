package trial

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"penstock/venues/sim"
)

// TestBaselineBeatsTheSimpleRouters compares on the same seeds. PENSTOCK_SEEDS asks for
// more than the few that are enough here.
func TestBaselineBeatsTheSimpleRouters(t *testing.T) {
	seeds := 12
	if text := os.Getenv("PENSTOCK_SEEDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 2 {
			t.Fatalf("PENSTOCK_SEEDS=%q is not a number from 2", text)
		}
		seeds = n
	}
	var setups []Setup
	for seed := range seeds {
		setups = append(setups, Draw(uint64(40_000+seed), sim.NominalRegime(), 6000, 600, 60))
	}
	var training []Setup
	for seed := range uint64(12) {
		training = append(training, Draw(1+seed, sim.NominalRegime(), 6000, 600, 60))
	}
	params, err := Fit(training)
	if err != nil {
		t.Fatal(err)
	}
	if err := params.Validate(); err != nil {
		t.Fatal(err)
	}
	t.Logf("no fill %d", params.NoFill)
	for v := range 8 {
		q := &params.Venues[v]
		t.Logf("venue %d: markout %d taken %d added, refused %d, move %d, fill %d, tail %v", v, q.TakeMarkout, q.AddMarkout, q.Reject, q.RejectMove, q.Fill, q.Tail[2])
	}
	lines, err := Compare(setups, Baseline(), Opponents(), params)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := PrintComparison(&text, lines); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", text.String())
	for i := range lines {
		c := &lines[i]
		if c.Trials != seeds || c.Filled < .5 {
			t.Errorf("%s: %d trials, %.2f filled", c.Name, c.Trials, c.Filled)
		}
		if _, high := c.Interval(); i > 0 && !c.Part && high < 0 {
			t.Errorf("%s beats BASELINE by %.2f bp", c.Name, -c.Difference)
		}
	}
	again, err := Compare(setups[:2], Baseline(), Opponents()[:1], nil)
	if err != nil {
		t.Fatal(err)
	}
	if once, err := Compare(setups[:2], Baseline(), Opponents()[:1], nil); err != nil || once[1] != again[1] {
		t.Errorf("the same seeds give %+v and %+v, %v", once[1], again[1], err)
	}
}
