package fixmd

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"penstock/fix"
	"penstock/internal/testdata"
	"penstock/market"
)

// recorded returns the frames of a recording: FIX messages one behind the other.
func recorded(t testing.TB, name string) [][]byte {
	t.Helper()
	file, err := os.Open(filepath.Join(testdata.Dir(t), "fix", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := zstd.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	all, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var frames [][]byte
	for at := 0; at < len(all); {
		n, err := fix.Frame(all[at:])
		if err != nil || n == 0 {
			t.Fatalf("byte %d: %d, %v", at, n, err)
		}
		frames = append(frames, all[at:at+n])
		at += n
	}
	return frames
}

// symbolsOf lists the instruments that frames name.
func symbolsOf(t testing.TB, frames [][]byte) (symbols []Symbol) {
	t.Helper()
	known := map[string]bool{}
	var m fix.Message
	for _, f := range frames {
		if err := m.Parse(f); err != nil {
			t.Fatal(err)
		}
		for i := range m.Len() {
			if tag, v := m.Field(i); tag == fix.TagSymbol && !known[string(v)] {
				known[string(v)] = true
				symbols = append(symbols, Symbol{ID: market.InstrumentID(len(symbols)), Text: string(v), PriceDecimals: 2})
			}
		}
	}
	return symbols
}

// The index values of Johannesburg are statistics: counted, and no book. Of its
// 11,365 X with 14,375 entries the recording holds 13, two entries each, twice,
// byte for byte: ApplSeqNum(1181) tells them.
func TestRecordedIndexValues(t *testing.T) {
	frames := recorded(t, "jse_indices_fix50_marketdata.fix.zst")
	symbols := symbolsOf(t, frames)
	d, c := decoder(t, "jse", func(c *Config) { c.Symbols = symbols })
	for i, f := range frames {
		if err := d.Receive(int64(i), f); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	s := *d.Stats()
	want := Stats{Messages: 13888, Used: 11352, Statistics: 14349, Service: 2523, Duplicates: 13}
	if len(frames) != 13888 || len(symbols) != 80 || s != want || len(c.events) != 0 {
		t.Errorf("%d messages, %d symbols, %d events\ngot  %+v\nwant %+v", len(frames), len(symbols), len(c.events), s, want)
	}
}
