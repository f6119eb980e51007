package firewall

import "golang.org/x/sys/cpu"

var canRead = cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasBMI2

// readQuick is readWords on the size bytes at msg. It needs AVX2, BMI1 and BMI2
// for all that is longer than m.
//
//go:noescape
func readQuick(msg *byte, size int, m *mould, r *reading) bool
