package main

import (
	"slices"
	"testing"
	"time"

	"penstock/event"
	"penstock/journal"
	"penstock/market"
	"penstock/router"
	"penstock/router/loop"
	"penstock/venues/sim/serve"
)

// TestAuctionAndBandHoldOrders has a simulated venue announce an auction with its collars, as
// ITCH says it of the whole market, while an order works: nothing is sent to any venue until
// the venue's feed says that the stock trades, and then the order is filled.
func TestAuctionAndBandHoldOrders(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "threaded")
	v := r.m.Venue("LITA")
	r.send("A-1", 8_000, 20*time.Second)
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
			t.Errorf("%d orders left in the auction", n-sent)
			return true
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
	r.hurry()
	if s := r.finish("A-1"); s.CumQty != "8000" {
		t.Errorf("filled %s of 8000, status %s", s.CumQty, s.Status)
	}
}

// TestHaltsAndBandsOverFIXReachTheCore is the same of a venue whose book comes in FIX 4.4:
// SecurityStatus(35=f) of an auction and of price limits. They hold for that venue alone.
func TestHaltsAndBandsOverFIXReachTheCore(t *testing.T) {
	t.Parallel()
	r := newRigOf(t, demoOptions{symbol: "PSTK", seed: 5, prices: serve.FIX, table: baselineFile(t, t.TempDir())})
	v := r.m.Venue("LITA")
	r.send("X-1", 8_000, 20*time.Second)
	r.until("an order at the venue", func(s *loop.Sequencer) bool { return childrenAt(s, 0) > 0 })
	if err := v.Auction(true); err != nil {
		t.Fatal(err)
	}
	sent, seen := 0, int64(0)
	r.until("auction seen", func(s *loop.Sequencer) bool {
		sent, seen = childrenAt(s, 0), clock()
		return s.Core().Composite(0).Books[0].State == event.BookAuction
	})
	r.until("a second without an order there, while others get some", func(s *loop.Sequencer) bool {
		c := s.Core()
		if n := childrenAt(s, 0); n != sent {
			t.Errorf("%d orders went into the auction", n-sent)
			return true
		}
		return clock() > seen+1000e6 && len(c.Children()) > sent && c.Counters.MarketHalts == 0
	})
	// It trades again, but only far above the market, where nobody buys.
	if err := v.Band(900_000, 1_100_000); err != nil {
		t.Fatal(err)
	}
	if err := v.Auction(false); err != nil {
		t.Fatal(err)
	}
	r.until("the book is back", func(s *loop.Sequencer) bool {
		seen = clock()
		return s.Core().Composite(0).Books[0].Live() && s.Core().Counters.PriceBands > 0
	})
	r.until("half a second within the limits", func(s *loop.Sequencer) bool {
		if n := childrenAt(s, 0); n != sent {
			t.Errorf("%d orders left against the price limits", n-sent)
			return true
		}
		return clock() > seen+500e6
	})
	if err := v.Band(0, 0); err != nil {
		t.Fatal(err)
	}
	r.hurry()
	if s := r.finish("X-1"); s.CumQty != "8000" {
		t.Errorf("filled %s of 8000, status %s", s.CumQty, s.Status)
	}
}

// TestHaltOfTheMarketHoldsOrders is a halt instead of an auction (FM-30): ITCH says it of the
// whole market, so nothing leaves for any venue, pools and dealers among them, whose own feeds
// know nothing of it. What rests where it is halted stays there, by the rules of that venue. Only
// the word that it trades lets orders leave again.
func TestHaltOfTheMarketHoldsOrders(t *testing.T) {
	t.Parallel()
	for _, placement := range placements() {
		t.Run(placement, func(t *testing.T) {
			t.Parallel()
			r := newDemoRig(t, placement)
			v := r.m.Venue("LITA")
			r.send("H-1", 8_000, 30*time.Second) // it must not end in the halt on a slow machine
			r.until("an order rests there", func(s *loop.Sequencer) bool { return len(restingAt(s, 0)) > 0 })
			v.Halt(true)
			sent, seen, kept, ended := 0, int64(0), []uint64(nil), map[uint64]market.OrdStatus{}
			r.until("halt seen", func(s *loop.Sequencer) bool {
				sent, seen, kept = len(s.Core().Children()), clock(), restingAt(s, 0)
				return s.Core().Counters.MarketHalts > 0
			})
			r.until("more than a slice without an order", func(s *loop.Sequencer) bool {
				c := s.Core()
				if n := len(c.Children()); n != sent {
					t.Errorf("%d orders left in the halt", n-sent)
				}
				for i := range c.Children() {
					if ch := &c.Children()[i]; slices.Contains(kept, ch.Number) && !rests(ch) && ch.Status != market.StatusFilled {
						ended[ch.Number] = ch.Status
					}
				}
				return t.Failed() || clock() > seen+2500e6
			})
			v.Halt(false)
			r.until("orders leave again", func(s *loop.Sequencer) bool { return len(s.Core().Children()) > sent })
			r.hurry()
			if s := r.finish("H-1"); s.CumQty != "8000" {
				t.Errorf("filled %s of 8000, status %s", s.CumQty, s.Status)
			}
			asked := r.cancelledBeforeHalt()
			for number, status := range ended {
				if !asked[number] {
					t.Errorf("order %d rested at the halted venue, then it was %v", number, status)
				}
			}
		})
	}
}

// cancelledBeforeHalt reads in the journal which orders the core had asked to cancel when it heard of
// the halt: the venue may have obeyed, and say so on another connection than its feed's.
func (r *demoRig) cancelledBeforeHalt() map[uint64]bool {
	r.t.Helper()
	asked, halted := map[uint64]bool{}, false
	_, err := eachRecord(r.a.Dir, func(rec *journal.Record) error {
		var e event.Event
		var c event.Command
		switch {
		case rec.Type == journal.Event && e.SetBytes(rec.Payload):
			halted = halted || e.Kind == event.MarketStatus && event.BookState(e.Code) == event.BookHalted
		case rec.Type == journal.Command && c.SetBytes(rec.Payload):
			if c.Kind == event.SendCancel && !halted {
				asked[c.Child] = true
			}
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return asked
}

// restingAt returns the numbers of the orders that v said are open. One that it has not answered
// yet may find it halted and be refused.
func restingAt(s *loop.Sequencer, v market.VenueID) (numbers []uint64) {
	for i := range s.Core().Children() {
		if ch := &s.Core().Children()[i]; ch.Venue == v && ch.TIF == market.TIFDay && rests(ch) {
			numbers = append(numbers, ch.Number)
		}
	}
	return numbers
}

func rests(ch *router.Child) bool {
	return ch.Status == market.StatusNew || ch.Status == market.StatusPartiallyFilled
}

func childrenAt(s *loop.Sequencer, v market.VenueID) (n int) {
	for i := range s.Core().Children() {
		if s.Core().Children()[i].Venue == v {
			n++
		}
	}
	return n
}
