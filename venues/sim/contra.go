package sim

import (
	"fmt"

	"penstock/market"
)

// Contra says how hidden interest arrives at a dark pool: as a Poisson process
// whose sizes are zero-inflated and follow a power law, waiting for a random time.
// The shape follows Ganchev, Kearns, Nevmyvaka and Wortman Vaughan (2010).
type Contra struct {
	Seed uint64
	// GapNanos is the mean time between arrivals; 0 means that none come.
	GapNanos int64
	// ZeroBps is how many of 10,000 arrivals bring nothing.
	ZeroBps int64
	// Unit is the smallest size; sizes are Unit × a power law of exponent 1.2
	// between 1 and MaxUnits.
	Unit     market.Qty
	MaxUnits int64
	// StayNanos is the mean time that interest waits.
	StayNanos int64
	// LeanOdds multiplies the odds of the side that presses in the market; 1
	// means no effect.
	LeanOdds int64
}

// contraFlow draws the arrivals. Each arrival uses a fixed block of draws, so
// what happens in the pool never changes a later arrival.
type contraFlow struct {
	Contra
	draws  random
	n      uint64 // arrivals so far
	at     int64  // time of the next, 0 before the start
	lean   int
	lot    market.Qty
	powers *powerTable
	gaps   *gapTable
}

const drawsPerContra = 8

func newContraFlow(c Contra, lot market.Qty) (contraFlow, error) {
	if c.GapNanos == 0 {
		return contraFlow{}, nil
	}
	switch {
	case c.GapNanos < 0 || c.GapNanos > maxMeanNanos,
		c.StayNanos <= 0 || c.StayNanos > maxMeanNanos:
		return contraFlow{}, fmt.Errorf(
			"contra: GapNanos and StayNanos must be positive, up to two hours")
	case c.ZeroBps < 0 || c.ZeroBps > 10_000:
		return contraFlow{}, fmt.Errorf("contra: ZeroBps must be 0 to 10000")
	case c.Unit <= 0 || c.Unit%lot != 0 || c.MaxUnits <= 0:
		return contraFlow{}, fmt.Errorf(
			"contra: Unit must be a positive multiple of the lot, MaxUnits positive")
	case c.LeanOdds <= 0:
		return contraFlow{}, fmt.Errorf("contra: LeanOdds must be positive")
	}
	return contraFlow{
		Contra: c, draws: newRandom(c.Seed, streamContra), lot: lot,
		powers: newPowerTable(120, c.MaxUnits), gaps: newGapTable(),
	}, nil
}

// next returns when the next arrival is due. The first call starts the process.
func (c *contraFlow) next(now int64) int64 {
	if c.GapNanos == 0 {
		return Never
	}
	if c.at == 0 {
		c.at = now + c.gaps.draw(c.draws.at(0), c.GapNanos)
	}
	return c.at
}

// arrive makes the interest that is due and schedules the one after it.
func (c *contraFlow) arrive(at int64) pegged {
	c.n++
	base := c.n * drawsPerContra
	c.at = at + c.gaps.draw(c.draws.at(base), c.GapNanos)
	if below(c.draws.at(base+1), 10_000) < c.ZeroBps {
		return pegged{}
	}
	buyOdds, sellOdds := int64(1), int64(1)
	switch {
	case c.lean > 0:
		buyOdds = c.LeanOdds
	case c.lean < 0:
		sellOdds = c.LeanOdds
	}
	side := market.Sell
	if below(c.draws.at(base+2), buyOdds+sellOdds) < buyOdds {
		side = market.Buy
	}
	units := c.powers.draw(c.draws.at(base + 3))
	qty := c.Unit * market.Qty(units)
	// One in four asks for a minimum of half its size, as blocks do.
	least := market.Qty(0)
	if below(c.draws.at(base+4), 4) == 0 {
		least = (qty / 2).FloorTo(c.lot)
	}
	stay := c.gaps.draw(c.draws.at(base+5), c.StayNanos)
	return pegged{side: side, qty: qty, min: least, until: at + stay}
}
