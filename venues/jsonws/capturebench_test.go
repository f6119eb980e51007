package jsonws

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"penstock/event"
)

// contender is a feed whose changes of books are decoded by Receive, everything
// included that it does (time, checks, our copy and its checksum where the venue
// has one, events into a sink that only returns), and by fastjson, its parser used
// again, and by encoding/json into structs, into the same integers. Where there is a checksum
// its peers go on with the integers as the decoder does, each with its own copy.
type contender struct {
	name   string
	venue  string // of peersOf
	config Config
	open   func(Config) (Decoder, error)
	frames func(t testing.TB) []frame
}

// rivalOf decodes a message and returns the sum of its time and of the side, price
// and quantity of its levels; d is of the venue's kind and its own.
type rivalOf func(d Decoder, msg []byte) (sum int64)

// hotMarks are in every message that changes a book, and in no other but
// snapshots.
var hotMarks = map[string]string{"kraken v1": `"c":"`, "okx": `"action"`, "bybit": `"topic":"orderbook`,
	"gemini": `"l2_updates"`, "bitstamp": `order_book_`, "binance": `"depthUpdate"`, "coinbase": `"l2update"`}

// stretch is what comes between two measurements: first what is not measured,
// such as snapshots, then up to stretchMax changes.
type stretch struct{ before, changes [][]byte }

const stretchMax = 64

// summing is a decoder whose events are added up while that is asked for.
type summing struct {
	Decoder
	on  bool
	sum int64
}

func (c *contender) decoder(b *testing.B) *summing {
	s := &summing{}
	config := c.config
	config.StallNanos = 1
	config.Sink = func(e *event.Event) bool {
		if s.on {
			s.sum += int64(e.Side) + int64(e.Price) + int64(e.Qty)
			if e.Flags&event.More == 0 && c.venue != "gemini" { // its changes have no time
				s.sum += e.SrcTime
			}
		}
		return true
	}
	d, err := c.open(config)
	if err != nil {
		b.Fatal(err)
	}
	s.Decoder = d
	return s
}

// inner is the decoder itself.
func (s *summing) inner() Decoder {
	if l, ok := s.Decoder.(bitstampLines); ok {
		return l.Bitstamp
	}
	return s.Decoder
}

func (s *summing) receive(b *testing.B, messages [][]byte) {
	for _, m := range messages {
		if err := s.Receive(1, m); err != nil {
			b.Fatal(err)
		}
	}
}

// stretches sorts the frames and proves that the peers read what we read. What
// neither changes a book nor prepares one is left out.
func (c *contender) stretches(b *testing.B, fast, standard rivalOf) (all []stretch, n int) {
	d, e, f := c.decoder(b), c.decoder(b), c.decoder(b)
	mark, s := []byte(hotMarks[c.venue]), &d.base().stats
	var now stretch
	flush := func() {
		if len(now.changes) > 0 {
			all, now = append(all, now), stretch{}
		}
	}
	for _, frame := range c.frames(b) {
		was, m := *s, frame.text
		d.on, d.sum = true, 0
		d.receive(b, [][]byte{m})
		d.on = false
		switch {
		case bytes.Contains(m, mark) && s.Scanned > was.Scanned && s.Used > was.Used && s.Snapshots == was.Snapshots:
			want := d.sum
			if got := fast(e.inner(), m); got != want {
				b.Fatalf("fastjson reads other integers: %d, want %d: %s", got, want, m)
			}
			if got := standard(f.inner(), m); got != want {
				b.Fatalf("encoding/json reads other integers: %d, want %d: %s", got, want, m)
			}
			now.changes = append(now.changes, m)
			n++
		case s.Snapshots > was.Snapshots || s.Early > was.Early || bytes.Contains(m, []byte("subscri")):
			flush()
			now.before = append(now.before, m)
			e.receive(b, [][]byte{m})
			f.receive(b, [][]byte{m})
		}
		if len(now.changes) == stretchMax {
			flush()
		}
	}
	flush()
	return all, n
}

// race plays the whole again and again, the three taking turns, so that what else
// the machine does falls on all of them alike. The text has been read before the first
// turn, as a socket has just written it, or who comes first would alone fetch it from memory.
// The median of each stretch counts.
// It reports the mean of a message.
func (c *contender) race(b *testing.B) {
	c.raceOf(b, true, func(d Decoder, m []byte) bool { return d.Receive(1, m) == nil })
}

// raceDecoding is race without our copy of the book, its checksum and the events:
// from text to integers only.
func (c *contender) raceDecoding(b *testing.B) {
	c.raceOf(b, false, func(d Decoder, m []byte) bool { return d.(interface{ scan([]byte) bool }).scan(m) })
}

func (c *contender) raceOf(b *testing.B, whole bool, decode func(d Decoder, m []byte) bool) {
	fast, standard := peersOf(c.venue, true)
	all, n := c.stretches(b, fast, standard)
	if n == 0 {
		b.Fatal("no changes")
	}
	fast, standard = peersOf(c.venue, whole)
	took := make([][3][]float64, len(all))
	var text []byte
	for b.Loop() {
		ours, e, f := c.decoder(b), c.decoder(b), c.decoder(b)
		d, quick, slow := ours.inner(), e.inner(), f.inner()
		for i, s := range all {
			for _, other := range []*summing{ours, e, f} {
				other.receive(b, s.before)
			}
			for _, m := range s.changes {
				text = append(text[:0], m...)
			}
			start := time.Now()
			for _, m := range s.changes {
				if !decode(d, m) {
					b.Fatalf("refused: %s", m)
				}
			}
			turn1 := time.Now()
			for _, m := range s.changes {
				fast(quick, m)
			}
			turn2 := time.Now()
			for _, m := range s.changes {
				standard(slow, m)
			}
			turn3 := time.Now()
			took[i][0] = append(took[i][0], float64(turn1.Sub(start)))
			took[i][1] = append(took[i][1], float64(turn2.Sub(turn1)))
			took[i][2] = append(took[i][2], float64(turn3.Sub(turn2)))
		}
	}
	var ns [3]float64
	for i := range took {
		for k, times := range took[i] {
			slices.Sort(times)
			ns[k] += times[len(times)/2] / float64(n)
		}
	}
	b.ReportMetric(ns[0], "ns/op")
	b.ReportMetric(ns[1], "fastjson_ns")
	b.ReportMetric(ns[2], "encoding/json_ns")
	b.ReportMetric(ns[1]/ns[0], "x_fastjson")
	b.ReportMetric(ns[2]/ns[0], "x_encoding/json")
}

// BenchmarkRecorded plays the changes of books of whole recordings, in their
// order: several instruments, numbers of any length. ns/op is of one message.
func BenchmarkRecorded(b *testing.B) {
	var all []contender
	for i := range levelCaptures {
		c := &levelCaptures[i]
		if hotMarks[c.venue] == "" || c.name == "trades" || c.name == "tickers" {
			continue
		}
		v := c.setup()
		all = append(all, contender{c.venue + " " + c.name, c.venue, v.config, v.decoder, c.frames})
	}
	all = append(all, contender{"coinbase 2021", "coinbase",
		Config{Symbols: symbolsOf("BAND-BTC 8 9", "BAND-GBP 8 9", "CRV-EUR 8 9", "DASH-BTC 8 9", "NMR-EUR 8 9",
			"NU-GBP 8 9", "SKL-BTC 8 9", "SKL-GBP 8 9", "SKL-USD 8 9", "YFI-BTC 8 9")},
		func(c Config) (Decoder, error) { return NewCoinbase(c, false) },
		func(t testing.TB) []frame { return rawFrames(t, "COINBASE/COINBASE.ws.28.0.zst") }})
	for _, row := range []struct {
		file, symbol string
		rule         BinanceMarket
	}{
		{"spot_btcusdt", "BTCUSDT 2 8", BinanceSpot}, {"spot_ethusdt", "ETHUSDT 2 8", BinanceSpot},
		{"usdm_btcusdt", "BTCUSDT 2 3", BinanceFutures}, {"usdm_ethusdt", "ETHUSDT 2 3", BinanceFutures},
		{"cm_btcusd_perp", "BTCUSD_PERP 1 8 100", BinanceFutures}, {"cm_ethusd_perp", "ETHUSD_PERP 2 8 10", BinanceFutures},
	} {
		all = append(all, contender{"binance " + row.file, "binance", Config{Symbols: symbolsOf(row.symbol)},
			func(c Config) (Decoder, error) {
				return NewBinance(BinanceConfig{Config: c, Market: row.rule, Buffered: DefaultBuffered})
			},
			func(t testing.TB) (frames []frame) {
				eachLine(t, binanceFile(t, row.file), func(line []byte) {
					_, text, _ := bytes.Cut(line, []byte{' '})
					if len(frames) < 2000 && (len(frames) == 0 || bytes.Contains(text, []byte(`"depthUpdate"`)) || bytes.Contains(text, []byte("lastUpdateId"))) {
						frames = append(frames, frame{text: bytes.Clone(text)})
					}
				})
				return frames
			}})
	}
	for _, c := range all {
		c.run(b)
	}
}

func (c *contender) run(b *testing.B) {
	name := strings.ReplaceAll(c.name, " ", "_")
	b.Run(name, c.race)
	if c.venue == "okx" || c.venue == "kraken v1" {
		b.Run(name+"_without_the_checksum", c.raceDecoding)
	}
}
