package router

import (
	"math"
	"slices"
)

// agenda knows which parents are live: in order of acceptance, by instrument, and by when
// they want to be looked at. An event costs what its own parents cost, however many
// others there are.
type agenda struct {
	all   []int32 // slots of live parents, ascending
	of    []chain // by instrument
	links []link  // by slot
	heap  []due   // earliest first
	over  []int32 // slots of the parents that ended in this step
}

// chain holds the live parents of an instrument, in order of acceptance.
type chain struct{ first, last int32 }

type link struct {
	next, prev int32 // in the chain
	at         int32 // place in the heap
}

// due says when a parent wants to be looked at.
type due struct {
	time int64
	slot int32
}

func (d due) before(o due) bool { return d.time < o.time || d.time == o.time && d.slot < o.slot }

func newAgenda(instruments, parents int) agenda {
	a := agenda{all: make([]int32, 0, parents), of: make([]chain, instruments), links: make([]link, parents),
		heap: make([]due, 0, parents), over: make([]int32, 0, parents)}
	for i := range a.of {
		a.of[i] = chain{none, none}
	}
	for i := range a.links {
		a.links[i] = link{none, none, none} // written now: its first use must not fault
	}
	return a
}

// enter adds a parent that was accepted last.
func (a *agenda) enter(slot int32, instrument int, time int64) {
	a.all = append(a.all, slot)
	c := &a.of[instrument]
	a.links[slot] = link{none, c.last, int32(len(a.heap))}
	if c.last == none {
		c.first = slot
	} else {
		a.links[c.last].next = slot
	}
	c.last = slot
	a.heap = append(a.heap, due{time, slot})
	a.up(len(a.heap) - 1)
}

// leave removes a parent that ended.
func (a *agenda) leave(slot int32, instrument int) {
	i, ok := slices.BinarySearch(a.all, slot)
	if ok {
		a.all = slices.Delete(a.all, i, i+1)
	}
	c, l := &a.of[instrument], &a.links[slot]
	if l.prev == none {
		c.first = l.next
	} else {
		a.links[l.prev].next = l.next
	}
	if l.next == none {
		c.last = l.prev
	} else {
		a.links[l.next].prev = l.prev
	}
	at := int(l.at)
	*l = link{none, none, none}
	last := len(a.heap) - 1
	moved := a.heap[last]
	a.heap = a.heap[:last]
	if at < last {
		a.put(at, moved)
		a.settle(at)
	}
}

// wake says when a live parent wants to be looked at next.
func (a *agenda) wake(slot int32, time int64) {
	at := int(a.links[slot].at)
	a.heap[at].time = time
	a.settle(at)
}

// next returns who is due first; time is math.MaxInt64 when nobody is.
func (a *agenda) next() due {
	if len(a.heap) == 0 {
		return due{math.MaxInt64, none}
	}
	return a.heap[0]
}

func (a *agenda) put(at int, d due) {
	a.heap[at] = d
	a.links[d.slot].at = int32(at)
}

// settle moves the entry at a place to where it belongs.
func (a *agenda) settle(at int) { a.down(a.up(at)) }

func (a *agenda) up(at int) int {
	d := a.heap[at]
	for at > 0 {
		parent := (at - 1) / 2
		if !d.before(a.heap[parent]) {
			break
		}
		a.put(at, a.heap[parent])
		at = parent
	}
	a.put(at, d)
	return at
}

func (a *agenda) down(at int) {
	d := a.heap[at]
	for {
		child := 2*at + 1
		if child >= len(a.heap) {
			break
		}
		if other := child + 1; other < len(a.heap) && a.heap[other].before(a.heap[child]) {
			child = other
		}
		if !a.heap[child].before(d) {
			break
		}
		a.put(at, a.heap[child])
		at = child
	}
	a.put(at, d)
}

// wake says when p wants to be looked at next, ns since epoch.
func (c *Core) wake(p *Parent, time int64) {
	p.nextTime = time
	c.agenda.wake(slotIn(p.Number), time)
}
