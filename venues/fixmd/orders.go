package fixmd

import (
	"math/bits"

	"penstock/market"
)

// resting is a displayed order as the venue named it. qty 0: it is known but
// shows nothing that can be traded.
type resting struct {
	ref   uint64 // 0: the slot is free
	price int64
	qty   int64
	book  int32
	side  market.Side
}

// orderTable finds orders by reference: open addressing, at most half full.
type orderTable struct {
	slots []resting
	mask  uint64
	count int
	limit int
}

func newOrderTable(orders int) orderTable {
	n := uint64(1) << bits.Len(uint(2*orders-1))
	return orderTable{slots: make([]resting, n), mask: n - 1, limit: orders}
}

// reference makes the 64-bit reference of an order from what the venue calls it:
// FNV-1a over book and text. Two orders with the same one would show as an order
// that is entered twice, which takes the book out of use.
func reference(index int, id []byte) uint64 {
	h := (uint64(14695981039346656037) ^ uint64(index)) * 1099511628211
	for _, c := range id {
		h = (h ^ uint64(c)) * 1099511628211
	}
	if h == 0 {
		return 1
	}
	return h
}

func (t *orderTable) home(ref uint64) uint64 { return (ref ^ ref>>32) & t.mask }

// find returns the order, nil when it is not there. Valid until the next change.
func (t *orderTable) find(ref uint64) *resting {
	if len(t.slots) == 0 {
		return nil
	}
	for i := t.home(ref); t.slots[i].ref != 0; i = (i + 1) & t.mask {
		if t.slots[i].ref == ref {
			return &t.slots[i]
		}
	}
	return nil
}

// insert adds an order that is not there; false when the table is full.
func (t *orderTable) insert(o resting) bool {
	if t.count == t.limit {
		return false
	}
	i := t.home(o.ref)
	for t.slots[i].ref != 0 {
		i = (i + 1) & t.mask
	}
	t.slots[i] = o
	t.count++
	return true
}

// remove deletes an order, if it is there, and moves up those behind it.
func (t *orderTable) remove(ref uint64) {
	i := t.home(ref)
	for t.slots[i].ref != ref {
		if t.slots[i].ref == 0 {
			return
		}
		i = (i + 1) & t.mask
	}
	t.count--
	for j := i; ; {
		j = (j + 1) & t.mask
		if t.slots[j].ref == 0 {
			break
		}
		if home := t.home(t.slots[j].ref); (j-home)&t.mask >= (j-i)&t.mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = resting{}
}

// removeBook deletes every order of a book.
func (t *orderTable) removeBook(index int) {
	for i := 0; i < len(t.slots); {
		if o := &t.slots[i]; o.ref != 0 && int(o.book) == index {
			t.remove(o.ref) // another order may move here: look again
			continue
		}
		i++
	}
}
