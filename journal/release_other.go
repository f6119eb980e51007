//go:build !amd64 || race

package journal

import "sync/atomic"

func release(at *atomic.Uint64, v uint64) { at.Store(v) }
