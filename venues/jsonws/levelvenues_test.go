package jsonws

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"penstock/event"
)

// bitstampLines is a decoder of lines, for Bitstamp alone does not have everything
// in its messages: "http PAIR BODY" is the answer to a request.
type bitstampLines struct{ *Bitstamp }

func (l bitstampLines) Receive(now int64, msg []byte) error {
	if pair, body, ok := bitstampHTTP(msg); ok {
		return l.TakeSnapshot(now, pair, body)
	}
	return l.Bitstamp.Receive(now, msg)
}

func bitstampHTTP(msg []byte) (pair string, body []byte, ok bool) {
	rest, ok := bytes.CutPrefix(bytes.TrimSpace(msg), []byte("http "))
	name, body, ok1 := bytes.Cut(rest, []byte{' '})
	return string(name), body, ok && ok1
}

// twinOf makes a venue's twin function of any twin.
func twinOf[T interface{ receive(int64, []byte) }](
	create func(Config) T, events func(T) []event.Event,
) func(Config) func(int64, []byte) []event.Event {
	return func(c Config) func(int64, []byte) []event.Event {
		t := create(c)
		return func(now int64, msg []byte) []event.Event { t.receive(now, msg); return events(t) }
	}
}

// levelVenues are the venues of this file's tests, symbols in order. Samples are recorded messages,
// cut to a few levels.
var levelVenues = []venue{
	{
		name: "kraken v1", config: Config{Venue: 4, Symbols: []Symbol{
			{Text: "SC/EUR", ID: 1, PriceDecimals: 5, QtyDecimals: 8},
			{Text: "XMR/USD", ID: 2, PriceDecimals: 2, QtyDecimals: 8}}},
		decoder: func(c Config) (Decoder, error) { return NewKrakenV1(c, 10) },
		twin: twinOf(func(c Config) *krakenV1Twin { return newKrakenV1Twin(c, 10) },
			func(t *krakenV1Twin) []event.Event { return t.events }),
		samples: []string{
			`[1920,{"as":[["0.042990","100.00000000","1618678133.500000"],["0.043000","5.50000000","1618678120.100000"]],"bs":[["0.042970","7.00000000","1618678131.500000"]]},"book-10","SC/EUR"]`,
			`[1920,{"b":[["0.042980","35.00000000","1618678133.929074"]],"c":"357165219"},"book-10","SC/EUR"]`,
			`[1920,{"a":[["0.042990","0.00000000","1618678145.920470"]]},{"b":[["0.042970","8.25000000","1618678145.920708","r"]],"c":"3076736043"},"book-10","SC/EUR"]`,
			`[993,[["354.11000000","0.89594024","1618678142.557535","s","l",""]],"trade","XMR/USD"]`,
			`{"event":"heartbeat"}`,
			`{"channelID":1920,"channelName":"book-10","event":"subscriptionStatus","pair":"SC/EUR","status":"subscribed","subscription":{"depth":10,"name":"book"}}`,
			`{"connectionID":17843232920108168701,"event":"systemStatus","status":"online","version":"1.8.3"}`,
		},
	},
	{
		name: "okx", config: Config{Venue: 5, Symbols: []Symbol{
			{Text: "BTC-USDT", ID: 1, PriceDecimals: 1, QtyDecimals: 8},
			{Text: "UNI-USD-SWAP", ID: 2, PriceDecimals: 3, QtyDecimals: 6, Contract: 10}}},
		decoder: func(c Config) (Decoder, error) { return NewOKX(c) },
		twin:    twinOf(newOKXTwin, func(t *okxTwin) []event.Event { return t.events }),
		samples: []string{
			`{"arg":{"channel":"books","instId":"UNI-USD-SWAP"},"action":"snapshot","data":[{"asks":[["5.149","212","0","2"],["5.15","3","0","1"]],"bids":[["5.134","127","0","3"]],"ts":"1652459226428","checksum":-99922667}]}`,
			`{"arg":{"channel":"books","instId":"UNI-USD-SWAP"},"action":"update","data":[{"asks":[["5.149","0","0","0"]],"bids":[["5.134","128","0","4"]],"ts":"1652459226883","checksum":1409907878}]}`,
			`{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["30251.8","0.33733489","0","5"]],"bids":[["30251","1.01","0","1"]],"ts":"1652459226428","checksum":0,"prevSeqId":-1,"seqId":10}]}`,
			`{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[],"bids":[["30251","0","0","0"]],"ts":"1652459226528","prevSeqId":10,"seqId":15}]}`,
			`{"arg":{"channel":"trades","instId":"UNI-USD-SWAP"},"data":[{"instId":"UNI-USD-SWAP","tradeId":"7849","px":"5.149","sz":"12","side":"buy","ts":"1652459199958"}]}`,
			`{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"}}`,
			`pong`,
		},
	},
	{
		name: "bybit", config: Config{Venue: 6, Symbols: []Symbol{
			{Text: "BTCUSD", ID: 2, PriceDecimals: 2, QtyDecimals: 8, Contract: 1},
			{Text: "BTCUSDT", ID: 1, PriceDecimals: 2, QtyDecimals: 6}}},
		decoder: func(c Config) (Decoder, error) { return NewBybit(c, 200) },
		twin: twinOf(func(c Config) *bybitTwin { return newBybitTwin(c, 200) },
			func(t *bybitTwin) []event.Event { return t.events }),
		samples: []string{
			`{"topic":"orderbook.200.BTCUSDT","type":"snapshot","ts":1786310818129,"data":{"s":"BTCUSDT","b":[["65114.20","6.054"],["65114.10","0.002"]],"a":[["65114.30","1"]],"u":5,"seq":753843907770},"cts":1786310818120}`,
			`{"topic":"orderbook.200.BTCUSDT","ts":1786310816816,"type":"delta","data":{"s":"BTCUSDT","b":[],"a":[["65140.5","0.472215"],["65239","0"]],"u":6,"seq":112488545879},"cts":1786310816779}`,
			`{"topic":"orderbook.200.BTCUSD","type":"delta","ts":1786310818129,"data":{"s":"BTCUSD","b":[["65114.50","100"]],"a":[],"u":1,"seq":7}}`,
			`{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1786310819681,"data":[{"T":1786310819680,"s":"BTCUSDT","S":"Sell","v":"0.004","p":"65114.20","L":"MinusTick","i":"a9188a0a-82bc-50de-be60-03eedbe3cdd7","BT":false,"RPI":false,"seq":753843954913}]}`,
			`{"success":true,"ret_msg":"","conn_id":"d8bu1olkndm7crnfs1e0-j6akw","req_id":"0","op":"subscribe"}`,
			`{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","bid1Price":"65114.20","bid1Size":"6.124"},"cs":753843922769,"ts":1786310818484}`,
		},
	},
	{
		name: "bybit v2", config: Config{Venue: 6, Symbols: []Symbol{
			{Text: "BTCUSD", ID: 2, PriceDecimals: 2, QtyDecimals: 8, Contract: 1},
			{Text: "XTZUSDT", ID: 1, PriceDecimals: 3, QtyDecimals: 6}}},
		decoder: func(c Config) (Decoder, error) { return NewBybitV2(c) },
		twin:    twinOf(newBybitV2Twin, func(t *bybitV2Twin) []event.Event { return t.events }),
		samples: []string{
			`{"topic":"orderBookL2_25.XTZUSDT","type":"snapshot","data":{"order_book":[{"price":"7.210","symbol":"XTZUSDT","id":"72100","side":"Sell","size":642.60004},{"price":"7.184","symbol":"XTZUSDT","id":"71840","side":"Buy","size":5}]},"cross_seq":"726227926","timestamp_e6":"1618677786015360"}`,
			`{"topic":"orderBookL2_25.XTZUSDT","type":"delta","data":{"delete":[{"price":"7.210","symbol":"XTZUSDT","id":"72100","side":"Sell"}],"update":[],"insert":[{"price":"7.236","symbol":"XTZUSDT","id":"72360","side":"Sell","size":458.69998}]},"cross_seq":"726227928","timestamp_e6":"1618677786055747"}`,
			`{"topic":"orderBookL2_25.BTCUSD","type":"snapshot","data":[{"price":"60591.00","symbol":"BTCUSD","id":605910000,"side":"Buy","size":14431}],"cross_seq":5938954546,"timestamp_e6":1618677785397906}`,
			`{"topic":"orderBookL2_25.BTCUSD","type":"delta","data":{"delete":[],"update":[{"price":"60591.00","symbol":"BTCUSD","id":605910000,"side":"Buy","size":81}],"insert":[],"transactTimeE6":0},"cross_seq":5938954547,"timestamp_e6":1618677785397906}`,
			`{"topic":"trade.BTCUSD","data":[{"trade_time_ms":1618677786614,"timestamp":"2021-04-17T16:43:06.000Z","symbol":"BTCUSD","side":"Sell","size":4,"price":60621.5,"tick_direction":"PlusTick","trade_id":"5ffb8b77-900c-507d-97a2-0922557ffe54","cross_seq":5938955347}]}`,
			`{"success":true,"ret_msg":"","conn_id":"38cf0ac3","request":{"op":"subscribe","args":["orderBookL2_25.XTZUSDT"]}}`,
		},
	},
	{
		name: "gemini", config: Config{Venue: 7, Symbols: []Symbol{
			{Text: "ANKRUSD", ID: 2, PriceDecimals: 5, QtyDecimals: 6},
			{Text: "BTCUSD", ID: 1, PriceDecimals: 2, QtyDecimals: 8}}},
		decoder: func(c Config) (Decoder, error) { return NewGemini(c) },
		twin:    twinOf(newGeminiTwin, func(t *geminiTwin) []event.Event { return t.events }),
		samples: []string{
			`{"auction_events":[],"changes":[["buy","65205.5","0.04289582"],["sell","65206.29","0.00007667"]],"symbol":"BTCUSD","trades":[{"event_id":1,"price":"77.34","quantity":"1","side":"buy","symbol":"BTCUSD","tid":1,"timestamp":1786313194672,"type":"trade"}],"type":"l2_updates"}`,
			`{"changes":[["buy","65205.5","0.0"],["sell","65207","1.5"]],"symbol":"BTCUSD","type":"l2_updates"}`,
			`{"type":"l2_updates","symbol":"ANKRUSD","changes":[["buy","0.07929","14300"]],"trades":[],"auction_events":[]}`,
			`{"type":"l2_updates","symbol":"ANKRUSD","changes":[["buy","0.07989","249"],["sell","0.08","3.25"]]}`,
			`{"event_id":1764551741926942,"price":"65206.29","quantity":"0.00007667","side":"buy","symbol":"BTCUSD","tid":2840141017904555,"timestamp":1786313194672,"type":"trade"}`,
			`{"timestamp":1786313195331,"type":"heartbeat","socket_sequence":0}`,
			`{"timestamp":1786313195331,"type":"heartbeat","socket_sequence":1}`,
		},
	},
	{
		name: "bitstamp", config: Config{Venue: 8, Symbols: bitstampSymbols},
		decoder: func(c Config) (Decoder, error) { d, err := NewBitstamp(c); return bitstampLines{d}, err },
		twin: twinOf(func(c Config) *bitstampTwin { return newBitstampTwin(c, false) },
			func(t *bitstampTwin) []event.Event { return t.events }),
		samples: []string{
			`{"event":"bts:subscription_succeeded","channel":"diff_order_book_batbtc","data":{}}`,
			`{"data":{"timestamp":"1641343691","microtimestamp":"1641343691406478","bids":[["3800.71","1.76200000"],["3799.64","0.00000000"]],"asks":[["3802","1.5"]]},"channel":"diff_order_book_ethusd","event":"data"}`,
			`http ethusd {"timestamp": "1641343691", "microtimestamp": "1641343691406470", "bids": [["3799.64", "0.60000000"], ["3800.07","10.00000000"]], "asks": [["3803.1", "1"]]}`,
			`http ethusd {"timestamp": "1641343691", "microtimestamp": "1641343691406478", "bids": [["3800.07", "0.60000000"]], "asks": [["3803.1", "1"]]}`,
			`{"data":{"timestamp":"1641343703","microtimestamp":"1641343703612875","bids":[["3800.27","5.67034132"]],"asks":[]},"channel":"diff_order_book_ethusd","event":"data"}`,
			`http batbtc {"timestamp": "1641343696", "microtimestamp": "1641343696436973", "bids": [["0.00002835", "7159.36203756"]], "asks": []}`,
			`{"data":{"id":216000477,"timestamp":"1641343699","amount":0.0792,"amount_str":"0.07920000","price":3805.44,"price_str":"3805.44","type":0,"microtimestamp":"1641343699596000","buy_order_id":1443875737346049,"sell_order_id":1443875731320832},"channel":"live_trades_ethusd","event":"trade"}`,
		},
	},
	{
		name: "bitstamp top", config: Config{Venue: 8, Symbols: bitstampSymbols},
		decoder: func(c Config) (Decoder, error) { d, err := NewBitstampTop(c); return bitstampLines{d}, err },
		twin: twinOf(func(c Config) *bitstampTwin { return newBitstampTwin(c, true) },
			func(t *bitstampTwin) []event.Event { return t.events }),
		samples: []string{
			`{"event":"bts:subscription_succeeded","channel":"order_book_ethusd","data":{}}`,
			`{"data":{"timestamp":"1641343691","microtimestamp":"1641343691406478","bids":[["3800.71","1.76200000"],["3799.64","2.00000000"]],"asks":[["3802","1.5"]]},"channel":"order_book_ethusd","event":"data"}`,
			`{"data":{"timestamp":"1641343691","microtimestamp":"1641343691406578","bids":[["3800.71","1.76200000"]],"asks":[]},"channel":"order_book_ethusd","event":"data"}`,
		},
	},
}

var bitstampSymbols = []Symbol{
	{Text: "batbtc", ID: 2, PriceDecimals: 8, QtyDecimals: 8},
	{Text: "ethusd", ID: 1, PriceDecimals: 2, QtyDecimals: 8}}

func TestLevelVenuesAgreeWithTheirTwins(t *testing.T) {
	for _, v := range levelVenues {
		v.compare(t, []byte(strings.Join(v.samples, "\n")))
		v.compare(t, []byte(strings.Join(v.samples, " \n ")))
		d, _ := v.tolerant(t, v.samples)
		s := d.base().stats
		old := uint64(strings.Count(strings.Join(v.samples, "\n"), `1641343691406470`))
		if s.Used < 2 || s.Malformed+s.Absurd+s.Unknown+s.ChecksumBad != 0 || s.Gaps != old {
			t.Errorf("%s: samples are not taken: %+v", v.name, s)
		}
	}
}

// tolerant is run for samples of which one may be refused.
func (v *venue) tolerant(t testing.TB, messages []string) (Decoder, []event.Event) {
	var got []event.Event
	c := v.config
	c.StallNanos = 1
	c.Sink = func(e *event.Event) bool { got = append(got, *e); return true }
	d, err := v.decoder(c)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range messages {
		if err := d.Receive(int64(1+i), []byte(m)); err != nil && !errors.Is(err, ErrGap) {
			t.Error(err)
		}
	}
	return d, got
}

// Every truncation of every sample, in its place among the whole ones.
func TestTruncatedLevelMessagesAgreeWithTheTwins(t *testing.T) {
	for _, v := range levelVenues {
		for i, sample := range v.samples {
			for n := 0; n < len(sample); n += share(1, 11) {
				lines := slices.Insert(slices.Clone(v.samples), i, sample[:n])
				v.compare(t, []byte(strings.Join(lines, "\n")))
			}
		}
	}
}

func TestBitFlipsOfLevelMessagesAgreeWithTheTwins(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, v := range levelVenues {
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

func FuzzLevelVenues(f *testing.F) {
	for i, v := range levelVenues {
		f.Add(uint8(i), []byte(strings.Join(v.samples, "\n")))
		f.Add(uint8(i), []byte(strings.Join(v.samples, " \n ")))
	}
	f.Fuzz(func(t *testing.T, which uint8, stream []byte) {
		levelVenues[int(which)%len(levelVenues)].compare(t, stream)
	})
}

func TestLevelVenuesWithoutRoomForAMomentLoseNothing(t *testing.T) {
	for _, v := range levelVenues {
		d, c := sampled(t, v)
		for _, m := range v.samples {
			_ = d.Receive(1, []byte(m))
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

func TestLevelVenuesRefuseBadConfiguration(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"no sink":    func(c *Config) { c.Sink = nil },
		"stall":      func(c *Config) { c.StallNanos = 0 },
		"no symbols": func(c *Config) { c.Symbols = nil },
		"contract":   func(c *Config) { c.Symbols = []Symbol{{Text: "b", Contract: -1}} },
	} {
		for _, v := range levelVenues {
			c := v.config
			c.Sink, c.StallNanos = (&collect{}).sink, 1
			spoil(&c)
			if _, err := v.decoder(c); err == nil {
				t.Errorf("%s %s: accepted", v.name, name)
			}
		}
	}
	good := Config{Sink: (&collect{}).sink, StallNanos: 1, Symbols: []Symbol{{Text: "B"}}}
	contract := good
	contract.Symbols = []Symbol{{Text: "b", Contract: 1}}
	_, err1 := NewKrakenV1(good, 11)
	_, err2 := NewBybit(good, 51)
	_, err3 := NewBitstamp(good) // upper case
	_, err4 := NewBitstampTop(contract)
	_, err5 := NewGemini(contract)
	_, err6 := NewKrakenV1(contract, 10)
	for i, err := range []error{err1, err2, err3, err4, err5, err6} {
		if err == nil {
			t.Errorf("%d: accepted", i+1)
		}
	}
}

func TestLevelVenuesSubscribe(t *testing.T) {
	for i, want := range []string{
		`{"event":"subscribe","pair":["SC/EUR","XMR/USD"],"subscription":{"name":"book","depth":10}}
{"event":"subscribe","pair":["SC/EUR","XMR/USD"],"subscription":{"name":"trade"}}
again
{"event":"unsubscribe","pair":["SC/EUR"],"subscription":{"name":"book","depth":10}}
{"event":"subscribe","pair":["SC/EUR"],"subscription":{"name":"book","depth":10}}`,
		`{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"},{"channel":"trades","instId":"BTC-USDT"},{"channel":"books","instId":"UNI-USD-SWAP"},{"channel":"trades","instId":"UNI-USD-SWAP"}]}
again
{"op":"unsubscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}
{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}`,
		`{"req_id":"0","op":"subscribe","args":["orderbook.200.BTCUSD","publicTrade.BTCUSD","orderbook.200.BTCUSDT","publicTrade.BTCUSDT"]}
again
{"op":"unsubscribe","args":["orderbook.200.BTCUSD"]}
{"op":"subscribe","args":["orderbook.200.BTCUSD"]}`,
		`{"op":"subscribe","args":["orderBookL2_25.BTCUSD"]}
{"op":"subscribe","args":["trade.BTCUSD"]}
{"op":"subscribe","args":["orderBookL2_25.XTZUSDT"]}
{"op":"subscribe","args":["trade.XTZUSDT"]}
again
{"op":"unsubscribe","args":["orderBookL2_25.BTCUSD"]}
{"op":"subscribe","args":["orderBookL2_25.BTCUSD"]}`,
		`{"type":"subscribe","subscriptions":[{"name":"l2","symbols":["ANKRUSD","BTCUSD"]}]}
again
{"type":"unsubscribe","subscriptions":[{"name":"l2","symbols":["ANKRUSD"]}]}
{"type":"subscribe","subscriptions":[{"name":"l2","symbols":["ANKRUSD"]}]}`,
		`{"event":"bts:subscribe","data":{"channel":"diff_order_book_batbtc"}}
{"event":"bts:subscribe","data":{"channel":"live_trades_batbtc"}}
{"event":"bts:subscribe","data":{"channel":"diff_order_book_ethusd"}}
{"event":"bts:subscribe","data":{"channel":"live_trades_ethusd"}}
again
`,
	} {
		d, _ := levelVenues[i].tolerant(t, nil)
		got := string(d.request(nil, nil)) + "\nagain\n" + string(d.request(nil, &d.base().books.all[0]))
		if got != want {
			t.Errorf("%s: %s", levelVenues[i].name, got)
		}
	}
}

// The samples that confirm a subscription confirm that of one book and no other.
func TestLevelVenuesAreConfirmed(t *testing.T) {
	for name, want := range map[string]string{
		"kraken v1": "SC/EUR", "okx": "BTC-USDT", "bybit": "BTCUSD BTCUSDT", "bybit v2": "XTZUSDT",
		"gemini": "ANKRUSD BTCUSD", "bitstamp": "batbtc", "bitstamp top": "ethusd",
	} {
		for _, v := range levelVenues {
			if v.name != name {
				continue
			}
			d, _ := v.tolerant(t, v.samples)
			var got []string
			for _, b := range d.base().books.all {
				if b.confirmed {
					got = append(got, b.Text)
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s: %v", name, got)
			}
		}
	}
}

func TestBybitSubscribesInBatchesAndIsConfirmedByThem(t *testing.T) {
	c := Config{Sink: (&collect{room: -1}).sink, StallNanos: 1}
	for i := range 12 {
		c.Symbols = append(c.Symbols, Symbol{Text: fmt.Sprintf("S%02d", i)})
	}
	y, err := NewBybit(c, 50)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(y.request(nil, nil)), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[2], `{"req_id":"10","op":"subscribe","args":["orderbook.50.S10","publicTrade.S10","orderbook.50.S11"`) {
		t.Fatal(lines)
	}
	receive(t, y, 1, `{"success":true,"ret_msg":"","conn_id":"x","req_id":"5","op":"subscribe"}`)
	for i := range y.books.all {
		if y.books.all[i].confirmed != (i >= 5 && i < 10) {
			t.Fatalf("%d: %v", i, y.books.all[i].confirmed)
		}
	}
}

func TestVenuesThatWantPings(t *testing.T) {
	type pinger interface {
		ping(dst []byte) []byte
		pingNanos() int64
	}
	for i, want := range map[int]string{1: `ping`, 2: `{"op":"ping"}`, 5: `{"event":"bts:heartbeat"}`} {
		d, _ := levelVenues[i].tolerant(t, nil)
		p, ok := d.(pinger)
		if !ok || string(p.ping(nil)) != want || p.pingNanos() <= 0 || p.pingNanos() > 20_000_000_000 {
			t.Errorf("%s: %v", levelVenues[i].name, ok)
		}
	}
}
