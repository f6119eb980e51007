package book

import (
	"sort"
	"testing"

	"penstock/event"
	"penstock/market"
)

// slowBook is the readable twin: maps, sorted on demand.
type slowBook struct {
	levels [2]map[market.Price]market.Qty
	orders map[uint64]Order
}

func newSlowBook() *slowBook {
	return &slowBook{levels: [2]map[market.Price]market.Qty{{}, {}}, orders: map[uint64]Order{}}
}

func (s *slowBook) add(side market.Side, p market.Price, q market.Qty) {
	m := s.levels[side.Index()]
	if m[p] += q; m[p] == 0 {
		delete(m, p)
	}
}

func (s *slowBook) sorted(side market.Side) []Level {
	var out []Level
	for p, q := range s.levels[side.Index()] {
		out = append(out, Level{p, q})
	}
	sort.Slice(out, func(i, j int) bool { return side.Contra().Better(out[i].Price, out[j].Price) })
	return out
}

func compare(t *testing.T, b *Book, s *slowBook) {
	t.Helper()
	for _, side := range []market.Side{market.Buy, market.Sell} {
		want := s.sorted(side)
		l := b.Ladder(side)
		if l.Len() != len(want) {
			t.Fatalf("%v side has %d levels, twin %d", side, l.Len(), len(want))
		}
		for i, w := range want {
			if l.At(i) != w {
				t.Fatalf("%v level %d is %v, twin %v", side, i, l.At(i), w)
			}
		}
	}
	if b.Orders() != len(s.orders) {
		t.Fatalf("%d orders, twin %d", b.Orders(), len(s.orders))
	}
}

// FuzzOrderBook drives an order-by-order book and its twin with the same feed.
// Bids stay below 100 and asks above, so that no honest stream crosses.
func FuzzOrderBook(f *testing.F) {
	f.Add([]byte{0, 1, 10, 5, 0, 2, 200, 5, 1, 1, 0, 2})
	f.Fuzz(func(t *testing.T, ops []byte) {
		b, s := New(Capacity{Levels: 256}, NewOrders(64)), newSlowBook()
		b.Apply(&event.Event{Kind: event.BookClear})
		b.Apply(&event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
		for ; len(ops) >= 4; ops = ops[4:] {
			ref := uint64(ops[1] % 32)
			known, exists := s.orders[ref]
			e := event.Event{Ref: ref}
			switch ops[0] % 3 {
			case 0:
				if exists {
					continue
				}
				e.Kind, e.Qty = event.OrderAdd, market.Qty(ops[3]%9)+1
				e.Side, e.Price = market.Buy, market.Price(ops[2]%100)+1
				if ops[2] >= 128 {
					e.Side, e.Price = market.Sell, market.Price(ops[2])
				}
				s.add(e.Side, e.Price, e.Qty)
				s.orders[ref] = Order{ref, e.Price, e.Qty, e.Side}
			case 1:
				if !exists {
					continue
				}
				e.Kind, e.Qty = event.OrderExecuted, min(market.Qty(ops[3]%4)+1, known.Qty)
				s.add(known.Side, known.Price, -e.Qty)
				if known.Qty -= e.Qty; known.Qty == 0 {
					delete(s.orders, ref)
				} else {
					s.orders[ref] = known
				}
			case 2:
				if !exists {
					continue
				}
				e.Kind = event.OrderDeleted
				s.add(known.Side, known.Price, -known.Qty)
				delete(s.orders, ref)
			}
			if _, resync := b.Apply(&e); resync {
				t.Fatalf("honest event %+v distrusted", e)
			}
			compare(t, b, s)
		}
	})
}

// FuzzLevelBook drives a level book with a small capacity: the best levels must
// equal the twin's, whatever was dropped at the far end.
func FuzzLevelBook(f *testing.F) {
	f.Add([]byte{1, 5, 2, 5, 3, 5, 4, 5, 5, 5, 1, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		l := NewLadder(market.Sell, 1<<16)
		small := NewLadder(market.Sell, 8)
		s := newSlowBook()
		onlyAdds := true
		for ; len(ops) >= 2; ops = ops[2:] {
			p, q := market.Price(ops[0]), market.Qty(ops[1]%4)
			l.Set(p, q)
			small.Set(p, q)
			onlyAdds = onlyAdds && q > 0
			delete(s.levels[1], p)
			if q > 0 {
				s.levels[1][p] = q
			}
			want := s.sorted(market.Sell)
			if l.Len() != len(want) {
				t.Fatalf("%d levels, twin %d", l.Len(), len(want))
			}
			for i, w := range want {
				if l.At(i) != w {
					t.Fatalf("level %d is %v, twin %v", i, l.At(i), w)
				}
				if onlyAdds && i < 8 && small.At(i) != w {
					t.Fatalf("small ladder level %d is %v, twin %v", i, small.At(i), w)
				}
			}
		}
	})
}

func TestContradictionsTakeTheBookOutOfUse(t *testing.T) {
	add := event.Event{Kind: event.OrderAdd, Ref: 1, Side: market.Buy, Price: 100, Qty: 5}
	for name, bad := range map[string]event.Event{
		"delete unknown":   {Kind: event.OrderDeleted, Ref: 9},
		"execute too much": {Kind: event.OrderExecuted, Ref: 1, Qty: 6},
		"order id reuse":   add,
		"huge level":       {Kind: event.BookLevel, Side: market.Sell, Price: 101, Qty: 1 << 62},
		"huge price":       {Kind: event.BookLevel, Side: market.Sell, Price: 1 << 62, Qty: 1},
		"no price":         {Kind: event.OrderAdd, Ref: 2, Side: market.Sell, Qty: 1},
		"negative level":   {Kind: event.BookLevel, Side: market.Sell, Price: 101, Qty: -1},
		"crossed":          {Kind: event.OrderAdd, Ref: 2, Side: market.Sell, Price: 99, Qty: 1},
		"order event kind": {Kind: event.Exec},
	} {
		t.Run(name, func(t *testing.T) {
			b := New(Capacity{Levels: 8}, NewOrders(8))
			b.Apply(&event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
			b.Apply(&add)
			touched, resync := b.Apply(&bad)
			if !touched || !resync || b.State != event.BookStale || b.Bids.Len() != 0 || b.Absurd != 1 {
				t.Errorf("touched %v resync %v state %v levels %d", touched, resync, b.State, b.Bids.Len())
			}
			if b.Apply(&add); b.Bids.Len() != 0 {
				t.Error("a STALE book took depth before its snapshot")
			}
			if b.Apply(&event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)}); b.Live() {
				t.Error("a STALE book became LIVE without a snapshot")
			}
			b.Apply(&event.Event{Kind: event.BookClear})
			b.Apply(&add)
			b.Apply(&event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
			if !b.Live() || b.Bids.Len() != 1 {
				t.Error("a snapshot did not bring the book back")
			}
		})
	}
}

func TestGapKeepsTheDepthUntilItIsFilled(t *testing.T) {
	status := func(s event.BookState, r event.Reason) *event.Event {
		return &event.Event{Kind: event.BookStatus, Code: uint8(s), Reason: r}
	}
	add := event.Event{Kind: event.OrderAdd, Ref: 1, Side: market.Buy, Price: 100, Qty: 5}
	for _, c := range []struct {
		reason event.Reason
		live   bool
	}{{event.ReasonGap, true}, {event.ReasonStale, true}, {event.ReasonChecksum, false},
		{event.ReasonDisconnect, false}, {event.ReasonMalformed, false}} {
		b := New(Capacity{Levels: 8}, NewOrders(8))
		b.Apply(status(event.BookLive, 0))
		b.Apply(&add)
		b.Apply(status(event.BookStale, c.reason))
		if _, ok := b.Touch(market.Buy, 1); ok || b.Live() {
			t.Errorf("%v: a STALE book shows a touch", c.reason)
		}
		b.Apply(&event.Event{Kind: event.OrderAdd, Ref: 2, Side: market.Buy, Price: 101, Qty: 7})
		_, resync := b.Apply(status(event.BookLive, 0))
		if b.Live() != c.live || resync == c.live {
			t.Errorf("%v: live %v resync %v", c.reason, b.Live(), resync)
		}
		if best, _ := b.Touch(market.Buy, 1); c.live && best != (Level{101, 7}) {
			t.Errorf("%v: best %v after the gap", c.reason, best)
		}
	}
}

func TestMessageIsJudgedWhenItIsComplete(t *testing.T) {
	b := New(Capacity{Levels: 8}, nil)
	b.Apply(&event.Event{Kind: event.BookLevel, Side: market.Buy, Price: 100, Qty: 5})
	b.Apply(&event.Event{Kind: event.BookLevel, Side: market.Sell, Price: 101, Qty: 5})
	b.Apply(&event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
	up := event.Event{Kind: event.BookLevel, Side: market.Buy, Price: 101, Qty: 5, Flags: event.More}
	if _, resync := b.Apply(&up); resync {
		t.Fatal("judged in the middle of a message")
	}
	gone := event.Event{Kind: event.BookLevel, Side: market.Sell, Price: 101, Qty: 0}
	if _, resync := b.Apply(&gone); resync || !b.Live() {
		t.Fatal("a complete message that does not cross was distrusted")
	}
}

func TestFullOrderBookSaysSo(t *testing.T) {
	b := New(Capacity{Levels: 2}, NewOrders(8))
	for i := range 3 {
		_, resync := b.Apply(&event.Event{Kind: event.OrderAdd, Ref: uint64(i + 1), Side: market.Buy,
			Price: market.Price(100 + i), Qty: 1})
		if resync != (i == 2) {
			t.Fatalf("add %d: resync %v", i, resync)
		}
	}
	if b.Reason != event.ReasonBookFull {
		t.Errorf("reason %v", b.Reason)
	}
}

func TestBookDoesNotAllocate(t *testing.T) {
	b := New(Capacity{Levels: 64}, NewOrders(64))
	b.Apply(&event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
	i := uint64(0)
	if n := testing.AllocsPerRun(1000, func() {
		i++
		b.Apply(&event.Event{Kind: event.OrderAdd, Ref: i, Side: market.Buy, Price: market.Price(i % 50), Qty: 1})
		b.Apply(&event.Event{Kind: event.OrderDeleted, Ref: i})
	}); n != 0 {
		t.Errorf("%v allocations per add and delete", n)
	}
}

func BenchmarkApply(b *testing.B) {
	book := New(Capacity{Levels: 256}, NewOrders(4096))
	book.Apply(&event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
	ref := uint64(0)
	for range 2000 {
		ref++
		book.Apply(&event.Event{Kind: event.OrderAdd, Ref: ref, Side: market.Buy,
			Price: market.Price(ref * 7919 % 100), Qty: 5})
	}
	b.Run("add_delete", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ref++
			book.Apply(&event.Event{Kind: event.OrderAdd, Ref: ref, Side: market.Buy,
				Price: market.Price(ref * 7919 % 100), Qty: 5})
			book.Apply(&event.Event{Kind: event.OrderDeleted, Ref: ref - 2000})
		}
	})
}
