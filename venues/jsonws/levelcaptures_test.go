package jsonws

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"archive/zip"

	"penstock/event"
	"penstock/internal/testdata"
	"penstock/market"
)

// frame is one recorded message, or HTTP answer, and when it came.
type frame struct {
	at   float64 // seconds since epoch
	text []byte
}

// rawFrames reads the frames of files of crypto/venue-ws-raw, which begin with
// their time, in the order of time. Answers to requests of order books become
// lines of bitstampLines.
func rawFrames(t testing.TB, files ...string) (frames []frame) {
	answer := regexp.MustCompile(`^https://\S+/order_book/(\w+) -> ([0-9.]+): (.*)$`)
	for _, name := range files {
		file := filepath.Join(testdata.Dir(t), "crypto", "venue-ws-raw", name)
		eachLine(t, file, func(line []byte) {
			if m := answer.FindSubmatch(line); m != nil {
				at, _ := strconv.ParseFloat(string(m[2]), 64)
				frames = append(frames, frame{at, fmt.Appendf(nil, "http %s %s", m[1], m[3])})
				return
			}
			at, text, ok := bytes.Cut(line, []byte(": "))
			if seconds, err := strconv.ParseFloat(string(at), 64); ok && err == nil {
				frames = append(frames, frame{seconds, bytes.Clone(text)})
			}
		})
	}
	slices.SortStableFunc(frames, func(a, b frame) int { return int(1e6 * (a.at - b.at)) })
	return frames
}

// jsonFrames reads the frames of one connection of a file of crypto/venue-ws-2026.
func jsonFrames(t testing.TB, name, connection string) (frames []frame) {
	file := filepath.Join(testdata.Dir(t), "crypto", "venue-ws-2026", name)
	eachLine(t, file, func(line []byte) {
		var l struct {
			T, Conn, Data string
			TS            float64
		}
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		if l.T == "recv" && strings.HasSuffix(l.Conn, connection) {
			frames = append(frames, frame{l.TS, []byte(l.Data)})
		}
	})
	return frames
}

// zipFrames reads the lines of the only file of a zip archive.
func zipFrames(t testing.TB, name string) (frames []frame) {
	z, err := zip.OpenReader(filepath.Join(testdata.Dir(t), "crypto", "venue-json-fixtures", name))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	f, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all bytes.Buffer
	if _, err := all.ReadFrom(f); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.SplitSeq(bytes.TrimSpace(all.Bytes()), []byte{'\n'}) {
		frames = append(frames, frame{1733011200, bytes.TrimSpace(line)})
	}
	return frames
}

// symbolsOf makes symbols of "TEXT price qty [contract]", in order of their texts.
func symbolsOf(lines ...string) (symbols []Symbol) {
	slices.Sort(lines)
	for i, line := range lines {
		s := Symbol{ID: market.InstrumentID(i)}
		fmt.Sscan(line, &s.Text, &s.PriceDecimals, &s.QtyDecimals, &s.Contract)
		symbols = append(symbols, s)
	}
	return symbols
}

// levelCapture is the recording of one connection.
type levelCapture struct {
	venue  string // of levelVenues
	name   string
	depth  int // 0: that of the venue
	lines  []string
	frames func(t testing.TB) []frame
	want   string
}

var levelCaptures = []levelCapture{
	{venue: "kraken v1", name: "trades", depth: 1000, lines: krakenV1Lines,
		frames: func(t testing.TB) []frame { return rawFrames(t, "KRAKEN/KRAKEN.ws.48.0.zst") },
		want: "49 messages, 0 scanned, 8 used, 0 snapshots, 0 checksums, 10 trades, " +
			"41 service, 0 early, 0 live, 0 levels"},
	{venue: "kraken v1", name: "tickers", depth: 1000, lines: krakenV1Lines,
		frames: func(t testing.TB) []frame { return rawFrames(t, "KRAKEN/KRAKEN.ws.49.0.zst") },
		want: "60 messages, 0 scanned, 0 used, 0 snapshots, 0 checksums, 0 trades, " +
			"60 service, 0 early, 0 live, 0 levels"},
	{venue: "kraken v1", name: "books", depth: 1000, lines: krakenV1Lines,
		frames: func(t testing.TB) []frame { return rawFrames(t, "KRAKEN/KRAKEN.ws.50.0.zst") },
		want: "4321 messages, 4269 scanned, 4279 used, 10 snapshots, 4269 checksums, 0 trades, " +
			"42 service, 0 early, 10 live, 7452 levels"},
	{venue: "okx", name: "2022",
		lines:  []string{"BTC-USD-220527 1 8 100", "BTC-USDT 1 8", "UNI-USD-SWAP 3 6 10"},
		frames: func(t testing.TB) []frame { return rawFrames(t, "OKX/OKX.ws.1.0.zst") },
		want: "410 messages, 290 scanned, 364 used, 3 snapshots, 290 checksums, 74 trades, " +
			"46 service, 0 early, 3 live, 1179 levels"},
	{venue: "bybit", name: "linear", depth: 200,
		lines:  []string{"BTCUSDT 1 3", "DOGEUSDT 5 0", "ETHUSDT 2 2", "SOLUSDT 2 1"},
		frames: func(t testing.TB) []frame { return jsonFrames(t, "BYBIT.jsonl.zst", "ws.2") },
		want: "2546 messages, 1598 scanned, 1700 used, 4 snapshots, 0 checksums, 327 trades, " +
			"846 service, 0 early, 4 live, 1600 levels"},
	{venue: "bybit", name: "spot", depth: 200, lines: []string{"BTCUSDT 1 6", "ETHUSDT 2 5"},
		frames: func(t testing.TB) []frame { return jsonFrames(t, "BYBIT.jsonl.zst", "ws.3") },
		want: "681 messages, 550 scanned, 568 used, 2 snapshots, 0 checksums, 20 trades, " +
			"113 service, 0 early, 2 live, 800 levels"},
	{venue: "bybit", name: "xrp", depth: 500, lines: []string{"XRPUSDT 4 0"},
		frames: func(t testing.TB) []frame { return zipFrames(t, "bybit_xrpusdt_ob500.data.zip") },
		want: "50 messages, 50 scanned, 50 used, 1 snapshots, 0 checksums, 0 trades, " +
			"0 service, 0 early, 1 live, 1000 levels"},
	{venue: "bybit v2", name: "linear",
		lines: []string{"ADAUSDT 4 7", "BCHUSDT 2 7", "DOTUSDT 3 7", "ETHUSDT 2 7", "LINKUSDT 3 7",
			"LTCUSDT 2 7", "UNIUSDT 3 7", "XTZUSDT 3 7"},
		frames: func(t testing.TB) []frame { return rawFrames(t, "BYBIT/BYBIT.ws.25.0.zst") },
		want: "3342 messages, 0 scanned, 3326 used, 8 snapshots, 0 checksums, 101 trades, " +
			"16 service, 0 early, 8 live, 400 levels"},
	{venue: "bybit v2", name: "inverse", lines: []string{"BTCUSD 1 8 1", "EOSUSD 3 4 1"},
		frames: func(t testing.TB) []frame { return rawFrames(t, "BYBIT/BYBIT.ws.26.0.zst") },
		want: "1098 messages, 0 scanned, 1094 used, 2 snapshots, 0 checksums, 150 trades, " +
			"4 service, 0 early, 2 live, 100 levels"},
	{venue: "gemini", name: "2021",
		lines: []string{"ALCXUSD 2 6", "ANKRUSD 5 6", "BATBTC 8 6", "BTCGBP 2 8", "ETHEUR 2 6",
			"FILUSD 4 6", "GRTUSD 4 6", "LINKETH 7 6", "LTCETH 4 5", "ZECLTC 3 6"},
		frames: func(t testing.TB) []frame { return rawFrames(t, "GEMINI/GEMINI.ws.1.0.zst") },
		want: "678 messages, 645 scanned, 671 used, 10 snapshots, 0 checksums, 16 trades, " +
			"7 service, 0 early, 10 live, 2632 levels"},
	{venue: "gemini", name: "2026",
		lines: []string{"BTCEUR 2 8", "BTCGBP 2 8", "BTCUSD 2 8", "BTCUSDCPERP 1 4", "BTCUSDT 2 8",
			"ETHUSD 2 6", "ETHUSDCPERP 2 3", "ETHUSDT 2 6", "SOLUSD 3 6", "SOLUSDCPERP 3 1"},
		frames: func(t testing.TB) []frame { return jsonFrames(t, "GEMINI.jsonl.zst", "ws.2") },
		want: "563 messages, 549 scanned, 561 used, 10 snapshots, 0 checksums, 2 trades, " +
			"2 service, 0 early, 10 live, 10111 levels"},
	{venue: "bitstamp", name: "2022",
		lines: []string{"adaeur 5 8", "batbtc 8 8", "bateur 5 8", "ethusd 2 8", "galaeur 5 8",
			"sgbeur 5 8", "usdteur 5 5", "usdtusd 5 5", "xlmgbp 5 8", "xrpeur 5 8"},
		frames: func(t testing.TB) []frame {
			return rawFrames(t, "BITSTAMP/BITSTAMP.ws.1.0.zst", "BITSTAMP/BITSTAMP.http.0.0.zst")
		},
		want: "757 messages, 717 scanned, 635 used, 10 snapshots, 0 checksums, 10 trades, " +
			"20 service, 102 early, 10 live, 9477 levels"},
}

var krakenV1Lines = []string{"ADA/XBT 8 8", "ETH/CHF 2 8", "GRT/ETH 7 8", "KSM/XBT 6 8", "OCEAN/XBT 8 8",
	"OMG/USD 6 8", "SC/EUR 5 8", "WAVES/EUR 4 8", "XBT/CHF 1 8", "XMR/USD 2 8"}

// setup returns the venue with the configuration of the capture.
func (c *levelCapture) setup() venue {
	for _, v := range levelVenues {
		if v.name != c.venue {
			continue
		}
		v.config.Symbols = symbolsOf(c.lines...)
		switch {
		case c.venue == "kraken v1":
			v.decoder = func(config Config) (Decoder, error) { return NewKrakenV1(config, c.depth) }
			v.twin = twinOf(func(config Config) *krakenV1Twin { return newKrakenV1Twin(config, c.depth) },
				func(t *krakenV1Twin) []event.Event { return t.events })
		case c.venue == "bybit":
			v.decoder = func(config Config) (Decoder, error) { return NewBybit(config, c.depth) }
			v.twin = twinOf(func(config Config) *bybitTwin { return newBybitTwin(config, c.depth) },
				func(t *bybitTwin) []event.Event { return t.events })
		}
		return v
	}
	panic("no venue " + c.venue)
}

// Every message of every capture is taken, no book is ever crossed, and every
// checksum is right. The counts are exact.
func TestLevelCaptures(t *testing.T) {
	for _, c := range levelCaptures {
		t.Run(c.venue+" "+c.name, func(t *testing.T) {
			v := c.setup()
			books := map[market.InstrumentID]*mapBook{}
			for _, s := range v.config.Symbols {
				books[s.ID] = newMapBook(t)
			}
			v.config.StallNanos = 1
			v.config.Sink = func(e *event.Event) bool { return books[e.Instrument].sink(e) }
			d, err := v.decoder(v.config)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range c.frames(t) {
				if err := d.Receive(int64(f.at*1e9), f.text); err != nil {
					t.Fatal(err)
				}
			}
			s := d.base().stats
			live, levels, trades := 0, 0, 0
			for _, m := range books {
				if m.state == event.BookLive {
					live++
				}
				levels += len(m.levels[0]) + len(m.levels[1])
				trades += m.trades
			}
			got := fmt.Sprintf("%d messages, %d scanned, %d used, %d snapshots, %d checksums, %d trades, "+
				"%d service, %d early, %d live, %d levels", s.Messages, s.Scanned, s.Used, s.Snapshots,
				s.ChecksumOK, trades, s.Service, s.Early, live, levels)
			if got != c.want {
				t.Error(got)
			}
			if s.Malformed+s.Absurd+s.Gaps+s.ChecksumBad+s.Unknown+s.Refused+s.Ignored+s.Dropped != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestLevelCapturesAgreeWithTheTwins(t *testing.T) {
	for _, c := range levelCaptures[:share(len(levelCaptures), 3)] {
		var all [][]byte
		for _, f := range c.frames(t) {
			all = append(all, f.text)
		}
		v := c.setup()
		v.compare(t, bytes.Join(all, []byte{'\n'}))
	}
}

// spoilable finds the smallest snapshot of a capture whose book changes after it,
// what else its book needs, and the first such change.
func (c *levelCapture) spoilable(t *testing.T) (before [][]byte, change []byte) {
	v := c.setup()
	v.config.StallNanos, v.config.Sink = 1, func(*event.Event) bool { return true }
	d, err := v.decoder(v.config)
	if err != nil {
		t.Fatal(err)
	}
	s := &d.base().stats
	type found struct{ snapshot, early, change []byte }
	books := make([]found, len(c.lines))
	var names []*regexp.Regexp
	for _, symbol := range v.config.Symbols {
		names = append(names, regexp.MustCompile(`[". _]`+symbol.Text+`[ "]`))
	}
	for _, f := range c.frames(t) {
		snapshots, scanned, used, early := s.Snapshots, s.Scanned, s.Used, s.Early
		if err := d.Receive(1, f.text); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(names, func(r *regexp.Regexp) bool { return r.Match(f.text) })
		switch {
		case i < 0:
		case s.Snapshots != snapshots:
			books[i].snapshot = f.text
		case s.Early != early && books[i].early == nil:
			books[i].early = f.text
		case s.Used != used && (s.Scanned != scanned || c.venue == "bybit v2") && books[i].change == nil:
			books[i].change = f.text
		}
	}
	best := found{}
	for _, b := range books {
		if b.change != nil && (best.change == nil || len(b.snapshot) < len(best.snapshot)) {
			best = b
		}
	}
	before = [][]byte{best.snapshot, best.early}
	return before[:map[bool]int{false: 1, true: 2}[best.early != nil]], best.change
}

// Every truncated length of a recorded change, and 10,000 flips of one bit of it:
// what is refused changes no book but takes it out, and is counted.
func TestSpoiledLevelCaptures(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, c := range levelCaptures {
		one := []string{"books", "2022", "2026", "spot", "inverse"} // of each decoder
		if !slices.Contains(one[:share(len(one), 1)], c.name) {
			continue
		}
		t.Run(c.venue+" "+c.name, func(t *testing.T) {
			before, change := c.spoilable(t)
			v := c.setup()
			var got []event.Event
			v.config.StallNanos = 1
			v.config.Sink = func(e *event.Event) bool { got = append(got, *e); return true }
			d, err := v.decoder(v.config)
			if err != nil {
				t.Fatal(err)
			}
			s, refused := &d.base().stats, 0
			bad := func() uint64 {
				return s.Malformed + s.Absurd + s.Gaps + s.ChecksumBad + s.Unknown + s.Refused
			}
			try := func(msg []byte) {
				for _, m := range before {
					if err := d.Receive(1, m); err != nil {
						t.Fatalf("%v after %d refused", err, refused)
					}
				}
				got = got[:0]
				was := bad()
				err := d.Receive(1, msg)
				if err == nil {
					if bad() != was {
						t.Fatalf("counted but not refused: %s", msg)
					}
					if t, ok := d.(bitstampLines); ok { // its snapshot cannot go back in time
						t.loseAll(1, event.ReasonStale)
					}
					return
				}
				refused++
				if bad() != was+1 {
					t.Fatalf("refused but not counted once: %s", msg)
				}
				for _, e := range got {
					if e.Kind != event.BookStatus || e.Code != uint8(event.BookStale) {
						t.Fatalf("%v of %s told %+v", err, msg, e)
					}
				}
				if t, ok := d.(bitstampLines); ok {
					t.loseAll(1, event.ReasonStale)
				}
			}
			for n := range change {
				try(change[:n])
			}
			if refused != len(change) {
				t.Errorf("%d of %d truncations refused", refused, len(change))
			}
			for range 10_000 {
				msg := bytes.Clone(change)
				bit := r.IntN(len(msg) * 8)
				msg[bit/8] ^= 1 << (bit % 8)
				try(msg)
			}
			t.Logf("%d bytes: %d of %d refused", len(change), refused, 10_000+len(change))
		})
	}
}

// A running book takes everything that a capture holds without allocating.
func TestLevelCapturesAreDecodedWithoutAllocating(t *testing.T) {
	for _, c := range levelCaptures {
		v := c.setup()
		v.config.StallNanos, v.config.Sink = 1, func(*event.Event) bool { return true }
		d, err := v.decoder(v.config)
		if err != nil {
			t.Fatal(err)
		}
		frames := c.frames(t)
		if c.venue == "bitstamp" {
			d, frames = runningBitstamp(t, d, frames)
		}
		replay := func() {
			for _, f := range frames {
				if err := d.Receive(1, f.text); err != nil {
					t.Fatal(err)
				}
			}
			rewind(d)
		}
		for range 4 { // until the general parser has room for any message
			replay()
		}
		// The mean of four, rounded down, leaves out what goroutines of earlier tests allocate once.
		if n := testing.AllocsPerRun(4, replay); n != 0 {
			t.Errorf("%s %s: %v allocations", c.venue, c.name, n)
		}
	}
}

// runningBitstamp brings all books of a capture to life and returns its frames
// without the answers to requests.
func runningBitstamp(t testing.TB, d Decoder, frames []frame) (Decoder, []frame) {
	for _, f := range frames {
		if err := d.Receive(1, f.text); err != nil {
			t.Fatal(err)
		}
	}
	d = d.(bitstampLines).Bitstamp
	rewind(d)
	return d, slices.DeleteFunc(frames, func(f frame) bool { return bytes.HasPrefix(f.text, []byte("http ")) })
}

// rewind lets differences of a Bitstamp decoder begin again at any time.
func rewind(d Decoder) {
	if b, ok := d.(*Bitstamp); ok {
		for i := range b.syncs {
			b.syncs[i].snapshot, b.syncs[i].last = 0, 0
		}
	}
}
