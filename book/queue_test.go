package book

import (
	"math"
	"math/rand/v2"
	"testing"

	"penstock/event"
	"penstock/market"
)

// queued is one order of the twin.
type queued struct {
	ref   uint64
	child uint32 // of our own orders, 0 for those of others
	side  market.Side
	price market.Price
	qty   market.Qty
}

// queues is the readable twin: every order in its order of arrival.
type queues []queued

func (q queues) ahead(child uint32) (qty market.Qty, ok bool) {
	for i := range q {
		if q[i].child != child {
			continue
		}
		for j := range q[:i] {
			if q[j].side == q[i].side && q[j].price == q[i].price {
				qty += q[j].qty
			}
		}
		return qty, true
	}
	return 0, false
}

func (q queues) level(side market.Side, price market.Price) (qty market.Qty) {
	for i := range q {
		if q[i].side == side && q[i].price == price {
			qty += q[i].qty
		}
	}
	return qty
}

// queueWorld sends what happens in the queues to a book.
type queueWorld struct {
	t      testing.TB
	b      *Book
	q      queues
	byRef  bool // the feed names orders
	last   uint64
	child  uint32
	own    []uint32 // children that rest
	checks int
}

func newQueueWorld(t testing.TB, byRef bool) *queueWorld {
	w := &queueWorld{t: t, byRef: byRef}
	if byRef {
		w.b = New(Capacity{Levels: 64}, NewOrders(1<<12))
	} else {
		w.b = New(Capacity{Levels: 64}, nil)
	}
	w.send(event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
	return w
}

func (w *queueWorld) send(e event.Event) {
	if _, resync := w.b.Apply(&e); resync {
		w.t.Fatalf("honest event %+v distrusted", e)
	}
}

func (w *queueWorld) tellLevel(side market.Side, price market.Price) {
	if !w.byRef {
		w.send(event.Event{Kind: event.BookLevel, Side: side, Price: price, Qty: w.q.level(side, price)})
	}
}

// price keeps the sides apart: bids below 100, asks above.
func nearPrice(side market.Side, n int) market.Price {
	if side == market.Buy {
		return market.Price(95 + n)
	}
	return market.Price(105 - n)
}

func (w *queueWorld) add(side market.Side, p market.Price, qty market.Qty, ours, early bool) {
	w.last++
	o := queued{ref: w.last, side: side, price: p, qty: qty}
	if ours {
		w.child++
		o.child = w.child
		w.own = append(w.own, o.child)
	}
	rest := func() {
		ref := o.ref
		if !w.byRef {
			ref = 0
		}
		if ours && !w.b.Rest(o.child, ref, side, p, qty) {
			w.t.Fatalf("order %+v is not followed", o)
		}
	}
	if early {
		rest()
	}
	w.q = append(w.q, o)
	if w.byRef {
		w.send(event.Event{Kind: event.OrderAdd, Ref: o.ref, Side: side, Price: p, Qty: qty})
	}
	w.tellLevel(side, p)
	if !early {
		rest()
	}
}

// leave takes qty off order i by a cancel.
func (w *queueWorld) leave(i int, qty market.Qty) {
	o := w.q[i]
	switch {
	case !w.byRef:
	case qty == o.qty:
		w.send(event.Event{Kind: event.OrderDeleted, Ref: o.ref})
	default:
		w.send(event.Event{Kind: event.OrderReduced, Ref: o.ref, Qty: qty})
	}
	w.take(i, qty)
	w.tellLevel(o.side, o.price)
	if o.child != 0 && qty == o.qty {
		w.forget(o.child)
	}
}

func (w *queueWorld) take(i int, qty market.Qty) {
	if w.q[i].qty -= qty; w.q[i].qty == 0 {
		w.q = append(w.q[:i:i], w.q[i+1:]...)
	}
}

func (w *queueWorld) forget(child uint32) {
	w.b.Leave(child)
	for i, c := range w.own {
		if c == child {
			w.own = append(w.own[:i], w.own[i+1:]...)
			return
		}
	}
}

// trade takes up to qty from the front of a price.
func (w *queueWorld) trade(side market.Side, p market.Price, qty market.Qty) {
	qty = min(qty, w.q.level(side, p))
	if qty == 0 {
		return
	}
	if !w.byRef {
		w.send(event.Event{Kind: event.MarketTrade, Side: side.Contra(), Price: p, Qty: qty})
	}
	type fill struct {
		child uint32
		qty   market.Qty
	}
	var fills []fill
	for i := 0; i < len(w.q) && qty > 0; {
		o := w.q[i]
		if o.side != side || o.price != p {
			i++
			continue
		}
		got := min(qty, o.qty)
		if w.byRef {
			w.send(event.Event{Kind: event.OrderExecuted, Ref: o.ref, Qty: got})
		}
		if o.child != 0 {
			fills = append(fills, fill{o.child, got})
		}
		qty -= got
		w.take(i, got)
		if got < o.qty {
			break
		}
	}
	w.tellLevel(side, p)
	for _, f := range fills {
		w.b.Reduce(f.child, f.qty)
		if _, rests := w.q.ahead(f.child); !rests {
			w.forget(f.child)
		}
	}
}

func (w *queueWorld) check() {
	for _, child := range w.own {
		truth, _ := w.q.ahead(child)
		a, ok := w.b.Queue(child)
		if !ok {
			w.t.Fatalf("child %d is not followed", child)
		}
		if a.Low > truth || a.High < truth || a.Expected < a.Low || a.Expected > a.High {
			w.t.Fatalf("child %d has %d in front, the book says %+v", child, truth, a)
		}
		if w.byRef && (!a.Exact || a.Low != truth || a.High != truth) {
			w.t.Fatalf("child %d has %d in front, the book says %+v: not exact", child, truth, a)
		}
		w.checks++
	}
}

// step does one thing, chosen by three numbers.
func (w *queueWorld) step(op, where, size int) {
	side := market.Buy
	if where&1 != 0 {
		side = market.Sell
	}
	p, qty := nearPrice(side, where>>1%3), market.Qty(size%9+1)
	switch op % 8 {
	case 0, 1, 2:
		w.add(side, p, qty, false, false)
	case 3:
		if len(w.own) < 8 {
			w.add(side, p, qty, true, size&1 != 0)
		}
	case 4, 5:
		if len(w.q) > 0 {
			i := where % len(w.q)
			w.leave(i, min(qty, w.q[i].qty))
		}
	case 6:
		w.trade(side, p, qty)
	case 7: // a replace loses its place; ours would be another child
		if i := where % max(len(w.q), 1); len(w.q) > 0 && w.q[i].child == 0 {
			o := w.q[i]
			w.leave(i, o.qty)
			w.add(o.side, nearPrice(o.side, size%3), o.qty, false, false)
		}
	}
	w.check()
}

func TestQueueIsExactWhereOrdersAreNamedAndBoundedOtherwise(t *testing.T) {
	for _, byRef := range []bool{true, false} {
		checks := 0
		for seed := range uint64(200) {
			w := newQueueWorld(t, byRef)
			rng := rand.New(rand.NewPCG(seed, 3))
			for range 500 {
				w.step(rng.IntN(8), rng.IntN(1<<12), rng.IntN(1<<12))
			}
			checks += w.checks
		}
		if checks < 100_000 {
			t.Errorf("only %d positions were looked at", checks)
		}
	}
}

func FuzzQueue(f *testing.F) {
	f.Add(true, []byte{3, 0, 4, 0, 0, 9, 6, 0, 3, 4, 1, 2})
	f.Add(false, []byte{0, 0, 8, 3, 0, 4, 4, 0, 3, 6, 0, 2, 6, 0, 9})
	f.Fuzz(func(t *testing.T, byRef bool, ops []byte) {
		w := newQueueWorld(t, byRef)
		for ; len(ops) >= 3; ops = ops[3:] {
			w.step(int(ops[0]), int(ops[1]), int(ops[2]))
		}
	})
}

// A trade and the level that follows it are one reduction, not two.
func TestTradeAndItsLevelCountOnce(t *testing.T) {
	b := New(Capacity{Levels: 8}, nil)
	apply := func(e event.Event) { b.Apply(&e) }
	apply(event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
	apply(event.Event{Kind: event.BookLevel, Side: market.Buy, Price: 99, Qty: 100})
	if !b.Rest(1, 0, market.Buy, 99, 10) {
		t.Fatal("not followed")
	}
	apply(event.Event{Kind: event.BookLevel, Side: market.Buy, Price: 99, Qty: 110})
	apply(event.Event{Kind: event.MarketTrade, Side: market.Sell, Price: 99, Qty: 30})
	apply(event.Event{Kind: event.BookLevel, Side: market.Buy, Price: 99, Qty: 80})
	if a, _ := b.Queue(1); a.High != 70 || a.Low != 60 || a.Exact {
		t.Errorf("after a trade of 30: %+v", a)
	}
	apply(event.Event{Kind: event.BookLevel, Side: market.Buy, Price: 99, Qty: 60}) // 20 cancelled
	if a, _ := b.Queue(1); a.High > 60 || a.Low != 40 || a.Expected <= a.Low || a.Expected >= a.High {
		t.Errorf("after a cancel of 20: %+v", a)
	}
	apply(event.Event{Kind: event.MarketTrade, Side: market.Buy, Price: 99, Qty: 30}) // of the other side
	if a, _ := b.Queue(1); a.Low != 40 {
		t.Errorf("a trade against offers: %+v", a)
	}
}

// A book that was lost knows no place; after its snapshot all that is displayed may
// be in front, and a feed that names orders shows the place again.
func TestPositionsAfterASnapshot(t *testing.T) {
	for _, byRef := range []bool{false, true} {
		w := newQueueWorld(t, byRef)
		w.add(market.Buy, 99, 5, false, false)
		w.add(market.Buy, 99, 3, true, false)
		w.add(market.Buy, 99, 7, false, false)
		w.check()
		w.send(event.Event{Kind: event.BookStatus, Code: uint8(event.BookStale), Reason: event.ReasonChecksum})
		if a, _ := w.b.Queue(1); a != (Ahead{}) {
			t.Errorf("a book without depth: %+v", a)
		}
		w.send(event.Event{Kind: event.BookClear})
		if byRef {
			for _, o := range w.q {
				w.send(event.Event{Kind: event.OrderAdd, Ref: o.ref, Side: o.side, Price: o.price, Qty: o.qty})
			}
		}
		w.tellLevel(market.Buy, 99)
		w.send(event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
		a, ok := w.b.Queue(1)
		if want := (Ahead{High: 15, Expected: 15}); !byRef && a != want || byRef && (!a.Exact || a.Low != 5) || !ok {
			t.Errorf("by reference %v: %+v, %v", byRef, a, ok)
		}
		w.check()
	}
}

func TestRestIsBoundedAndRefusesWhatIsNoOrder(t *testing.T) {
	b := New(Capacity{Levels: 8}, nil)
	for child := range uint32(MaxRests) {
		if !b.Rest(child, 0, market.Buy, 99, 1) || b.Rest(child, 0, market.Buy, 99, 1) {
			t.Fatalf("child %d", child)
		}
	}
	if b.Rest(MaxRests, 0, market.Buy, 99, 1) {
		t.Error("one too many is followed")
	}
	b.Leave(5)
	b.Leave(5)
	for _, bad := range []func() bool{
		func() bool { return b.Rest(100, 0, 0, 99, 1) }, func() bool { return b.Rest(100, 0, market.Buy, 0, 1) },
		func() bool { return b.Rest(100, 0, market.Buy, 99, 0) },
		func() bool { return b.Rest(100, 0, market.Buy, 99, market.MaxQty+1) },
	} {
		if bad() {
			t.Error("what is no order is followed")
		}
	}
	if !b.Rest(100, 0, market.Buy, 99, 1) {
		t.Error("the place that was left is not used")
	}
	if _, ok := b.Queue(5); ok {
		t.Error("who left is still followed")
	}
}

func TestLog2(t *testing.T) {
	for _, x := range []uint64{1, 2, 3, 4, 7, 100, 12345, 1 << 40, 1<<48 + 12345} {
		if got, want := float64(log2(x))/65536, math.Log2(float64(x)); got > want+1e-9 || got < want-2.1/65536 {
			t.Errorf("log2(%d) = %v, want %v", x, got, want)
		}
	}
}

func TestQueueDoesNotAllocate(t *testing.T) {
	b := New(Capacity{Levels: 8}, nil)
	b.Apply(&event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
	e := event.Event{Kind: event.BookLevel, Side: market.Buy, Price: 99}
	if n := testing.AllocsPerRun(100, func() {
		b.Rest(1, 0, market.Buy, 99, 1)
		e.Qty = (e.Qty + 7) % 100
		b.Apply(&e)
		b.Queue(1)
		b.Leave(1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
