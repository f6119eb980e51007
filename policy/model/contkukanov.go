package model

import (
	"math"
	"slices"
)

// Placement is how a slice is best placed over one market order and limit orders at
// several venues, as Cont and Kukanov state it ("Optimal order placement in limit order
// markets", arXiv 1210.1625v4). Prices are per share, in any one unit.
type Placement struct {
	Size       float64 // S: shares of the slice
	HalfSpread float64 // h
	TakeFee    float64 // f
	Impact     float64 // θ: what every share sent moves the price against the rest
	Underfill  float64 // λu: price of a share that is missing at the end
	Overfill   float64 // λo: price of a share too many
	Venues     []PostVenue
}

// PostVenue is one queue that a limit order can join.
type PostVenue struct {
	Queue  float64 // shares ahead of ours
	Rebate float64 // r: paid for a share that is filled; negative is a fee
}

// Split is a placement: shares taken, and posted at each venue. What is posted may sum to
// more than the slice (the posts compete): whoever uses it cancels on fill.
type Split struct {
	Take float64
	Post []float64
}

// Clone returns a copy of s.
func (s *Split) Clone() Split { return Split{s.Take, slices.Clone(s.Post)} }

// filled returns what of a post behind queue is filled when outflow leaves the queue.
func filled(outflow, queue, post float64) float64 { return min(max(outflow-queue, 0), post) }

// CostOf returns what s costs when outflow[k] shares leave the queue of venue k.
func (p *Placement) CostOf(s *Split, outflow []float64) float64 {
	got, sent := s.Take, s.Take
	cost := (p.HalfSpread + p.TakeFee) * s.Take
	for k := range p.Venues {
		f := filled(outflow[k], p.Venues[k].Queue, s.Post[k])
		cost -= (p.HalfSpread + p.Venues[k].Rebate) * f
		got += f
		sent += s.Post[k]
	}
	short, over := max(p.Size-got, 0), max(got-p.Size, 0)
	return cost + p.Impact*(sent+short) + p.Underfill*short + p.Overfill*over
}

// Cost returns the mean of CostOf over samples of the outflows.
func (p *Placement) Cost(s *Split, samples [][]float64) float64 {
	sum := 0.0
	for _, outflow := range samples {
		sum += p.CostOf(s, outflow)
	}
	return sum / float64(len(samples))
}

// EqualShares returns the same share for the market order and each venue.
func (p *Placement) EqualShares() Split {
	part := p.Size / float64(len(p.Venues)+1)
	return Split{part, slices.Repeat([]float64{part}, len(p.Venues))}
}

// ClosedForm returns the optimum for one venue; quantile is the inverse distribution
// function of the outflow, distribution the function itself (eq. 7 to 9).
func (p *Placement) ClosedForm(quantile, distribution func(float64) float64) Split {
	v := &p.Venues[0]
	gain := 2*p.HalfSpread + p.TakeFee + v.Rebate
	base := p.HalfSpread + v.Rebate + p.Impact
	switch {
	case p.Underfill <= gain/distribution(v.Queue+p.Size)-base:
		return Split{0, []float64{p.Size}}
	case p.Underfill >= gain/distribution(v.Queue)-base:
		return Split{p.Size, []float64{0}}
	}
	post := min(max(quantile(gain/(p.Underfill+base))-v.Queue, 0), p.Size)
	return Split{p.Size - post, []float64{post}}
}

// Approximate improves start by one stochastic gradient step a sample (Robbins–Monro)
// and returns the mean of the iterates, as §4 of the paper does.
func (p *Placement) Approximate(start Split, samples [][]float64) Split {
	at, n := start.Clone(), float64(len(samples))
	penalties := p.Impact + p.Underfill + p.Overfill
	norm := math.Pow(p.HalfSpread+p.TakeFee+penalties, 2)
	for k := range p.Venues {
		norm += math.Pow(p.HalfSpread+p.Venues[k].Rebate+penalties, 2)
	}
	step := math.Sqrt(float64(len(p.Venues))) * p.Size / math.Sqrt(n*norm)
	mean := Split{Post: make([]float64, len(p.Venues))}
	for _, outflow := range samples {
		p.step(&at, outflow, step)
		mean.Take += at.Take / n
		for k, post := range at.Post {
			mean.Post[k] += post / n
		}
	}
	return mean
}

// step moves at against the gradient of CostOf at one sample, within [0, Size].
func (p *Placement) step(at *Split, outflow []float64, step float64) {
	got := at.Take
	for k := range p.Venues {
		got += filled(outflow[k], p.Venues[k].Queue, at.Post[k])
	}
	marginal := 0.0 // of one more share filled
	switch {
	case got < p.Size:
		marginal = -(p.Underfill + p.Impact)
	case got > p.Size:
		marginal = p.Overfill
	}
	at.Take = clip(at.Take-step*(p.HalfSpread+p.TakeFee+p.Impact+marginal), p.Size)
	for k := range p.Venues {
		v := &p.Venues[k]
		slope := p.Impact
		if outflow[k] > v.Queue+at.Post[k] {
			slope += marginal - (p.HalfSpread + v.Rebate)
		}
		at.Post[k] = clip(at.Post[k]-step*slope, p.Size)
	}
}

func clip(x, most float64) float64 { return min(max(x, 0), most) }

// Optimum minimises the mean cost over samples exactly, to within precision shares. The
// cost is convex and piecewise linear, so a descent that has no better direction among
// the axes, the exchanges of two of them and the sum of all posts, with steps that halve,
// ends at its minimum.
func (p *Placement) Optimum(start Split, samples [][]float64, precision float64) Split {
	at := start.Clone()
	best := p.Cost(&at, samples)
	trial := at.Clone()
	move := func(take float64, post func(k int) float64) bool {
		trial.Take = clip(at.Take+take, p.Size)
		for k := range trial.Post {
			trial.Post[k] = clip(at.Post[k]+post(k), p.Size)
		}
		cost := p.Cost(&trial, samples)
		if cost >= best-1e-12 {
			return false
		}
		best = cost
		at.Take = trial.Take
		copy(at.Post, trial.Post)
		return true
	}
	for step := p.Size / 4; step >= precision; {
		if !p.descend(move, step) {
			step /= 2
		}
	}
	return at
}

// descend tries every direction once in both senses and reports whether one helped.
func (p *Placement) descend(move func(float64, func(int) float64) bool, step float64) (better bool) {
	none := func(int) float64 { return 0 }
	for _, d := range [...]float64{step, -step} {
		all := func(int) float64 { return d }
		better = move(d, none) || better
		better = move(0, all) || better
		better = move(-d, all) || better
		for i := range p.Venues {
			one := func(k int) float64 { return where(k == i, d) }
			better = move(0, one) || better
			better = move(-d, one) || better
			for j := range p.Venues {
				if j != i {
					better = move(0, func(k int) float64 { return where(k == i, d) - where(k == j, d) }) || better
				}
			}
		}
	}
	return better
}

func where(yes bool, x float64) float64 {
	if yes {
		return x
	}
	return 0
}
