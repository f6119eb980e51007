package book

import (
	"math/rand/v2"
	"testing"
)

// TestRankWithoutAVX2: the form for any processor counts the same.
func TestRankWithoutAVX2(t *testing.T) {
	if !haveAVX2 {
		t.Skip("this processor has no AVX2")
	}
	rng := rand.New(rand.NewPCG(5, 6))
	var keys [40 + rankPad]int64
	for range 200_000 {
		for i := range keys {
			keys[i] = noKey>>rng.IntN(60) + rng.Int64N(-noKey)>>rng.IntN(60)
		}
		some := keys[:rng.IntN(40)]
		key := noKey>>rng.IntN(60) + rng.Int64N(-noKey)>>rng.IntN(60)
		if rng.IntN(2) == 0 {
			key = keys[rng.IntN(len(keys))]
		}
		if a, b := rankAVX2(some, key), rankWords(some, key); a != b {
			t.Fatalf("%d of %v are less than %d, by words %d", a, some, key, b)
		}
	}
}
