//go:build !amd64

package tsc

func counter() uint64 { return 0 }

// Invariant reports whether the counter runs at one rate in every power state.
func Invariant() bool { return false }
