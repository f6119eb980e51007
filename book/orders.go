package book

import (
	"math/bits"
	"unsafe"

	"penstock/internal/assert"
	"penstock/market"
)

// Order is one displayed order of an order-by-order feed.
type Order struct {
	Ref   uint64
	Price market.Price
	Qty   market.Qty
	Side  market.Side
}

// Orders finds the displayed orders of one venue by their reference. All books of
// the venue share it; an order belongs to one of them. Its capacity is fixed and
// its memory is taken at start. Single writer.
//
//	ref mod slots
//	 ▼
//	front     [ lap u32 │ qty u32 │ level u32 │ arrival u32 ] …   four orders a cache line
//	strays    how many orders of that place lie in the spill
//	spill     orders that had to give way, by a hash (see spill)
//	pool      levels of all books: price, size, book
//
// Venues give out references nearly in sequence over all their instruments, and most
// orders that leave came lately. So an order lies at its reference modulo the slots: new
// ones lie side by side, and one that leaves is found by a mask and a compare. An order
// that is met by a later one of the same place moves to the spill, once in its life. Orders
// of 2^32 lots and more, and of the 2^32nd lap and later, are always there. References that
// are no sequence cost more, not correctness. When an order came says its arrival: queue
// positions are counted from it.
//
// An order names its level, which has the price and the book: what leaves finds it
// without a search, and there is no second copy to disagree. guesses says where the level
// of a book and price probably is: what comes finds it without one either.
//
// Clear of one book buries its levels: they belong to nobody, so its orders are dead, are
// skipped by searches and give way to new ones. When they are as many as the capacity
// everything dead is swept.
type Orders struct {
	live     int
	capacity int
	mask     uint64 // of places in front
	lapBits  uint64
	places   unsafe.Pointer // the same as front, strays, levels and guesses: see at
	strayed  unsafe.Pointer
	named    unsafe.Pointer
	guessed  unsafe.Pointer
	narrow   uint64         // the mask of guesses
	hints    *[1 << 16]hint // by instrument, those of the books; nil where the index is not wide
	arrived  uint32
	latest   uint64 // reference of the order that came last, for Foresee and Rewarm

	front   []slot
	strays  []uint32
	levels  []level // of the pool
	guesses []uint32
	spill   spill
	books   int
	pool    *pool
	dead    int    // orders and levels that clears left behind, at most
	Purges  uint64 // sweeps for dead orders so far
}

// slot is an order in front: its place and its lap are its reference. An empty one has
// level 0, which belongs to no book.
type slot struct {
	lap     uint32
	qty     uint32
	level   uint32
	arrival uint32
}

// at returns element i of an array that begins at base. What changes with every message
// goes without the check of an index that a mask has made or that we have written ourselves.
func at[T any](base unsafe.Pointer, i uint64) *T {
	var t T
	return (*T)(unsafe.Add(base, uintptr(i)*unsafe.Sizeof(t)))
}

// Limits of an order index.
const (
	MaxOrders = 1 << 29 // capacity
	MaxBooks  = 1<<ownerBits - 1
)

const (
	minFront = 64
	// smallOrders is the capacity below which a longer lap, which fewer orders outlive, costs
	// less than what they cost in the spill.
	smallOrders = 1 << 16
)

// NewOrders returns an index for at most capacity living orders of one venue. It
// takes 20 bytes for each of 4 to 8 × capacity places in front, 16 to 32 × below smallOrders,
// 32 for each of up to 8/3 × capacity in the spill, 32 for levels, 45 for their leaves and up to
// 8 for guesses.
func NewOrders(capacity int) *Orders {
	assert.That(capacity > 0 && capacity <= MaxOrders, "the capacity of an order index is in range")
	lap := 4 * capacity
	if capacity < smallOrders {
		lap *= 4
	}
	front := max(1<<bits.Len(uint(lap-1)), minFront)
	guesses := max(1<<bits.Len(uint(capacity/2)), minFront)
	o := &Orders{front: make([]slot, front), strays: make([]uint32, front), guesses: make([]uint32, guesses),
		mask: uint64(front - 1), lapBits: uint64(bits.Len(uint(front - 1))), narrow: uint64(guesses - 1), capacity: capacity, spill: newSpill(capacity),
		// A level joins before its order, and a clear buries before it sweeps.
		pool: newPool(2*capacity+2, leavesFor(capacity+1))}
	o.levels = o.pool.levels
	touchPages(o.front, func(s *slot) { s.qty = 0 })
	touchPages(o.strays, func(n *uint32) { *n = 0 })
	touchPages(o.guesses, func(g *uint32) { *g = 0 })
	if capacity >= wideOrders {
		o.hints = new([1 << 16]hint)
		touchPages(o.hints[:], func(h *hint) { *h = 0 })
	}
	o.places, o.strayed = unsafe.Pointer(&o.front[0]), unsafe.Pointer(&o.strays[0])
	o.named, o.guessed = unsafe.Pointer(&o.levels[0]), unsafe.Pointer(&o.guesses[0])
	return o
}

// touchPages writes to every element, so that every page is there before the first order
// comes.
func touchPages[T any](s []T, write func(*T)) {
	for i := range s {
		write(&s[i])
	}
}

// Len returns the number of orders of all books.
func (o *Orders) Len() int { return o.live }

// Capacity returns how many orders fit.
func (o *Orders) Capacity() int { return o.capacity }

// join returns the owner of a new book: its number.
func (o *Orders) join() uint16 {
	assert.That(o.books < MaxBooks, "at most 32767 books share an order index")
	o.books++
	return uint16(o.books)
}

// found is where an order lies.
type found struct {
	front *slot // nil: in the spill
	far   *stray
}

func (f found) ok() bool { return f.front != nil || f.far != nil }

func (f found) level() uint32 {
	if f.front != nil {
		return f.front.level
	}
	return f.far.level
}

func (f found) qty() market.Qty {
	if f.front != nil {
		return market.Qty(f.front.qty)
	}
	return f.far.qty
}

// reduce takes qty off and reports whether nothing is left.
func (f found) reduce(qty market.Qty) (gone bool) {
	if f.front != nil {
		f.front.qty -= uint32(qty)
		return f.front.qty == 0
	}
	f.far.qty -= qty
	return f.far.qty == 0
}

// ref returns the reference of the order at a place.
func (o *Orders) ref(place uint64) uint64 { return uint64(o.front[place].lap)<<o.lapBits | place }

// find returns order ref of owner.
func (o *Orders) find(owner uint16, ref uint64) (f found) {
	i := ref & o.mask
	if s := &o.front[i]; uint64(s.lap) == ref>>o.lapBits && o.levels[s.level].owner() == owner {
		f.front = s
	} else if o.strays[i] != 0 {
		f.far = o.spill.find(o.levels, owner, ref)
	}
	return f
}

// arrival returns when an order came: the difference of two tells which was first.
func (o *Orders) arrival(f found) int32 {
	if f.front != nil {
		return int32(f.front.arrival)
	}
	return int32(f.far.arrival)
}

// entry is what insert says.
type entry uint8

const (
	entered entry = iota
	known         // the owner has this order already
	full          // there are as many orders as the capacity
)

// insert takes an order that lies at level of owner.
func (o *Orders) insert(owner uint16, ref uint64, level uint32, qty market.Qty) entry {
	if e := o.room(owner, ref); e != entered {
		return e
	}
	o.live++
	o.arrived++
	o.latest = ref
	if (uint64(qty)|ref>>o.lapBits)>>32 != 0 {
		o.stray(ref, level, qty, o.arrived)
		return entered
	}
	i := ref & o.mask
	s := &o.front[i]
	if s.level != 0 && o.levels[s.level].owner() != nobody {
		o.stray(o.ref(i), s.level, market.Qty(s.qty), s.arrival)
	}
	*s = slot{uint32(ref >> o.lapBits), uint32(qty), level, o.arrived}
	return entered
}

// bareDead empties the place of ref in front if a dead order lies there, and reports
// whether one did.
func (o *Orders) bareDead(ref uint64) bool {
	s := &o.front[ref&o.mask]
	if s.level == 0 || o.levels[s.level].owner() != nobody {
		return false
	}
	s.level = 0
	return true
}

// room reports whether there is room for an order that owner does not have.
func (o *Orders) room(owner uint16, ref uint64) entry {
	switch {
	case o.find(owner, ref).ok():
		return known
	case o.live == o.capacity:
		return full
	}
	return entered
}

// stray puts an order into the spill.
func (o *Orders) stray(ref uint64, level uint32, qty market.Qty, arrival uint32) {
	o.spill.insert(o.levels, stray{ref: ref, qty: qty, level: level, arrival: arrival})
	o.strays[ref&o.mask]++
}

// remove takes a living order out.
func (o *Orders) remove(f found) {
	o.live--
	if f.front != nil {
		f.front.level = 0
		return
	}
	o.strays[f.far.ref&o.mask]--
	o.spill.remove(f.far)
}

// clear says that n orders and their levels, which are buried, are dead.
func (o *Orders) clear(n, levels int) {
	o.live -= n
	if o.dead += max(n, levels); o.dead > o.capacity {
		o.purge()
	}
}

// purge removes dead orders and gives their levels back. It looks at every slot, once for
// as many dead as the capacity.
func (o *Orders) purge() {
	o.Purges++
	o.dead = 0
	for i := range o.front {
		if s := &o.front[i]; s.level != 0 && o.levels[s.level].owner() == nobody {
			s.level = 0
		}
	}
	o.spill.purge(o.levels)
	clear(o.strays)
	for i := range o.spill.slots {
		if s := &o.spill.slots[i]; s.level != 0 {
			o.strays[s.ref&o.mask]++
		}
	}
	o.pool.exhume()
}

// before returns the quantity of the orders at a level that came before one. It looks at
// every slot: once for each order of ours that the feed showed before we knew its number.
func (o *Orders) before(level uint32, arrival int32) (qty market.Qty) {
	for i := range o.front {
		if s := &o.front[i]; s.level == level && int32(s.arrival)-arrival < 0 {
			qty += market.Qty(s.qty)
		}
	}
	for i := range o.spill.slots {
		if s := &o.spill.slots[i]; s.level == level && int32(s.arrival)-arrival < 0 {
			qty += s.qty
		}
	}
	return qty
}
