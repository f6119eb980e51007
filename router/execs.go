package router

import (
	"penstock/event"
	"penstock/market"
)

// Execution is what a venue said under one ExecID(17).
type Execution struct {
	ID        event.ID
	Child     int32 // its slot
	Venue     market.VenueID
	Liquidity market.Liquidity
	Undone    bool    // cancelled or corrected by the venue since
	Code      uint8   // its market.ExecType
	by        witness // who told of it
	priced    bool    // it said the price of what a status had told of: it never counts
	next      int32   // that waits for its other witness
	day       int32   // the trading day on which the order session told it, or the last one before
	seen      int64   // when it was first told, ns since epoch
	Price     market.Price
	Qty       market.Qty
	Cum       market.Qty // CumQty(14) that came with it
	Told      uint64     // ExecID(17) of the report to the client, 0 before it
	Trade     event.ID   // what else the venue calls it
}

// same reports whether a report repeats x.
func (x *Execution) same(child int32, e *event.Event) bool {
	return x.Child == child && x.Code == e.Code && x.Qty == e.LastQty && x.Price == e.LastPx && x.Cum == e.CumQty
}

// execs remembers the executions of a run by venue and ExecID: open addressing, no
// deletion. It is a check beside CumQty, not what quantities are made from: when it is
// full the run goes on without it.
type execs struct {
	index []int32 // of list plus one, 0 is empty
	list  []Execution
}

func newExecs(capacity int) execs {
	size := 16
	for size < 2*capacity {
		size *= 2
	}
	t := execs{index: make([]int32, size), list: make([]Execution, capacity)}
	for i := range t.list {
		t.list[i].Child = none // write to every page now
	}
	t.list = t.list[:0]
	return t
}

// find returns the execution of (venue, id), nil when it is not known, and the place
// where it belongs.
func (t *execs) find(venue market.VenueID, id event.ID) (x *Execution, place uint64) {
	h := uint64(14695981039346656037) ^ uint64(venue)
	for _, b := range id {
		h = (h ^ uint64(b)) * 1099511628211
	}
	mask := uint64(len(t.index) - 1)
	for i := (h ^ h>>32) & mask; ; i = (i + 1) & mask {
		n := t.index[i]
		if n == 0 {
			return nil, i
		}
		if x := &t.list[n-1]; x.Venue == venue && x.ID == id {
			return x, i
		}
	}
}

// add remembers an execution at the place that find returned; false when there is no room.
func (t *execs) add(place uint64, x Execution) bool {
	if len(t.list) == cap(t.list) {
		return false
	}
	t.list = append(t.list, x)
	t.index[place] = int32(len(t.list))
	return true
}
