package jsonws

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"penstock/event"
	"penstock/internal/testdata"
	"penstock/market"
)

// rawLine is one message of a raw capture.
type rawLine struct {
	at     float64
	symbol string // of a snapshot, "" for a frame
	text   []byte
}

// rawCapture returns the frames of a capture and its REST snapshots, as they came.
func rawCapture(t testing.TB, name string) (lines []rawLine) {
	dir := filepath.Join(testdata.Dir(t), "crypto", "venue-ws-raw", name)
	eachLine(t, filepath.Join(dir, name+".ws.1.0.zst"), func(line []byte) {
		at, text, ok := bytes.Cut(line, []byte(": "))
		if ok && line[0] == '1' {
			seconds, err := strconv.ParseFloat(string(at), 64)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, rawLine{seconds, "", bytes.Clone(text)})
		}
	})
	eachLine(t, filepath.Join(dir, name+".http.0.0.zst"), func(line []byte) {
		head, text, ok := bytes.Cut(line, []byte(": "))
		_, query, isDepth := strings.Cut(string(head), "/depth?symbol=")
		if !ok || !isDepth {
			return
		}
		symbol, _, _ := strings.Cut(query, "&")
		_, at, _ := strings.Cut(query, "-> ")
		seconds, err := strconv.ParseFloat(at, 64)
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		for i < len(lines) && lines[i].at <= seconds {
			i++
		}
		lines = append(lines[:i], append([]rawLine{{seconds, symbol, bytes.Clone(text)}}, lines[i:]...)...)
	})
	return lines
}

func TestBinanceRawCaptures(t *testing.T) {
	for _, row := range []struct {
		name    string
		rule    BinanceMarket
		symbols []string
		want    string
	}{
		{"BINANCE", BinanceSpot, []string{"NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"},
			"269 messages, 4 snapshots, 263 scanned, 86 service, 5 early, 0 gaps, 26 equal tickers; " +
				"NKNUSDT LIVE 614+994 levels 1 trades; BLZETH LIVE 173+999 levels 0 trades; LRCBTC LIVE 176+1000 levels 1 trades; RUNEEUR LIVE 222+468 levels 0 trades"},
		{"BINANCE_US", BinanceSpot, []string{"CRVUSDT", "COMPUSDT", "OMGBUSD", "ZRXUSDT"},
			"484 messages, 4 snapshots, 475 scanned, 133 service, 4 early, 0 gaps, 56 equal tickers; " +
				"CRVUSDT LIVE 73+62 levels 0 trades; COMPUSDT LIVE 219+525 levels 0 trades; OMGBUSD LIVE 196+183 levels 11 trades; ZRXUSDT LIVE 174+256 levels 0 trades"},
		{"BINANCE_FUTURES", BinanceFutures, []string{"SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT"},
			"1539 messages, 4 snapshots, 1468 scanned, 680 service, 12 early, 0 gaps, 50 equal tickers; " +
				"SUSHIUSDT LIVE 1006+1000 levels 40 trades; AKROUSDT LIVE 613+761 levels 8 trades; KEEPUSDT LIVE 401+614 levels 5 trades; CTKUSDT LIVE 486+742 levels 38 trades"},
	} {
		var symbols []Symbol
		books := map[market.InstrumentID]*mapBook{}
		for i, s := range row.symbols {
			symbols = append(symbols, Symbol{Text: s, ID: market.InstrumentID(i), PriceDecimals: 8, QtyDecimals: 8})
			books[market.InstrumentID(i)] = newMapBook(t)
		}
		waiting := map[market.InstrumentID]map[uint64]Ticker{0: {}, 1: {}, 2: {}, 3: {}}
		n, err := NewBinance(BinanceConfig{Market: row.rule, Buffered: DefaultBuffered, Config: Config{StallNanos: 1,
			Symbols: symbols, Sink: func(e *event.Event) bool { return books[e.Instrument].sink(e) }},
			OnTicker: func(_ int64, id market.InstrumentID, k *Ticker) { waiting[id][k.UpdateID] = *k }})
		if err != nil {
			t.Fatal(err)
		}
		tickers := 0
		for _, l := range rawCapture(t, row.name) {
			if l.symbol != "" {
				err = n.TakeSnapshot(int64(l.at*1e9), l.symbol, l.text)
			} else {
				err = n.Receive(int64(l.at*1e9), l.text)
			}
			if err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
			for id, m := range books {
				k, ok := waiting[id][n.UpdateID(row.symbols[id])]
				if !ok || m.state != event.BookLive {
					continue
				}
				delete(waiting[id], k.UpdateID)
				bid, bidQty := m.best(market.Buy)
				ask, askQty := m.best(market.Sell)
				if book := (Ticker{k.UpdateID, bid, ask, bidQty, askQty}); book != k {
					t.Errorf("%s: book %+v, ticker %+v", row.symbols[id], book, k)
				}
				tickers++
			}
		}
		s := n.Stats()
		got := fmt.Sprintf("%d messages, %d snapshots, %d scanned, %d service, %d early, %d gaps, %d equal tickers",
			s.Messages, s.Snapshots, s.Scanned, s.Service, s.Early, s.Gaps, tickers)
		for i, m := range row.symbols {
			b := books[market.InstrumentID(i)]
			got += fmt.Sprintf("; %s %s %d+%d levels %d trades", m, b.state, len(b.levels[0]), len(b.levels[1]), b.trades)
		}
		if s.Malformed+s.Absurd+s.Unknown+s.Ignored+s.Overflows != 0 {
			t.Errorf("%s: %+v", row.name, s)
		}
		if got != row.want {
			t.Errorf("%s: %s", row.name, got)
		}
	}
}

// Messages of Binance, Coinbase and Kraken, public and private, from elsewhere:
// each is known, or counted as unknown or refused, and none is a reason to stop.
func TestFixturesAreKnownOrCounted(t *testing.T) {
	f, err := os.Open(filepath.Join(testdata.Dir(t), "crypto", "venue-json-fixtures", "nautilus_venue_json_fixtures.tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	config := func(text string) Config {
		return Config{StallNanos: 1, Sink: func(*event.Event) bool { return true },
			Symbols: []Symbol{{Text: text, PriceDecimals: 8, QtyDecimals: 8, PricePrecision: 5, QtyPrecision: 8}}}
	}
	decoders := map[string][]Decoder{}
	add := func(name string, d Decoder, err error) {
		if err != nil {
			t.Fatal(err)
		}
		decoders[name] = append(decoders[name], d)
	}
	spot, err := NewBinance(BinanceConfig{Config: config("BTCUSDT"), Buffered: DefaultBuffered})
	add("binance", spot, err)
	futures, err := NewBinance(BinanceConfig{Config: config("BTCUSDT"), Buffered: DefaultBuffered, Market: BinanceFutures})
	add("binance", futures, err)
	level, err := NewCoinbase(config("BTC-USD"), true)
	add("coinbase", level, err)
	full, err := NewCoinbaseFull(config("BTC-USD"))
	add("coinbase", full, err)
	advanced, err := NewCoinbaseAdvanced(config("BTC-USD"))
	add("coinbase", advanced, err)
	kraken, err := NewKraken(config("MATIC/USD"), 10)
	add("kraken", kraken, err)
	files := 0
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(h.Name, "/")
		if path.Ext(h.Name) != ".json" || len(parts) < 2 || decoders[parts[1]] == nil {
			continue
		}
		files++
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range decoders[parts[1]] {
			before := *d.base().Stats()
			err := d.Receive(1, text)
			after := *d.base().Stats()
			counted := after
			counted.Messages, counted.Events = before.Messages, before.Events
			if after.Messages != before.Messages+1 || counted == before {
				t.Errorf("%s: %v, not counted: %+v", h.Name, err, after)
			}
		}
	}
	got := fmt.Sprintf("%d files; advanced used %d service %d; kraken checksums %d", files,
		advanced.Stats().Used, advanced.Stats().Service, kraken.Stats().ChecksumOK)
	if got != "150 files; advanced used 3 service 5; kraken checksums 0" {
		t.Error(got)
	}
}

func TestBinanceSnapshotRequests(t *testing.T) {
	for _, row := range []struct {
		rule BinanceMarket
		s    Symbol
		want string
	}{
		{BinanceSpot, Symbol{Text: "BTCUSDT"}, "/api/v3/depth?symbol=BTCUSDT&limit=5000"},
		{BinanceFutures, Symbol{Text: "BTCUSDT"}, "/fapi/v1/depth?symbol=BTCUSDT&limit=1000"},
		{BinanceFutures, Symbol{Text: "BTCUSD_PERP", Contract: 100}, "/dapi/v1/depth?symbol=BTCUSD_PERP&limit=1000"},
	} {
		n, err := NewBinance(BinanceConfig{Market: row.rule, Buffered: 1, Config: Config{StallNanos: 1,
			Symbols: []Symbol{row.s}, Sink: func(*event.Event) bool { return true }}})
		if err != nil {
			t.Fatal(err)
		}
		b := &n.books.all[0]
		if got := string(n.snapshotPath(nil, b)); got != row.want || !b.resync || !n.wanting {
			t.Errorf("%s, want %s; resync %v", got, row.want, b.resync)
		}
		if err := n.takeSnapshot(1, b, []byte(`{"lastUpdateId":1,"bids":[],"asks":[]}`)); err != nil || b.resync {
			t.Errorf("%v; resync %v", err, b.resync)
		}
	}
}
