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
					buy, sell := c.openings(c.composites[i], market.Buy), c.openings(c.composites[i], market.Sell)
					switch e.Seq % 8 { // the others keep what they know of the cheapest
					case 0:
						buy.foresee(m.LiveLit())
						sell.cheapest(m.LiveLit())
					case 4:
						buy.cheapest(m.LiveLit())
						sell.foresee(m.LiveLit())
					}
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

// TestNoVenueIsCheapestOfNone: after the last lit book is gone nothing is cheap, whatever was before. What taking costs
// follows from it where dealers alone make the touch, in a core that was loaded as in one that was not.
func TestNoVenueIsCheapestOfNone(t *testing.T) {
	n := nearLevels{least: noOpening, second: unknownKey}
	for v := range n.keys {
		n.keys[v] = noOpening
	}
	for v := range 3 {
		n.rank(v, int64(v+1)*market.MaxVenues+int64(v))
	}
	n.cheapest(0b111)
	n.rank(0, 7*market.MaxVenues)
	n.rank(1, 8*market.MaxVenues+1) // who is cheapest is not known any more
	if v, ok := n.cheapest(0); ok {
		t.Errorf("venue %d is the cheapest of none", v)
	}
}

// FuzzRank moves keys of venues and compares what is kept of the least two with a look at all.
func FuzzRank(f *testing.F) {
	f.Add([]byte("\x03\x10\x21\x05\x10\x02\x7f\x11\x20\x30\x01\x40\xff\x00\x33"), uint16(0x3f))
	f.Fuzz(func(t *testing.T, moves []byte, set uint16) {
		var n nearLevels
		for v := range n.keys {
			n.keys[v] = noOpening
		}
		n.least, n.second = noOpening, noOpening
		for i, b := range moves {
			v, key := int(b&15), int64(b>>4)
			if key == 0 {
				n.rank(v, noOpening)
			} else {
				n.rank(v, (key-8)*market.MaxVenues+int64(v))
			}
			if i%5 == 2 {
				n.foresee(set)
			}
			least, second := n.leastOf(n.among)
			if n.least != least || n.second != second && n.second != unknownKey {
				t.Fatalf("move %d: least %d and %d are kept, the keys say %d and %d", i, n.least, n.second, least, second)
			}
			if i%7 == 3 {
				if v, ok := n.cheapest(set); ok && n.keys[v] != n.least || n.among != set {
					t.Fatalf("move %d: venue %d is not the cheapest", i, v)
				}
			}
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
		if o := &c.openings(c.composites[0], market.Buy).first[0]; o.price != 500_200 || o.left != left || c.auditOpenings() != "" {
			t.Errorf("opening %+v, want %d at 500200; %s", *o, left, c.auditOpenings())
		}
	}
	step(event.Event{Kind: event.BookLevel, Side: market.Sell, Price: 500_100, Qty: 130})
	if o := &c.openings(c.composites[0], market.Buy).first[0]; o.price != 500_100 || o.left != 30 || c.auditOpenings() != "" {
		t.Errorf("opening %+v, want 30 at 500100", *o)
	}
}
