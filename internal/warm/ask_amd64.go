package warm

import "unsafe"

// ask asks for n cache lines, at least one, from the one of p on.
//
//go:noescape
func ask(p unsafe.Pointer, n uintptr)
