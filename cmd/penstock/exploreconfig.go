package main

import (
	"errors"
	"fmt"

	"penstock/market"
	"penstock/policy"
	"penstock/policy/learn"
	"penstock/router"
)

// exploreSection allows live exploration. At one decision of a slice, drawn beforehand, another
// action than the table's may be taken, by chance and within a cost; the chance is recorded.
type exploreSection struct {
	RateBps      int     `toml:"rate_bps"`       // chance of a draw in a slice, of 10,000
	MaxCostBps   float64 `toml:"max_cost_bps"`   // what a draw may cost, bps of the slice, by the table's values
	MaxParentQty string  `toml:"max_parent_qty"` // larger parents are left alone; in units of the first instrument
	Seed         uint64  `toml:"seed,omitzero"`
}

// Bounds of live exploration, whatever a configuration says.
const (
	exploreMostBps  = 4000
	exploreMostCost = 0.3
)

// exploration returns what the core needs but for candidates, which follow from the table. It is
// off where the configuration does not name it.
func (p *policySection) exploration() (router.Exploration, error) {
	x := p.Explore
	switch {
	case x == nil:
		return router.Exploration{}, nil
	case p.Table == "":
		return router.Exploration{}, errors.New("policy.explore: there is no policy.table to explore around")
	case x.RateBps < 1 || x.RateBps > exploreMostBps:
		return router.Exploration{}, fmt.Errorf("policy.explore: rate_bps is %d: 1 to %d are possible", x.RateBps, exploreMostBps)
	case !(x.MaxCostBps > 0 && x.MaxCostBps <= exploreMostCost):
		return router.Exploration{}, fmt.Errorf("policy.explore: max_cost_bps is %g: more than 0, at most %g are possible", x.MaxCostBps, exploreMostCost)
	}
	return router.Exploration{RateBps: uint16(x.RateBps), Single: true, Bounded: true, Seed: x.Seed}, nil
}

// boundExploration sets the largest parent that may be explored with, once instruments are known.
func (c *Config) boundExploration() error {
	x := c.Policy.Explore
	if x == nil || len(c.Router.Instruments) == 0 {
		return nil
	}
	most, err := market.ParseDecimal([]byte(x.MaxParentQty), c.Router.Instruments[0].QtyDecimals)
	if err != nil || most <= 0 {
		return fmt.Errorf("policy.explore: max_parent_qty is %q: a positive quantity is needed, as text", x.MaxParentQty)
	}
	c.Router.Explore.MaxParentQty = market.Qty(most)
	return nil
}

// candidates returns what exploration may draw with a table: nothing where it is off.
func (c *Config) candidates(t *policy.Table) ([]policy.ActionMask, error) {
	x := c.Policy.Explore
	if x == nil || t == nil {
		return nil, nil
	}
	masks, err := learn.Candidates(t, x.MaxCostBps, float64(x.RateBps)/10_000)
	if err != nil {
		return nil, fmt.Errorf("%w: policy.explore: %w", errConfig, err)
	}
	return masks, nil
}
