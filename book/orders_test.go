package book

import (
	"math/rand/v2"
	"testing"

	"penstock/event"
	"penstock/market"
)

// indexWorld is several books of one venue and what they hold, in maps.
type indexWorld struct {
	t      *testing.T
	orders *Orders
	books  []*Book
	twins  []map[uint64]Order
	total  int
}

func newIndexWorld(t *testing.T, books, capacity int) *indexWorld {
	w := &indexWorld{t: t, orders: NewOrders(capacity)}
	for range books {
		b := New(Capacity{Levels: 1 << 10}, w.orders)
		w.books, w.twins = append(w.books, b), append(w.twins, map[uint64]Order{})
		b.Apply(&event.Event{Kind: event.BookClear})
	}
	return w
}

func (w *indexWorld) clear(i int) {
	w.books[i].Apply(&event.Event{Kind: event.BookClear})
	w.total -= len(w.twins[i])
	clear(w.twins[i])
}

// add adds an order; when the index is full the book says so and is empty.
func (w *indexWorld) add(i int, o Order) {
	w.t.Helper()
	_, known := w.twins[i][o.Ref]
	_, resync := w.books[i].Apply(&event.Event{Kind: event.OrderAdd, Ref: o.Ref, Side: o.Side,
		Price: o.Price, Qty: o.Qty})
	full := !known && w.total == w.orders.Capacity()
	if resync != (known || full) {
		w.t.Fatalf("book %d add %+v: resync %v, known %v, %d of %d orders", i, o, resync, known,
			w.total, w.orders.Capacity())
	}
	if resync {
		if full != (w.books[i].Reason == event.ReasonBookFull) {
			w.t.Fatalf("book %d: reason %v, full %v", i, w.books[i].Reason, full)
		}
		w.clear(i)
		return
	}
	w.twins[i][o.Ref] = o
	w.total++
}

func (w *indexWorld) take(i int, ref uint64, qty market.Qty) {
	w.t.Helper()
	o := w.twins[i][ref]
	e := event.Event{Kind: event.OrderReduced, Ref: ref, Qty: qty}
	if qty == o.Qty && qty%2 == 0 {
		e = event.Event{Kind: event.OrderDeleted, Ref: ref}
	}
	if _, resync := w.books[i].Apply(&e); resync {
		w.t.Fatalf("book %d: order %d is not found", i, ref)
	}
	if o.Qty -= qty; o.Qty == 0 {
		delete(w.twins[i], ref)
		w.total--
		return
	}
	w.twins[i][ref] = o
}

// compare looks every order up in every book: it is there in its own, and there only.
func (w *indexWorld) compare(refs []uint64) {
	w.t.Helper()
	if w.orders.Len() != w.total {
		w.t.Fatalf("%d orders, twin %d", w.orders.Len(), w.total)
	}
	for i, b := range w.books {
		if b.Orders() != len(w.twins[i]) {
			w.t.Fatalf("book %d: %d orders, twin %d", i, b.Orders(), len(w.twins[i]))
		}
		for _, ref := range refs {
			want, known := w.twins[i][ref]
			if got, ok := b.Order(ref); ok != known || ok && got != want {
				w.t.Fatalf("book %d order %d: %+v %v, twin %+v %v", i, ref, got, ok, want, known)
			}
		}
	}
}

// References as venues give them out, and as they might.
var refSeries = map[string]func(r *rand.Rand, n uint64) uint64{
	"in sequence":    func(_ *rand.Rand, n uint64) uint64 { return n },
	"steps of 16":    func(_ *rand.Rand, n uint64) uint64 { return n * 16 },
	"in upper bits":  func(_ *rand.Rand, n uint64) uint64 { return n << 40 },
	"a block a time": func(_ *rand.Rand, n uint64) uint64 { return n/16<<32 | n%16 },
	"at random":      func(r *rand.Rand, _ uint64) uint64 { return r.Uint64() },
	"few again":      func(r *rand.Rand, _ uint64) uint64 { return r.Uint64N(64) },
	"from the top":   func(_ *rand.Rand, n uint64) uint64 { return ^n },
}

// TestBooksShareOneIndex drives books of one venue, and maps, through adds, cuts,
// deletes and clears, over an index that is often full and holds dead orders.
func TestBooksShareOneIndex(t *testing.T) {
	for name, series := range refSeries {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(11, 12))
			for _, capacity := range []int{1, 8, 100, 500} {
				w := newIndexWorld(t, 3, capacity)
				var refs []uint64
				for n := uint64(1); n <= 6000; n++ {
					i := r.IntN(len(w.books))
					switch k := r.IntN(100); {
					case k < 60:
						ref := series(r, n)
						refs = append(refs, ref)
						side, qty := market.Buy+market.Side(r.IntN(2)), market.Qty(1+r.IntN(9))
						if n%7 == 0 {
							qty <<= 31 // half of them have no room in front
						}
						w.add(i, Order{ref, market.Price(1 + r.IntN(50)), qty, side})
					case k < 99:
						if len(refs) == 0 {
							continue
						}
						ref := refs[len(refs)-1-r.IntN(min(len(refs), 2*capacity+8))]
						if o, known := w.twins[i][ref]; known {
							w.take(i, ref, market.Qty(1+r.Int64N(int64(o.Qty))))
						}
					default:
						w.clear(i)
					}
					if n%50 == 0 {
						refs = refs[max(0, len(refs)-600):]
						w.compare(refs)
					}
				}
			}
		})
	}
}

// A level that a clear has buried is used again after a sweep. Orders that named it before
// are dead all the same.
func TestDeadOrdersStayDeadWhenTheirLevelsAreUsedAgain(t *testing.T) {
	w := newIndexWorld(t, 2, 512)
	w.add(1, Order{900, 50, 5, market.Sell})
	refs := []uint64{900}
	for n := uint64(1); n <= 2000; n++ {
		ref := 1000 + n // no place is used twice before a sweep, so nothing but it removes the dead
		w.add(0, Order{ref, 50, 5, market.Buy})
		refs = append(refs[max(0, len(refs)-700):], ref)
		w.clear(0)
		w.compare(refs)
	}
	if w.orders.Purges < 2 || w.orders.Purges > 4 {
		t.Errorf("%d sweeps in 2000 clears", w.orders.Purges)
	}
}

// A feed that clears its books again and again must not fill the index with the
// dead, nor sweep it each time.
func TestClearsDoNotFillTheIndex(t *testing.T) {
	w := newIndexWorld(t, 2, 96)
	ref, clears := uint64(0), uint64(0)
	for range 400 {
		for range 90 {
			ref++
			w.add(0, Order{ref, market.Price(1 + ref%20), 1, market.Buy})
		}
		w.clear(0)
		clears++
	}
	if w.books[0].Absurd != 0 {
		t.Errorf("%d events refused, reason %v", w.books[0].Absurd, w.books[0].Reason)
	}
	if w.orders.Purges >= clears {
		t.Errorf("%d sweeps in %d clears", w.orders.Purges, clears)
	}
}

func TestCrossedAndLocked(t *testing.T) {
	for _, c := range []struct {
		bid, ask        market.Price
		crossed, locked bool
	}{{100, 101, false, false}, {100, 100, true, true}, {101, 100, true, false},
		{100, 0, false, false}, {0, 100, false, false}, {0, 0, false, false},
		{market.MaxPrice, market.MaxPrice, true, true}} {
		b := New(Capacity{Levels: 4}, nil)
		for side, p := range map[market.Side]market.Price{market.Buy: c.bid, market.Sell: c.ask} {
			if p != 0 {
				b.Apply(&event.Event{Kind: event.BookLevel, Side: side, Price: p, Qty: 1})
			}
		}
		if b.Crossed() != c.crossed || b.Locked() != c.locked {
			t.Errorf("bid %d ask %d: crossed %v locked %v", c.bid, c.ask, b.Crossed(), b.Locked())
		}
	}
}

func TestEveryChangeOfStateIsCounted(t *testing.T) {
	b := New(Capacity{Levels: 4}, nil)
	status := func(s event.BookState) {
		b.Apply(&event.Event{Kind: event.BookStatus, Code: uint8(s), Reason: event.ReasonGap})
	}
	for range 3 {
		b.Apply(&event.Event{Kind: event.BookClear})
		status(event.BookLive)
		status(event.BookLive) // no change
		status(event.BookHalted)
		status(event.BookStale)
	}
	want := [event.BookStates][event.BookStates]uint32{}
	want[event.BookEmpty][event.BookSyncing] = 1
	want[event.BookSyncing][event.BookLive] = 3
	want[event.BookLive][event.BookHalted] = 3
	want[event.BookHalted][event.BookStale] = 3
	want[event.BookStale][event.BookSyncing] = 2
	if b.Transitions != want {
		t.Errorf("%v, want %v", b.Transitions, want)
	}
	if _, resync := b.Apply(&event.Event{Kind: event.BookStatus, Code: 200}); !resync || b.Absurd != 1 {
		t.Errorf("a state that there is not: resync %v, absurd %d", resync, b.Absurd)
	}
}
