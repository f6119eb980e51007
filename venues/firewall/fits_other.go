//go:build !amd64

package firewall

import "unsafe"

const canFit = true

func fitsAll(msg *byte, chunks *chunk, n, last int) bool {
	return fitsBytes(unsafe.Slice(msg, last+chunkBytes), unsafe.Slice(chunks, n), last)
}
