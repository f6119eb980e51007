// Package quiet keeps the Go runtime and the kernel's memory management away from a
// thread that must not be stopped. What it sets is for the whole process; what is for
// the one thread is in router/loop.
//
//	Begin      before anything is started: processors, no automatic collections, a
//	           memory limit as a guard, memory locked
//	HugePages  after the large tables are made
//	Collector  collects when the program says that nobody waits, or when it must
//
// Which combination does most, and how it was found, is in docs/performance.md.
package quiet
