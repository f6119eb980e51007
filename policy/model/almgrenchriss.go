package model

import (
	"errors"
	"math"
)

// ErrProblem says that a problem has no solution as it is stated.
var ErrProblem = errors.New("model: the problem has no solution")

// Liquidation is a parent order as Almgren and Chriss state it ("Optimal execution of
// portfolio transactions", J. Risk 3, 2000). Money is in the currency of the price, time
// in days, or in whatever unit Volatility is per square root of.
type Liquidation struct {
	Shares     float64
	Horizon    float64
	Periods    int     // of equal length
	Volatility float64 // price units per square root of time
	HalfSpread float64 // ε: paid for every share
	Permanent  float64 // γ: price moves by γ per share, for good
	Temporary  float64 // η: the price is η × shares/time worse while trading
	Aversion   float64 // λ: price of a unit of variance; 0 is neutral to risk
}

// Trajectory is how a Liquidation is best carried out.
type Trajectory struct {
	Kappa    float64   // its decay; 0 is a straight line
	Holdings []float64 // at the end of period 0, 1 … Periods: from Shares to 0
	Cost     float64   // expected, against the price at the start
	Variance float64
}

// Deviation returns the standard deviation of the cost.
func (t *Trajectory) Deviation() float64 { return math.Sqrt(t.Variance) }

// Solve returns the trajectory that minimises Cost + Aversion × Variance.
func (l *Liquidation) Solve() (*Trajectory, error) {
	if l.Periods <= 0 || l.Horizon <= 0 || l.Shares <= 0 || l.Aversion < 0 || l.Volatility < 0 {
		return nil, ErrProblem
	}
	tau := l.Horizon / float64(l.Periods)
	eta := l.Temporary - l.Permanent*tau/2
	if eta <= 0 {
		return nil, ErrProblem
	}
	t := &Trajectory{Holdings: make([]float64, l.Periods+1)}
	if x := l.Aversion * l.Volatility * l.Volatility * tau * tau / (2 * eta); x > 0 {
		t.Kappa = math.Acosh(1+x) / tau
	}
	for j := range t.Holdings {
		left := l.Horizon - float64(j)*tau
		switch {
		case j == l.Periods:
		case t.Kappa == 0:
			t.Holdings[j] = l.Shares * left / l.Horizon
		default:
			// sinh(κ·left)/sinh(κT), so written that neither overflows.
			t.Holdings[j] = l.Shares * math.Exp(t.Kappa*(left-l.Horizon)) *
				math.Expm1(-2*t.Kappa*left) / math.Expm1(-2*t.Kappa*l.Horizon)
		}
	}
	t.Cost, t.Variance = l.Evaluate(t.Holdings)
	return t, nil
}

// Evaluate returns the expected cost and the variance of any trajectory: holdings at
// the end of each period, from Shares to 0.
func (l *Liquidation) Evaluate(holdings []float64) (cost, variance float64) {
	tau := l.Horizon / float64(l.Periods)
	eta := l.Temporary - l.Permanent*tau/2
	cost = l.Permanent * l.Shares * l.Shares / 2
	for k := 1; k < len(holdings); k++ {
		n := holdings[k-1] - holdings[k]
		cost += l.HalfSpread*math.Abs(n) + eta*n*n/tau
		variance += l.Volatility * l.Volatility * tau * holdings[k] * holdings[k]
	}
	return cost, variance
}
