package book

import (
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
// Two orders fit a cache line, and an order never moves while it lives:
//
//	 0 ┌──────────────────────────────────────────────┐
//	   │ ref                                          │
//	 8 │ qty                                          │
//	16 │ arrival u32 │ book u16 │ gen u8 │ S │ passers │ one word, arrival on top
//	24 │ number of its level, u32 │                   │
//	32 └──────────────────────────────────────────────┘
//
// An empty slot has generation 0, which no book ever has. An order names its level,
// which has the price, so that what leaves it finds it without a search. The levels of
// all books are in one pool: there never are more than orders.
//
// Venues give out references nearly in sequence over all their instruments, and
// most orders that leave came lately. So 16 consecutive references have their homes
// in a row (8 cache lines), and the row is placed by a multiplicative hash: rows that
// followed each other would meet all the rows of an earlier lap at once.
//
// Collisions step on by an odd stride. A slot counts how many living orders passed
// it on the way from their home: a search ends where nobody passed. Deleting needs
// neither tombstones nor moves: it undoes the counts, which are none for an order at
// home. (The overflow counters of Facebook's F14 do this by chunk.)
//
// Clear of one book only changes its generation: its orders are dead, are skipped
// by searches and give way to new ones. They are swept when a new order meets one and
// they are an eighth of the capacity, or when the generations of a book are used up.
type Orders struct {
	slots    []slot
	mask     uint64
	shift    uint
	capacity int
	live     int
	dead     int
	arrivals uint32
	books    []uint8 // generation of each book
	pool     *pool   // of their levels
	Purges   uint64  // sweeps for dead orders so far
}

type slot struct {
	ref   uint64
	qty   market.Qty
	meta  uint64
	level uint32
}

// MaxOrders is the largest capacity of an order index.
const MaxOrders = 1 << 30

const (
	blockBits = 4                // consecutive references in a row: 1 << blockBits
	stride    = 1<<blockBits + 1 // odd: it meets every slot

	passersMask = 1<<7 - 1 // a count that reaches it stays, until nothing is left to pass
	sellBit     = 1 << 7
	ownerShift  = 8
	ownerMask   = 1<<24 - 1
	arriveShift = 32

	// noGeneration is that of a book between its last generation and the first.
	noGeneration = 0
)

// NewOrders returns an index for at most capacity living orders of one venue. It
// takes 32 bytes for each of up to 8/3 × capacity slots, and 16 for each level.
func NewOrders(capacity int) *Orders {
	assert.That(capacity > 0 && capacity <= MaxOrders, "the capacity of an order index is in range")
	bits := uint(blockBits + 1)
	for capacity > 3<<bits/4 {
		bits++
	}
	o := &Orders{slots: make([]slot, 1<<bits), mask: 1<<bits - 1, shift: 64 - bits + blockBits, capacity: capacity,
		books: make([]uint8, 0, 1<<16), pool: newPool(capacity + 1)} // a level joins before its order
	for i := range o.slots {
		o.slots[i].qty = 0 // every page is there before the first order comes
	}
	return o
}

// Len returns the number of orders of all books.
func (o *Orders) Len() int { return o.live }

// Capacity returns how many orders fit.
func (o *Orders) Capacity() int { return o.capacity }

// join returns the owner of a new book: its number and generation.
func (o *Orders) join() uint32 {
	assert.That(len(o.books) < 1<<16, "at most 65536 books share an order index")
	o.books = append(o.books, noGeneration+1)
	return uint32(len(o.books)-1)<<8 | noGeneration + 1
}

func (o *Orders) home(ref uint64) uint64 {
	return ref>>blockBits*0x9e3779b97f4a7c15>>o.shift<<blockBits | ref&(1<<blockBits-1)
}

func (s *slot) owner() uint32  { return uint32(s.meta) >> ownerShift }
func (s *slot) passed() bool   { return s.meta&passersMask != 0 }
func (s *slot) arrival() int32 { return int32(s.meta >> arriveShift) }

func (s *slot) empty() bool { return s.meta>>ownerShift&0xff == noGeneration }

func (s *slot) index() uint64     { return s.meta / sellBit & 1 } // Side.Index
func (s *slot) side() market.Side { return market.Buy + market.Side(s.index()) }

// find returns the slot of order ref of owner, or nil.
func (o *Orders) find(owner uint32, ref uint64) *slot {
	s := &o.slots[o.home(ref)&o.mask]
	if s.ref == ref && s.owner() == owner {
		return s
	}
	if !s.passed() {
		return nil
	}
	return o.findFar(owner, ref)
}

func (o *Orders) findFar(owner uint32, ref uint64) *slot {
	i := o.home(ref)
	for range o.slots {
		i = (i + stride) & o.mask
		s := &o.slots[i]
		if s.ref == ref && s.owner() == owner {
			return s
		}
		if !s.passed() {
			break
		}
	}
	return nil
}

// insert takes an order that owner does not have and returns its slot; nil means
// that the index is full. known means that owner has it, and nothing changed.
func (o *Orders) insert(owner uint32, ref uint64, level uint32, qty market.Qty, side uint64) (s *slot, known bool) {
	s = &o.slots[o.home(ref)&o.mask]
	if s.meta&(passersMask|0xff<<ownerShift) != 0 || o.live == o.capacity {
		if s, known = o.room(owner, ref); s == nil {
			return nil, known
		}
	}
	o.live++
	o.arrivals++
	s.ref, s.qty, s.level = ref, qty, level
	s.meta = uint64(o.arrivals)<<arriveShift | uint64(owner)<<ownerShift | side*sellBit | s.meta&passersMask
	return s, false
}

// room finds an empty slot on the way of ref, or makes one of a dead order's.
func (o *Orders) room(owner uint32, ref uint64) (s *slot, known bool) {
	if o.find(owner, ref) != nil {
		return nil, true
	}
	if o.live == o.capacity {
		return nil, false
	}
	if o.dead > o.capacity/8 {
		o.purge()
	}
	i := o.home(ref)
	for !o.slots[i].empty() {
		if o.isDead(&o.slots[i]) {
			o.dead--
			o.remove(&o.slots[i])
			break
		}
		i = (i + stride) & o.mask
	}
	o.pass(ref, i, +1)
	return &o.slots[i], false
}

// pass counts an order ref that lies at slot to in or out of the slots before.
func (o *Orders) pass(ref, to uint64, by int) {
	for i := o.home(ref); i != to; i = (i + stride) & o.mask {
		s := &o.slots[i]
		if s.meta&passersMask != passersMask { // a full count stays
			s.meta += uint64(by)
		}
	}
}

// remove empties a slot.
func (o *Orders) remove(s *slot) {
	if home := o.home(s.ref); s != &o.slots[home&o.mask] {
		o.leave(s, home)
	}
	s.meta &= passersMask
}

func (o *Orders) leave(s *slot, i uint64) {
	for s != &o.slots[i] {
		i = (i + stride) & o.mask
	}
	o.pass(s.ref, i, -1)
}

func (o *Orders) isDead(s *slot) bool {
	owner := s.owner()
	return uint8(owner) != o.books[owner>>8]
}

// clear makes the n orders of owner dead and returns the book's next owner.
func (o *Orders) clear(owner uint32, n int) (next uint32) {
	if n == 0 {
		return owner
	}
	o.live -= n
	o.dead += n
	gen := uint8(owner) + 1
	if o.books[owner>>8] = gen; gen == noGeneration {
		o.purge() // or the orders of 255 generations ago would live again
		gen++
		o.books[owner>>8] = gen
	}
	return owner&^0xff | uint32(gen)
}

// purge empties the slots of dead orders and counts anew who passed whom. It looks at
// every slot, once for an eighth of the capacity in dead orders at most.
func (o *Orders) purge() {
	o.Purges++
	for i := range o.slots {
		s := &o.slots[i]
		if !s.empty() && o.isDead(s) {
			s.meta = 0
		}
		s.meta &^= passersMask
	}
	o.dead = 0
	for i := range o.slots {
		if s := &o.slots[i]; !s.empty() && o.home(s.ref) != uint64(i) {
			o.pass(s.ref, uint64(i), +1)
		}
	}
}
