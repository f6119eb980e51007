package fixmd

import (
	"maps"
	"math/rand"
	"strings"
	"testing"

	"penstock/event"
)

// pair runs the decoder and its twin side by side.
type pair struct {
	t      testing.TB
	d      *Decoder
	c      *collect
	w      *twin
	serial int
}

func newPair(t testing.TB, dialect string) *pair {
	d, c := decoder(t, dialect, func(c *Config) { c.Held, c.Orders = 0, 1<<12 })
	return &pair{t: t, d: d, c: c, w: newTwin(d.cfg)}
}

func (p *pair) receive(frame []byte) (refused bool) {
	p.t.Helper()
	p.serial++
	before := *p.d.Stats()
	n := len(p.c.events)
	err := p.d.Receive(int64(p.serial), frame)
	refused = p.w.message(p.serial, frame)
	s := p.d.Stats()
	faults := s.Malformed + s.Absurd + s.ChecksumBad - before.Malformed - before.Absurd - before.ChecksumBad
	if refused != (faults == 1) || refused && err == nil {
		p.t.Fatalf("%s\nerror %v, %d faults; the twin refuses it: %v", text(frame), err, faults, refused)
	}
	if refused {
		for _, e := range p.c.events[n:] {
			if e.Kind != event.BookStatus || e.Code != uint8(event.BookStale) {
				p.t.Fatalf("%s\nrefused, but told %+v", text(frame), e)
			}
		}
	}
	for _, symbol := range testSymbols {
		got, b := p.c.book(symbol.ID), p.w.books[symbol.Text]
		live := got.state == event.BookLive || got.state == event.BookHalted
		if live != b.live {
			p.t.Fatalf("%s\n%s is %s, the twin says live: %v (error %v)", text(frame), symbol.Text, got.state, b.live, err)
		}
		want := p.w.levels(symbol.Text)
		if live && (!maps.Equal(got.levels[0], want[0]) || !maps.Equal(got.levels[1], want[1])) {
			p.t.Fatalf("%s\n%s\nthe twin has %v", text(frame), got, want)
		}
		if got.more {
			p.t.Fatalf("%s\nleaves %s between two states", text(frame), symbol.Text)
		}
	}
	return refused
}

func text(frame []byte) string { return strings.ReplaceAll(string(frame), "\x01", "|") }

// conversations are messages of each dialect, one a line.
func conversations() map[string]string {
	return map[string]string{
		"generic44": "35=W|262=r1|55=ACME|83=7|268=3|269=0|270=10|271=5|269=0|270=9.5|271=6|269=1|270=11|271=7\n" +
			"35=W|262=r2|55=EUR/USD|268=2|269=0|270=1.0851|271=1000000|269=1|270=1.0853|271=2000000\n" +
			"35=X|262=r1|268=3|279=0|83=8|269=0|55=ACME|270=10.5|271=2|279=1|83=9|269=0|270=10|271=4|279=2|83=10|269=1|270=11\n" +
			"35=X|268=2|279=1|269=0|55=EUR/USD|270=1.0851|271=500000|279=0|83=11|269=2|55=ACME|270=10|271=1|2446=1\n" +
			"35=X|268=1|279=0|83=12|269=0|55=ACME|270=9|271=1|276=I\n35=f|55=ACME|326=2",
		"generic44-id": "35=W|55=ACME|268=2|269=0|278=a|270=10|271=5|269=1|278=b|270=11|271=7\n" +
			"35=X|268=2|279=0|269=0|278=c|55=ACME|270=10|271=3|279=1|278=a|271=4\n" +
			"35=X|268=2|279=1|278=d|280=a|55=ACME|270=10.5|279=2|278=c",
		"generic44-position": "35=W|55=ACME|268=3|269=0|290=1|270=10|271=5|269=0|290=2|270=9|271=6|269=1|290=1|270=11|271=7\n" +
			"35=X|268=2|279=0|269=0|290=2|55=ACME|270=9.5|271=1|279=1|269=0|290=3|270=9.25|271=2\n" +
			"35=X|268=1|279=2|269=0|290=1|55=ACME",
		"coinbase": "35=W|83=6|55=ACME|893=N|268=1|269=0|278=x|270=9|271=1\n" +
			"35=W|83=6|55=ACME|893=Y|268=1|269=1|278=z|270=11|271=3\n35=X|268=1|279=0|269=0|83=7|55=ACME|40=1\n" +
			"35=X|268=1|279=1|269=2|278=z|83=8|55=ACME|270=11|271=2|5797=1\n35=X|268=1|279=2|269=1|278=z|83=9|55=ACME",
		"binance": "35=W|262=r|55=ACME|25044=100|268=2|269=0|270=10|271=1|269=1|270=11|271=2\n" +
			"35=X|268=2|279=0|270=9|271=2|269=0|55=ACME|25043=101|25044=102|279=0|270=8|271=3|269=0\n" +
			"35=X|268=1|279=2|270=9|269=0|55=ACME|25043=103|25044=104",
		"kraken": "35=W|262=r|55=ACME|268=2|269=0|278=1|270=10|271=1|269=1|278=2|270=11|271=2\n" +
			"35=X|262=r|55=ACME|268=2|279=0|269=0|278=3|270=9|271=1|279=2|269=1|278=2|270=11",
		"jse": "35=X|1180=J|1181=82|268=2|279=0|55=ACME|269=x|58=LIVE|83=1|279=0|55=ACME|269=3|270=76.79|451=1.03|83=1",
	}
}

// lines wraps every line of a conversation.
func lines(conversation string) (frames [][]byte) {
	for _, line := range strings.Split(conversation, "\n") {
		frames = append(frames, frame(line))
	}
	return frames
}

func FuzzDecoder(f *testing.F) {
	for name, c := range conversations() {
		f.Add(name, c)
	}
	f.Add("generic44", text(raw(sampleW))[18:])
	f.Fuzz(func(t *testing.T, dialect, conversation string) {
		if dl, ok := DialectByName(dialect); !ok || dl.Quotes || len(conversation) > 4096 {
			return
		}
		p := newPair(t, dialect)
		for _, m := range lines(conversation) {
			p.receive(m)
		}
	})
}

// Every message of every dialect, cut at every length: what is left is refused and
// changes nothing.
func TestTruncatedMessages(t *testing.T) {
	for name, c := range conversations() {
		p := newPair(t, name)
		frames := lines(c)
		for i, m := range frames {
			for n := range m {
				for _, whole := range frames[:i] {
					p.d.Receive(1, whole)
				}
				was := p.d.Stats().Malformed
				if err := p.d.Receive(1, m[:n]); err == nil || p.d.Stats().Malformed != was+1 {
					t.Fatalf("%s: %d of %d bytes: %v", name, n, len(m), err)
				}
			}
		}
	}
}

// Bits flip at random. With the checksum as it was the codec refuses the message;
// with a new one the decoder must agree with its twin.
func TestBitFlips(t *testing.T) {
	const rounds = 500
	flips, refused := 0, 0
	for name, c := range conversations() {
		rnd := rand.New(rand.NewSource(7))
		frames := lines(c)
		for range rounds {
			p := newPair(t, name)
			for _, m := range frames {
				flipped := append([]byte(nil), m...)
				flipped[rnd.Intn(len(m)-8)] ^= 1 << rnd.Intn(8)
				flips++
				if rnd.Intn(2) == 0 { // the codec's
					if p.receive(flipped) {
						refused++
					} else {
						t.Fatalf("%s: taken with a wrong checksum", text(flipped))
					}
					continue
				}
				if p.receive(checksummed(flipped[:len(m)-7])) {
					refused++
				}
				p.receive(m)
			}
		}
	}
	if flips < 10_000 || refused < flips/2 {
		t.Errorf("%d flips, %d refused", flips, refused)
	}
}

// Quotes have no twin: nothing panics, and what is refused tells no quote.
func TestQuotesBitFlips(t *testing.T) {
	rnd := rand.New(rand.NewSource(7))
	d, c := decoder(t, "quotes")
	samples := [][]byte{raw(sampleS), raw(sampleI), raw(sampleZ)}
	for i := range 10_000 {
		m := append([]byte(nil), samples[i%3]...)
		m[rnd.Intn(len(m)-8)] ^= 1 << rnd.Intn(8)
		c.events = nil
		err := d.Receive(int64(i), checksummed(m[:len(m)-7]))
		for _, e := range c.events {
			if err != nil && (e.Kind == event.Quote || e.Kind == event.QuoteCancel) {
				t.Fatalf("%v, but told %+v", err, e)
			}
		}
	}
	for _, m := range samples {
		for n := range m {
			if d.Receive(1, m[:n]) == nil {
				t.Fatal("truncated quote taken")
			}
		}
	}
	if d.Stats().Malformed < 1000 {
		t.Errorf("%+v", *d.Stats())
	}
}

func TestReceiveDoesNotAllocate(t *testing.T) {
	for name, c := range conversations() {
		d, _ := decoder(t, name, func(c *Config) { c.Sink = func(*event.Event) bool { return true } })
		frames := lines(c)
		run := func() {
			for _, m := range frames {
				if err := d.Receive(1, m); err != nil {
					t.Fatal(err)
				}
				d.applied = 0
			}
		}
		run()
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	d, _ := decoder(t, "quotes", func(c *Config) { c.Sink = func(*event.Event) bool { return true } })
	q := [][]byte{raw(sampleS), raw(sampleI), raw(sampleZ)}
	if n := testing.AllocsPerRun(100, func() {
		for _, m := range q {
			d.applied = 0
			if err := d.Receive(1, m); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("quotes: %v allocations", n)
	}
}
