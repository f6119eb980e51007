// Package realism asks whether a simulated market behaves like markets do. The same
// statistics are taken of simulated days and of recorded ones:
//
//	sim.Stock ─┐
//	recordings ┴► Series ─► statistics ─► Scorecard R1..R19 ─► docs/realism.md
//
// Targets are those of the literature, written down before the market was tuned. A
// target that is missed stays in the scorecard as a waiver with the value measured.
package realism
