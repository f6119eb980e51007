package router

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// shuffledTable returns a table whose cells were exchanged at random, as a file that loads.
func shuffledTable(t testing.TB, seed uint64) *policy.Table {
	t.Helper()
	table, err := policy.BuildBaseline(policy.BuildOptions{Version: "test", NotAfter: 1 << 62})
	if err != nil {
		t.Fatal(err)
	}
	file, err := policy.Encode(table, nil)
	if err != nil {
		t.Fatal(err)
	}
	le, rng, sums := binary.LittleEndian, rand.New(rand.NewPCG(seed, 9)), crc32.MakeTable(crc32.Castagnoli)
	at := bytes.Index(file[:1024], []byte("POLI")) // its entry in the directory
	off, size := le.Uint64(file[at+8:]), le.Uint64(file[at+16:])
	cells := file[off : off+size]
	for range len(cells) / 4 {
		i, j := 2*rng.IntN(len(cells)/2), 2*rng.IntN(len(cells)/2)
		copy(cells[i:i+2], cells[j:j+2])
	}
	le.PutUint32(file[at+28:], crc32.Checksum(cells, sums))
	loaded, err := policy.Decode(file, 1, policy.LoadOptions{AllowUnsigned: true})
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// FuzzNoTableWidensALimit lets tables that load, whatever they say, trade in a world where
// everything goes wrong: no order exceeds a limit, goes where the instrument is not listed, or
// beyond what the client asked for (C14, C15).
func FuzzNoTableWidensALimit(f *testing.F) {
	for seed := range uint64(6) {
		f.Add(seed, uint16(2000), uint8(20))
	}
	f.Fuzz(func(t *testing.T, seed uint64, childMax uint16, collarBps uint8) {
		cfg := testConfig()
		l := &cfg.Limits[0]
		l.ChildMaxQty, l.CollarBps = market.Qty(childMax%5000)+100, int64(collarBps)+1
		cfg.Table = shuffledTable(t, seed)
		cfg.Listings = cfg.Listings[:3] // not at the dealer's
		w := newWorldOf(t, seed, cfg)
		w.check = func(c *event.Command) {
			if c.Qty > l.ChildMaxQty || int64(c.Price)*int64(c.Qty) > int64(l.ChildMaxNotional) {
				w.fail("order of %d at %d, the limits are %d and %d", c.Qty, c.Price, l.ChildMaxQty, l.ChildMaxNotional)
			}
			if c.Venue > 2 {
				w.fail("order for venue %d, where it is not listed", c.Venue)
			}
			mid2, ok := w.core.Composite(c.Instrument).Mid2()
			if worst := w.core.gate.Collar(c.Instrument, c.Side, mid2); !ok || c.Side.Better(worst, c.Price) {
				w.fail("price %d beyond the collar %d", c.Price, worst)
			}
		}
		w.run(400)
	})
}
