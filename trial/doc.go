// Package trial lets the router's real core trade in the simulated stock, in virtual
// time, and compares policies on common random numbers.
//
//	Setup (seed, regime, parent) ─┬─► Alone: the stock with nobody in it ─► Path
//	                              └─► Run(policy) ─► router.Core.Step ⇄ sim.Stock ─► Result
//
// Every policy of a seed meets the same candidate events, so the difference between
// two results of a seed is what the policies did. Nothing here replaces a part of the
// router: strategy, tactics, risk, ledger and books are those that trade live.
package trial
