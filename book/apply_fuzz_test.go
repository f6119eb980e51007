package book

import (
	"math/rand/v2"
	"strings"
	"testing"

	"penstock/event"
	"penstock/market"
)

// FuzzApply gives the same events to Apply and to applyAny, which knows no usual case: two
// venues of three books each, whose references come in sequence and over many laps.
// What they say and what is in the books is the same, absurd events included.
func FuzzApply(f *testing.F) {
	f.Add([]byte("\x00\x10\x03\x05\x00\x10\x04\x05\x0c\x01\x00\x02\x18\x01\x00\x00\x24\x01\x12\x04"))
	f.Add([]byte("\x00\x10\x03\x05\x01\x90\x03\x05\x0c\x00\x00\x05\x02\x11\xff\x09\x30\x00\x00\x00\x31\x00\x00\x00"))
	f.Add([]byte(strings.Repeat("\x00\x00\x05\x01", 30)))  // one more than there is room for
	f.Add([]byte("\x00\x40\x05\xc8" + "\x00\x21\x05\x05")) // known, in the spill
	r := rand.New(rand.NewPCG(21, 22))
	for range 40 {
		ops := make([]byte, 4*300)
		for i := range ops {
			ops[i] = byte(r.Uint32())
			if i%4 == 2 {
				ops[i] &= 0x7f // a buy or a sell
			}
			if i%4 == 1 && i%64 != 1 {
				ops[i] &= 15 // in sequence, of few lots
			}
		}
		f.Add(ops)
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		const capacity = 24
		var fast, slow [3]*Book
		a, b := NewOrders(capacity), NewOrders(capacity)
		for i := range fast {
			fast[i], slow[i] = New(Capacity{Levels: 20}, a), New(Capacity{Levels: 20}, b)
		}
		revive := func(i int) {
			for _, e := range []event.Event{{Kind: event.BookClear}, {Kind: event.BookStatus, Code: uint8(event.BookLive)}} {
				fast[i].Apply(&e)
				slow[i].applyAny(&e)
			}
		}
		for i := range fast {
			revive(i)
		}
		next := uint64(1)
		kinds := [...]event.Kind{event.OrderAdd, event.OrderReduced, event.OrderDeleted, event.OrderReplaced, event.OrderExecuted,
			event.BookClear, event.OrderAdd, event.BookStatus, event.OrderAdd, event.OrderAdd, event.OrderReplaced, event.OrderDeleted}
		for n := int64(0); len(ops) >= 4; ops, n = ops[4:], n+1 {
			book, kind := int(ops[0])%3, kinds[int(ops[0])/3%len(kinds)]
			e := event.Event{Kind: kind, RecvTime: n, Ref: next - uint64(ops[1]&31), Qty: market.Qty(ops[3])}
			fresh := next
			if ops[1]&32 != 0 {
				fresh = next - uint64(ops[1]&31) // maybe one that is there
			}
			e.OrderRef = fresh
			side := market.Side(ops[2]>>6&3) + market.Buy // some are none
			e.Side, e.Price = side, market.Price(ops[2]&63)
			if side == market.Sell {
				e.Price += 60 // some cross
			}
			switch {
			case ops[1]&64 != 0:
				e.Qty <<= 30
			case ops[1]&128 != 0:
				next += uint64(ops[1]) << 7 // laps
			}
			switch kind {
			case event.OrderAdd:
				e.Ref = fresh
				next++
			case event.OrderReplaced:
				next++
			case event.BookStatus:
				e.Code, e.Reason = ops[3]%8, event.ReasonGap
			}
			was := e
			touched, resync := fast[book].Apply(&e)
			wantTouched, wantResync := slow[book].applyAny(&was)
			if touched != wantTouched || resync != wantResync {
				t.Fatalf("event %d %+v: touched %v resync %v, without the usual case %v %v", n, e, touched, resync, wantTouched, wantResync)
			}
			for i := range fast {
				sameBook(t, fast[i], slow[i])
			}
			for ref := next - min(next, 40); ref <= next+1; ref++ {
				got, ok := fast[book].Order(ref)
				want, known := slow[book].Order(ref)
				if got != want || ok != known {
					t.Fatalf("event %d: order %d is %+v %v, without the usual case %+v %v", n, ref, got, ok, want, known)
				}
			}
			if a.Len() != b.Len() {
				t.Fatalf("event %d: %d orders, without the usual case %d", n, a.Len(), b.Len())
			}
			if fast[book].State == event.BookStale {
				revive(book)
			}
		}
	})
}

func sameBook(t *testing.T, a, b *Book) {
	t.Helper()
	if a.State != b.State || a.Reason != b.Reason || a.Absurd != b.Absurd || a.RecvTime != b.RecvTime ||
		a.tops != b.tops || a.count != b.count || a.Transitions != b.Transitions {
		t.Fatalf("book %+v\nwithout the usual case %+v", a, b)
	}
	for i := range a.sides {
		x, y := &a.sides[i], &b.sides[i]
		if x.Len() != y.Len() {
			t.Fatalf("side %d has %d levels, without the usual case %d", i, x.Len(), y.Len())
		}
		for n := range x.Len() {
			if x.At(n) != y.At(n) {
				t.Fatalf("side %d level %d is %v, without the usual case %v", i, n, x.At(n), y.At(n))
			}
		}
	}
}
