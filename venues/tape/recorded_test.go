package tape

import (
	"path/filepath"
	"testing"
	"time"

	"penstock/book"
	"penstock/event"
	"penstock/internal/testdata"
	"penstock/market"
)

// binanceFeeds is the Binance part of the default set.
func binanceFeeds(t *testing.T) []Feed {
	t.Helper()
	return DefaultFeeds(testdata.Dir(t))[:3]
}

// TestBinanceBooksAreWhole plays every Binance recording as it is and compares
// the counts with those of the notes on the recordings: no gap, never crossed,
// and the best prices and sizes those of bookTicker at every common update.
func TestBinanceBooksAreWhole(t *testing.T) {
	dir := filepath.Join(testdata.Dir(t), "crypto", "binance-3books")
	checked := int64(0)
	for _, c := range []struct {
		feed                          Feed
		lines, depths, ticker, trades int64
	}{
		{Feed{Format: "binance-spot", Paths: []string{"spot_btcusdt"}}, 41_249, 3_451, 28_040, 9_757},
		{Feed{Format: "binance-usdm", Paths: []string{"usdm_btcusdt"}}, 93_954, 6_551, 66_089, 21_313},
		{Feed{Format: "binance-cm", Paths: []string{"cm_btcusd_perp"}}, 48_270, 26_847, 19_136, 2_286},
		{Feed{Format: "binance-spot", Paths: []string{"spot_ethusdt"}, Instrument: "ETH-USDT",
			Symbol: "ETHUSDT"}, 33_618, 3_434, 24_077, 6_106},
		{Feed{Format: "binance-usdm", Paths: []string{"usdm_ethusdt"}, Instrument: "ETH-USDT",
			Symbol: "ETHUSDT"}, 74_655, 6_586, 53_992, 14_076},
		{Feed{Format: "binance-cm", Paths: []string{"cm_ethusd_perp"}, Instrument: "ETH-USDT",
			Symbol: "ETHUSD_PERP"}, 40_454, 22_909, 15_812, 1_732},
	} {
		name := c.feed.Paths[0]
		if testing.Short() && name != "spot_ethusdt" {
			continue
		}
		c.feed.Venue, c.feed.Paths[0] = "V", filepath.Join(dir, name+"_20240808.gz")
		r := openReplay(t, []Feed{c.feed})
		b := book.New(book.Capacity{Levels: 1 << 16}, nil)
		var e event.Event
		for r.Next(NoTime, &e) {
			if !e.Kind.Market() {
				continue
			}
			b.Apply(&e)
			if e.Flags&event.More == 0 && b.Live() && b.Crossed() {
				t.Fatalf("%s: crossed at %d", name, e.RecvTime)
			}
		}
		s := r.Tape().Stats()[0]
		depths := s.Messages - s.Tickers - s.Trades - s.Snapshots
		if s.Messages != c.lines || depths != c.depths || s.Tickers != c.ticker ||
			s.Trades != c.trades || s.Snapshots != 1 || !s.Sound() || s.Foreign != 0 {
			t.Errorf("%s: %d depth: %+v", name, depths, s)
		}
		if b.Absurd != 0 || !b.Live() {
			t.Errorf("%s: %d absurd, %s", name, b.Absurd, b.State)
		}
		begin := time.Date(2024, 8, 8, 23, 54, 13, 0, time.UTC).UnixNano()
		end := time.Date(2024, 8, 9, 0, 0, 0, 0, time.UTC).UnixNano()
		if s.First < begin || s.First > begin+5*nanosPerSecond || s.Last > end ||
			s.Last < end-nanosPerSecond {
			t.Errorf("%s: %d to %d", name, s.First, s.Last)
		}
		checked += s.Checked
		t.Logf("%s: %d ticker checks, book dropped %d levels", name, s.Checked, b.Bids.Dropped)
	}
	if checked != 4790 && !testing.Short() {
		t.Errorf("%d ticker checks", checked)
	}
}

// TestBasisMakesOneInstrumentOfThree replays the default BTC-USDT set: followers
// are live soon, stay whole, and their mids stay near that of spot.
func TestBasisMakesOneInstrumentOfThree(t *testing.T) {
	r := openReplay(t, binanceFeeds(t))
	var books [3]*book.Book
	for i := range books {
		books[i] = book.New(book.Capacity{Levels: 1 << 14}, nil)
	}
	var live [3]int64
	var shares [3]int64 // normal, locked, crossed between venues
	var far, all int64  // time that a follower's mid is more than 5 dollars off, and in all
	state, off, since := -1, false, int64(0)
	var e event.Event
	for r.Next(NoTime, &e) {
		if !e.Kind.Market() {
			continue
		}
		if state >= 0 {
			shares[state] += e.RecvTime - since
			all += e.RecvTime - since
			if off {
				far += e.RecvTime - since
			}
		}
		since = e.RecvTime
		b := books[e.Venue]
		b.Apply(&e)
		if b.Live() && live[e.Venue] == 0 {
			live[e.Venue] = e.RecvTime
		}
		if e.Flags&event.More == 0 {
			state, off = compare(books)
		}
	}
	for v, b := range books {
		if b.Absurd != 0 || !b.Live() || live[v]-r.Begin() > 4*nanosPerSecond {
			t.Errorf("venue %d: %d absurd, %s, live after %d ns", v, b.Absurd, b.State, live[v]-r.Begin())
		}
		if v > 0 && (b.Bids.Len() != basisDepth || b.Asks.Len() != basisDepth) {
			t.Errorf("venue %d: %d and %d levels", v, b.Bids.Len(), b.Asks.Len())
		}
	}
	t.Logf("normal %d, locked %d, crossed %d permille; far %d permille",
		shares[0]*1000/all, shares[1]*1000/all, shares[2]*1000/all, far*1000/all)
	if shares[0]*1000/all < 500 || far*1000/all > 50 {
		t.Error("the venues do not agree on a price")
	}
}

// compare returns 0, 1 or 2 for normal, locked or crossed over all venues, -1 when
// not all are live, and whether a mid is more than 5 dollars from the first.
func compare(books [3]*book.Book) (state int, off bool) {
	var mid2 [3]market.Price
	var bid, ask market.Price
	for i, b := range books {
		x, ok := b.Bids.Best()
		y, ok2 := b.Asks.Best()
		if !b.Live() || !ok || !ok2 {
			return -1, false
		}
		mid2[i] = x.Price + y.Price
		bid = max(bid, x.Price)
		if ask == 0 || y.Price < ask {
			ask = y.Price
		}
		if d := mid2[i] - mid2[0]; max(d, -d) > 10_000 {
			off = true
		}
	}
	switch {
	case bid < ask:
		return 0, off
	case bid == ask:
		return 1, off
	}
	return 2, off
}

func TestBinanceReplayIsDeterministic(t *testing.T) {
	feeds := binanceFeeds(t)
	first, count := script(t, openReplay(t, feeds, market.Dark, market.SDP), 100_000)
	second, _ := script(t, openReplay(t, feeds, market.Dark, market.SDP), 100_000)
	if first != second {
		t.Errorf("hashes %x and %x", first, second)
	}
	for v := range market.VenueID(5) {
		if count[v] < 100 {
			t.Errorf("venue %d: %d events", v, count[v])
		}
	}
}

func TestKrakenChecksumsHold(t *testing.T) {
	path := filepath.Join(testdata.Dir(t), "crypto", "kraken-v2", "kraken_book_v2.jsonl")
	r := openReplay(t, []Feed{{Venue: "K", Format: "kraken-v2", Paths: []string{path}}})
	var e event.Event
	for r.Next(NoTime, &e) {
	}
	s := r.Tape().Stats()[0]
	if s.Messages != 8 || s.Checked != 4 || s.Snapshots != 1 || !s.Sound() || s.Levels == 0 {
		t.Errorf("%+v", s)
	}
}

func TestCoinbaseCapturePlaysItsBook(t *testing.T) {
	feed, err := ParseFeed("CB=coinbase+instrument=SKL-USD+decimals=6/8+symbol=SKL-USD:" +
		filepath.Join(testdata.Dir(t), "crypto", "venue-ws-raw", "COINBASE", "COINBASE.ws.28.0.zst"))
	if err != nil {
		t.Fatal(err)
	}
	r := openReplay(t, []Feed{feed})
	b := book.New(book.Capacity{Levels: 1 << 12}, nil)
	var e event.Event
	for r.Next(NoTime, &e) {
		if e.Kind.Market() {
			b.Apply(&e)
		}
	}
	s := r.Tape().Stats()[0]
	if s.Messages != 9946 || s.Malformed != 0 || s.Err != nil || s.Snapshots != 1 || !b.Live() ||
		b.Absurd != 0 {
		t.Errorf("%s %d: %+v", b.State, b.Absurd, s)
	}
}

func BenchmarkReplayBinance(b *testing.B) {
	dir := testdata.Dir(b)
	messages := int64(0)
	for b.Loop() {
		plan, err := NewPlan(DefaultFeeds(dir)[:3])
		if err != nil {
			b.Fatal(err)
		}
		tape, err := plan.Open()
		if err != nil {
			b.Fatal(err)
		}
		m, err := NewMarket(plan, DefaultMatching())
		if err != nil {
			b.Fatal(err)
		}
		r := NewReplay(tape, m)
		var e event.Event
		for r.Next(NoTime, &e) {
		}
		for _, s := range tape.Stats() {
			messages += s.Messages
		}
		tape.Close()
	}
	b.ReportMetric(float64(messages)/b.Elapsed().Seconds(), "msg/s")
}
