package router

import (
	"math"
	"testing"
)

// done64 is the formula in floating point.
func done64(kappa, t float64) float64 {
	if kappa == 0 {
		return t
	}
	return 1 - math.Sinh(kappa*(1-t))/math.Sinh(kappa)
}

func TestTrajectoryIsTheFormula(t *testing.T) {
	const horizon = 14_400_000_000_000
	for k := kappa(0); k <= 20*kappaUnit; k += 37 {
		last := fraction(0)
		for i := int64(0); i <= 97; i++ {
			now := horizon / 97 * i
			got := k.done(now, horizon)
			want := done64(float64(k)/kappaUnit, float64(now)/horizon)
			if math.Abs(float64(got)/float64(one)-want) > 1e-11 {
				t.Fatalf("κT %v, %d of 97: %v, want %v", float64(k)/kappaUnit, i, float64(got)/float64(one), want)
			}
			if got < last || got > one {
				t.Fatalf("κT %v: %d after %d: what is done only grows", float64(k)/kappaUnit, got, last)
			}
			last = got
		}
		if k.done(horizon, horizon) != one || k.done(horizon+1, horizon) != one {
			t.Fatalf("κT %v does not end", float64(k)/kappaUnit)
		}
	}
}

// FuzzTrajectory compares any point of any trajectory with floating point.
func FuzzTrajectory(f *testing.F) {
	f.Add(uint32(2048), int64(1), int64(2))
	f.Add(uint32(1), int64(3), int64(1<<50))
	f.Fuzz(func(t *testing.T, k uint32, now, horizon int64) {
		k %= 64 * kappaUnit
		horizon = max(horizon&(1<<56-1), 1)
		now = now & (1<<56 - 1) % (horizon + 1)
		got := float64(kappa(k).done(now, horizon)) / float64(one)
		want := done64(float64(k)/kappaUnit, float64(now)/float64(horizon))
		if math.Abs(got-want) > 1e-10 {
			t.Errorf("κT %v at %d of %d: %v, want %v", float64(k)/kappaUnit, now, horizon, got, want)
		}
	})
}

// TestTrajectoryOfThePaper holds the example of Almgren and Chriss (2000) with five
// periods: 10^6 shares, κT = 5κ for the risk aversions of their figures, against the
// holdings computed from the closed form.
func TestTrajectoryOfThePaper(t *testing.T) {
	const shares = 1_000_000
	for _, c := range []struct {
		kappa float64
		held  [4]int64
	}{
		{0, [4]int64{800000, 600000, 400000, 200000}},
		{.194634, [4]int64{757882, 544564, 351940, 172689}},
		{.607114, [4]int64{541956, 289854, 147897, 62142}},
		{.846296, [4]int64{428599, 182933, 76296, 27643}},
		{1.726689, [4]int64{177868, 31636, 5622, 969}},
	} {
		k := kappa(math.Round(c.kappa * 5 * kappaUnit))
		for j, want := range c.held {
			held := shares - k.done(int64(j+1), 5).of(shares)
			// κT is kept to 1/1024: a few hundred shares of a million.
			if math.Abs(float64(held-want)) > 300 {
				t.Errorf("κ %v: %d shares held after %d periods, want %d", c.kappa, held, j+1, want)
			}
		}
	}
}
