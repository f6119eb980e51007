package fix

import "golang.org/x/sys/cpu"

var haveAVX2 = cpu.X86.HasAVX2

//go:noescape
func scanAVX2(b *byte, n int, marks *uint64) (sum uint64)

// scan finds the SOHs of b: bit i of marks[k] is byte 64k+i. marks has room for all of
// b. It returns the sum of all bytes modulo 256.
func scan(b []byte, marks []uint64) (sum byte) {
	if !haveAVX2 || len(b) < 64 {
		return scanWords(b, marks)
	}
	_ = marks[(len(b)-1)/64]
	return byte(scanAVX2(&b[0], len(b), &marks[0]))
}
