// Package market holds the nouns that every other package shares: prices,
// quantities, sides, instruments, venues and the order vocabulary of FIX.
//
// Every number is an integer with a unit. A Price counts the instrument's price
// increments (10^-PriceDecimals of its currency), a Qty counts its lots
// (10^-QtyDecimals of its unit), a Notional is Price × Qty, and times are int64
// nanoseconds since the Unix epoch. The increment is chosen finer than the
// quoting tick, so that a midpoint is a Price too.
//
// The package is pure: no clock, goroutine, map iteration, float or I/O.
package market
