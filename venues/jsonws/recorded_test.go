package jsonws

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/klauspost/compress/zstd"

	"penstock/event"
	"penstock/internal/testdata"
	"penstock/market"
)

// eachLine calls use with every line of a file that may be compressed.
func eachLine(t testing.TB, file string, use func(line []byte)) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	switch filepath.Ext(file) {
	case ".gz":
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	case ".zst":
		z, err := zstd.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		r = z
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 1<<20), 64<<20)
	for lines.Scan() {
		use(lines.Bytes())
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// mapBook is the reader of the events: a book as plain maps. It fails the test
// when an event contradicts it.
type mapBook struct {
	t      testing.TB
	levels [2]map[market.Price]market.Qty
	state  event.BookState
	trades int
	more   bool
}

func newMapBook(t testing.TB) *mapBook {
	return &mapBook{t: t, levels: [2]map[market.Price]market.Qty{{}, {}}}
}

func (m *mapBook) sink(e *event.Event) bool {
	m.more = e.Flags&event.More != 0
	switch e.Kind {
	case event.BookClear:
		clear(m.levels[0])
		clear(m.levels[1])
		m.state = event.BookSyncing
	case event.BookLevel:
		side := m.levels[e.Side.Index()]
		if e.Qty == 0 {
			delete(side, e.Price)
		} else {
			side[e.Price] = e.Qty
		}
	case event.BookStatus:
		m.state = event.BookState(e.Code)
	case event.MarketTrade:
		m.trades++
	}
	if !m.more && m.state == event.BookLive && e.Kind != event.MarketTrade {
		bid, _ := m.best(market.Buy)
		ask, _ := m.best(market.Sell)
		if bid != 0 && ask != 0 && bid >= ask {
			m.t.Fatalf("crossed: %d %d", bid, ask)
		}
	}
	return true
}

func (m *mapBook) best(side market.Side) (best market.Price, qty market.Qty) {
	for p, q := range m.levels[side.Index()] {
		if best == 0 || side.Contra().Better(p, best) {
			best, qty = p, q
		}
	}
	return best, qty
}

func TestKrakenChecksumVector(t *testing.T) {
	const asks = "45285210000045286415457195345286615457110945289615456091145290215890660452918154553491452947445474945296135380000452975994554245299518772827"
	const bids = "452835100000004528341545820154528211000000045281010000000452803154592586452790799000045277633101034527753000000045277315460273745276615445238"
	if got := crc32.ChecksumIEEE([]byte(asks + bids)); got != 3310070434 {
		t.Fatalf("%d", got)
	}
	// The only way to cut those digits into ten prices, in order, and quantities.
	l := newKrakenLadder(10)
	for _, a := range [][2]int64{{452852, 100000}, {452864, 154571953}, {452866, 154571109},
		{452896, 154560911}, {452902, 15890660}, {452918, 154553491}, {452947, 4454749},
		{452961, 35380000}, {452975, 9945542}, {452995, 18772827}} {
		l.asks.set(a[0], a[1])
	}
	for _, b := range [][2]int64{{452835, 10000000}, {452834, 154582015}, {452821, 10000000},
		{452810, 10000000}, {452803, 154592586}, {452790, 7990000}, {452776, 3310103},
		{452775, 30000000}, {452773, 154602737}, {452766, 15445238}} {
		l.bids.set(b[0], b[1])
	}
	if got := l.checksum(); got != 3310070434 {
		t.Fatalf("%d", got)
	}
}

func TestKrakenRecording(t *testing.T) {
	m := newMapBook(t)
	k, err := NewKraken(Config{Sink: m.sink, StallNanos: 1, Symbols: []Symbol{{Text: "BTC/USD",
		PriceDecimals: 2, QtyDecimals: 8, PricePrecision: 1, QtyPrecision: 8}}}, 10)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(testdata.Dir(t), "crypto", "kraken-v2", "kraken_book_v2.jsonl")
	eachLine(t, file, func(line []byte) {
		if err := k.Receive(1, line); err != nil {
			t.Fatal(err)
		}
	})
	s := k.Stats()
	if s.ChecksumOK != 4 || s.ChecksumBad != 0 || s.Messages != 8 || s.Scanned != 4 {
		t.Fatalf("%+v", s)
	}
	bid, bidQty := m.best(market.Buy)
	ask, askQty := m.best(market.Sell)
	got := fmt.Sprint(bid, bidQty, ask, askQty, len(m.levels[0]), len(m.levels[1]), m.state)
	if got != "7887150 1266503 7887160 421103066 10 10 LIVE" {
		t.Fatal(got)
	}
}

var binanceBooks = []struct {
	file, symbol string
	market       BinanceMarket
	contract     int64
}{
	{"spot_btcusdt", "BTCUSDT", BinanceSpot, 0},
	{"usdm_btcusdt", "BTCUSDT", BinanceFutures, 0},
	{"cm_btcusd_perp", "BTCUSD_PERP", BinanceFutures, 100},
	{"spot_ethusdt", "ETHUSDT", BinanceSpot, 0},
	{"usdm_ethusdt", "ETHUSDT", BinanceFutures, 0},
	{"cm_ethusd_perp", "ETHUSD_PERP", BinanceFutures, 10},
}

func binanceFile(t testing.TB, name string) string {
	return filepath.Join(testdata.Dir(t), "crypto", "binance-3books", name+"_20240808.gz")
}

// The rebuilt books equal bookTicker, price and size, both sides, at every update
// id that both carry: 4,790 of them.
func TestBinanceBooksEqualBookTicker(t *testing.T) {
	total := 0
	for _, r := range binanceBooks[:share(len(binanceBooks), 1)] {
		file := binanceFile(t, r.file)
		equal, stats := compareWithTickers(t, file, r.symbol, r.market, r.contract)
		total += equal
		t.Logf("%s: %d equal tickers, %d messages, %d scanned, %d early, %d events",
			r.file, equal, stats.Messages, stats.Scanned, stats.Early, stats.Events)
		if stats.Gaps+stats.Malformed+stats.Absurd+stats.Unknown != 0 || stats.Snapshots != 1 {
			t.Errorf("%s: %+v", r.file, stats)
		}
	}
	if total != 4790 && !testing.Short() {
		t.Errorf("%d equal tickers, want 4790", total)
	}
}

// A running book takes updates, trades and tickers without allocating.
func TestRecordedStreamIsDecodedWithoutAllocating(t *testing.T) {
	var messages [][]byte
	eachLine(t, binanceFile(t, "cm_btcusd_perp"), func(line []byte) {
		_, text, _ := bytes.Cut(line, []byte{' '})
		messages = append(messages, bytes.Clone(text))
	})
	const each = 20_000
	allocs := 2.0
	for round := 0; round < 3 && allocs > 1; round++ { // what the runtime does elsewhere is counted too
		n, err := NewBinance(BinanceConfig{Market: BinanceFutures, Buffered: DefaultBuffered,
			Config: Config{Sink: func(*event.Event) bool { return true }, StallNanos: 1,
				Symbols: []Symbol{{Text: "BTCUSD_PERP", PriceDecimals: 1, QtyDecimals: 8, Contract: 100}}},
			OnTicker: func(int64, market.InstrumentID, *Ticker) {}})
		if err != nil {
			t.Fatal(err)
		}
		runtime.GC() // one that still runs is counted
		next := messages
		allocs = testing.AllocsPerRun(1, func() { // once to warm up, once to measure
			for _, m := range next[:each] {
				if err := n.Receive(1, m); err != nil {
					t.Fatal(err)
				}
			}
			next = next[each:]
		})
	}
	if allocs > 1 { // growing to the longest message yet is no steady state
		t.Fatalf("%v allocations in %d messages", allocs, each)
	}
}

func compareWithTickers(
	t *testing.T, file, symbol string, rule BinanceMarket, contract int64,
) (equal int, s Stats) {
	tickers := map[uint64]Ticker{}
	m := newMapBook(t)
	config := BinanceConfig{Market: rule, Buffered: DefaultBuffered, Config: Config{
		Sink: func(*event.Event) bool { return true }, StallNanos: 1,
		Symbols: []Symbol{{Text: symbol, PriceDecimals: 2, QtyDecimals: 8, Contract: contract}}},
		OnTicker: func(_ int64, _ market.InstrumentID, k *Ticker) { tickers[k.UpdateID] = *k }}
	first, err := NewBinance(config)
	if err != nil {
		t.Fatal(err)
	}
	config.Sink, config.OnTicker = m.sink, nil
	second, err := NewBinance(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []*Binance{first, second} {
		last := uint64(0)
		eachLine(t, file, func(line []byte) {
			stamp, text, _ := bytes.Cut(line, []byte{' '})
			now, err := strconv.ParseInt(string(stamp), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if err := n.Receive(now, text); err != nil {
				t.Fatal(err)
			}
			id := n.UpdateID(symbol)
			if n == first || id == last || m.state != event.BookLive {
				return
			}
			last = id
			k, ok := tickers[id]
			if !ok {
				return
			}
			bid, bidQty := m.best(market.Buy)
			ask, askQty := m.best(market.Sell)
			if book := (Ticker{id, bid, ask, bidQty, askQty}); book != k {
				t.Errorf("%s: book %+v, ticker %+v", file, book, k)
			}
			equal++
		})
	}
	return equal, *second.Stats()
}

// The old Coinbase feed has the same level2 forms, with the time after the
// changes; its ticker channel is service here.
func TestCoinbaseRecording(t *testing.T) {
	dir := filepath.Join(testdata.Dir(t), "crypto", "venue-ws-raw", "COINBASE")
	var symbols []Symbol
	books := map[market.InstrumentID]*mapBook{}
	for i, name := range []string{"SKL-USD", "SKL-BTC", "BAND-GBP", "NMR-EUR", "BAND-BTC",
		"YFI-BTC", "DASH-BTC", "NU-GBP", "CRV-EUR", "SKL-GBP"} {
		symbols = append(symbols, Symbol{Text: name, ID: market.InstrumentID(i), PriceDecimals: 8,
			QtyDecimals: 9})
		books[market.InstrumentID(i)] = newMapBook(t)
	}
	c, err := NewCoinbase(Config{StallNanos: 1, Symbols: symbols,
		Sink: func(e *event.Event) bool { return books[e.Instrument].sink(e) }}, false)
	if err != nil {
		t.Fatal(err)
	}
	eachLine(t, filepath.Join(dir, "COINBASE.ws.28.0.zst"), func(line []byte) {
		at, text, ok := bytes.Cut(line, []byte(": "))
		if !ok || !bytes.HasPrefix(line, []byte("1")) {
			return
		}
		seconds, err := strconv.ParseFloat(string(at), 64)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Receive(int64(seconds*1e9), text); err != nil {
			t.Fatal(err)
		}
	})
	s := c.Stats()
	trades := 0
	for id, m := range books {
		trades += m.trades
		if m.state != event.BookLive || len(m.levels[0]) == 0 || len(m.levels[1]) == 0 {
			t.Errorf("%s: %s with %d bids", symbols[id].Text, m.state, len(m.levels[0]))
		}
	}
	got := fmt.Sprintf("%d messages, %d snapshots, %d scanned, %d trades, %d early, %d service",
		s.Messages, s.Snapshots, s.Scanned, trades, s.Early, s.Service)
	if got != "9946 messages, 10 snapshots, 9719 scanned, 107 trades, 0 early, 110 service" {
		t.Error(got)
	}
	if s.Gaps+s.Malformed+s.Absurd+s.Unknown+s.Ignored+s.TradesMissed != 0 {
		t.Errorf("%+v", s)
	}
}
