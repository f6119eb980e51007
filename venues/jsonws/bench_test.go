package jsonws

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"penstock/event"
)

// Each message is decoded by Receive, everything included that it does (time,
// checks, scaling, events into a sink that only returns), and by fastjson, its
// parser used again, and encoding/json into the same integers: time, numbers of
// the update, side, price and quantity of each level. The sums of those integers
// are compared before anything is measured. The three take turns, and medians are
// reported, so that what else the machine does falls on all of them alike:
//
//	ns/op            Receive
//	x_fastjson       how many times as long fastjson takes
//	x_encoding/json  how many times as long encoding/json takes

func coinbaseMessage(changes int) string {
	list := make([]string, changes)
	for i := range list {
		list[i] = fmt.Sprintf(`["buy","2235%d.27","0.0123%d000"]`, i%10, i%10)
	}
	return `{"type":"l2update","product_id":"BTC-USD","time":"2022-08-04T15:25:05.010758Z","changes":[` +
		strings.Join(list, ",") + `]}`
}

func advancedMessage(updates int) string {
	list := make([]string, updates)
	for i := range list {
		list[i] = fmt.Sprintf(`{"side":"bid","event_time":"2026-08-09T21:05:48.210883Z",`+
			`"price_level":"6508%d.66","new_quantity":"0.2037121%d"}`, i%10, i%10)
	}
	return `{"channel":"l2_data","timestamp":"2026-08-09T21:05:48.505350477Z","sequence_num":14,"events":[` +
		`{"type":"update","product_id":"BTC-USD","updates":[` + strings.Join(list, ",") + `]}]}`
}

func binanceMessageOf(levels int) string {
	side := func(base int) string {
		list := make([]string, levels)
		for i := range list {
			list[i] = fmt.Sprintf(`["%d.%d","0.%03d"]`, base+i, i%10, i+1)
		}
		return strings.Join(list, ",")
	}
	return `{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT",` +
		`"U":1,"u":50093239202,"b":[` + side(61700) + `],"a":[` + side(61800) + `]}}`
}

// race reports how long ours takes, and how many times as long its peers do.
func race(b *testing.B, ours, fast, standard func()) {
	const turn = 64
	var took [3][]float64
	measure := func(i, n int, f func()) {
		start := time.Now()
		for range n {
			f()
		}
		took[i] = append(took[i], float64(time.Since(start).Nanoseconds())/float64(n))
	}
	for i := 0; b.Loop(); i++ {
		if i%turn == 0 {
			measure(0, turn, ours)
			measure(1, turn, fast)
			measure(2, turn/4, standard)
		}
	}
	var median [3]float64
	for i := range took {
		slices.Sort(took[i])
		median[i] = took[i][len(took[i])/2]
	}
	b.ReportMetric(median[0], "ns/op")
	b.ReportMetric(median[1], "fastjson_ns")
	b.ReportMetric(median[2], "encoding/json_ns")
	b.ReportMetric(median[1]/median[0], "x_fastjson")
	b.ReportMetric(median[2]/median[0], "x_encoding/json")
}

// contest runs a race for texts, which may come again and again when prepare is
// called before each.
func contest(b *testing.B, v venue, before []string, prepare func(Decoder, int), fast, standard rival, texts ...[]byte) {
	checking, sum := true, int64(0)
	c := v.config
	c.StallNanos = 1
	c.Sink = func(e *event.Event) bool {
		if checking {
			sum += int64(e.Side) + int64(e.Price) + int64(e.Qty) + int64(e.Ref>>8)
			if e.Flags&event.More == 0 {
				sum += e.SrcTime
			}
		}
		return true
	}
	d, err := v.decoder(c)
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range before {
		if err := d.Receive(1, []byte(m)); err != nil {
			b.Fatal(err)
		}
	}
	turn := 0
	receive := func() {
		i := turn % len(texts)
		turn++
		prepare(d, i)
		if err := d.Receive(1, texts[i]); err != nil {
			b.Fatal(err)
		}
	}
	receive()
	for range texts {
		sum = 0
		text := texts[turn%len(texts)]
		receive()
		if got := fast(text); got != sum {
			b.Fatalf("fastjson reads other integers: %d, want %d", got, sum)
		}
		if got := standard(text); got != sum {
			b.Fatalf("encoding/json reads other integers: %d, want %d", got, sum)
		}
	}
	checking = false
	if allocs := testing.AllocsPerRun(100, receive); allocs != 0 {
		b.Fatalf("%v allocations", allocs)
	}
	turns := [2]int{}
	peer := func(n int, read rival) func() {
		return func() {
			sum += read(texts[turns[n]%len(texts)])
			turns[n]++
		}
	}
	race(b, receive, peer(0, fast), peer(1, standard))
	if s := d.base().stats; s.Used+2 < s.Messages {
		b.Fatalf("%+v", s)
	}
}

func BenchmarkCoinbase(b *testing.B) {
	for _, n := range []int{1, 5} {
		b.Run(fmt.Sprintf("changes=%d", n), func(b *testing.B) {
			contest(b, venues[1], []string{`{"type":"snapshot","product_id":"BTC-USD","bids":[],"asks":[]}`},
				func(Decoder, int) {}, coinbaseFastjson(), coinbaseStandard, []byte(coinbaseMessage(n)))
		})
	}
}

func BenchmarkCoinbaseAdvanced(b *testing.B) {
	for _, n := range []int{1, 5} {
		b.Run(fmt.Sprintf("updates=%d", n), func(b *testing.B) {
			contest(b, advancedVenue(), []string{`{"channel":"l2_data","timestamp":"2026-08-09T21:05:48.483587501Z",` +
				`"sequence_num":13,"events":[{"type":"snapshot","product_id":"BTC-USD","updates":[]}]}`},
				func(d Decoder, _ int) { d.(*CoinbaseAdvanced).counted = false },
				advancedFastjson(), advancedStandard, []byte(advancedMessage(n)))
		})
	}
}

// BenchmarkCoinbaseFull opens an order and takes it away.
func BenchmarkCoinbaseFull(b *testing.B) {
	const id = `d50ec984-77a8-460a-b958-66f114b0de9b`
	open := []byte(`{"type":"open","time":"2014-11-07T08:19:27.028459Z","product_id":"BTC-USD","sequence":11,` +
		`"order_id":"` + id + `","price":"20000.25","remaining_size":"1.00500000","side":"sell"}`)
	done := []byte(`{"type":"done","time":"2014-11-07T08:19:31.028459Z","product_id":"BTC-USD","sequence":12,` +
		`"price":"20000.25","order_id":"` + id + `","reason":"canceled","side":"sell","remaining_size":"1.00500000"}`)
	contest(b, fullVenue(), []string{`{"bids":[],"asks":[],"sequence":10}`},
		func(d Decoder, i int) { d.(fullWithSnapshots).syncs[0].last = uint64(10 + i) },
		fullFastjson(), fullStandard, open, done)
}

func BenchmarkBinance(b *testing.B) {
	for _, n := range []int{1, 5, 20} {
		b.Run(fmt.Sprintf("levels=%d+%d", n, n), func(b *testing.B) {
			contest(b, venues[2], []string{`{"lastUpdateId":0,"symbol":"BTCUSDT","bids":[],"asks":[]}`},
				func(d Decoder, _ int) { // so that the update follows again
					n := d.(*Binance)
					n.syncs[n.books.last].last = 0
				},
				binanceFastjson(), binanceStandard, []byte(binanceMessageOf(n)))
		})
	}
}

// BenchmarkKraken changes the best level of a book of ten a side to and fro; the
// copy of the book and the checksum over all twenty levels are part of it, for
// its peers as well.
func BenchmarkKraken(b *testing.B) {
	twin := newKrakenTwin(Config{Symbols: krakenSymbols[:1]}, 10)
	book := twin.books[0]
	message := func(kind string, levels [2]string) string {
		return fmt.Sprintf(`{"channel":"book","type":"%s","data":[{"symbol":"BTC/USD","bids":[%s],`+
			`"asks":[%s],"checksum":%d,"timestamp":"2023-10-06T17:35:55.440295Z"}]}`,
			kind, levels[0], levels[1], twin.checksum(book))
	}
	level := func(side int, price, qty int64) string {
		twin.sides[book][side][price] = qty
		return fmt.Sprintf(`{"price":%d.%d,"qty":0.%08d}`, price/10, price%10, qty)
	}
	var whole [2][]string
	for i := range int64(10) {
		whole[0] = append(whole[0], level(0, 788715-i*3, 1266503+i))
		whole[1] = append(whole[1], level(1, 788716+i*3, 42110306+i))
	}
	snapshot := message("snapshot", [2]string{strings.Join(whole[0], ","), strings.Join(whole[1], ",")})
	var updates [][]byte
	for _, qty := range []int64{1, 2} {
		bid := level(0, 788715, qty)
		updates = append(updates, []byte(message("update", [2]string{bid})))
	}
	contest(b, venues[0], []string{snapshot}, func(Decoder, int) {},
		krakenFastjson(snapshot), krakenStandard(snapshot), updates...)
}
