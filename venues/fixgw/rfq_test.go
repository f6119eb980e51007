package fixgw

import (
	"strings"
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim/serve"
)

const requestNumber = 7_500_000_001

// TestQuoteAnswersBecomeEvents reads everything that a dealer may say to a request.
func TestQuoteAnswersBecomeEvents(t *testing.T) {
	id, _ := event.MakeID("Q77")
	for fields, want := range map[string]event.Event{
		"35=S|131=7500000001|117=Q77|55=EUR/USD|132=1.08510|133=1.08530|134=1000000|135=500000|62=20261120-14:30:00.623": {Instrument: 5, ID: id,
			Price: 1085100, Qty: 100000000, LastPx: 1085300, LastQty: 50000000, Until: 1795185000623000000},
		"35=S|131=7500000001|117=Q77|55=EUR/USD|133=1.08530|135=500000":       {Instrument: 5, ID: id, LastPx: 1085300, LastQty: 50000000},
		"35=S|131=7500000001|117=Q77|55=EUR/USD|537=0|133=1.08530|135=500000": {Instrument: 5, ID: id, LastPx: 1085300, LastQty: 50000000, Code: event.QuoteRefused, Reason: event.ReasonVenueState},
		"35=AG|131=7500000001|658=3|146=1|55=EUR/USD":                         {Instrument: market.NoInstrument, Code: event.QuoteRefused, Reason: event.ReasonVenueReject},
		"35=b|131=7500000001|297=5|300=99":                                    {Instrument: market.NoInstrument, Code: event.QuoteRefused, Reason: event.ReasonVenueReject},
		"35=Z|131=7500000001|117=Q77|298=4":                                   {Instrument: market.NoInstrument, Code: event.QuoteRefused, Reason: event.ReasonQuoteExpired},
	} {
		g, events := offline(t, "sim")
		want.Kind, want.Venue, want.RecvTime, want.Ref = event.QuoteAnswer, 2, 1234, requestNumber
		if got := decode(t, g, events, fields); len(got) != 1 || got[0] != want {
			t.Errorf("%s\ngot  %+v\nwant %+v", fields, got, want)
		}
	}
	for _, fields := range []string{"35=b|131=7500000001|297=0", "35=b|117=M5|297=5"} {
		g, events := offline(t, "sim")
		if got := decode(t, g, events, fields); len(got) != 0 || g.Stats().Malformed != 0 {
			t.Errorf("%s: %+v", fields, got)
		}
	}
	for _, fields := range []string{"55=GBP/USD|117=A|133=1|135=1", "55=EUR/USD|133=1|135=1", "55=EUR/USD|117=A|133=x|135=1",
		"55=EUR/USD|117=A|133=1|135=-1", "55=EUR/USD|117=A|133=1|135=1|62=soon", "55=EUR/USD|117=" + strings.Repeat("A", 21) + "|133=1|135=1"} {
		g, events := offline(t, "sim")
		if got := decode(t, g, events, "35=S|131=7500000001|"+fields); len(got) != 0 || g.Stats().Malformed != 1 {
			t.Errorf("%s: got %+v, stats %+v", fields, got, g.Stats())
		}
	}
}

// TestRequestForAQuoteIsDealtOn asks a simulated dealer over its socket for more than it
// streams, and deals on what it says: once, with its last look.
func TestRequestForAQuoteIsDealtOn(t *testing.T) {
	name := ""
	for _, v := range serve.DemoVenues(market.Instrument{Symbol: "ACME", PriceDecimals: 4, Tick: 100, Lot: 1}, 1, "SOR") {
		if v.Kind == market.SDP {
			name = v.Name
		}
	}
	r := newSimRigOf(t, name, func(v *serve.Venue) {
		v.Dealer.RequestQty, v.Dealer.RejectMove2 = 100*v.Dealer.QuoteQty, 1_000_000
		v.Dealer.HoldMedianNanos = 20e6
	})
	r.untilEvent("session", sessionUp)
	streamed := r.untilEvent("stream", func(e *event.Event) bool { return e.Kind == event.Quote })
	ask := event.Command{Kind: event.AskQuote, Ref: requestNumber, Parent: 1, Venue: 2, Instrument: 3, Side: market.Buy, Qty: 10 * streamed.LastQty}
	answer := func(e *event.Event) bool { return e.Kind == event.QuoteAnswer && e.Ref == ask.Ref }
	asked := wall()
	if !r.g.Send(asked, &ask) {
		t.Fatal("refused")
	}
	q := r.untilEvent("quote", answer)
	if q.Code != 0 || q.LastQty != ask.Qty || q.LastPx <= streamed.LastPx-1000 || q.Until <= asked || q.ID == streamed.ID {
		t.Fatalf("%+v, streamed %+v", q, streamed)
	}
	deal := takeOrder()
	deal.Child, deal.OrdType, deal.TIF, deal.Price, deal.Qty, deal.ID = child, market.OrdPreviouslyQuoted, market.TIFIOC, q.LastPx, ask.Qty, q.ID
	if !r.g.Send(wall(), deal) {
		t.Fatal("refused")
	}
	if e := r.untilEvent("fill", done(child)); e.CumQty != ask.Qty {
		t.Errorf("%+v", e)
	}
	deal.Child++ // a quote is dealt on once
	r.g.Send(wall(), deal)
	if e := r.untilEvent("refusal", done(child+1)); e.OrdStatus != market.StatusRejected || e.CumQty != 0 {
		t.Errorf("%+v", e)
	}
	ask.Ref, ask.Qty = ask.Ref+1, 1000*streamed.LastQty
	r.g.Send(wall(), &ask)
	if e := r.untilEvent("no quote", answer); e.Code != event.QuoteRefused {
		t.Errorf("%+v", e)
	}
	r.reconcile()
	if s := r.g.Stats(); s.QuoteRequests != 2 || s.QuoteAnswers != 2 {
		t.Errorf("%+v", s)
	}
}

// TestQuoteIsTurnedDown tells a simulated dealer over its socket that its
// quotes are not dealt on: one that another beat, which is gone with that, and one that expired.
func TestQuoteIsTurnedDown(t *testing.T) {
	name := ""
	for _, v := range serve.DemoVenues(market.Instrument{Symbol: "ACME", PriceDecimals: 4, Tick: 100, Lot: 1}, 1, "SOR") {
		if v.Kind == market.SDP {
			name = v.Name
		}
	}
	r := newSimRigOf(t, name, func(v *serve.Venue) { v.Dealer.RequestQty = 100 * v.Dealer.QuoteQty })
	r.untilEvent("session", sessionUp)
	streamed := r.untilEvent("stream", func(e *event.Event) bool { return e.Kind == event.Quote })
	ask := event.Command{Kind: event.AskQuote, Ref: requestNumber, Parent: 1, Venue: 2, Instrument: 3, Side: market.Buy, Qty: 10 * streamed.LastQty}
	quote := func() event.Event {
		ask.Ref++
		if !r.g.Send(wall(), &ask) {
			t.Fatal("refused")
		}
		return r.untilEvent("quote", func(e *event.Event) bool { return e.Kind == event.QuoteAnswer && e.Ref == ask.Ref })
	}
	for i, why := range []event.Reason{event.ReasonNone, event.ReasonQuoteExpired} {
		q, pass := quote(), ask
		pass.Kind, pass.ID, pass.Reason = event.PassQuote, q.ID, why
		if !r.g.Send(wall(), &pass) {
			t.Fatal("refused")
		}
		r.until("the dealer to hear it", func() bool {
			passed, expired := r.server.QuotesTurnedDown()
			return passed == 1 && expired == i
		})
		deal := takeOrder()
		deal.Child, deal.OrdType, deal.TIF, deal.Price, deal.Qty, deal.ID = child+uint64(i), market.OrdPreviouslyQuoted, market.TIFIOC, q.LastPx, ask.Qty, q.ID
		r.g.Send(wall(), deal)
		if e := r.untilEvent("refusal", done(child+uint64(i))); e.OrdStatus != market.StatusRejected || e.CumQty != 0 {
			t.Errorf("%+v", e)
		}
	}
	r.reconcile()
	if s := r.g.Stats(); s.QuoteResponses != 2 {
		t.Errorf("%+v", s)
	}
}
