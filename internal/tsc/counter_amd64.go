package tsc

// counter reads the time stamp counter. It does not wait for what is before it.
//
//go:noescape
func counter() uint64

// powerManagement returns EDX of CPUID leaf 0x80000007, 0 where there is none.
//
//go:noescape
func powerManagement() uint32

// Invariant reports whether the counter runs at one rate in every power state.
func Invariant() bool { return powerManagement()>>8&1 != 0 }
