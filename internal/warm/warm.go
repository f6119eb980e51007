// Package warm reads memory so that it is in the caches when it is needed. It changes nothing.
package warm

import "unsafe"

const line = 64

// Of reads a byte of each cache line of *p. Who uses the sum keeps the reads from being left out.
func Of[T any](p *T) (sum uint64) { return read(unsafe.Pointer(p), unsafe.Sizeof(*p)) }

// Slice reads a byte of each cache line of s.
func Slice[T any](s []T) (sum uint64) {
	if len(s) == 0 {
		return 0
	}
	return read(unsafe.Pointer(&s[0]), uintptr(len(s))*unsafe.Sizeof(s[0]))
}

func read(p unsafe.Pointer, n uintptr) (sum uint64) {
	for at := uintptr(0); at < n; at += line {
		sum += uint64(*(*byte)(unsafe.Add(p, at)))
	}
	return sum + uint64(*(*byte)(unsafe.Add(p, max(n, 1)-1)))
}
