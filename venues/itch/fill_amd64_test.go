package itch

import (
	"math/rand/v2"
	"testing"
)

// TestBlocksWithoutAVX: the form for any processor, which this one would not take, does what
// Decode does as well.
func TestBlocksWithoutAVX(t *testing.T) {
	defer func(have bool) { haveAVX = have }(haveAVX)
	haveAVX = false
	TestBlocksAreWhatTheirMessagesAre(t)
}

// TestFillStaysWithinItsBlocks gives every prefix of some blocks, each at the end of memory
// of its own: what is cut makes no event, and nothing behind it tells.
func TestFillStaysWithinItsBlocks(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 9))
	w := newBlocksWorld(t, true)
	w.give(t, [][]byte{listing(7, "AAPL")}, func() int { return -1 })
	var blocks []byte
	for _, m := range [][]byte{order('A', 7, 1, 'B', 100, 100_0000), order('F', 7, 2, 'S', 5, 101_0000), replace(7, 1, 3, 4, 99_0000)} {
		blocks = append(append(blocks, 0, byte(len(m))), m...)
	}
	whole := []int{0, 2 + 36, 2 + 36 + 2 + 40, len(blocks)}
	for n := range len(blocks) + 1 {
		part := make([]byte, len(blocks))
		for i := copy(part, blocks[:n]); i < len(part); i++ {
			part[i] = byte(r.Uint32())
		}
		events, size := w.many.fillBatch(7, part[:n:n])
		want := 0
		for want+1 < len(whole) && whole[want+1] <= n {
			want++
		}
		if events != want || size != whole[want] {
			t.Fatalf("%d bytes of blocks: %d events of %d bytes, want %d of %d", n, events, size, want, whole[want])
		}
	}
}
