// Package outbound holds what order gateways have in common, whatever protocol they speak:
// the venue's throttle, the lane in which cancels wait for it, the commands whose bytes the
// socket has not taken, what becomes of those that it never took, cancels that leave in one write,
// and cancels without the core.
//
// Nothing here is safe for concurrent use: a gateway belongs to one goroutine.
package outbound
