package book

import "penstock/market"

// Order is one displayed order of an order-by-order feed.
type Order struct {
	Ref   uint64
	Price market.Price
	Qty   market.Qty // 0 marks an empty slot
	Side  market.Side
}

// Orders finds displayed orders by their reference: open addressing with linear
// probing and backward-shift deletion, at most three quarters full. Single writer.
type Orders struct {
	slots []Order
	shift uint
	n     int
}

// NewOrders returns a table for at most capacity orders; 0 makes one that holds none.
func NewOrders(capacity int) Orders {
	if capacity == 0 {
		return Orders{}
	}
	bits := uint(3)
	for capacity > 3<<bits/4 {
		bits++
	}
	return Orders{slots: make([]Order, 1<<bits), shift: 64 - bits}
}

// Len returns the number of orders.
func (o *Orders) Len() int { return o.n }

// Clear removes every order, keeping the memory.
func (o *Orders) Clear() {
	clear(o.slots)
	o.n = 0
}

func (o *Orders) home(ref uint64) int { return int(ref * 0x9e3779b97f4a7c15 >> o.shift) }

// Find returns the order ref, or nil. The pointer is valid until the next change.
func (o *Orders) Find(ref uint64) *Order {
	if len(o.slots) == 0 {
		return nil
	}
	for i := o.home(ref); o.slots[i].Qty != 0; i = (i + 1) & (len(o.slots) - 1) {
		if o.slots[i].Ref == ref {
			return &o.slots[i]
		}
	}
	return nil
}

// Insert adds an order that is not in the table; false means that it is full.
func (o *Orders) Insert(order Order) bool {
	if o.n >= len(o.slots)*3/4 {
		return false
	}
	i := o.home(order.Ref)
	for o.slots[i].Qty != 0 {
		i = (i + 1) & (len(o.slots) - 1)
	}
	o.slots[i] = order
	o.n++
	return true
}

// Delete removes order ref if it is there.
func (o *Orders) Delete(ref uint64) {
	order := o.Find(ref)
	if order == nil {
		return
	}
	mask := len(o.slots) - 1
	hole := o.home(ref)
	for &o.slots[hole] != order {
		hole = (hole + 1) & mask
	}
	for i := (hole + 1) & mask; o.slots[i].Qty != 0; i = (i + 1) & mask {
		if (i-o.home(o.slots[i].Ref))&mask >= (i-hole)&mask {
			o.slots[hole] = o.slots[i]
			hole = i
		}
	}
	o.slots[hole] = Order{}
	o.n--
}
