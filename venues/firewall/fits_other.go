//go:build !amd64

package firewall

import "unsafe"

func fitsAll(body *byte, chunks *chunk, n, last int) bool {
	return fitsWords(unsafe.Slice(body, last+chunkBytes), unsafe.Slice(chunks, n), last)
}
