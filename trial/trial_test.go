package trial

import (
	"math"
	"reflect"
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim"
)

var (
	baseline = &Policy{Name: "baseline"}
	shortage = &Policy{Name: "is", Strategy: event.StrategyIS}
)

func mustRun(t *testing.T, s Setup, p *Policy) *Result {
	t.Helper()
	r, err := Run(s, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func testSetup(seed uint64) Setup {
	return Draw(seed, sim.NominalRegime(), 10_000, 300, 60)
}

func TestTrialsRepeat(t *testing.T) {
	a, b := mustRun(t, testSetup(3), baseline), mustRun(t, testSetup(3), baseline)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("the same seed gave %+v and %+v", a, b)
	}
}

// TestCostAddsUp prices the fills again, as average price against arrival.
func TestCostAddsUp(t *testing.T) {
	for seed := uint64(1); seed < 5; seed++ {
		s := testSetup(seed)
		r := mustRun(t, s, baseline)
		paid, qty, fees := 0.0, 0.0, 0.0
		for _, f := range r.Fills {
			paid += float64(f.Price) * float64(f.Qty)
			qty += float64(f.Qty)
			fees += float64(f.Fee)
		}
		arrival := float64(r.Path.At(&s, s.Arrival())) / 2
		want := (float64(s.Side.Sign())*(paid-qty*arrival) + fees) * 1e4 / (float64(s.Qty) * arrival)
		if r.Filled != 1 || math.Abs(want-r.Cost) > 1e-9 {
			t.Errorf("seed %d: cost %.12f, from the fills %.12f, filled %.3f", seed, r.Cost, want, r.Filled)
		}
		slices := 0.0
		for _, c := range r.Slices {
			slices += c
		}
		if math.Abs(slices+r.Remainder-r.Cost) > 1e-9 {
			t.Errorf("seed %d: slices add up to %.12f of %.12f", seed, slices, r.Cost)
		}
	}
}

// TestMarketIsTheSameUntilWeTrade compares the mids with and without the router.
func TestMarketIsTheSameUntilWeTrade(t *testing.T) {
	s := testSetup(6)
	alone, err := Alone(s)
	if err != nil {
		t.Fatal(err)
	}
	r := mustRun(t, s, baseline)
	if len(alone) != len(r.Path) {
		t.Fatalf("%d seconds alone, %d with the router", len(alone), len(r.Path))
	}
	differ := 0
	for i := range alone {
		if alone[i] != r.Path[i] {
			if differ++; i <= warmSeconds {
				t.Fatalf("second %d, before the parent: mid %d alone, %d with the router", i, alone[i], r.Path[i])
			}
		}
	}
	if differ == 0 {
		t.Error("trading changed nothing")
	}
	if r.Compare(&s, alone); r.Impact <= 0 {
		t.Errorf("impact %.2f bps: trading should move the price against itself", r.Impact)
	}
}

// TestPairingNarrows compares the spread of differences with that of costs.
func TestPairingNarrows(t *testing.T) {
	var diffs, costs []float64
	for seed := uint64(1); seed <= 12; seed++ {
		a, b := mustRun(t, testSetup(seed), baseline), mustRun(t, testSetup(seed), shortage)
		diffs, costs = append(diffs, a.Cost-b.Cost), append(costs, a.Cost)
	}
	if d, c := deviation(diffs), deviation(costs); d > c/2 {
		t.Errorf("differences deviate by %.2f, costs by %.2f", d, c)
	}
}

func deviation(x []float64) float64 {
	var sum, squares float64
	for _, v := range x {
		sum += v
		squares += v * v
	}
	n := float64(len(x))
	return math.Sqrt(squares/n - sum/n*sum/n)
}

func TestEveryRegimeEndsInAgreement(t *testing.T) {
	for _, r := range sim.Regimes() {
		s := Draw(8, r, 6_000, 120, 60)
		mustRun(t, s, baseline) // Run compares the router's account with the venues'
	}
}

func TestSetupsThatCannotBeTried(t *testing.T) {
	for name, edit := range map[string]func(*Setup){
		"odd lot":       func(s *Setup) { s.Qty = 150 },
		"no time":       func(s *Setup) { s.Horizon = 0 },
		"after close":   func(s *Setup) { s.From = DaySeconds },
		"slice too big": func(s *Setup) { s.Slice = s.Horizon + 1 },
	} {
		s := testSetup(1)
		edit(&s)
		if _, err := Run(s, baseline, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if s := Draw(4, sim.NominalRegime(), 100, 60, 60); s.Side != market.Sell {
		t.Error("sides do not alternate with the seed")
	}
}

// BenchmarkSlice is a minute of a parent in the simulated stock, router included.
func BenchmarkSlice(b *testing.B) {
	b.ReportAllocs()
	const slices = 30
	seed, n := uint64(1), 0
	for b.Loop() {
		if n++; n%slices != 1 {
			continue
		}
		seed++
		if _, err := Run(Draw(seed, sim.NominalRegime(), 60_000, 60*slices, 60), baseline, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// TestFingerprintNamesWhatBaselineDoes: the same twice, and each parent trades.
func TestFingerprintNamesWhatBaselineDoes(t *testing.T) {
	a, err := Fingerprint()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := Fingerprint(); err != nil || a != b || len(a) != 32 {
		t.Errorf("%q, again %q, %v", a, b, err)
	}
}
