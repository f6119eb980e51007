// Package simtest tries to break the router. It runs the real router.Core in a world that
// owns the truth, in virtual time, and stops at the first thing that must not happen.
//
//	seed ─► swarm: venues, their habits, latencies, sizes, which faults and how often
//	     └► plan: a list of choices, each an event or a fault with its time
//	                │ dropped ones are left out: what shrinking does
//	                ▼
//	world: heap of (time, number) ─► clients, venues, feeds, links, clock, journal
//	           │            ▲
//	    events ▼            │ commands
//	        router.Core ────┘
//	           │ every message between router and world, both sides
//	           ▼
//	ledger: a second, naive one, written from the FIX text, without a line of the router
//
// A run has three parts: faults (safety), then everything is repaired (heal), then all that
// is unknown must resolve and every parent must end (liveness). Randomness is a function of
// seed, stream and counter, so a seed and the list of dropped choices say everything.
//
// What may go wrong is the catalogue of failure modes in markers.go; each has to be met
// (Sometimes), and a table says where those are proven that do not concern this world.
package simtest
