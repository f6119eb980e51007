// Package book keeps one instrument's depth per venue and merged over venues.
//
//	event ──► Book (one venue, one instrument: ladders, orders, quote, state)
//	             │ touch changed
//	             ▼
//	          Composite (one instrument over all venues: lanes, touch, signals, features)
//	             │ Levels: the best prices over venues, by price or net of fees
//	             │ Serve: at the end of a turn, if a reader asked
//	             ▼
//	          View (consistent copy for a reader outside the core, through its Watch)
//
// Only a LIVE book takes part in the composite. A book that receives something
// impossible (an unknown order, a negative size, crossed prices) leaves LIVE in
// the same step and asks for a resync. The writer is the core thread alone; others
// read through a Watch and change nothing. All memory is taken at start.
package book
