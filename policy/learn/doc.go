// Package learn turns decision records into a policy table, off-line, and says what
// the table is worth before anybody trades with it.
//
//	journal or trial ─► Log ─► Episodes ─► Fit (pessimistic) ─► Model ─► policy.Table
//	                              └─────► Evaluate (off-policy, bounds) ─┐
//	paired trials ───────────────────────────────────────────────────────┴► Gate ─► pass or not
//
// An episode is one slice: six decisions, no discount. Rewards are basis points of the
// slice's arrival value, negative costs. Only commands import this package; floats
// live here and never reach the core, which reads integers from the table.
package learn
