package router

import (
	"penstock/market"
	"penstock/policy"
)

// page returns the regime page by which the parents of an instrument decide now.
func (c *Core) page(id market.InstrumentID) int {
	if c.table.Pages() == 1 {
		return 0
	}
	m, x := c.composites[id], int64(0)
	switch c.table.Regimes().By {
	case policy.RegimeVolatility:
		x = m.Features.VolRatio()
	case policy.RegimePace:
		x = m.Features.PaceRatio()
	case policy.RegimeSpread:
		if m.Normal() {
			x = int64(m.Spread() / c.instruments[id].Tick)
		}
	}
	return c.table.Turn(&c.regimes[id], x, c.now)
}
