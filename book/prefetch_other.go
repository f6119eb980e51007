//go:build !amd64

package book

import "unsafe"

// prefetch does nothing where there is no instruction for it here.
func prefetch(*uintptr, int) {}

// prefetchOrders neither.
func prefetchOrders(unsafe.Pointer, uint64, *uint64, uintptr, int) {}

// prefetchBook neither.
func prefetchBook(*Book, *slot, *uint32, *Ladder, *Ladder) {}

// prefetchFar neither.
func prefetchFar(*Ladder, *Ladder) {}

// prefetchPlace neither.
func prefetchPlace(*slot, *uint32) {}

// prefetchLeaf neither.
func prefetchLeaf(*leaf) {}
