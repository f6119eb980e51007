package book

// prefetch asks the processor for the cache lines at n addresses, without waiting for
// them. An address that is not mapped does no harm.
//
//go:noescape
func prefetch(lines *uintptr, n int)
