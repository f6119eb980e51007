package model

import (
	"math"
	"testing"
)

// The example of the paper, §3.4: 10^6 shares of a 50 $ stock over five days.
func paperLiquidation(aversion float64) *Liquidation {
	return &Liquidation{Shares: 1e6, Horizon: 5, Periods: 5, Volatility: 0.95, HalfSpread: 0.0625,
		Permanent: 2.5e-7, Temporary: 2.5e-6, Aversion: aversion}
}

func TestTrajectoriesOfThePaper(t *testing.T) {
	for _, row := range []struct {
		aversion, kappa, cost, deviation float64
		holdings                         [4]float64
	}{
		{0, 0, 662_500, 1_040_673, [4]float64{800000, 600000, 400000, 200000}},
		{1e-7, .1946, 670_057, 961_623, [4]float64{757882, 544564, 351940, 172689}},
		{1e-6, .6071, 911_227, 603_431, [4]float64{541956, 289854, 147897, 62142}},
		{2e-6, .8463, 1_140_715, 449_368, [4]float64{428599, 182933, 76296, 27643}},
		{1e-5, 1.7267, 1_845_211, 171_712, [4]float64{177868, 31636, 5622, 969}},
	} {
		got, err := paperLiquidation(row.aversion).Solve()
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got.Kappa-row.kappa) > 5e-5 {
			t.Errorf("λ=%g: κ is %.5f, want %.4f", row.aversion, got.Kappa, row.kappa)
		}
		if math.Round(got.Cost) != row.cost || math.Round(got.Deviation()) != row.deviation {
			t.Errorf("λ=%g: cost %.1f, deviation %.1f; want %.0f and %.0f", row.aversion, got.Cost, got.Deviation(),
				row.cost, row.deviation)
		}
		for j, want := range row.holdings {
			if math.Round(got.Holdings[j+1]) != want {
				t.Errorf("λ=%g: holding %d is %.1f, want %.0f", row.aversion, j+1, got.Holdings[j+1], want)
			}
		}
		if got.Holdings[0] != 1e6 || got.Holdings[5] != 0 {
			t.Errorf("λ=%g: from %v to %v", row.aversion, got.Holdings[0], got.Holdings[5])
		}
	}
}

// Nothing near the solution is better: moving shares between any two periods costs.
func TestTrajectoryIsOptimal(t *testing.T) {
	for _, aversion := range []float64{0, 1e-7, 1e-6, 1e-5} {
		l := paperLiquidation(aversion)
		best, err := l.Solve()
		if err != nil {
			t.Fatal(err)
		}
		objective := best.Cost + aversion*best.Variance
		for j := 1; j < l.Periods; j++ {
			for _, d := range []float64{-100, 100} {
				other := append([]float64(nil), best.Holdings...)
				other[j] += d
				cost, variance := l.Evaluate(other)
				if cost+aversion*variance < objective-1e-6 {
					t.Errorf("λ=%g: moving %g at period %d is better by %g", aversion, d, j, objective-cost-aversion*variance)
				}
			}
		}
	}
}

func TestLiquidationWithoutSolution(t *testing.T) {
	for _, change := range []func(*Liquidation){
		func(l *Liquidation) { l.Periods = 0 }, func(l *Liquidation) { l.Horizon = 0 },
		func(l *Liquidation) { l.Shares = -1 }, func(l *Liquidation) { l.Aversion = -1 },
		func(l *Liquidation) { l.Permanent = 1 },
	} {
		l := paperLiquidation(1e-6)
		change(l)
		if _, err := l.Solve(); err == nil {
			t.Errorf("%+v has a solution", l)
		}
	}
	l := paperLiquidation(1e3) // κT far beyond what sinh can hold
	if got, err := l.Solve(); err != nil || math.IsNaN(got.Holdings[1]) || got.Holdings[1] > 1 {
		t.Errorf("a boundless aversion: %v, %v", got, err)
	}
}
