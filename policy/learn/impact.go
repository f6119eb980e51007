package learn

import (
	"math"

	"penstock/market"
)

// Ways of trading that leave different traces in the price.
const (
	WayDark = iota
	WaySDP
	WayPost
	WayTake
	Ways
)

// WayNames name the ways.
var WayNames = [Ways]string{"dark", "sdp", "post", "take"}

func wayOf(v *market.Venue, l market.Liquidity) int {
	switch {
	case v.Kind == market.Dark:
		return WayDark
	case v.Kind == market.SDP:
		return WaySDP
	case l == market.LiquidityAdded:
		return WayPost
	}
	return WayTake
}

// ImpactSample is the beginning of a slice: how far the fills of those before it moved the
// price (increments against the parent, mid with the router minus mid without), and how much
// of the parent they traded, by way. Samples of whole costs, which a slice's own reward holds in part
// already, cannot tell dealers from postings: a table that was fitted on them failed its final test.
type ImpactSample struct {
	Cost float64
	Ways [Ways]float64
}

// FitImpact returns, by way, what a unit traded costs each unit traded later, in
// increments: least squares without negative coefficients. It is the shadow price that
// a slice owes to the rest of its parent (Almgren and Chriss call it permanent impact).
func FitImpact(samples []ImpactSample) (gamma [Ways]float64) {
	active := [Ways]bool{}
	for i := range active {
		active[i] = true
	}
	for {
		gamma = leastSquares(samples, active)
		worst := -1
		for i, g := range gamma {
			if active[i] && g < 0 && (worst < 0 || g < gamma[worst]) {
				worst = i
			}
		}
		if worst < 0 {
			return gamma
		}
		active[worst] = false
	}
}

func leastSquares(samples []ImpactSample, active [Ways]bool) (x [Ways]float64) {
	var a [Ways][Ways + 1]float64
	for _, s := range samples {
		for i := range Ways {
			for j := range Ways {
				a[i][j] += s.Ways[i] * s.Ways[j]
			}
			a[i][Ways] += s.Ways[i] * s.Cost
		}
	}
	for i := range Ways {
		if !active[i] {
			for j := range Ways {
				a[i][j], a[j][i] = 0, 0
			}
			a[i][i], a[i][Ways] = 1, 0
		}
		a[i][i] += 1e-9 * (a[i][i] + 1)
	}
	for i := range Ways {
		for r := range Ways {
			if r == i {
				continue
			}
			f := a[r][i] / a[i][i]
			for j := i; j <= Ways; j++ {
				a[r][j] -= f * a[i][j]
			}
		}
	}
	for i := range x {
		x[i] = a[i][Ways] / a[i][i]
		if math.IsNaN(x[i]) {
			x[i] = 0
		}
	}
	return x
}

// Charge takes from each reward what the decision's fills cost the rest of the parent.
func Charge(episodes []Episode, gamma [Ways]float64) {
	each(episodes, func(s *Step) {
		for way, g := range gamma {
			s.Reward -= g * s.Outer[way]
		}
	})
}
