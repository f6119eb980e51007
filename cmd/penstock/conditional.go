package main

import (
	"fmt"

	"penstock/market"
	"penstock/venues/fixgw"
)

// conditionalSection says that a pool takes conditional orders, and on which terms.
type conditionalSection struct {
	MinQty  int64    `toml:"min_qty"`  // in quantity increments of the instrument
	Window  duration `toml:"window"`   // to answer an invitation
	FirmBps int64    `toml:"firm_bps"` // least firm order, in 1/10,000 of the conditional one
}

// conditional reads the section of venue s, which may be left out.
func (s *venueSection) conditional(kind market.VenueKind) (c market.Conditional, err error) {
	at := &s.Conditional
	if *at == (conditionalSection{}) {
		return c, nil
	}
	d, known := fixgw.DialectByName(s.Orders.Dialect)
	switch {
	case kind != market.Dark:
		return c, fmt.Errorf("conditional: only dark venues take conditional orders")
	case !known || d.Conditional == nil:
		return c, fmt.Errorf("conditional: orders.dialect %q has no conditional orders", s.Orders.Dialect)
	case at.MinQty <= 0 || at.Window <= 0:
		return c, fmt.Errorf("conditional: min_qty and window must be set and positive")
	case at.FirmBps < 0 || at.FirmBps > 10_000:
		return c, fmt.Errorf("conditional: firm_bps must be 0 to 10000")
	}
	return market.Conditional{MinQty: market.Qty(at.MinQty), WindowNanos: int64(at.Window), FirmBps: at.FirmBps}, nil
}
