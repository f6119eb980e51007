package main

import (
	"strings"
	"testing"
	"time"

	"penstock/market"
)

func TestRequestsForQuotesAreConfigured(t *testing.T) {
	full := rfqSection{MinQty: 1000, Window: duration(time.Second), Pause: duration(time.Minute)}
	for _, tt := range []struct {
		kind    market.VenueKind
		dialect string
		section rfqSection
		want    string // part of the error
	}{
		{market.SDP, "sim", rfqSection{}, ""},
		{market.SDP, "sim", full, ""},
		{market.Lit, "sim", full, "only sdp"},
		{market.SDP, "none", full, "dialect"},
		{market.SDP, "sim", rfqSection{MinQty: 1000, Window: full.Window}, "positive"},
		{market.SDP, "sim", rfqSection{MinQty: -1, Window: full.Window, Pause: full.Pause}, "positive"},
	} {
		s := venueSection{RFQ: tt.section}
		s.Orders.Dialect = tt.dialect
		r, err := s.rfq(tt.kind)
		if tt.want == "" && (err != nil || r.Asked() != (tt.section != rfqSection{})) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v: %+v, %v", tt, r, err)
		}
	}
}
