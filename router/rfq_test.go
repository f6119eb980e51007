package router

import (
	"testing"

	"penstock/event"
	"penstock/market"
)

// rfqConfig has two lit venues' worth of book in one, a pool, and two dealers that are asked for
// quotes of 1000 and more.
func rfqConfig() *Config {
	cfg := testConfig()
	cfg.Venues[1].Name, cfg.Venues[1].Kind = "SDPB", market.SDP
	for _, v := range []int{1, 3} {
		cfg.Venues[v].RFQ = market.RFQ{MinQty: 1000, WindowNanos: 500e6, PauseNanos: 5e9}
	}
	cfg.Venues[3].RFQ.Respond = true // SDPA
	return cfg
}

// TestRequestsForQuotes runs the scripts of testdata/rfq.
func TestRequestsForQuotes(t *testing.T) { runScripts(t, "testdata/rfq", 1, rfqConfig) }

// rfqLines open a market in which a large order is worth a request.
var rfqLines = []string{"session LITA up", "session SDPA up", "session SDPB up", "book LITA 49.95x300 50.05x300"}

// A snapshot between request and quote goes on like the core that it was taken of.
func TestOpenRequestsAreInTheState(t *testing.T) {
	a := newScriptOf(t, rfqConfig())
	for _, l := range append(rfqLines, "parent C1 buy 5000 market twap 6s 6s") {
		a.line(l)
	}
	if a.core.Requests() != 2 {
		t.Fatalf("%d requests are open, not 2", a.core.Requests())
	}
	b := newScriptOf(t, rfqConfig())
	if err := loadState(b.core, savedState(t, a.core)); err != nil {
		t.Fatal(err)
	}
	if b.core.Requests() != 2 || b.core.Hash() != a.core.Hash() {
		t.Errorf("%d requests, hashes %x and %x", b.core.Requests(), a.core.Hash(), b.core.Hash())
	}
	a.line("restart")
	if a.core.Requests() != 0 {
		t.Errorf("%d requests are open after a restart", a.core.Requests())
	}
}

// A round of requests, its quotes and the order take no memory.
func TestRequestsDoNotAllocate(t *testing.T) {
	s := newScriptOf(t, rfqConfig())
	for _, l := range append(rfqLines, "parent C1 buy 5000 market twap 600s 600s") {
		s.line(l)
	}
	n, e := uint64(0), event.Event{Kind: event.QuoteAnswer, Code: event.QuoteRefused}
	if got := testing.AllocsPerRun(100, func() {
		c, p := s.core, &s.core.parents[0]
		c.requests.drop(0)
		c.scratch = allocation{}
		c.weigh(p)
		n++
		c.out.Reset()
		c.askQuote(p, 3, 1000)
		e.Ref, e.Venue, e.Instrument = c.requests.list[0].number, 3, p.Instrument
		c.onQuoteAnswer(&e)
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}
