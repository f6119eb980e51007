package warm

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestLinesAreThoseOfTheBytes(t *testing.T) {
	memory := make([]byte, 8*line)
	base := uintptr(unsafe.Pointer(&memory[0]))
	for at := range uintptr(2 * line) {
		for n := range uintptr(4 * line) {
			touched := map[uintptr]bool{(base + at) / line: true}
			for i := range n {
				touched[(base+at+i)/line] = true
			}
			p := unsafe.Pointer(&memory[at])
			if first, count := lines(p, n); first != p || count != uintptr(len(touched)) {
				t.Fatalf("%d bytes from %d of a line: %d lines, want %d", n, (base+at)%line, count, len(touched))
			}
		}
	}
}

// TestAskingChangesNothing asks for memory that may not be read or written, up to its last byte, and
// for what lies behind it.
func TestAskingChangesNothing(t *testing.T) {
	page := unix.Getpagesize()
	b, err := unix.Mmap(-1, 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(b)
	b[page-1] = 7
	if err := unix.Mprotect(b[page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	Slice(b[:page])
	Slice(b)
	Slice([]byte(nil))
	Of((*[512]byte)(b[page:]))
	Func(func() byte { return b[page-1] })
	Func((func())(nil))
	var s struct{ a, b, c [100]byte }
	Span(&s.a, &s.c)
	if b[page-1] != 7 {
		t.Error("it wrote")
	}
}
