//go:build !race

package journal

import "sync/atomic"

// release stores v at a place behind all stores before it, and does not wait for them: amd64 keeps the
// order of stores, and the compiler moves none over a call of assembly. atomic.Store waits until every
// store is in the caches, which for a record is a miss for each of its lines.
//
//go:noescape
func release(at *atomic.Uint64, v uint64)
