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

var haveSplit = cpu.X86.HasAVX512VBMI2 && cpu.X86.HasAVX512VNNI && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL &&
	cpu.X86.HasBMI2 && cpu.X86.HasPOPCNT

//go:noescape
func splitAVX512(b *byte, n int, tags *byte, spans *span) (sum uint64, fields, width int)

// split finds the fields of b, which is not empty: their spans, their tags, each with its
// equals sign, one behind the other, and the sum of all bytes modulo 256. What is behind the
// tags and the spans is written over. width 0: there are too many, or one has no value. Tags of
// fields that are none, as they have no tag or no equals sign, are no tags of a message: they
// begin with an equals sign, have two in a row, or a SOH.
func split(b []byte, tags *[splitTags]byte, spans *[splitSpans]span) (sum byte, fields, width int) {
	s, fields, width := splitAVX512(&b[0], len(b), &tags[0], &spans[0])
	return byte(s), fields, width
}
