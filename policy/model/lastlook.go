package model

import "math"

// LastLook is how a dealer answers an order on its quote: it holds it and refuses when
// the mid has moved for the client, against the dealer, by more than a threshold. Moves
// are in any one price unit, times in seconds.
type LastLook struct {
	Threshold  float64 // θ
	Slippage   float64 // what the dealer adds to the move for its own cost of hedging
	Noise      float64 // standard deviation of what it sees and we do not
	Volatility float64 // of the mid, price units per square root of a second
	Drift      float64 // of the mid while our orders are held, price units per second
}

// spread returns mean and deviation of the move that the dealer judges after a hold.
func (l *LastLook) spread(hold float64) (mean, deviation float64) {
	return l.Drift*hold + l.Slippage, math.Sqrt(l.Volatility*l.Volatility*hold + l.Noise*l.Noise)
}

// RejectRate returns the probability that an order held for so long is refused.
func (l *LastLook) RejectRate(hold float64) float64 {
	mean, deviation := l.spread(hold)
	if deviation == 0 {
		return where(mean > l.Threshold, 1)
	}
	return 1 - Phi((l.Threshold-mean)/deviation)
}

// MoveWhenRejected returns how far the mid has moved against the client, on average,
// when it learns that it was refused.
func (l *LastLook) MoveWhenRejected(hold float64) float64 {
	mean, deviation := l.spread(hold)
	if deviation == 0 {
		return mean - l.Slippage
	}
	seen := l.Volatility * l.Volatility * hold / deviation // the part of the excess that is the mid's
	return l.Drift*hold + seen*mills((l.Threshold-mean)/deviation)
}

// Terms are what trading on a quote costs apart from the last look, against the mid.
type Terms struct {
	Quote    float64 // price of the quote against the mid, fee included
	Markout  float64 // what an accepted order loses to the mid afterwards
	Fallback float64 // of trading elsewhere after a refusal, against the mid then
	Leakage  float64 // of having shown the order
}

// Cost returns the expected net cost of an order on the quote.
func (l *LastLook) Cost(hold float64, t Terms) float64 {
	reject := l.RejectRate(hold)
	return (1-reject)*(t.Quote+t.Markout) + reject*(l.MoveWhenRejected(hold)+t.Fallback) + t.Leakage
}

// Answer is one order that a dealer has answered: how the mid moved for the client
// during the hold, and whether it was accepted.
type Answer struct {
	Move     float64
	Accepted bool
}

// FitLastLook fits Threshold and Noise by probit regression, P(reject | move) =
// Phi((move − Threshold) / Noise), by Newton's method with a slight pull towards a
// slope of nothing, so that separated samples have an answer too. It needs both
// verdicts; without them there is ErrProblem.
func FitLastLook(answers []Answer) (threshold, noise float64, err error) {
	scale, rejects := 0.0, 0
	for _, a := range answers {
		scale += a.Move * a.Move
		if !a.Accepted {
			rejects++
		}
	}
	scale = math.Sqrt(scale / float64(max(len(answers), 1)))
	if rejects == 0 || rejects == len(answers) || scale == 0 {
		return 0, 0, ErrProblem
	}
	a, b := 0.0, 1.0 // P(reject) = Phi(a + b × move/scale)
	for range 60 {
		const ridge = 1e-3
		ga, gb, haa, hab, hbb := 0.0, -ridge*b, 1e-9, 0.0, ridge
		for _, x := range answers {
			m := x.Move / scale
			z := a + b*m
			q := -1.0
			if !x.Accepted {
				q = 1
			}
			r := mills(-q * z) // φ(z)/Φ(qz), the gradient of log Φ(qz) but for q
			w := r * (r + q*z)
			ga += q * r
			gb += q * r * m
			haa += w
			hab += w * m
			hbb += w * m * m
		}
		det := haa*hbb - hab*hab
		da, db := (hbb*ga-hab*gb)/det, (haa*gb-hab*ga)/det
		a, b = a+min(max(da, -2), 2), b+min(max(db, -2), 2)
		if math.Abs(da)+math.Abs(db) < 1e-10 {
			break
		}
	}
	if b <= 1e-6 || math.IsNaN(b) {
		return 0, 0, ErrProblem // refusals do not depend on the move
	}
	return -a / b * scale, scale / b, nil
}
