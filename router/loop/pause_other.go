//go:build !amd64

package loop

// pause does nothing where no instruction is known for it.
func pause() {}
