package book

import "unsafe"

// prefetch asks the processor for the cache lines at n addresses, without waiting for
// them. An address that is not mapped does no harm.
//
//go:noescape
func prefetch(lines *uintptr, n int)

// prefetchOrders does so for the places in front of n orders, at least one: what mask leaves
// of their references, which are apart bytes from each other.
//
//go:noescape
func prefetchOrders(places unsafe.Pointer, mask uint64, ref *uint64, apart uintptr, n int)
