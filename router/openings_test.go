package router

import (
	"testing"

	"penstock/event"
	"penstock/market"
)

// FuzzOpenings keeps the openings of all instruments fresh through a day in which everything goes
// wrong, and compares them after each event with what the ladders show.
func FuzzOpenings(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		c := testCore(t)
		out, deep := c.OutputFor(), 0
		for _, e := range recordedWorld(t, 500+seed%1024, 600) {
			out.Reset()
			c.Step(&e, out)
			for i, m := range c.composites { // as if a little more than the best level were under way
				for v, b := range m.Books {
					if b == nil || e.Seq%32 != uint64(v) || m.Kind(market.VenueID(v)) != market.Lit {
						continue
					}
					bid, _ := b.Ladder(market.Buy).Best()
					ask, _ := b.Ladder(market.Sell).Best()
					c.inflight[i][v] = [2]market.Qty{ask.Qty + 1, bid.Qty + 1}
					c.listed[i].moved(market.VenueID(v))
				}
			}
			for i, m := range c.composites {
				if m.Partial|m.Dirty == 0 {
					c.openings(market.InstrumentID(i), market.Buy)
					c.openings(market.InstrumentID(i), market.Sell)
				}
				if c.listed[i].deep&m.LiveLit() != 0 {
					deep++
				}
			}
			if trouble := c.auditOpenings(); trouble != "" {
				t.Fatalf("seed %d, event %d: %s", seed, e.Seq, trouble)
			}
		}
		if deep == 0 {
			t.Errorf("seed %d: no opening was behind a best level", seed)
		}
	})
}

// TestOpeningBehindTheBestLevelFollowsIt: orders under way take all of the best level, so that
// what can be had is behind it, where the touch does not move.
func TestOpeningBehindTheBestLevelFollowsIt(t *testing.T) {
	c := testCore(t)
	out, seq := c.OutputFor(), uint64(0)
	step := func(e event.Event) {
		seq++
		e.Seq, e.StepTime = seq, int64(1_000*seq)
		out.Reset()
		c.Step(&e, out)
	}
	step(event.Event{Kind: event.SessionStart, Ref: 77})
	step(event.Event{Kind: event.BookLevel, Side: market.Buy, Price: 500_000, Qty: 100, Flags: event.More})
	step(event.Event{Kind: event.BookLevel, Side: market.Sell, Price: 500_100, Qty: 100, Flags: event.More})
	step(event.Event{Kind: event.BookLevel, Side: market.Sell, Price: 500_200, Qty: 200, Flags: event.More})
	step(event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
	c.inflight[0][0][market.Buy.Index()] = 100
	c.listed[0].moved(0)
	for _, left := range []market.Qty{200, 50, 70} {
		step(event.Event{Kind: event.BookLevel, Side: market.Sell, Price: 500_200, Qty: left})
		if o := &c.openings(0, market.Buy).first[0]; o.price != 500_200 || o.left != left || c.auditOpenings() != "" {
			t.Errorf("opening %+v, want %d at 500200; %s", *o, left, c.auditOpenings())
		}
	}
	step(event.Event{Kind: event.BookLevel, Side: market.Sell, Price: 500_100, Qty: 130})
	if o := &c.openings(0, market.Buy).first[0]; o.price != 500_100 || o.left != 30 || c.auditOpenings() != "" {
		t.Errorf("opening %+v, want 30 at 500100", *o)
	}
}
