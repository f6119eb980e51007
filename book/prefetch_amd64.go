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

// prefetchBook does so for the head of a book, the place of an order, a guess and two ladders.
//
//go:noescape
func prefetchBook(b *Book, place *slot, guess *uint32, l, contra *Ladder)

// prefetchFar does so for the first cache line of the branches of two ladders, and of their floors.
//
//go:noescape
func prefetchFar(l, contra *Ladder)

// prefetchPlace does so for a place in front, and the count of its strays.
//
//go:noescape
func prefetchPlace(place *slot, stray *uint32)

// prefetchLeaf does so for a leaf.
//
//go:noescape
func prefetchLeaf(v *leaf)

// Of so many bytes the prefetches above know.
var (
	_ [64]byte  = [unsafe.Offsetof(Book{}.sides)]byte{}
	_ [320]byte = [unsafe.Sizeof(Ladder{})]byte{}
	_ [384]byte = [unsafe.Sizeof(leaf{})]byte{}
)
