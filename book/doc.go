// Package book keeps one instrument's depth per venue and merged over venues.
//
//	event ──► Book (one venue, one instrument: ladders, orders, quote, state)
//	             │ touch changed
//	             ▼
//	          Composite (one instrument over all venues: touch, size by venue, features)
//	             │ Publish
//	             ▼
//	          View (lock-free copy for readers outside the core)
//
// Only a LIVE book takes part in the composite. A book that receives something
// impossible (an unknown order, a negative size, crossed prices) leaves LIVE in
// the same step and asks for a resync. The writer is the core thread alone; only
// View may be read from elsewhere. All memory is taken at start.
package book
