package fixmd

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/quickfixgo/quickfix"

	"penstock/event"
	"penstock/market"
)

// The twin of the dialect generic44 keeps maps: a level by side and price text. It is
// written from the message's meaning, not from its bytes.
type twin map[string]map[string]string

// entryOf is one entry of a group, as fields are written.
type entryOf struct {
	action, side, price, size string
}

// w replaces the book of a symbol, x changes it.
func (t twin) w(symbol string, entries []entryOf) {
	t[symbol] = map[string]string{}
	for _, e := range entries {
		t[symbol][e.side+e.price] = e.size
	}
}

func (t twin) x(symbol string, entries []entryOf) {
	for _, e := range entries {
		if e.action == "2" || e.size == "0" {
			delete(t[symbol], e.side+e.price)
		} else {
			t[symbol][e.side+e.price] = e.size
		}
	}
}

func (t twin) compare(tb testing.TB, symbol string, b *seen) {
	tb.Helper()
	got := map[string]string{}
	for i, side := range []string{"0", "1"} {
		for p, q := range b.levels[i] {
			got[side+string(market.AppendDecimal(nil, int64(p), 4))] = fmt.Sprint(q)
		}
	}
	want := map[string]string{}
	for at, q := range t[symbol] {
		p, _ := market.ParseDecimal([]byte(at[1:]), 4)
		want[at[:1]+string(market.AppendDecimal(nil, p, 4))] = q
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || b.state != event.BookLive {
		tb.Fatalf("%v book\n%v\ntwin\n%v", b.state, got, want)
	}
}

// message makes one of a W or X from numbers: prices below 10 are bids, others asks.
func (t twin) message(numbers func(n int) int, symbol string, kind byte) string {
	var entries []entryOf
	seenAt := map[string]bool{}
	for range 1 + numbers(6) {
		tick := numbers(40)
		e := entryOf{action: fmt.Sprint(numbers(3)), side: "0", price: fmt.Sprintf("%d.%02d", 9, 40-tick),
			size: fmt.Sprint(1 + numbers(900))}
		if numbers(2) == 1 {
			e.side, e.price = "1", fmt.Sprintf("%d.%02d", 10, tick)
		}
		if kind == 'W' && seenAt[e.side+e.price] {
			continue
		}
		seenAt[e.side+e.price] = true
		entries = append(entries, e)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "35=%c", kind)
	if kind == 'W' {
		t.w(symbol, entries)
		fmt.Fprintf(&b, "|55=%s|268=%d", symbol, len(entries))
		for _, e := range entries {
			fmt.Fprintf(&b, "|269=%s|270=%s|271=%s", e.side, e.price, e.size)
		}
		return b.String()
	}
	t.x(symbol, entries)
	fmt.Fprintf(&b, "|268=%d", len(entries))
	for i, e := range entries {
		fmt.Fprintf(&b, "|279=%s|269=%s", e.action, e.side)
		if i == 0 || numbers(2) == 0 { // the rest inherits it
			fmt.Fprintf(&b, "|55=%s", symbol)
		}
		fmt.Fprintf(&b, "|270=%s", e.price)
		if e.action != "2" {
			fmt.Fprintf(&b, "|271=%s", e.size)
		}
	}
	return b.String()
}

func TestBooksAreThoseOfTheTwin(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 5))
		d, c := decoder(t, "generic44", func(c *Config) { c.Depth = 0 })
		w := twin{}
		for step := range 200 {
			kind := byte('X')
			if step == 0 || rng.IntN(20) == 0 {
				kind = 'W'
			}
			msg := w.message(rng.IntN, "ACME", kind)
			if err := d.Receive(1, frame(msg)); err != nil {
				t.Fatalf("%s: %v", msg, err)
			}
			w.compare(t, "ACME", c.book(3))
		}
	}
}

// samples are messages of every kind that is read.
func samples() [][]byte {
	return [][]byte{raw(sampleW), raw(sampleX), raw(sampleS), raw(sampleI), raw(sampleZ),
		frame("35=W|55=ACME|268=3|269=0|270=10|271=5|269=1|270=11|271=5|269=2|270=10.5|271=1"),
		frame("35=X|268=2|279=0|269=0|55=ACME|270=9.5|271=4|279=2|269=1|270=11"),
		frame("35=f|55=ACME|326=2"), frame("35=Y|262=r1|281=0|58=no"),
		frame("35=W|55=ACME|83=7|268=1|269=0|278=A1|270=10|271=5")}
}

// TestDamagedMessagesAreRefusedWithoutHarm cuts each sample at every length and flips
// bits, with a right checksum and with what it was. What is refused leaves the books
// as they were, or takes them out of use.
func TestDamagedMessagesAreRefusedWithoutHarm(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	for _, dialect := range []string{"generic44", "generic44-id", "binance", "kraken", "quotes"} {
		tried, refused := 0, 0
		try := func(msg []byte) {
			d, c := decoder(t, dialect)
			d.Receive(1, frame("35=W|55=ACME|268=2|269=0|270=10|271=5|269=1|270=11|271=5"))
			before, n := c.book(3).String(), len(c.events)
			err := d.Receive(2, msg)
			tried++
			if err == nil {
				return
			}
			refused++
			for _, e := range c.events[n:] {
				if e.Kind != event.BookStatus || event.BookState(e.Code) != event.BookStale {
					t.Fatalf("%s: %q was refused (%v) and told %+v", dialect, msg, err, e)
				}
			}
			if after := c.book(3).String(); after != before && !strings.HasPrefix(after, "STALE") {
				t.Fatalf("%s: %q was refused and made %s of %s", dialect, msg, after, before)
			}
		}
		for _, msg := range samples() {
			for n := range msg {
				try(msg[:n:n])
			}
			for range 220 {
				bad := bytes.Clone(msg)
				bad[rng.IntN(len(bad))] ^= 1 << rng.IntN(8)
				try(bad)
				if at := bytes.LastIndex(bad, []byte("\x0110=")); at > 0 {
					try(checksummed(bad[:at+1]))
				}
			}
		}
		if tried < 5_000 || refused < tried/4 {
			t.Errorf("%s: %d damaged messages, %d refused", dialect, tried, refused)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	for i, msg := range samples() {
		f.Add(byte(i), msg)
	}
	names := []string{"generic44", "generic44-id", "generic44-position", "coinbase", "coinbase-l2", "binance", "kraken",
		"jse", "quotes", "fx-dealer"}
	f.Fuzz(func(t *testing.T, which byte, msg []byte) {
		d, _ := decoder(t, names[int(which)%len(names)])
		d.Receive(1, msg)
		if at := bytes.LastIndex(msg, []byte("\x0110=")); at > 0 {
			d.Receive(2, checksummed(msg[:at+1]))
		}
		d.Receive(3, frame("35=X|268=1|279=0|269=0|55=ACME|270=9.5|271=4"))
	})
}

// FuzzTwin lets the fuzzer choose what the messages hold.
func FuzzTwin(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Fuzz(func(t *testing.T, choices []byte) {
		if len(choices) == 0 || len(choices) > 1<<10 {
			return
		}
		at := 0
		numbers := func(n int) int { at++; return int(choices[at%len(choices)]) % n }
		d, c := decoder(t, "generic44", func(c *Config) { c.Depth = 0 })
		w := twin{}
		for step := 0; at < 2*len(choices); step++ {
			kind := byte('X')
			if step == 0 {
				kind = 'W'
			}
			msg := w.message(numbers, "ACME", kind)
			if err := d.Receive(1, frame(msg)); err != nil {
				t.Fatalf("%s: %v", msg, err)
			}
			w.compare(t, "ACME", c.book(3))
		}
	})
}

// increment is an X of n entries.
func increment(n int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "35=X|34=2|262=r1|268=%d", n)
	for i := range n {
		fmt.Fprintf(&b, "|279=%d|269=%d|55=ACME|270=%d.%02d|271=%d", i%2, i%2, 9+2*(i%2), i, 100+i)
	}
	return frame(b.String())
}

func ready(t testing.TB) *Decoder {
	d, _ := decoder(t, "generic44", func(c *Config) {
		c.Depth = 0
		c.Sink = func(*event.Event) bool { return true }
	})
	if err := d.Receive(1, frame("35=W|55=ACME|268=1|269=0|270=8|271=5")); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestIncrementsDoNotAllocate(t *testing.T) {
	d, msg := ready(t), increment(20)
	d.Receive(1, msg)
	if n := testing.AllocsPerRun(100, func() {
		d.applied = 1 // the same number again
		if err := d.Receive(1, msg); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkIncrement is an X from its bytes, checksum verified, to events in a sink
// that only returns; quickfix only parses it.
func BenchmarkIncrement(b *testing.B) {
	for _, n := range []int{1, 5, 20} {
		msg := increment(n)
		b.Run(fmt.Sprintf("%d/ours", n), func(b *testing.B) {
			d := ready(b)
			b.ReportAllocs()
			for b.Loop() {
				d.applied = 1 // the same number again
				if err := d.Receive(1, msg); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("%d/quickfix", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m := quickfix.NewMessage()
				if err := quickfix.ParseMessage(m, bytes.NewBuffer(msg)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
