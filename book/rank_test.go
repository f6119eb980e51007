package book

import (
	"math/rand/v2"
	"testing"
)

func TestRankCountsWhatIsLess(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var keys [80 + rankPad]int64
	for range 200_000 {
		for i := range keys {
			keys[i] = rng.Int64N(40) - 20
			if rng.IntN(20) == 0 {
				keys[i] = []int64{noKey, -noKey}[rng.IntN(2)]
			}
		}
		from := rng.IntN(16)
		some, key := keys[from:from+rng.IntN(64)], rng.Int64N(40)-20
		want := 0
		for _, k := range some {
			if k < key {
				want++
			}
		}
		if got := rank(some, key); got != want {
			t.Fatalf("%d of %v are less than %d, want %d", got, some, key, want)
		}
	}
}

// TestRankByWordsIsTheSame: the form for any processor counts the same, for keys of any size.
func TestRankByWordsIsTheSame(t *testing.T) {
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
		if a, b := rank(some, key), rankWords(some, key); a != b {
			t.Fatalf("%d of %v are less than %d, by words %d", a, some, key, b)
		}
	}
}

func BenchmarkRank(b *testing.B) {
	keys := make([]int64, 32+rankPad)
	for i := range keys {
		keys[i] = int64(i)
	}
	for _, c := range []struct {
		name string
		rank func([]int64, int64) int
	}{{"rank", rank}, {"words", rankWords}} {
		b.Run(c.name, func(b *testing.B) {
			at := 0
			for b.Loop() {
				at = c.rank(keys[:32], int64(at+7)&31)
			}
		})
	}
}
