package jsonws

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"penstock/event"
	"penstock/internal/testdata"
	"penstock/market"
)

func advancedVenue() venue { return venues[4] }

func TestAdvancedTellsSnapshotUpdateAndTrades(t *testing.T) {
	v := advancedVenue()
	d, c := sampled(t, v)
	receive(t, d, 1, v.samples[0])
	receive(t, d, 2, v.samples[1])
	expect(t, c.took(), "clear 1 more", "level 1 buy 6508366x20371215 more", "level 1 buy 6508327x2244516 more",
		"level 1 sell 6508370x100000000 more", "status 1 LIVE snapshot complete")
	receive(t, d, 3, v.samples[2])
	expect(t, c.took(), "level 1 buy 6506250x583000 more", "level 1 sell 6508370x0")
	receive(t, d, 4, v.samples[3])
	expect(t, c.took()) // from before the subscription
	receive(t, d, 5, v.samples[4])
	expect(t, c.took(), "trade 1 buy 6508366x10000000 more", "trade 1 sell 6508366x171442")
	receive(t, d, 6, v.samples[5])
	receive(t, d, 7, advancedPair)
	expect(t, c.took(), "clear 2 more", "status 2 LIVE snapshot complete", "level 1 buy 6506250x0")
	if s := d.base().Stats(); s.TradesMissed != 1 || s.Gaps != 0 || !d.base().books.all[0].confirmed {
		t.Fatalf("%+v", s)
	}
}

// A break in the numbers of the connection takes every book out, once, in the step
// that sees it; a snapshot brings its own book back.
func TestAdvancedGapTakesEveryBookOut(t *testing.T) {
	v := advancedVenue()
	d, c := sampled(t, v)
	for _, m := range v.samples {
		receive(t, d, 1, m)
	}
	receive(t, d, 2, advancedPair)
	c.took()
	skipped := strings.Replace(v.samples[5], `"sequence_num":5`, `"sequence_num":8`, 1)
	if err := d.Receive(3, []byte(skipped)); !errors.Is(err, ErrGap) {
		t.Fatal(err)
	}
	expect(t, c.took(), "status 1 STALE sequence gap", "status 2 STALE sequence gap")
	receive(t, d, 4, strings.Replace(v.samples[2], `"sequence_num":2`, `"sequence_num":9`, 1))
	expect(t, c.took())
	receive(t, d, 5, strings.Replace(v.samples[1], `"sequence_num":1`, `"sequence_num":10`, 1))
	if got := c.took(); !strings.HasSuffix(got, "status 1 LIVE snapshot complete") {
		t.Fatal(got)
	}
	// A snapshot that shows a gap is taken: it needs nothing of what is missing.
	err := d.Receive(6, []byte(strings.Replace(v.samples[1], `"sequence_num":1`, `"sequence_num":12`, 1)))
	if got := c.took(); !errors.Is(err, ErrGap) || !strings.HasPrefix(got, "status 1 STALE sequence gap\nclear 1") {
		t.Fatal(err, got)
	}
	// The numbers of the next connection begin anew.
	d.request(nil, nil)
	receive(t, d, 7, v.samples[0])
	if s := d.base().Stats(); s.Gaps != 2 || s.Early != 1 {
		t.Fatalf("%+v", s)
	}
}

func TestAdvancedRequests(t *testing.T) {
	d, _ := sampled(t, advancedVenue())
	want := `{"type":"subscribe","product_ids":["BTC-USD","BTCUSDT"],"channel":"heartbeats"}
{"type":"subscribe","product_ids":["BTC-USD","BTCUSDT"],"channel":"market_trades"}
{"type":"subscribe","product_ids":["BTC-USD","BTCUSDT"],"channel":"level2"}`
	if got := string(d.request(nil, nil)); got != want {
		t.Error(got)
	}
	want = `{"type":"unsubscribe","product_ids":["BTC-USD"],"channel":"level2"}
{"type":"subscribe","product_ids":["BTC-USD"],"channel":"level2"}`
	if got := string(d.request(nil, &d.base().books.all[0])); got != want {
		t.Error(got)
	}
}

// A bad event spoils the whole message: nothing of it is told, and the books of
// the events before it lack theirs.
func TestAdvancedTellsNothingOfAMessageWithABadEvent(t *testing.T) {
	v := advancedVenue()
	d, c := sampled(t, v)
	for _, m := range v.samples {
		receive(t, d, 1, m)
	}
	receive(t, d, 2, advancedPair)
	c.took()
	bad := strings.Replace(advancedPair, `"sequence_num":6`, `"sequence_num":7`, 1)
	bad = strings.Replace(bad, `"65062.5"`, `"65062.005"`, 1)
	if err := d.Receive(3, []byte(bad)); !errors.Is(err, ErrAbsurd) {
		t.Fatal(err)
	}
	expect(t, c.took(), "status 2 STALE absurd value", "status 1 STALE absurd value")
}

// eachFrame calls use with every frame received in a recording of JSON lines.
func eachFrame(t testing.TB, file string, use func(now int64, frame []byte)) {
	eachLine(t, file, func(line []byte) {
		var l struct {
			T    string
			Ts   float64
			Data string
		}
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		if l.T == "recv" {
			use(int64(l.Ts*1e9), []byte(l.Data))
		}
	})
}

func TestAdvancedRecording(t *testing.T) {
	file := filepath.Join(testdata.Dir(t), "crypto", "venue-ws-2026", "COINBASE.jsonl.zst")
	books := []*mapBook{newMapBook(t), newMapBook(t)}
	c, err := NewCoinbaseAdvanced(Config{StallNanos: 1, Symbols: []Symbol{
		{Text: "BTC-USD", ID: 0, PriceDecimals: 2, QtyDecimals: 8},
		{Text: "ETH-USD", ID: 1, PriceDecimals: 2, QtyDecimals: 8}},
		Sink: func(e *event.Event) bool { return books[e.Instrument].sink(e) }})
	if err != nil {
		t.Fatal(err)
	}
	twin := newAdvancedTwin(Config{Symbols: []Symbol{
		{Text: "BTC-USD", ID: 0, PriceDecimals: 2, QtyDecimals: 8},
		{Text: "ETH-USD", ID: 1, PriceDecimals: 2, QtyDecimals: 8}}})
	told := 0
	eachFrame(t, file, func(now int64, frame []byte) {
		if err := c.Receive(now, frame); err != nil {
			t.Fatal(err)
		}
		twin.receive(now, frame)
		told += len(twin.events)
	})
	s := c.Stats()
	got := fmt.Sprintf("%d messages, %d scanned, %d snapshots, %d early, %d gaps, %d refused, %d missed trades",
		s.Messages, s.Scanned, s.Snapshots, s.Early, s.Gaps, s.Malformed+s.Absurd+s.Unknown, s.TradesMissed)
	for i, m := range books {
		bid, bidQty := m.best(market.Buy)
		ask, askQty := m.best(market.Sell)
		got += fmt.Sprintf("\nbook %d: %s %d bids %d asks %dx%d %dx%d %d trades", i, m.state,
			len(m.levels[0]), len(m.levels[1]), bid, bidQty, ask, askQty, m.trades)
	}
	// The counts and the best prices are those of a script that knows nothing of this
	// package: 46,000 and 23,334 levels in the snapshots, 4,859 updates, 79 trades.
	if want := `1030 messages, 775 scanned, 2 snapshots, 0 early, 0 gaps, 0 refused, 0 missed trades
book 0: LIVE 18769 bids 27238 asks 6508366x23929087 6508367x29040961 47 trades
book 1: LIVE 6925 bids 16403 asks 191928x14476526 191938x1194407 32 trades`; got != want {
		t.Error(got)
	}
	if levels := s.Events - 79 - 2*2; levels != 46_000+23_334+4_859 {
		t.Errorf("%d levels told", levels)
	}
	if uint64(told) != s.Events {
		t.Errorf("%d events, its twin tells %d", s.Events, told)
	}
}
