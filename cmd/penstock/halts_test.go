package main

import (
	"testing"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/router/loop"
)

// TestAuctionAndBandHoldOrders has a simulated venue announce an auction with its collars, as
// ITCH says it of the whole market, while an order works: nothing is sent to any venue until
// the venue's feed says that the stock trades, and then the order is filled.
func TestAuctionAndBandHoldOrders(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "threaded")
	v := r.m.Venue("LITA")
	r.send("A-1", 8_000, 6*time.Second)
	r.until("children", func(s *loop.Sequencer) bool { return len(s.Core().Children()) > 0 })
	if err := v.Auction(true); err != nil {
		t.Fatal(err)
	}
	sent, dealt := 0, int64(0)
	r.until("auction seen", func(s *loop.Sequencer) bool {
		sent, dealt = len(s.Core().Children()), clock()
		return s.Core().Composite(0).Books[0].State == event.BookAuction
	})
	if err := v.Band(900_000, 1_100_000); err != nil {
		t.Fatal(err)
	}
	r.until("collars, and more than a slice without an order", func(s *loop.Sequencer) bool {
		c := s.Core()
		if n := len(c.Children()); n != sent {
			t.Fatalf("%d orders left in the auction", n-sent)
		}
		for i := range c.Children() {
			if ch := &c.Children()[i]; ch.Venue == 0 && ch.TIF == market.TIFDay && !ch.Released {
				return false // it is being called back
			}
		}
		return c.Counters.PriceBands > 0 && c.Counters.MarketHalts > 0 && clock() > dealt+2500e6
	})
	if err := v.Auction(false); err != nil {
		t.Fatal(err)
	}
	if err := v.Band(0, 0); err != nil {
		t.Fatal(err)
	}
	if s := r.finish("A-1"); s.CumQty != "8000" {
		t.Errorf("filled %s of 8000, status %s", s.CumQty, s.Status)
	}
}
