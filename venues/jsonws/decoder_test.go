package jsonws

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"penstock/event"
	"penstock/market"
)

// collect is a sink that writes events down, one line each.
type collect struct {
	lines []string
	room  int // how many more events it takes; negative: any number
}

func (c *collect) sink(e *event.Event) bool {
	if c.room == 0 {
		return false
	}
	c.room--
	line := fmt.Sprintf("%s %d", e.Kind, e.Instrument)
	switch e.Kind {
	case event.BookStatus:
		line += fmt.Sprintf(" %s %s", event.BookState(e.Code), e.Reason)
	case event.OrderAdd, event.OrderReduced, event.OrderExecuted, event.OrderDeleted:
		line += fmt.Sprintf(" #%x %s %dx%d", e.Ref>>48, e.Side, e.Price, e.Qty)
	case event.BookLevel, event.MarketTrade:
		line += fmt.Sprintf(" %s %dx%d", e.Side, e.Price, e.Qty)
	}
	if e.Flags&event.More != 0 {
		line += " more"
	}
	c.lines = append(c.lines, line)
	return true
}

func (c *collect) took() string {
	s := strings.Join(c.lines, "\n")
	c.lines = c.lines[:0]
	return s
}

func expect(t *testing.T, got string, want ...string) {
	t.Helper()
	if w := strings.Join(want, "\n"); got != w {
		t.Fatalf("events:\n%s\nwant:\n%s", got, w)
	}
}

func sampled(t testing.TB, v venue) (Decoder, *collect) {
	t.Helper()
	c := &collect{room: -1}
	v.config.Sink, v.config.StallNanos = c.sink, 100
	d, err := v.decoder(v.config)
	if err != nil {
		t.Fatal(err)
	}
	return d, c
}

func receive(t *testing.T, d Decoder, now int64, msg string) {
	t.Helper()
	if err := d.Receive(now, []byte(msg)); err != nil {
		t.Fatal(err)
	}
}

func TestKrakenTellsSnapshotAndUpdate(t *testing.T) {
	d, c := sampled(t, venues[0])
	receive(t, d, 1, venues[0].samples[0])
	expect(t, c.took(), "clear 2 more", "level 2 buy 11x2 more", "level 2 buy 10x3 more",
		"level 2 sell 12x5 more", "status 2 LIVE snapshot complete")
	receive(t, d, 2, venues[0].samples[1])
	expect(t, c.took(), "level 2 buy 11x0")
	receive(t, d, 3, `{"channel":"status","type":"update","data":[{"system":"maintenance"}]}`)
	expect(t, c.took(), "status 2 HALTED venue state")
	receive(t, d, 4, venues[0].samples[0])
	expect(t, c.took(), "clear 2 more", "level 2 buy 11x2 more", "level 2 buy 10x3 more",
		"level 2 sell 12x5 more", "status 2 HALTED venue state")
	receive(t, d, 5, venues[0].samples[4])
	expect(t, c.took(), "status 2 LIVE snapshot complete")
}

func TestKrakenChecksumMismatchTakesTheBookOut(t *testing.T) {
	d, c := sampled(t, venues[0])
	receive(t, d, 1, venues[0].samples[0])
	c.took()
	bad := strings.Replace(venues[0].samples[1], `"qty":0.0`, `"qty":9.0`, 1)
	if err := d.Receive(2, []byte(bad)); !errors.Is(err, ErrChecksum) {
		t.Fatal(err)
	}
	expect(t, c.took(), "status 2 STALE checksum mismatch")
	receive(t, d, 3, venues[0].samples[1])
	expect(t, c.took()) // nothing until the next snapshot
	if s := d.base().Stats(); s.ChecksumBad != 1 || s.ChecksumOK != 1 || s.Early != 1 {
		t.Fatalf("%+v", s)
	}
}

func TestKrakenTellsLevelsThatFallOffTheEnd(t *testing.T) {
	c := &collect{room: -1}
	k, err := NewKraken(Config{Sink: c.sink, StallNanos: 1, Symbols: krakenSymbols[1:]}, 10)
	if err != nil {
		t.Fatal(err)
	}
	twin := newKrakenTwin(Config{Symbols: krakenSymbols[1:]}, 10)
	b := twin.books[0]
	message := func(kind string, levels ...string) string {
		text := fmt.Sprintf(`{"channel":"book","type":"%s","data":[{"symbol":"X/Y","bids":[%s],"asks":[],"checksum":`,
			kind, strings.Join(levels, ","))
		for _, l := range levels {
			var price, qty float64
			fmt.Sscanf(l, `{"price":%f,"qty":%f}`, &price, &qty)
			twin.sides[b][0][int64(price*100+.5)] = int64(qty*10 + .5)
		}
		for _, p := range twin.sorted(b, market.Buy)[10:] {
			delete(twin.sides[b][0], p)
		}
		return text + fmt.Sprint(twin.checksum(b)) + `}]}`
	}
	var levels []string
	for i := range 10 {
		levels = append(levels, fmt.Sprintf(`{"price":%d.10,"qty":1.0}`, 20-i))
	}
	receiveAs := func(text string) { t.Helper(); receive(t, k, 1, text) }
	receiveAs(message("snapshot", levels...))
	c.took()
	receiveAs(message("update", `{"price":15.50,"qty":2.0}`))
	expect(t, c.took(), "level 2 buy 155x2 more", "level 2 buy 111x0")
}

func TestCoinbaseTellsSnapshotUpdateAndMatch(t *testing.T) {
	v := venues[1]
	d, c := sampled(t, v)
	receive(t, d, 1, v.samples[1])
	expect(t, c.took()) // before the snapshot
	receive(t, d, 2, v.samples[0])
	expect(t, c.took(), "clear 1 more", "level 1 buy 1010110x45054140 more",
		"level 1 sell 1010255x57753524 more", "status 1 LIVE snapshot complete")
	receive(t, d, 3, v.samples[1])
	expect(t, c.took(), "level 1 buy 2235627x0 more", "level 1 sell 2235730x100000000")
	for _, zero := range []string{"0", "0.0", "0.00000000", "00.0"} {
		receive(t, d, 4, `{"type":"l2update","product_id":"BTC-USD","changes":[["buy","1.5","`+zero+`"]]}`)
		expect(t, c.took(), "level 1 buy 150x0")
	}
	receive(t, d, 5, v.samples[4]) // the maker sold: the aggressor bought
	expect(t, c.took(), "trade 1 buy 40023x523512000")
	receive(t, d, 6, strings.Replace(v.samples[4], `"match"`, `"last_match"`, 1))
	expect(t, c.took()) // told before
	receive(t, d, 7, strings.Replace(v.samples[4], `"trade_id":10`, `"trade_id":13`, 1))
	if s := d.base().Stats(); s.TradesMissed != 2 {
		t.Fatalf("%+v", s)
	}
}

func TestImpossibleTimeKeepsTheOneBefore(t *testing.T) {
	v := venues[1]
	_, events := v.run(t, v.samples[:3])
	last := events[len(events)-1]
	if last.Qty != 335_00000000 || last.SrcTime != 1659626705010758000 {
		t.Fatalf("%+v", last)
	}
}

func TestWhatCannotBeReadTakesBooksOut(t *testing.T) {
	const all = "status 1 STALE malformed message\nstatus 2 STALE malformed message"
	for name, row := range map[string]struct {
		msg  string
		err  error
		want string
	}{
		"no json":       {`{"type":"l2upd`, ErrMalformed, all},
		"nothing":       {``, ErrMalformed, all},
		"name twice":    {`{"type":"x","type":"y"}`, ErrMalformed, all},
		"deep":          {strings.Repeat("[", 100_000), ErrMalformed, all},
		"no product":    {`{"type":"l2update","changes":[]}`, ErrMalformed, all},
		"too few":       {`{"type":"l2update","product_id":"BTC-USD","changes":[["buy","1"]]}`, ErrMalformed, "status 1 STALE malformed message"},
		"exponent":      {`{"type":"l2update","product_id":"BTC-USD","changes":[["buy","1e3","1"]]}`, ErrMalformed, "status 1 STALE malformed message"},
		"too fine":      {`{"type":"l2update","product_id":"BTC-USD","changes":[["buy","1.001","1"]]}`, ErrAbsurd, "status 1 STALE absurd value"},
		"fine but zero": {`{"type":"l2update","product_id":"BTC-USD","changes":[["buy","1.000000000","1"]]}`, nil, "level 1 buy 100x100000000"},
		"negative":      {`{"type":"l2update","product_id":"BTC-USD","changes":[["buy","1","-1"]]}`, ErrAbsurd, "status 1 STALE absurd value"},
		"no price":      {`{"type":"l2update","product_id":"BTC-USD","changes":[["buy","0","1"]]}`, ErrAbsurd, "status 1 STALE absurd value"},
		"too big":       {`{"type":"l2update","product_id":"BTC-USD","changes":[["buy","99999999999999999999","1"]]}`, ErrAbsurd, "status 1 STALE absurd value"},
		"second is bad": {`{"type":"l2update","product_id":"BTC-USD","changes":[["buy","1","1"],["buy","1","x"]]}`, ErrMalformed, "status 1 STALE malformed message"},
		"bad trade":     {`{"type":"match","product_id":"BTC-USD","price":"0","size":"1","side":"buy"}`, ErrAbsurd, ""},
		"unknown kind":  {`{"type":"auction","product_id":"BTC-USD"}`, ErrUnknown, ""},
		"other product": {`{"type":"l2update","product_id":"ETH-USD","changes":[["buy","1","x"]]}`, nil, ""},
		"refusal":       {`{"type":"error","message":"no","reason":"no"}`, ErrRefused, ""},
	} {
		d, c := sampled(t, venues[1])
		receive(t, d, 1, venues[1].samples[0])
		receive(t, d, 1, `{"type":"snapshot","product_id":"BTCUSDT","bids":[],"asks":[]}`)
		c.took()
		if err := d.Receive(2, []byte(row.msg)); !errors.Is(err, row.err) {
			t.Errorf("%s: %v, want %v", name, err, row.err)
		}
		if got := c.took(); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
	}
}

func TestBinanceSynchronisesByUpdateIDs(t *testing.T) {
	diff := func(first, last int) string {
		return fmt.Sprintf(`{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":%d,"u":%d,"b":[["1.0","%d"]],"a":[]}`,
			first, last, last)
	}
	snapshot := func(last int) string {
		return fmt.Sprintf(`{"lastUpdateId":%d,"bids":[["1.0","%d"]],"asks":[],"symbol":"BTCUSDT"}`, last, last)
	}
	d, c := sampled(t, venues[2])
	receive(t, d, 1, diff(10, 14))
	receive(t, d, 1, diff(15, 19))
	if err := d.Receive(2, []byte(snapshot(5))); !errors.Is(err, ErrGap) {
		t.Fatalf("snapshot older than the updates: %v", err)
	}
	expect(t, c.took())
	receive(t, d, 3, snapshot(16))
	expect(t, c.took(), "clear 2 more", "level 2 buy 10x16000 more", "level 2 buy 10x19000 more",
		"status 2 LIVE snapshot complete")
	receive(t, d, 4, diff(15, 19)) // old
	expect(t, c.took())
	receive(t, d, 4, diff(20, 22))
	expect(t, c.took(), "level 2 buy 10x22000")
	if err := d.Receive(5, []byte(diff(24, 25))); !errors.Is(err, ErrGap) {
		t.Fatal(err)
	}
	expect(t, c.took(), "status 2 STALE sequence gap")
	if n := d.(*Binance); n.WantsSnapshot() == "" {
		t.Fatal("wants no snapshot")
	}
	receive(t, d, 6, diff(26, 27))
	receive(t, d, 7, snapshot(27))
	expect(t, c.took(), "clear 2 more", "level 2 buy 10x27000") // not proven yet
	receive(t, d, 8, diff(28, 28))
	expect(t, c.took(), "level 2 buy 10x28000 more", "status 2 LIVE snapshot complete")
}

func TestBinanceFuturesFollowThePreviousID(t *testing.T) {
	diff := func(previous, first, last int) string {
		return fmt.Sprintf(`{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":%d,"u":%d,"pu":%d,"b":[["1.0","%d"]],"a":[]}`,
			first, last, previous, last)
	}
	const snapshot = `{"lastUpdateId":17,"bids":[["1.0","1"]],"asks":[],"symbol":"BTCUSDT"}`
	for name, row := range map[string]struct {
		first string
		live  bool
	}{
		"straddles":               {diff(9, 15, 19), true},
		"ends at it":              {diff(9, 15, 17), true},
		"begins after, follows":   {diff(16, 18, 19), true},
		"begins after, has hole":  {diff(18, 19, 20), false},
		"ends before: is dropped": {diff(3, 5, 16), false},
	} {
		d, c := sampled(t, venues[3])
		receive(t, d, 1, snapshot)
		c.took()
		err := d.Receive(2, []byte(row.first))
		if got := strings.Contains(c.took(), "LIVE"); got != row.live {
			t.Errorf("%s: live %v, %v", name, got, err)
		}
	}
	d, c := sampled(t, venues[3])
	receive(t, d, 1, snapshot)
	receive(t, d, 2, diff(9, 15, 19))
	receive(t, d, 3, diff(19, 30, 31))
	c.took()
	if err := d.Receive(4, []byte(diff(32, 33, 34))); !errors.Is(err, ErrGap) {
		t.Fatal(err)
	}
	expect(t, c.took(), "status 2 STALE sequence gap")
}

func TestBinanceKeepsABoundedNumberOfUpdates(t *testing.T) {
	n, err := NewBinance(BinanceConfig{Config: Config{Sink: (&collect{room: -1}).sink, StallNanos: 1,
		Symbols: plainSymbols[1:2]}, Buffered: 10})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		receive(t, n, 1, fmt.Sprintf(`{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":%d,"u":%d,`+
			`"b":[["1.0","1"],["1.1","1"]],"a":[]}`, i+1, i+1))
	}
	if n.stats.Overflows == 0 {
		t.Fatal("overflows are not counted")
	}
	receive(t, n, 1, `{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}`)
	if n.stats.Shutdowns != 1 {
		t.Fatalf("%+v", n.stats)
	}
	if s := &n.syncs[0]; len(s.levels) > 10 || cap(s.levels) > 20 || len(s.held) > 5 {
		t.Fatalf("%d levels of %d updates", len(s.levels), len(s.held))
	}
	receive(t, n, 2, `{"lastUpdateId":1000,"bids":[],"asks":[]}`)
}

func TestContractsBecomeLots(t *testing.T) {
	s := Symbol{Contract: 100, PriceDecimals: 1, QtyDecimals: 8}
	// 35 contracts of 100 dollars at 61804.7 are 0.05662999739… BTC.
	if q, ok := s.lots(35, 618047); !ok || q != 5662999 {
		t.Fatalf("%d %v", q, ok)
	}
	if _, ok := s.lots(1<<62, 1); ok {
		t.Fatal("overflow not seen")
	}
	if _, ok := s.lots(1, 0); ok {
		t.Fatal("division by zero not seen")
	}
	if q, ok := (&Symbol{Contract: 1}).lots(1, 10); !ok || q != 0 {
		t.Fatalf("less than a lot: %d %v", q, ok)
	}
}

// The sink refuses at every place in turn; a snapshot goes on where it stopped,
// and so does an update when the sink has room again in time.
func TestSinkWithoutRoomForAMomentLosesNothing(t *testing.T) {
	for _, v := range venues {
		d, c := sampled(t, v)
		for _, m := range v.samples {
			receive(t, d, 1, m)
		}
		want := c.took()
		d, c = sampled(t, v)
		for _, m := range v.samples {
			c.room = 0
			for d.Receive(1, []byte(m)) == ErrNoRoom {
				c.room++
			}
			for c.room = 1; !d.base().Settle(1); c.room = 1 {
			}
		}
		if got := c.took(); got != want {
			t.Fatalf("%s events:\n%s\nwant:\n%s", v.name, got, want)
		}
	}
}

func TestSinkWithoutRoomForLongMakesTheBookStale(t *testing.T) {
	v := venues[1]
	d, c := sampled(t, v)
	receive(t, d, 1, v.samples[0])
	c.took()
	c.room = 1
	receive(t, d, 2, v.samples[1])
	expect(t, c.took(), "level 1 buy 2235627x0 more")
	if err := d.Receive(3, []byte(v.samples[2])); err != ErrNoRoom {
		t.Fatal(err)
	}
	if d.base().Settle(2 + 101) {
		t.Fatal("settled without room")
	}
	c.room = -1
	if !d.base().Settle(104) {
		t.Fatal("not settled")
	}
	expect(t, c.took(), "status 1 STALE no data within the limit")
	receive(t, d, 105, v.samples[2])
	expect(t, c.took())
	if s := d.base().Stats(); s.Dropped != 1 || !d.base().books.all[0].resync {
		t.Fatalf("%+v", s)
	}
	receive(t, d, 106, v.samples[0])
	if got := c.took(); !strings.HasSuffix(got, "status 1 LIVE snapshot complete") {
		t.Fatal(got)
	}
}

func TestDecodersDoNotAllocate(t *testing.T) {
	for _, v := range venues {
		v.config.Sink, v.config.StallNanos = func(*event.Event) bool { return true }, 1
		d, err := v.decoder(v.config)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range v.samples {
			receive(t, d, 1, m)
		}
		for _, m := range steady[v.name] {
			receive(t, d, 1, m)
			text := []byte(m)
			if n := testing.AllocsPerRun(100, func() {
				if a, ok := d.(*CoinbaseAdvanced); ok {
					a.counted = false // so that the same number may come again
				}
				if err := d.Receive(2, text); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%s: %v allocations for %s", v.name, n, m)
			}
		}
	}
}

// steady holds messages that may come again and again.
var steady = map[string][]string{
	"kraken":            {venues[0].samples[0], venues[0].samples[2], venues[0].samples[3]},
	"coinbase":          {venues[1].samples[1], venues[1].samples[3], venues[1].samples[0]},
	"binance spot":      {venues[2].samples[3], venues[2].samples[4]},
	"binance futures":   {venues[3].samples[3], venues[3].samples[4]},
	"coinbase advanced": {`{"channel":"l2_data","timestamp":"2026-08-09T21:05:48.505350477Z","sequence_num":6,"events":[{"type":"update","product_id":"BTC-USD","updates":[{"side":"bid","event_time":"2026-08-09T21:05:48.210883Z","price_level":"65062.5","new_quantity":"0.00583"}]}]}`},
}

func TestDecodersRefuseBadConfiguration(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"no sink":    func(c *Config) { c.Sink = nil },
		"stall":      func(c *Config) { c.StallNanos = 0 },
		"no symbols": func(c *Config) { c.Symbols = nil },
		"twice":      func(c *Config) { c.Symbols = slices.Concat(c.Symbols, c.Symbols[:1]) },
		"quote":      func(c *Config) { c.Symbols = []Symbol{{Text: `B"`}} },
		"decimals":   func(c *Config) { c.Symbols = []Symbol{{Text: "B", QtyDecimals: 10}} },
		"contract":   func(c *Config) { c.Symbols = []Symbol{{Text: "B", Contract: -1}} },
	} {
		for _, v := range venues {
			c := v.config
			c.Sink, c.StallNanos = (&collect{}).sink, 1
			spoil(&c)
			if _, err := v.decoder(c); err == nil {
				t.Errorf("%s %s: accepted", v.name, name)
			}
		}
	}
	good := Config{Sink: (&collect{}).sink, StallNanos: 1, Symbols: krakenSymbols}
	if _, err := NewKraken(good, 11); err == nil {
		t.Error("kraken depth 11 accepted")
	}
	if _, err := NewBinance(BinanceConfig{Config: good}); err == nil {
		t.Error("binance without Buffered accepted")
	}
}
