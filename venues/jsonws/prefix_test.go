package jsonws

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestPrefixIsHasPrefix changes single bytes of texts that begin with a prefix of any length.
func TestPrefixIsHasPrefix(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var p prefix
	for n := range 40 {
		for range 200 {
			b := make([]byte, n+r.IntN(40))
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			from := r.IntN(len(b) - n + 1)
			p.set(b[from : from+n])
			if !p.at(b, from) {
				t.Fatalf("%x does not begin with %x", b[from:], p.text)
			}
			if len(b) > 0 {
				b[r.IntN(len(b))] ^= 1 << r.IntN(8)
			}
			for i := range len(b) + 1 {
				if p.at(b, i) != bytes.HasPrefix(b[i:], p.text) {
					t.Fatalf("%x: %v of prefix %x", b[i:], p.at(b, i), p.text)
				}
			}
		}
	}
}
