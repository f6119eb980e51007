package book

import (
	"math/rand/v2"
	"testing"

	"penstock/event"
	"penstock/internal/state"
	"penstock/internal/state/statetest"
	"penstock/market"
)

// filled returns a composite of an order-by-order and a level venue after some events, with
// own orders that are followed.
func filled(seed uint64, events int) (*Composite, *Orders) {
	orders := NewOrders(512)
	venues := []market.Venue{{ID: 0, Kind: market.Lit, ByOrder: true}, {ID: 1, Kind: market.Lit}, {ID: 2, Kind: market.SDP}}
	m := NewComposite(0, venues, func(market.VenueID) bool { return true }, Capacity{Levels: 40, Orders: 512},
		func(v market.VenueID) *Orders {
			if v == 0 {
				return orders
			}
			return nil
		})
	wander(m, seed, 0, events)
	m.Books[0].Rest(7, 0, market.Buy, 100, 5)
	m.Books[1].Rest(8, 0, market.Sell, 210, 5)
	return m, orders
}

// wander gives m the events from to to of a random walk.
func wander(m *Composite, seed uint64, from, to int) {
	for i := from; i < to; i++ {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		e := event.Event{Venue: market.VenueID(rng.IntN(2)), Side: market.Buy + market.Side(rng.IntN(2)), RecvTime: int64(i),
			StepTime: int64(i) * 1e7, Price: market.Price(60 + rng.IntN(60)), Qty: market.Qty(1 + rng.IntN(50)), Ref: uint64(rng.IntN(600))}
		if e.Side == market.Sell {
			e.Price += 130
		}
		switch r := rng.IntN(100); {
		case i%400 < 2 || r == 0:
			e.Kind = event.BookClear
		case r == 1 || i%400 < 4:
			e.Kind, e.Code = event.BookStatus, uint8(event.BookLive)
		case r < 5:
			e = event.Event{Kind: event.Quote, Venue: 2, Price: 99, Qty: 10, LastPx: 200, LastQty: 10, Until: e.StepTime + 1e8,
				StepTime: e.StepTime, RecvTime: e.RecvTime}
		case r < 9:
			e.Kind = event.MarketTrade
		case e.Venue == 1:
			e.Kind = event.BookLevel
			e.Qty *= market.Qty(rng.IntN(2))
		case r < 60:
			e.Kind = event.OrderAdd
		default:
			e.Kind = event.OrderDeleted
		}
		m.Apply(&e)
		m.Refresh(e.StepTime)
	}
}

func moveAll(c *state.Codec, m *Composite) {
	m.Books[0].MoveShared(c)
	m.MoveState(c)
}

func hashOf(t testing.TB, m *Composite) uint64 {
	t.Helper()
	c := state.Hasher()
	moveAll(c, m)
	h, _, err := c.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// A composite that was loaded goes on as one that never stopped, wherever it was cut.
func TestLoadedBooksGoOnAsIfNeverStopped(t *testing.T) {
	for cut := 1; cut < 3000; cut += 97 {
		m, _ := filled(1, 0)
		wander(m, 3, 0, cut)
		var saved []byte
		s := state.Saver(func(b []byte) error { saved = append(saved, b...); return nil })
		moveAll(s, m)
		hash, _, err := s.Finish()
		if err != nil {
			t.Fatal(err)
		}
		again, _ := filled(9, 777) // something else was in it
		l := state.Loader(saved)
		moveAll(l, again)
		if _, _, err := l.Finish(); err != nil {
			t.Fatalf("cut %d: %v", cut, err)
		}
		if h := hashOf(t, again); h != hash {
			t.Fatalf("cut %d: loaded %x, saved %x", cut, h, hash)
		}
		wander(m, 3, cut, cut+400)
		wander(again, 3, cut, cut+400)
		if hashOf(t, again) != hashOf(t, m) {
			t.Fatalf("cut %d: 400 events later they differ", cut)
		}
	}
}

func TestStateHasEveryField(t *testing.T) {
	m, orders := filled(1, 2500)
	m.Apply(&event.Event{Kind: event.BookClear})
	m.Apply(&event.Event{Kind: event.OrderAdd, Ref: 5, Side: market.Buy, Price: 70, Qty: 3})
	m.Books[0].Rest(7, 0, market.Buy, 70, 5)
	m.Apply(&event.Event{Kind: event.BookClear, Venue: 1})
	for i := range 30 { // more than a ladder keeps near
		m.Apply(&event.Event{Kind: event.BookLevel, Venue: 1, Side: market.Buy, Price: market.Price(60 + i), Qty: 5})
	}
	m.Books[1].Rest(8, 0, market.Sell, 210, 5)
	all := func(c *state.Codec) { moveAll(c, m) }
	statetest.Covered(t, m, all, map[string]string{
		"Instrument": "configuration", "Books": "each moves itself", "venues": "configuration", "kinds": "configuration",
		"count": "configuration", "shows": "configuration", "lit": "configuration", "dealers": "configuration",
		"next": "a cache", "untold": "told first"})
	for v, exempt := range []map[string]string{
		{"orders": "shared by the venue's books"}, {"orders": "none"}, {"orders": "none", "rests": "no depth, nothing rests"}} {
		exempt["sides"], exempt["Bids"], exempt["Asks"] = "each moves itself", "points into sides", "points into sides"
		exempt["MaxAge"] = "configuration"
		exempt["hint"], exempt["tick"] = "of the guesses, a cache", "of the guesses, a cache"
		statetest.Covered(t, m.Books[v], all, exempt)
	}
	statetest.Covered(t, &m.Books[1].sides[0], all, map[string]string{"capacity": "configuration", "sign": "configuration",
		"owner": "configuration", "pool": "moved by its owner", "keys": "its levels move", "numbers": "its levels move", "count": "counted anew", "beyond": "counted anew",
		"far": "its levels move", "floors": "of far"})
	statetest.Covered(t, m.Books[1].sides[0].pool, all, map[string]string{"freeLeaf": "made anew", "leaves": "see far of a ladder"})
	derived := "a view of another field"
	statetest.Covered(t, orders, all, map[string]string{"mask": "configuration", "lapBits": "configuration", "narrow": "configuration",
		"capacity": "configuration", "books": "configuration", "pool": "moves itself", "levels": "of the pool",
		"places": derived, "strayed": derived, "named": derived, "guessed": derived, "guesses": "a cache", "hints": "a cache", "latest": "for Rewarm alone",
		"front": "only those in use: see below", "strays": "counted anew", "spill": "only those in use"})
	for i := range orders.front {
		if s := &orders.front[i]; s.level != 0 && orders.levels[s.level].owner() != nobody {
			statetest.Covered(t, s, all, nil)
			return
		}
	}
	t.Error("no order in the index")
}
