package main

import (
	"fmt"
	"sync/atomic"
)

// refusals count what found no room on its way out of the core, which never waits: the
// policy for each is in docs/bad-days.md.
type refusals struct {
	orders  atomic.Uint64 // new orders answered as rejected: a gateway's ring was full
	late    atomic.Uint64 // cancels and status requests that waited for room in it
	reports atomic.Uint64 // clients' reports that waited for room
}

// String is empty when there were none.
func (r *refusals) String() string {
	orders, late, reports := r.orders.Load(), r.late.Load(), r.reports.Load()
	if orders+late+reports == 0 {
		return ""
	}
	return fmt.Sprintf("full rings: %d orders rejected, %d cancels and status requests late, %d reports late",
		orders, late, reports)
}
