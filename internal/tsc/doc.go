// Package tsc tells wall time from the processor's time stamp counter: one
// instruction and one multiplication in place of a call into the vDSO.
//
// A Clock is a straight line through two readings of counter and system clock.
// Adjust, called about once a second off the hot thread, bends the line so that it
// meets the system clock again; the time that Now tells is continuous and never
// goes back. Only counters that run at one rate in every power state are used
// (Intel SDM vol. 3B §18.17.1 "Invariant TSC"; AMD64 APM vol. 3, CPUID
// Fn8000_0007_EDX[8]).
package tsc
