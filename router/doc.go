// Package router is the core: a deterministic state machine that takes events
// and answers with commands.
//
//	event ─► Step ─┬─ market data ─► book ─► composite ─┐ touch moved
//	               ├─ timer ──────────────► schedule ───┤ epoch, slice, end
//	               ├─ parent orders ─► risk ─► accept ──┤
//	               └─ executions ─► ledger ─► report ───┤ child ended
//	                                                    ▼
//	                         work: features → cell → action → allocate → risk → reserve → send
//
// The same events give the same commands, bit for bit: live trading, replay,
// simulation and recovery run this package. It has no clock, goroutine, channel,
// map iteration, float or I/O; time comes in by event.
//
// Quantity is sacred. A child's reservation is released only by a terminal
// report whose CumQty is ours, by the venue's answer to a status request, or
// because its order never left (ledger.go). A timeout or a disconnect never
// releases anything.
package router
