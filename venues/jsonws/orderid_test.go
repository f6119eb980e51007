package jsonws

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
)

func FuzzOrderID(f *testing.F) {
	for _, s := range []string{"d50ec984-77a8-460a-b958-66f114b0de9b", "D50EC984-77a8-460a-b958-66f114b0de9b",
		"d50ec984-77a8-460a-b958-66f114b0de9:", "d50ec984-77a8-460a-b958-66f114b0de9g", "", "`50ec984-77a8-460a-b958-66f114b0de9/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parseOrderID([]byte(text))
		want, wantOK := twinOrderID(text)
		if ok != wantOK || ok && got != want {
			t.Fatalf("%q: %x %v, want %x %v", text, got, ok, want, wantOK)
		}
	})
}

// twinOrderID cuts the text at its dashes.
func twinOrderID(text string) (id orderID, ok bool) {
	parts := strings.Split(text, "-")
	if len(parts) != 5 || len(text) != 36 || len(parts[0]) != 8 || len(parts[1]) != 4 ||
		len(parts[2]) != 4 || len(parts[3]) != 4 || strings.ToLower(text) != text {
		return id, false
	}
	raw, err := hex.DecodeString(strings.Join(parts, ""))
	if err != nil {
		return id, false
	}
	for i := range 8 {
		id.high = id.high<<8 | uint64(raw[i])
		id.low = id.low<<8 | uint64(raw[8+i])
	}
	return id, true
}

// Every byte in every place is taken or refused as the twin does.
func TestOrderIDsOfEveryByte(t *testing.T) {
	const sample = "d50ec984-77a8-460a-b958-66f114b0de9b"
	for i := range sample {
		for c := range 256 {
			text := sample[:i] + string([]byte{byte(c)}) + sample[i+1:]
			got, ok := parseOrderID([]byte(text))
			if want, wantOK := twinOrderID(text); ok != wantOK || ok && got != want {
				t.Fatalf("%q: %x %v", text, got, ok)
			}
		}
	}
}

func TestRestingOrdersAreAMap(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	books := [2]*book{{}, {}}
	var table restingOrders
	twin := map[uint64]restingOrder{}
	for step := range 200_000 {
		ref := r.Uint64N(4000) * 0x1000_0000_0000_0001
		o := table.find(ref)
		want, there := twin[ref]
		if (o != nil) != there || there && *o != want {
			t.Fatalf("step %d: %+v, want %+v", step, o, want)
		}
		switch {
		case there && r.IntN(3) > 0:
			table.remove(o)
			delete(twin, ref)
		case !there:
			n := restingOrder{id: orderID{ref, 0}, book: books[r.IntN(2)], price: int64(step)}
			table.insert(n)
			twin[ref] = n
		}
		if r.IntN(20_000) == 0 {
			table.removeAll(books[0])
			for ref, o := range twin {
				if o.book == books[0] {
					delete(twin, ref)
				}
			}
		}
		if table.n != len(twin) {
			t.Fatalf("step %d: %d orders, want %d", step, table.n, len(twin))
		}
	}
}
