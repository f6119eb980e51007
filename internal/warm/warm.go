// Package warm asks for memory ahead, so that it is in the caches when it is needed. Nothing is
// read, written or waited for; where the processor has no instruction for it nothing happens.
//
// Lines are asked for as who will write them wants them: for memory of the calling goroutine.
package warm

import "unsafe"

const line = 64

// Of asks for all of *p.
func Of[T any](p *T) { ask(lines(unsafe.Pointer(p), unsafe.Sizeof(*p))) }

// Slice asks for all of s.
func Slice[T any](s []T) {
	if len(s) > 0 {
		ask(lines(unsafe.Pointer(&s[0]), uintptr(len(s))*unsafe.Sizeof(s[0])))
	}
}

// Span asks for what lies from *first to *last, two fields of one struct, both included.
func Span[A, B any](first *A, last *B) {
	ask(lines(unsafe.Pointer(first), uintptr(unsafe.Pointer(last))+unsafe.Sizeof(*last)-uintptr(unsafe.Pointer(first))))
}

// Func asks for what f, a function value, holds beside its code.
func Func[F any](f F) {
	if closure := *(*unsafe.Pointer)(unsafe.Pointer(&f)); closure != nil {
		ask(closure, 1)
	}
}

// lines returns how many cache lines n bytes at p are in; 0 bytes are in one.
func lines(p unsafe.Pointer, n uintptr) (first unsafe.Pointer, count uintptr) {
	end := uintptr(p) + max(n, 1) - 1
	return p, end/line - uintptr(p)/line + 1
}
