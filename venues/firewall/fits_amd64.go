package firewall

import "golang.org/x/sys/cpu"

// canFit is false where there is no quick way to compare: then nothing is learnt.
var canFit = cpu.X86.HasAVX2

// fitsAll is fitsBytes on bytes of a message, whose last chunk begins at last. It needs AVX2.
//
//go:noescape
func fitsAll(msg *byte, chunks *chunk, n, last int) bool
