package firewall

import "golang.org/x/sys/cpu"

var canRead = cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasBMI2

// readQuick reads as readWords does, but only whole orders that say quantity and price and nothing behind
// them, and cancels: the size bytes at msg must be such a message. n and rest of r are left to the caller.
// It needs AVX2, BMI1 and BMI2 for all that is longer than m.
//
//go:noescape
func readQuick(msg *byte, size int, m *mould, r *reading) bool
