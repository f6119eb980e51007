//go:build !amd64

package book

// prefetch does nothing where there is no instruction for it here.
func prefetch(*uintptr, int) {}
