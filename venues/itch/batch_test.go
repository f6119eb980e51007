package itch

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"penstock/event"
)

// blocksWorld gives the same messages to two decoders: one by one, and in blocks to a sink
// that takes a batch in parts.
type blocksWorld struct {
	one, many *Decoder
	want, got []event.Event
	room      int // for events of the second; negative: without end
}

func newBlocksWorld(t testing.TB, batch bool) *blocksWorld {
	w := &blocksWorld{room: -1}
	w.one = newDecoder(t, func(e *event.Event) bool { w.want = append(w.want, *e); return true })
	take := func(e *event.Event) bool {
		if w.room == 0 {
			return false
		}
		w.room--
		w.got = append(w.got, *e)
		return true
	}
	w.many = newDecoder(t, take)
	if batch {
		w.many.batchSink = func(events []event.Event) (n int) {
			for n < len(events) && take(&events[n]) {
				n++
			}
			return n
		}
	}
	for _, d := range []*Decoder{w.one, w.many} {
		d.Reset(1)
		d.Live(1)
	}
	return w
}

// give gives messages to both; rooms says how many events the second takes between two
// refusals.
func (w *blocksWorld) give(t testing.TB, messages [][]byte, rooms func() int) {
	t.Helper()
	var blocks []byte
	var wantErr error
	for _, m := range messages {
		blocks = append(binary.BigEndian.AppendUint16(blocks, uint16(len(m))), m...)
		if err := w.one.Decode(7, m); err != nil {
			wantErr = err
		}
	}
	taken := 0
	var gotErr error
	for len(blocks) > 0 {
		w.room = rooms()
		n, size, err := w.many.DecodeBlocks(7, blocks)
		if err != nil && err != ErrNoRoom {
			gotErr = err
		}
		if taken += n; err != ErrNoRoom && size != len(blocks) {
			t.Fatalf("%d of %d bytes taken, without %v", size, len(blocks), ErrNoRoom)
		}
		blocks = blocks[size:]
	}
	for w.room = -1; !w.many.Settle(7); {
	}
	if taken != len(messages) {
		t.Fatalf("%d messages taken, want %d", taken, len(messages))
	}
	if rooms() < 0 && fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
		t.Fatalf("error %v, one by one %v", gotErr, wantErr)
	}
	w.compare(t)
}

func (w *blocksWorld) compare(t testing.TB) {
	t.Helper()
	if !slices.Equal(w.got, w.want) {
		for i := range w.want {
			if i >= len(w.got) || w.got[i] != w.want[i] {
				t.Fatalf("event %d of %d (%d came): want %+v", i, len(w.want), len(w.got), w.want[i])
			}
		}
		t.Fatalf("%d events, want %d", len(w.got), len(w.want))
	}
	a, b := *w.one.Stats(), *w.many.Stats()
	if a.NoRoom, b.NoRoom = 0, 0; a != b {
		t.Fatalf("counted %+v, one by one %+v", b, a)
	}
}

// blocksOf cuts bytes into messages of the right length mostly, of two listed stocks, one
// that is not and what chance brings.
func blocksOf(r *rand.Rand, n int) (messages [][]byte) {
	const types = "AAAAFEXDDDDUUPCQHhSRWYLVBINOJK?"
	for range n {
		m := make([]byte, 64)
		for i := range m {
			m[i] = byte(r.Uint32())
		}
		m[0] = types[r.IntN(len(types))]
		binary.BigEndian.PutUint16(m[1:], uint16(6+r.IntN(4)))
		m[19] = "BSBSBSBSBSBSBSB?"[r.IntN(16)]
		for _, at := range []int{20, 27, 31, 32} {
			if r.IntN(3) > 0 { // whole increments
				binary.BigEndian.PutUint32(m[at:], uint32(r.IntN(1<<16))*10_000)
			}
		}
		size := Length(m[0])
		if r.IntN(100) == 0 {
			size = r.IntN(64)
		}
		messages = append(messages, m[:size])
	}
	return messages
}

// TestBlocksAreWhatTheirMessagesAre: the same events, counts and errors, whatever the sink
// refuses and when.
func TestBlocksAreWhatTheirMessagesAre(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 9))
		w := newBlocksWorld(t, seed&1 == 0)
		listings := [][]byte{listing(7, "AAPL"), listing(8, "MSFT")}
		endless := func() int { return -1 }
		w.give(t, listings, endless)
		for range 20 {
			rooms := endless
			if seed%4 > 1 {
				rooms = func() int { return r.IntN(40) }
			}
			w.give(t, blocksOf(r, r.IntN(90)), rooms)
			if r.IntN(8) == 0 { // broken books begin again
				for _, d := range []*Decoder{w.one, w.many} {
					d.Reset(9)
					d.Live(9)
				}
				w.give(t, listings, endless)
			}
		}
	}
}

// FuzzBlocks takes the bytes as blocks, cut short where they end.
func FuzzBlocks(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 9))
	for range 4 {
		var blocks []byte
		for _, m := range append(blocksOf(r, 40), listing(7, "AAPL"), order('A', 7, 1, 'B', 100, 100_0000)) {
			blocks = append(binary.BigEndian.AppendUint16(blocks, uint16(len(m))), m...)
		}
		f.Add(blocks, uint8(r.Uint32()))
	}
	f.Fuzz(func(t *testing.T, blocks []byte, room uint8) {
		w := newBlocksWorld(t, room&1 == 0)
		endless := func() int { return -1 }
		w.give(t, [][]byte{listing(7, "AAPL"), listing(8, "MSFT")}, endless)
		var messages [][]byte
		for len(blocks) > 0 {
			m, rest, err := cutBlock(blocks)
			if err != nil {
				break
			}
			messages, blocks = append(messages, m), rest
		}
		w.give(t, messages, func() int { return max(int(room>>1), 1) })
	})
}

func TestBlocksDoNotAllocate(t *testing.T) {
	w := newBlocksWorld(t, true)
	w.give(t, [][]byte{listing(7, "AAPL")}, func() int { return -1 })
	w.many.batchSink = func(events []event.Event) int { return len(events) }
	var blocks []byte
	for i := range 100 {
		m := order("AF"[i%2], 7, uint64(i+1), 'B', 100, 100_0000)
		blocks = append(binary.BigEndian.AppendUint16(blocks, uint16(len(m))), m...)
	}
	if n := testing.AllocsPerRun(100, func() { w.many.DecodeBlocks(7, blocks) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
