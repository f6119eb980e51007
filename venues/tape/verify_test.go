package tape

import (
	"strings"
	"testing"

	"penstock/internal/testdata"
)

// TestEveryRecordingIsSound plays all there is, but for the long ones with -short. What it counts is in the notes on the
// recordings.
func TestEveryRecordingIsSound(t *testing.T) {
	list, err := Recordings(testdata.Dir(t))
	if err != nil {
		t.Fatal(err)
	}
	files, played, tickers, itch := 0, 0, int64(0), int64(0)
	messages, passes, formats := map[string]int64{}, map[string]int64{}, map[string]bool{}
	for i := range list {
		r := &list[i]
		files += r.Files
		if r.Feed.Format == "" {
			if r.Why == "" {
				t.Errorf("%s: not played for no reason", r.Name)
			}
			continue
		}
		if testing.Short() && (formats[r.Feed.Format] || r.Feed.Format == "nbbo" && !strings.HasPrefix(r.Name, "us-equities/tick/ibm")) {
			continue // one of each format: that it runs, not what is in all
		}
		formats[r.Feed.Format] = true
		v, err := Verify(r.Name, r.Feed, nil)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		v.Known, v.KnownCrossed = r.Known, r.KnownCrossed
		played++
		for _, f := range v.Failures() {
			t.Errorf("%s: %s", r.Name, f)
		}
		messages[r.Name], passes[r.Name] = v.Messages, v.Checked
		if strings.HasPrefix(r.Name, "crypto/binance-3books/") {
			tickers += v.Checked
		}
		if strings.Contains(r.Name, "Equities.TotalView.Itch") {
			for _, n := range v.Types {
				itch += n
			}
		}
	}
	if tickers != 4790 && !testing.Short() {
		t.Errorf("%d ticker checks", tickers)
	}
	if itch != 227 && !testing.Short() {
		t.Errorf("%d ITCH messages over the three venues", itch)
	}
	for name, want := range map[string]int64{
		"crypto/venue-ws-raw/COINBASE": 9_946, "crypto/venue-ws-raw/BINANCE": 265,
		"crypto/venue-ws-raw/KRAKEN": 4_430, "crypto/venue-ws-raw/OKX": 410, "crypto/venue-ws-raw/BYBIT": 4_440,
		"crypto/venue-ws-raw/GEMINI": 678, "crypto/venue-ws-raw/BITSTAMP": 747,
		"crypto/venue-ws-2026/COINBASE.jsonl.zst": 1_030, "crypto/venue-ws-2026/GEMINI.jsonl.zst": 563,
		"crypto/venue-ws-2026/BYBIT.jsonl.zst/linear": 2_546, "crypto/venue-ws-2026/BYBIT.jsonl.zst/spot": 681,
		"crypto/venue-json-fixtures/bybit_xrpusdt_ob500.data.zip": 50,
		"crypto/venue-ws-raw/BINANCE_US":                          480, "crypto/venue-ws-raw/BINANCE_FUTURES": 1_535,
		"us-equities/tick/bac/20131008": 576_096 + 125_872, "us-equities/tick/aig/20131009": 1_424_012 + 52_008,
		"us-equities/tick/ibm/20131007": 109_067 + 24_293, "us-equities/tick/spy/20131008": 451_545,
		"fx-dealers/fxcm/eurusd/20140508_quote.zip": 167_466, "fix/jse_indices_fix50_marketdata.fix.zst": 13_888,
		"itch/nasdaq_itch50_first1000.itch": 1_000, "iex/DEEP10.pcap.gz": 121_314,
	} {
		if n, ok := messages[name]; n != want && (ok || !testing.Short()) {
			t.Errorf("%s: %d messages, want %d", name, messages[name], want)
		}
	}
	for name, want := range map[string]int64{"crypto/venue-ws-raw/KRAKEN": 4_269, "crypto/venue-ws-raw/OKX": 290,
		"crypto/kraken-v2/kraken_book_v2.jsonl": 4} {
		if n, ok := passes[name]; n != want && (ok || !testing.Short()) {
			t.Errorf("%s: %d checksums passed, want %d", name, passes[name], want)
		}
	}
	t.Logf("%d recordings of %d files, %d played", len(list), files, played)
}
