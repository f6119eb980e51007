// Package sim holds the engines of simulated venues: a limit order book
// (Exchange), a midpoint pool (DarkPool), a quote stream with last look (Dealer)
// and the background Flow that trades on all of them.
//
//	            ┌────────── Flow ──────────┐  one fundamental, seeded
//	 post, take │        contra, reference │
//	            ▼                          ▼
//	orders ─► Exchange ×n            DarkPool, Dealer ◄─ orders
//	            │ book, trades             │ quotes
//	            ▼                          ▼
//	       feeds (sim/serve)          reports to owners
//
// Every engine is a state machine in virtual time: it has no clock, goroutine or
// socket, and `now` is an argument in nanoseconds since the epoch that must not
// go back. Same seed and same orders give the same calls in the same order.
// Engines are not safe for concurrent use; callbacks run inside the call that
// caused them, must not call the engine back, and must copy what they keep.
// Package sim/serve puts engines on sockets.
package sim
