package book

import "penstock/market"

// spill holds the orders that found no place in front: 32 bytes each, found by a hash.
//
// 16 consecutive references have their homes in a row, and the row is placed by a
// multiplicative hash: rows that followed each other would meet all the rows of an
// earlier lap at once. Collisions step on by an odd stride. A slot counts how many orders
// passed it on the way from their home: a search ends where nobody passed. Deleting needs
// neither tombstones nor moves: it undoes the counts. (The overflow counters of Facebook's
// F14 do this by chunk.)
type spill struct {
	slots []stray
	mask  uint64
	shift uint
}

// stray is an order in the spill. An empty slot has level 0.
type stray struct {
	ref     uint64
	qty     market.Qty
	level   uint32
	arrival uint32
	passers uint32
	_       uint32
}

const (
	blockBits = 4                // consecutive references in a row: 1 << blockBits
	stride    = 1<<blockBits + 1 // odd: it meets every slot
)

// newSpill returns a spill for capacity orders. Dead ones give way, so that it never is
// full.
func newSpill(capacity int) spill {
	bits := uint(blockBits + 1)
	for capacity > 3<<bits/4 {
		bits++
	}
	p := spill{slots: make([]stray, 1<<bits), mask: 1<<bits - 1, shift: 64 - bits + blockBits}
	touchPages(p.slots, func(s *stray) { s.qty = 0 })
	return p
}

func (p *spill) home(ref uint64) uint64 {
	return ref>>blockBits*0x9e3779b97f4a7c15>>p.shift<<blockBits | ref&(1<<blockBits-1)
}

// find returns the slot of order ref of owner, or nil.
func (p *spill) find(levels []level, owner uint16, ref uint64) *stray {
	i := p.home(ref)
	for range p.slots {
		s := &p.slots[i&p.mask]
		if s.ref == ref && levels[s.level].owner() == owner {
			return s
		}
		if s.passers == 0 {
			break
		}
		i = (i + stride) & p.mask
	}
	return nil
}

// insert puts an order into the first slot on its way that is empty, or a dead order's.
func (p *spill) insert(levels []level, o stray) {
	i := p.home(o.ref)
	for p.slots[i].level != 0 {
		if levels[p.slots[i].level].owner() == nobody {
			p.remove(&p.slots[i])
			break
		}
		i = (i + stride) & p.mask
	}
	p.pass(o.ref, i, 1)
	s := &p.slots[i]
	o.passers = s.passers
	*s = o
}

// pass counts an order ref that lies at slot to in or out of the slots before.
func (p *spill) pass(ref, to uint64, by uint32) {
	for i := p.home(ref); i != to; i = (i + stride) & p.mask {
		p.slots[i].passers += by
	}
}

// remove empties a slot.
func (p *spill) remove(s *stray) {
	i := p.home(s.ref)
	for s != &p.slots[i] {
		i = (i + stride) & p.mask
	}
	p.pass(s.ref, i, ^uint32(0))
	s.level = 0
}

// purge empties the slots of dead orders.
func (p *spill) purge(levels []level) {
	for i := range p.slots {
		if s := &p.slots[i]; s.level != 0 && levels[s.level].owner() == nobody {
			p.remove(s)
		}
	}
}
