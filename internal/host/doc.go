// Package host looks at what a machine does to latency: cores, clocks, memory,
// interrupts, network. It reads and reports; it changes nothing.
//
// What each check is after, and how much it costs when it is wrong, is in
// docs/architecture.md; the lines that repair it are those of the Linux kernel's
// own documentation (admin-guide/kernel-parameters, scheduling, networking).
package host
