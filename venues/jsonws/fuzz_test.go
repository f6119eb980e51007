package jsonws

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"penstock/event"
	"penstock/internal/mutate"
	"penstock/market"
)

// venue is one decoder and its slow twin, and messages to start from.
type venue struct {
	name    string
	config  Config
	samples []string
	decoder func(c Config) (Decoder, error)
	twin    func(c Config) func(now int64, msg []byte) []event.Event
}

var krakenSymbols = []Symbol{
	{Text: "BTC/USD", ID: 1, PriceDecimals: 2, QtyDecimals: 8, PricePrecision: 1, QtyPrecision: 8},
	{Text: "X/Y", ID: 2, PriceDecimals: 1, QtyDecimals: 0, PricePrecision: 2, QtyPrecision: 1},
}

var plainSymbols = []Symbol{
	{Text: "BTC-USD", ID: 1, PriceDecimals: 2, QtyDecimals: 8},
	{Text: "BTCUSDT", ID: 2, PriceDecimals: 1, QtyDecimals: 3},
	{Text: "BTCUSD_PERP", ID: 3, PriceDecimals: 1, QtyDecimals: 8, Contract: 100},
}

var venues = []venue{
	{
		name: "kraken", config: Config{Venue: 4, Symbols: krakenSymbols},
		decoder: func(c Config) (Decoder, error) { return NewKraken(c, 10) },
		twin: func(c Config) func(int64, []byte) []event.Event {
			t := newKrakenTwin(c, 10)
			return func(now int64, msg []byte) []event.Event { t.receive(now, msg); return t.events }
		},
		samples: []string{
			`{"channel":"book","type":"snapshot","data":[{"symbol":"X/Y","bids":[{"price":1.10,"qty":2.0},{"price":1.00,"qty":3}],"asks":[{"price":1.20,"qty":5.0}],"checksum":3509393991}]}`,
			`{"channel":"book","type":"update","data":[{"symbol":"X/Y","bids":[{"price":1.10,"qty":0.0}],"asks":[],"checksum":2233691802,"timestamp":"2023-10-06T17:35:55.440295Z"}]}`,
			`{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":105944.20,"qty":0.00027625,"ord_type":"limit","trade_id":10218208,"timestamp":"2023-10-06T17:35:55Z"}]}`,
			`{"channel":"heartbeat"}`,
			`{"channel":"status","type":"update","data":[{"system":"online"}]}`,
			`{"method":"subscribe","result":{"channel":"book","symbol":"X/Y"},"success":true}`,
		},
	},
	{
		name: "coinbase", config: Config{Venue: 5, Symbols: plainSymbols[:2]},
		decoder: func(c Config) (Decoder, error) { return NewCoinbase(c, true) },
		twin: func(c Config) func(int64, []byte) []event.Event {
			t := newCoinbaseTwin(c)
			return func(now int64, msg []byte) []event.Event { t.receive(now, msg); return t.events }
		},
		samples: []string{
			`{"type":"snapshot","product_id":"BTC-USD","bids":[["10101.10","0.45054140"],["10101.00","0"]],"asks":[["10102.55","0.57753524"]]}`,
			`{"type":"l2update","product_id":"BTC-USD","time":"2022-08-04T15:25:05.010758Z","changes":[["buy","22356.270000","0.00000000"],["sell","22357.30","1.0"]]}`,
			`{"type":"l2update","product_id":"BTC-USD","changes":[["sell","7.5","335.0"]],"time":"0001-01-01T00:00:00Z"}`,
			`{"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD","time":"2014-11-07T08:19:28.464459Z"}`,
			`{"type":"match","trade_id":10,"sequence":50,"maker_order_id":"a","taker_order_id":"b","time":"2014-11-07T08:19:27.028459Z","product_id":"BTC-USD","size":"5.23512","price":"400.23","side":"sell"}`,
			`{"type":"subscriptions","channels":[{"name":"level2_batch","product_ids":["BTC-USD"]}]}`,
		},
	},
	binanceVenue("binance spot", BinanceSpot, []string{
		`{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":8,"u":12,"b":[["61737.60","0.00000000"]],"a":[["61837.6","1.546"]]}`,
		`{"lastUpdateId":9,"bids":[["61837.6","3.788"],["61837.5","0.617"]],"asks":[["61837.7","1"]],"symbol":"BTCUSDT"}`,
		`{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255308,"s":"BTCUSDT","U":13,"u":14,"b":[],"a":[["61838.0","0.323"],["61838.1","1"]]}}`,
		`{"stream":"btcusdt@bookTicker","data":{"u":14,"s":"BTCUSDT","b":"61837.6","B":"3.788","a":"61837.7","A":"1.5"}}`,
		`{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.6","q":"0.020","T":1723161255342,"m":true,"M":true}}`,
		`{"result":null,"id":1}`,
	}),
	binanceVenue("binance futures", BinanceFutures, []string{
		`{"stream":"btcusd_perp@depth@0ms","data":{"e":"depthUpdate","E":1723161257440,"T":1723161257432,"s":"BTCUSD_PERP","ps":"BTCUSD","U":5,"u":9,"pu":3,"b":[["61773.6","1001"],["61776.4","412"]],"a":[["61793.0","1"]]}}`,
		`{"lastUpdateId":7,"E":1723161257835,"T":1723161257823,"symbol":"BTCUSD_PERP","pair":"BTCUSD","bids":[["61804.7","35"]],"asks":[["61804.8","8"]]}`,
		`{"stream":"btcusd_perp@depth@0ms","data":{"e":"depthUpdate","E":1723161257460,"T":1723161257451,"s":"BTCUSD_PERP","ps":"BTCUSD","U":12,"u":15,"pu":9,"b":[["61777.6","0"]],"a":[]}}`,
		`{"stream":"btcusd_perp@bookTicker","data":{"u":15,"e":"bookTicker","s":"BTCUSD_PERP","ps":"BTCUSD","b":"61804.7","B":"35","a":"61804.8","A":"1645","T":1723161257465,"E":1723161257476}}`,
		`{"stream":"btcusd_perp@aggTrade","data":{"e":"aggTrade","E":1723161257680,"a":16599292,"s":"BTCUSD_PERP","p":"61804.9","q":"10","f":23961322,"l":23961322,"T":1723161257679,"m":true}}`,
		`{"stream":"btcusd_perp@depth@0ms","data":{"e":"depthUpdate","E":1723161257480,"T":1723161257471,"s":"BTCUSD_PERP","ps":"BTCUSD","U":18,"u":20,"pu":15,"b":[["61777.6","3"]],"a":[["61777.9","3000"]]}}`,
		`{"stream":"btcusd_perp@trade","data":{"e":"trade","E":1723161257687,"T":1723161257679,"s":"BTCUSD_PERP","t":849714402,"p":"61804.8","q":"4","X":"MARKET","m":false}}`,
	}),
	{
		name: "coinbase advanced", config: Config{Venue: 7, Symbols: plainSymbols[:2]},
		decoder: func(c Config) (Decoder, error) { return NewCoinbaseAdvanced(c) },
		twin: func(c Config) func(int64, []byte) []event.Event {
			t := newAdvancedTwin(c)
			return func(now int64, msg []byte) []event.Event { t.receive(now, msg); return t.events }
		},
		samples: []string{
			`{"channel":"subscriptions","timestamp":"2026-08-09T21:05:48.228846629Z","sequence_num":0,"events":[{"subscriptions":{"level2":["BTC-USD","BTCUSDT"]}}]}`,
			`{"channel":"l2_data","timestamp":"2026-08-09T21:05:48.483587501Z","sequence_num":1,"events":[{"type":"snapshot","product_id":"BTC-USD","updates":[{"side":"bid","event_time":"2026-08-09T21:05:48.170326Z","price_level":"65083.66","new_quantity":"0.20371215"},{"side":"bid","event_time":"2026-08-09T21:05:48.170326Z","price_level":"65083.27","new_quantity":"0.02244516"},{"side":"offer","event_time":"2026-08-09T21:05:48.170326Z","price_level":"65083.7","new_quantity":"1"}]}]}`,
			`{"channel":"l2_data","client_id":"","timestamp":"2026-08-09T21:05:48.505350477Z","sequence_num":2,"events":[{"type":"update","product_id":"BTC-USD","updates":[{"side":"bid","event_time":"2026-08-09T21:05:48.210883Z","price_level":"65062.5","new_quantity":"0.00583"},{"side":"offer","event_time":"2026-08-09T21:05:48.3Z","price_level":"65083.7","new_quantity":"0"}]}]}`,
			`{"channel":"market_trades","timestamp":"2026-08-09T21:05:48.228568804Z","sequence_num":3,"events":[{"type":"snapshot","trades":[{"product_id":"BTC-USD","trade_id":"10","price":"65083.67","size":"0.002186","time":"2026-08-09T21:05:42.514318Z","side":"SELL"}]}]}`,
			`{"channel":"market_trades","timestamp":"2026-08-09T21:05:49.25328358Z","sequence_num":4,"events":[{"type":"update","trades":[{"product_id":"BTC-USD","trade_id":"13","price":"65083.66","size":"0.00171442","time":"2026-08-09T21:05:49.205817Z","side":"BUY"},{"product_id":"BTC-USD","trade_id":"12","price":"65083.66","size":"0.1","time":"2026-08-09T21:05:49.205816Z","side":"SELL"}]}]}`,
			`{"channel":"heartbeats","timestamp":"2026-08-09T21:05:48.856364007Z","sequence_num":5,"events":[{"current_time":"2026-08-09 21:05:48.854840045 +0000 UTC m=+41691.260485341","heartbeat_counter":41691}]}`,
		},
	},
	{
		name: "coinbase full", config: Config{Venue: 8, Symbols: plainSymbols[:2]},
		decoder: func(c Config) (Decoder, error) {
			d, err := NewCoinbaseFull(c)
			return fullWithSnapshots{d}, err
		},
		twin: func(c Config) func(int64, []byte) []event.Event {
			t := newFullTwin(c)
			return func(now int64, msg []byte) []event.Event { t.receive(now, msg); return t.events }
		},
		samples: []string{
			`{"type":"subscriptions","channels":[{"name":"full","product_ids":["BTC-USD"]}]}`,
			`{"type":"received","time":"2014-11-07T08:19:27.028459Z","product_id":"BTC-USD","sequence":10,"order_id":"d50ec984-77a8-460a-b958-66f114b0de9b","size":"1.34","price":"502.1","side":"buy","order_type":"limit"}`,
			`{"type":"open","time":"2014-11-07T08:19:27.028459Z","product_id":"BTC-USD","sequence":11,"order_id":"d50ec984-77a8-460a-b958-66f114b0de9b","price":"200.2","remaining_size":"1.00","side":"sell"}`,
			`{"bids":[["199.5","2.5","0e953c31-9bce-4007-978c-302be337b566"],["199","1","3d09e113-0ec5-4c0e-a0bc-56ceb2dcd9ac"]],"asks":[["201","0.5","27fff20b-af29-4f45-8744-56dd1ef57dc0"]],"sequence":10}`,
			`{"type":"match","trade_id":10,"sequence":12,"maker_order_id":"d50ec984-77a8-460a-b958-66f114b0de9b","taker_order_id":"1da6ce16-c8da-4732-9f71-6049f4c6aaf8","time":"2014-11-07T08:19:28.028459Z","product_id":"BTC-USD","size":"0.25","price":"200.20","side":"sell"}`,
			`{"type":"change","reason":"STP","time":"2014-11-07T08:19:29.028459Z","sequence":13,"order_id":"0e953c31-9bce-4007-978c-302be337b566","side":"buy","product_id":"BTC-USD","old_size":"2.5","new_size":"2","price":"199.5"}`,
			`{"type":"change","reason":"modify_order","time":"2014-11-07T08:19:30.028459Z","sequence":14,"order_id":"27fff20b-af29-4f45-8744-56dd1ef57dc0","side":"sell","product_id":"BTC-USD","old_size":"0.5","new_size":"0.75","old_price":"201","new_price":"201.5"}`,
			`{"type":"done","time":"2014-11-07T08:19:31.028459Z","product_id":"BTC-USD","sequence":15,"price":"199","order_id":"3d09e113-0ec5-4c0e-a0bc-56ceb2dcd9ac","reason":"canceled","side":"buy","remaining_size":"1"}`,
			`{"type":"heartbeat","sequence":15,"last_trade_id":10,"product_id":"BTC-USD","time":"2014-11-07T08:19:31.464459Z"}`,
			`{"type":"activate","product_id":"BTC-USD","timestamp":"1483736448.299000","order_id":"7b52009b-64fd-0a2a-49e6-d8a939753077","stop_type":"entry","side":"buy","stop_price":"80","size":"2","private":true}`,
			`{"type":"match","trade_id":11,"sequence":16,"maker_order_id":"d50ec984-77a8-460a-b958-66f114b0de9b","taker_order_id":"1da6ce16-c8da-4732-9f71-6049f4c6aaf8","time":"2014-11-07T08:19:32Z","product_id":"BTC-USD","size":"0.75","price":"200.20","side":"sell"}`,
		},
	},
}

// advancedPair is a message about two books.
const advancedPair = `{"channel":"l2_data","timestamp":"2026-08-09T21:05:48.505350477Z","sequence_num":6,"events":[{"type":"snapshot","product_id":"BTCUSDT","updates":[]},{"type":"update","product_id":"BTC-USD","updates":[{"side":"bid","event_time":"x","price_level":"65062.5","new_quantity":"0"}]}]}`

func binanceVenue(name string, rule BinanceMarket, samples []string) venue {
	return venue{
		name: name, config: Config{Venue: 6, Symbols: plainSymbols[1:]}, samples: samples,
		decoder: func(c Config) (Decoder, error) {
			return NewBinance(BinanceConfig{Config: c, Market: rule, Buffered: 1 << 20})
		},
		twin: func(c Config) func(int64, []byte) []event.Event {
			t := newBinanceTwin(c, rule)
			return func(now int64, msg []byte) []event.Event { t.receive(now, msg); return t.events }
		},
	}
}

// compare gives messages, a line each, to the decoder and its twin: the events
// must be the same. Of several things that are wrong with a message the twin may
// find another one first, so the reason of a STALE is not compared here.
func (v *venue) compare(t *testing.T, stream []byte) {
	var got []event.Event
	c := v.config
	c.StallNanos = 1
	c.Sink = func(e *event.Event) bool { got = append(got, *e); return true }
	d, err := v.decoder(c)
	if err != nil {
		t.Fatal(err)
	}
	twin := v.twin(c)
	now := int64(0)
	for msg := range bytes.SplitSeq(stream, []byte{'\n'}) {
		// Readers of JSON differ in what they make of broken characters and of
		// escaped ones; no venue sends either.
		if !utf8.Valid(msg) || bytes.IndexByte(msg, '\\') >= 0 {
			continue
		}
		now++
		got = nil
		err := d.Receive(now, msg)
		want := withinBounds(twin(now, msg))
		for _, list := range [][]event.Event{got, want} {
			for i := range list {
				if list[i].Code == uint8(event.BookStale) {
					list[i].Reason = event.ReasonNone
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s message %d: %s\nerror %v\n%+v\ntwin:\n%+v", v.name, now, msg, err, got, want)
		}
	}
}

// withinBounds makes of the levels of a twin those that a book can hold.
func withinBounds(list []event.Event) []event.Event {
	for i := range list {
		e := &list[i]
		if e.Kind != event.BookLevel {
			continue
		}
		e.Qty = min(e.Qty, market.MaxQty)
		if e.Price > market.MaxPrice {
			e.Price, e.Qty = market.MaxPrice, 0
		}
	}
	return list
}

// TestLevelsBeyondOurNumbers pins what becomes of orders for the fun of it.
func TestLevelsBeyondOurNumbers(t *testing.T) {
	var got []event.Event
	c := Config{StallNanos: 1, Symbols: []Symbol{{Text: "BTC-USD", PriceDecimals: 8, QtyDecimals: 8}},
		Sink: func(e *event.Event) bool { got = append(got, *e); return true }}
	d, err := NewCoinbase(c, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, msg := range []string{
		`{"type":"snapshot","product_id":"BTC-USD","bids":[["0.01","3448783.23"]],"asks":[["10000000","1"]]}`,
		`{"type":"l2update","product_id":"BTC-USD","changes":[["buy","0.02","9999999.5"],["sell","20000000","2"]],"time":"2022-08-04T15:25:05.010758Z"}`,
	} {
		if err := d.Receive(1, []byte(msg)); err != nil {
			t.Fatal(err)
		}
	}
	levels := 0
	for _, e := range got {
		if e.Kind != event.BookLevel {
			continue
		}
		levels++
		bid := e.Side == market.Buy && e.Qty == market.MaxQty && e.Price < 1<<22
		ask := e.Side == market.Sell && e.Qty == 0 && e.Price == market.MaxPrice
		if !bid && !ask {
			t.Errorf("%+v", e)
		}
	}
	if levels != 4 || d.Stats().Beyond != 4 || got[len(got)-1].Flags != 0 {
		t.Errorf("%d levels, %d beyond", levels, d.Stats().Beyond)
	}
}

func FuzzDecoders(tf *testing.F) {
	f := mutate.New(tf)
	for i, v := range venues {
		f.Add(uint8(i), []byte(strings.Join(v.samples, "\n")))
		f.Add(uint8(i), []byte(strings.Join(v.samples, " \n ")))
	}
	f.Fuzz(func(t *testing.T, which uint8, stream []byte) {
		venues[int(which)%len(venues)].compare(t, stream)
	})
}

func TestDecodersAgreeWithTheirTwins(t *testing.T) {
	for _, v := range venues {
		v.compare(t, []byte(strings.Join(v.samples, "\n")))
		d, _ := v.run(t, v.samples)
		if s := d.base().stats; s.Used < 2 || s.Malformed+s.Absurd+s.Unknown+s.ChecksumBad+s.Gaps != 0 {
			t.Errorf("%s: samples are not taken: %+v", v.name, s)
		}
	}
}

// run gives messages to a fresh decoder, which must take them.
func (v *venue) run(t testing.TB, messages []string) (Decoder, []event.Event) {
	var got []event.Event
	c := v.config
	c.StallNanos = 1
	c.Sink = func(e *event.Event) bool { got = append(got, *e); return true }
	d, err := v.decoder(c)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range messages {
		if err := d.Receive(int64(1+i), []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	return d, got
}

// Every truncation of every sample, after and before the whole one.
// share returns all, or some in a short run: what is compared here runs on one goroutine, and
// the race detector makes it ten times slower.
func share(all, some int) int {
	if testing.Short() {
		return some
	}
	return all
}

func TestTruncatedMessagesAgreeWithTheTwins(t *testing.T) {
	for _, v := range venues {
		for i, sample := range v.samples {
			for n := 0; n < len(sample); n += share(1, 11) {
				lines := slices.Insert(slices.Clone(v.samples), i, sample[:n])
				v.compare(t, []byte(strings.Join(lines, "\n")))
			}
		}
	}
}

func TestBitFlipsAgreeWithTheTwins(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, v := range venues {
		for range share(2500, 250) { // four flips each
			stream := []byte(strings.Join(v.samples, "\n"))
			for range 4 {
				bit := r.IntN(len(stream) * 8)
				stream[bit/8] ^= 1 << (bit % 8)
			}
			v.compare(t, stream)
		}
	}
}
