package main

import (
	"fmt"

	"penstock/market"
	"penstock/venues/fixgw"
)

// rfqSection says that a dealer is asked for quotes in sizes that it does not stream.
type rfqSection struct {
	MinQty int64    `toml:"min_qty"` // least size of a request, in quantity increments of the instrument
	Window duration `toml:"window"`  // how long an answer is waited for
	Pause  duration `toml:"pause"`   // least time between two requests
}

// rfq reads the section of venue s, which may be left out.
func (s *venueSection) rfq(kind market.VenueKind) (r market.RFQ, err error) {
	at := &s.RFQ
	if *at == (rfqSection{}) {
		return r, nil
	}
	d, known := fixgw.DialectByName(s.Orders.Dialect)
	switch {
	case kind != market.SDP:
		return r, fmt.Errorf("rfq: only sdp venues are asked for quotes")
	case !known || d.QuoteReqID:
		return r, fmt.Errorf("rfq: orders.dialect %q names a stream in its orders and cannot deal on a quote that was asked for", s.Orders.Dialect)
	case at.MinQty <= 0 || at.Window <= 0 || at.Pause <= 0:
		return r, fmt.Errorf("rfq: min_qty, window and pause must be set and positive")
	}
	return market.RFQ{MinQty: market.Qty(at.MinQty), WindowNanos: int64(at.Window), PauseNanos: int64(at.Pause), Respond: d.QuoteResponse}, nil
}
