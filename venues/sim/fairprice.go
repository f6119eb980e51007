package sim

import "penstock/market"

// fairPrice is what the flow believes the instrument is worth: a fundamental
// value plus the decaying impact of trades, in thousandths of half a tick.
type fairPrice struct {
	fundamental int64
	fast, slow  int64 // impact that fades in seconds and in a minute
	impact      int64 // of one Unit on fast; slow gets a sixth
	half        int64 // fair price in half ticks, with hysteresis
}

const (
	fastKeep   = 65536 - 226 // per beat of 10 ms, of 65536: half-life 2 s
	slowKeep   = 65536 - 8   // half-life about 57 s
	slowPart   = 6
	impactMax  = 20_000 // ten ticks
	hysteresis = 700
)

func newFairPrice(half, impactMilli int64) fairPrice {
	return fairPrice{fundamental: half * 1000, half: half, impact: impactMilli}
}

// move shifts the fundamental by steps half ticks; it stays above 100 ticks,
// because prices must stay positive.
func (p *fairPrice) move(steps int64) {
	p.fundamental = max(p.fundamental+steps*1000, 200_000)
	p.settle()
}

// trade adds the impact of a trade of some units.
func (p *fairPrice) trade(aggressor market.Side, units int64) {
	// The root of 16 units is in quarters.
	push := aggressor.Sign() * p.impact * root(16*units) / 4
	p.fast = min(max(p.fast+push, -impactMax), impactMax)
	p.slow = min(max(p.slow+push/slowPart, -impactMax), impactMax)
	p.settle()
}

// decay is one beat.
func (p *fairPrice) decay() {
	p.fast = p.fast * fastKeep / 65536
	p.slow = p.slow * slowKeep / 65536
	p.settle()
}

// settle moves the half tick when the value is clearly off it, so that small
// trades do not make it flicker.
func (p *fairPrice) settle() {
	value := p.fundamental + p.fast + p.slow
	for value > p.half*1000+hysteresis {
		p.half++
	}
	for value < p.half*1000-hysteresis {
		p.half--
	}
}

// touch returns the best prices, in ticks, at which makers want to quote: the
// ticks next to the fair price that are not at it.
func (p *fairPrice) touch(side market.Side) int64 {
	if side == market.Buy {
		return (p.half - 1) >> 1
	}
	return (p.half + 2) >> 1
}

// root is the integer square root.
func root(v int64) int64 {
	r := v
	for x := int64(1); x < r; {
		r = (r + x) / 2
		x = v / max(r, 1)
	}
	return r
}
