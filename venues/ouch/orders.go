package ouch

import "penstock/market"

// order is where an order of ours stands, as the venue's messages say.
type order struct {
	child     uint64
	ref       uint32 // 5.0: UserRefNum of the last message that entered or replaced it
	symbol    int16  // index, -1 unknown
	side      market.Side
	status    market.OrdStatus // PendingNew until the venue says something
	unsent    bool             // no byte of it reached the venue
	canceling bool
	qty       int64 // shares; cum + leaves while it lives
	cum       int64
	leaves    int64
	notional  int64 // Σ price × shares, in 1/10,000
	price     uint64
	orderRef  uint64
}

// done reports whether the order can no longer trade.
func (o *order) done() bool { return o.status.Terminal() }

// execution is one trade of an order, kept because a second message with its MatchNumber
// must not count, and because a broken trade does not say what it was.
type execution struct {
	match     uint64
	slot      uint32
	qty       uint32
	price     uint64
	broken    bool
	corrected uint64 // number of the message that did it last; 0: none did
}

// orders is the book of all orders and executions of a session: nothing leaves it before
// the session ends. Its capacity is fixed.
type orders struct {
	list    []order
	byChild index
	byRef   index // 5.0
	execs   []execution
	byMatch index // of match and order together
}

func newOrders(capacity int) orders {
	return orders{
		list: make([]order, 0, capacity), byChild: newIndex(capacity), byRef: newIndex(2 * capacity),
		execs: make([]execution, 0, 4*capacity), byMatch: newIndex(4 * capacity),
	}
}

// clear forgets everything: another session begins.
func (b *orders) clear() {
	b.list, b.execs = b.list[:0], b.execs[:0]
	b.byChild.clear()
	b.byRef.clear()
	b.byMatch.clear()
}

func (b *orders) full() bool { return len(b.list) == cap(b.list) }

// add appends an order; there must be room.
func (b *orders) add(o order) *order {
	slot := uint32(len(b.list))
	b.list = append(b.list, o)
	b.byChild.put(o.child, slot)
	if o.ref != 0 {
		b.byRef.put(uint64(o.ref), slot)
	}
	return &b.list[slot]
}

// ofChild and ofRef return an order, nil when there is none.
func (b *orders) ofChild(child uint64) *order { return b.at(b.byChild.get(child)) }
func (b *orders) ofRef(ref uint32) *order     { return b.at(b.byRef.get(uint64(ref))) }

func (b *orders) at(slot uint32, ok bool) *order {
	if !ok {
		return nil
	}
	return &b.list[slot]
}

// slotOf returns the place of an order of the list.
func (b *orders) slotOf(o *order) uint32 {
	slot, _ := b.byChild.get(o.child)
	return slot
}

// matchKey tells the two sides of a self match apart.
func matchKey(match uint64, slot uint32) uint64 { return match ^ uint64(slot+1)*0x9e3779b97f4a7c15 }

// executed books a trade; first is false for one that is booked already. When there is no
// room for more of them it is taken at its word, and known is false.
func (b *orders) executed(o *order, match uint64, qty uint32, price uint64) (first, known bool) {
	slot := b.slotOf(o)
	key := matchKey(match, slot)
	if i, ok := b.byMatch.get(key); ok && b.execs[i].match == match && b.execs[i].slot == slot {
		return false, true
	}
	known = len(b.execs) < cap(b.execs)
	if known {
		b.byMatch.put(key, uint32(len(b.execs)))
		b.execs = append(b.execs, execution{match: match, slot: slot, qty: qty, price: price})
	}
	o.cum += int64(qty)
	o.leaves = max(o.leaves-int64(qty), 0)
	o.notional += int64(price) * int64(qty)
	if o.done() {
		return true, known // what comes after the end does not undo it
	}
	o.status = market.StatusPartiallyFilled
	if o.leaves == 0 {
		o.status = market.StatusFilled
	}
	return true, known
}

// trade returns an execution, nil when it is not known.
func (b *orders) trade(o *order, match uint64) *execution {
	slot := b.slotOf(o)
	if i, ok := b.byMatch.get(matchKey(match, slot)); ok && b.execs[i].match == match && b.execs[i].slot == slot {
		return &b.execs[i]
	}
	return nil
}

// index finds slots by a number that is not 0: open addressing, nothing is taken out.
type index struct {
	keys  []uint64
	slots []uint32
	n     int
}

func newIndex(capacity int) index {
	size := 16
	for size < 2*capacity {
		size *= 2
	}
	return index{keys: make([]uint64, size), slots: make([]uint32, size)}
}

func (x *index) clear() {
	clear(x.keys)
	x.n = 0
}

func (x *index) find(key uint64) int {
	mask := uint64(len(x.keys) - 1)
	i := key * 0x9e3779b97f4a7c15 >> 20 & mask
	for x.keys[i] != 0 && x.keys[i] != key {
		i = (i + 1) & mask
	}
	return int(i)
}

func (x *index) get(key uint64) (slot uint32, ok bool) {
	i := x.find(key)
	return x.slots[i], x.keys[i] == key && key != 0
}

// put adds or changes a number. One too many is left out: a quarter of the room stays
// free, so that find ends.
func (x *index) put(key uint64, slot uint32) {
	i := x.find(key)
	if x.keys[i] == 0 {
		if key == 0 || x.n >= len(x.keys)*3/4 {
			return
		}
		x.n++
	}
	x.keys[i], x.slots[i] = key, slot
}
