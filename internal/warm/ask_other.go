//go:build !amd64

package warm

import "unsafe"

// ask does nothing where there is no instruction for it here.
func ask(unsafe.Pointer, uintptr) {}
