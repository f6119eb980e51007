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

// prefetchBook does so for what changes in a book, and for the place of an order.
//
//go:noescape
func prefetchBook(b, place unsafe.Pointer)

// bookLines are the cache lines of a book up to the end of its ladders.
const bookLines = (unsafe.Offsetof(Book{}.sides) + unsafe.Sizeof(Book{}.sides)) / 64

var _ [9]byte = [bookLines]byte{} // as prefetchBook has them
