// Package loop drives the core: one goroutine takes events from rings in a fixed
// order, stamps and journals each, steps the core and hands its commands out;
// another kind of goroutine works feeds and sessions.
//
//	feeds, gateways ─► ring ─┐                       ┌─► ring ─► gateway ─► socket
//	EMS ─────────────► ring ─┼─► Loop ─► Sequencer ──┤
//	operator ────────► ring ─┘     stamp, journal,   └─► EMS reports
//	                               Step, dispatch
//
// Sequencer alone is what replay and simulation use: same stamps, same journal,
// same dispatch, no goroutine.
package loop
