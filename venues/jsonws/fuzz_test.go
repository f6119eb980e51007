package jsonws

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"penstock/event"
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
		`{"stream":"btcusd_perp@trade","data":{"e":"trade","E":1723161257687,"T":1723161257679,"s":"BTCUSD_PERP","t":849714402,"p":"61804.8","q":"4","X":"MARKET","m":false}}`,
	}),
}

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
		want := twin(now, msg)
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

func FuzzDecoders(f *testing.F) {
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
func TestTruncatedMessagesAgreeWithTheTwins(t *testing.T) {
	for _, v := range venues {
		for i, sample := range v.samples {
			for n := range sample {
				lines := slices.Insert(slices.Clone(v.samples), i, sample[:n])
				v.compare(t, []byte(strings.Join(lines, "\n")))
			}
		}
	}
}

func TestBitFlipsAgreeWithTheTwins(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, v := range venues {
		for range 2500 { // 10,000 flips
			stream := []byte(strings.Join(v.samples, "\n"))
			for range 4 {
				bit := r.IntN(len(stream) * 8)
				stream[bit/8] ^= 1 << (bit % 8)
			}
			v.compare(t, stream)
		}
	}
}
