// Package model holds what is known about venues and about time, as numbers that
// are fitted to what was seen: how to split over taking and posting (Split), how to
// spread a parent over its horizon (Trajectory), what a dark pool holds (Tails), what
// a dealer's last look costs (LastLook), whether a posted order fills (FillCurve), and
// what venues charge (Schedule).
//
//	executions, reports ─► fit here, floats, off the hot path ─► policy.Params, integers ─► core
//
// Nothing here is for the core: policy.Params takes what a model says and quantises it.
// Values are not safe for concurrent use while they are being fitted.
package model
