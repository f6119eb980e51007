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
	lines [2 * LookaheadEvents]uintptr
	takes [LookaheadEvents]*slot   // the order that an event is of, nil for one that comes
	adds  [LookaheadEvents]*uint32 // the guess where one goes
	index *Orders
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
		if a.n > 0 {
			a.Fetch()
		}
		a.index = o
	}
	i := a.n & (LookaheadEvents - 1)
	s := at[slot](o.places, e.Ref&o.mask)
	a.takes[i] = s
	a.lines[2*i] = uintptr(unsafe.Pointer(s))
	side := uint64(e.Side-1) & 1
	key := (int64(e.Price) ^ -int64(side)) + int64(side)
	g := at[uint32](o.guessed, (uint64(key>>(b.grain&63))+b.spread)&o.narrow)
	a.adds[i] = g
	a.lines[2*i+1] = uintptr(unsafe.Pointer(g))
	a.n++
}

// Fetch asks for what has been noted and forgets it.
func (a *Lookahead) Fetch() {
	if a.n == 0 {
		return
	}
	o := a.index
	prefetch(&a.lines[0], 2*a.n)
	for i := range a.n {
		number := a.takes[i&(LookaheadEvents-1)].level
		if number == 0 {
			number = *a.adds[i&(LookaheadEvents-1)]
		}
		a.lines[i&(LookaheadEvents-1)] = uintptr(unsafe.Pointer(at[level](o.named, uint64(number))))
	}
	prefetch(&a.lines[0], a.n)
	a.n = 0
}
