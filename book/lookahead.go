package book

import (
	"unsafe"

	"penstock/event"
)

// LookaheadEvents is how many events a Lookahead holds.
const LookaheadEvents = 32

// Lookahead brings the memory nearer that the next events will need, so that their misses
// pass together and not one after the other. It changes nothing and may be left out. The
// zero value is ready.
//
//	Note, for each of the next events   the place of its order, the guess of its level
//	Fetch                               asks for those lines, then for the levels
type Lookahead struct {
	n     int
	lines [LookaheadEvents]uintptr
	index *Orders

	// Of an index whose levels do not stay in the cache by themselves.
	near    [LookaheadEvents]uintptr
	places  [LookaheadEvents]*slot   // where the order of an event is, or will be
	guesses [LookaheadEvents]*uint32 // of the level that one comes to
}

// Full reports whether Fetch must come before the next Note.
func (a *Lookahead) Full() bool { return a.n == LookaheadEvents }

// Note adds an event that b will take. One that is not of an order is passed over.
func (a *Lookahead) Note(b *Book, e *event.Event) {
	if b == nil || b.orders == nil || orderKinds>>(e.Kind&63)&1 == 0 || a.n == LookaheadEvents {
		return
	}
	o := b.orders
	if a.index != o {
		a.Fetch()
		a.index = o
	}
	i := a.n & (LookaheadEvents - 1)
	a.n++
	s := at[slot](o.places, e.Ref&o.mask)
	a.lines[i] = uintptr(unsafe.Pointer(s))
	if o.hints == nil {
		return
	}
	side := int64(e.Side-1) & 1
	g := o.guess(b.hint, (int64(e.Price)^-side)+side)
	a.places[i], a.guesses[i] = s, g
	a.near[i] = uintptr(unsafe.Pointer(g))
}

// Batch notes and fetches events of one venue, whose books it has by instrument.
func (a *Lookahead) Batch(books []*Book, events []event.Event) {
	if len(events) == 0 {
		return
	}
	if len(events) == 1 {
		a.One(books[events[0].Instrument], &events[0])
		return
	}
	if b := books[events[0].Instrument]; b != nil && b.orders != nil && b.orders.hints == nil {
		prefetchOrders(b.orders.places, b.orders.mask, &events[0].Ref, unsafe.Sizeof(events[0]), len(events))
		return
	}
	for len(events) > 0 {
		next := events[:min(len(events), LookaheadEvents)]
		for i := range next {
			a.near[i] = uintptr(unsafe.Pointer(books[next[i].Instrument]))
		}
		prefetch(&a.near[0], len(next))
		for i := range next {
			a.Note(books[next[i].Instrument], &next[i])
		}
		a.Fetch()
		events = events[len(next):]
	}
}

// One asks for what a single event needs of a wide index, if that is the one of the event
// before: the place of its order, its book with both ladders and the guess of its level need
// not wait for each other. Once they are there, nor need the level to which a replaced order
// comes wait for the one that it leaves, nor where the far levels lie for either.
func (a *Lookahead) One(b *Book, e *event.Event) {
	if b == nil || orderKinds>>(e.Kind&63)&1 == 0 {
		return
	}
	o := a.index
	if o != b.orders {
		a.Fetch()
		a.index = b.orders
		return
	}
	if o == nil || o.hints == nil {
		return
	}
	side := int64(e.Side-1) & 1
	h, key := o.hints[e.Instrument], (int64(e.Price)^-side)+side
	// What comes is of one side; of which what leaves is, its level says later.
	l, contra := &b.sides[side], &b.sides[side]
	if e.Kind != event.OrderAdd {
		contra = &b.sides[side^1]
	}
	prefetchBook(b, at[slot](o.places, e.Ref&o.mask), o.guess(h, key), l, contra)
	if e.Kind == event.OrderReplaced {
		bid, ask := o.guess(h, int64(e.Price)), o.guess(h, -int64(e.Price))
		a.near[0], a.near[1] = uintptr(unsafe.Pointer(bid)), uintptr(unsafe.Pointer(ask))
		a.near[2] = uintptr(unsafe.Pointer(at[slot](o.places, e.OrderRef&o.mask)))
		prefetch(&a.near[0], 3)
		a.near[0] = uintptr(unsafe.Pointer(at[level](o.named, uint64(*bid))))
		a.near[1] = uintptr(unsafe.Pointer(at[level](o.named, uint64(*ask))))
		prefetch(&a.near[0], 2)
	}
	if l.beyond|contra.beyond != 0 {
		prefetchFar(l, contra)
	}
}

// Fetch asks for what has been noted and forgets it.
func (a *Lookahead) Fetch() {
	if a.n == 0 {
		return
	}
	o, n := a.index, a.n
	a.n = 0
	prefetch(&a.lines[0], n)
	if o.hints == nil {
		return
	}
	prefetch(&a.near[0], n)
	for i := range a.lines[:n] {
		number := uint64(a.places[i].level)
		// The level of the order that lies there, or else the guess: no branch foretells it.
		number |= uint64(*a.guesses[i]) & uint64(int64(number-1)>>63)
		a.lines[i] = uintptr(unsafe.Pointer(at[level](o.named, number)))
	}
	prefetch(&a.lines[0], n)
}
