package jsonws

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/valyala/fastjson"

	"penstock/event"
	"penstock/market"
)

// Each message is decoded by the hand scanner with everything that Receive does
// (checks, scaling, events into a sink that only returns), and parsed, with its
// numbers brought into the same integers, by fastjson and by encoding/json.

func coinbaseMessage(changes int) string {
	list := make([]string, changes)
	for i := range list {
		list[i] = fmt.Sprintf(`["buy","2235%d.27","0.0123%d000"]`, i%10, i%10)
	}
	return `{"type":"l2update","product_id":"BTC-USD","time":"2022-08-04T15:25:05.010758Z","changes":[` +
		strings.Join(list, ",") + `]}`
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

func benchReceive(b *testing.B, v venue, before, msg string) {
	v.config.Sink, v.config.StallNanos = func(*event.Event) bool { return true }, 1
	d, err := v.decoder(v.config)
	if err != nil {
		b.Fatal(err)
	}
	if err := d.Receive(1, []byte(before)); err != nil {
		b.Fatal(err)
	}
	text := []byte(msg)
	last := new(uint64)
	if binance, ok := d.(*Binance); ok {
		last = &binance.syncs[binance.books.find([]byte("BTCUSDT")).index].last
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		*last = 0 // so that the update follows again
		if err := d.Receive(1, text); err != nil {
			b.Fatal(err)
		}
	}
	if s := d.base().stats; s.Scanned+1 < s.Messages || s.Used+1 < s.Messages {
		b.Fatalf("%+v", s)
	}
}

func benchFastjson(b *testing.B, msg string, lists ...string) {
	var p fastjson.Parser
	text, sum := []byte(msg), int64(0)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		v, err := p.ParseBytes(text)
		if err != nil {
			b.Fatal(err)
		}
		for _, list := range lists {
			for _, level := range v.GetArray(strings.Split(list, ".")...) {
				for _, item := range level.GetArray() {
					n, err := market.ParseDecimal(item.GetStringBytes(), 8)
					if err == nil {
						sum += n
					}
				}
			}
		}
	}
}

func benchEncodingJSON(b *testing.B, msg string) {
	text, sum := []byte(msg), int64(0)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var m struct {
			Type      string
			ProductID string `json:"product_id"`
			Time      string
			Changes   [][3]string
			Data      struct {
				Event  string      `json:"e"`
				Time   int64       `json:"E"`
				Symbol string      `json:"s"`
				First  uint64      `json:"U"`
				Last   uint64      `json:"u"`
				Bids   [][2]string `json:"b"`
				Asks   [][2]string `json:"a"`
			}
		}
		if err := json.Unmarshal(text, &m); err != nil {
			b.Fatal(err)
		}
		for _, list := range [][][2]string{m.Data.Bids, m.Data.Asks} {
			for _, level := range list {
				for _, item := range level {
					n, _ := market.ParseDecimal([]byte(item), 8)
					sum += n
				}
			}
		}
		for _, change := range m.Changes {
			for _, item := range change[1:] {
				n, _ := market.ParseDecimal([]byte(item), 8)
				sum += n
			}
		}
	}
}

func BenchmarkCoinbase(b *testing.B) {
	for _, n := range []int{1, 5} {
		msg := coinbaseMessage(n)
		b.Run(fmt.Sprintf("changes=%d/scanner", n), func(b *testing.B) {
			benchReceive(b, venues[1], `{"type":"snapshot","product_id":"BTC-USD","bids":[],"asks":[]}`, msg)
		})
		b.Run(fmt.Sprintf("changes=%d/fastjson", n), func(b *testing.B) { benchFastjson(b, msg, "changes") })
		b.Run(fmt.Sprintf("changes=%d/encodingjson", n), func(b *testing.B) { benchEncodingJSON(b, msg) })
	}
}

func BenchmarkBinance(b *testing.B) {
	for _, n := range []int{1, 5, 20} {
		msg := binanceMessageOf(n)
		b.Run(fmt.Sprintf("levels=%d+%d/scanner", n, n), func(b *testing.B) {
			benchReceive(b, venues[2], `{"lastUpdateId":0,"symbol":"BTCUSDT","bids":[],"asks":[]}`, msg)
		})
		b.Run(fmt.Sprintf("levels=%d+%d/fastjson", n, n), func(b *testing.B) {
			benchFastjson(b, msg, "data.b", "data.a")
		})
		b.Run(fmt.Sprintf("levels=%d+%d/encodingjson", n, n), func(b *testing.B) { benchEncodingJSON(b, msg) })
	}
}

// BenchmarkKraken changes the best level of a book of ten a side to and fro; the
// checksum over all twenty levels is part of it.
func BenchmarkKraken(b *testing.B) {
	twin := newKrakenTwin(Config{Symbols: krakenSymbols[:1]}, 10)
	book := twin.books[0]
	message := func(kind string, levels [2]string) []byte {
		return fmt.Appendf(nil, `{"channel":"book","type":"%s","data":[{"symbol":"BTC/USD","bids":[%s],`+
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
	updates := [][]byte{message("update", [2]string{level(0, 788715, 1)}),
		message("update", [2]string{level(0, 788715, 2)})}
	for i, qty := range []int64{1, 2} {
		updates[i] = message("update", [2]string{level(0, 788715, qty)})
		twin.sides[book][0][788715] = qty
		updates[i] = message("update", [2]string{level(0, 788715, qty)})
	}
	k, err := NewKraken(Config{Symbols: krakenSymbols[:1], StallNanos: 1,
		Sink: func(*event.Event) bool { return true }}, 10)
	if err != nil {
		b.Fatal(err)
	}
	if err := k.Receive(1, snapshot); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(updates[0])))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := k.Receive(1, updates[i&1]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBaseline is Receive of a message that asks for nothing.
func BenchmarkBaseline(b *testing.B) {
	benchmark := venues[0].samples[3]
	d, _ := venues[0].run(b, nil)
	text := []byte(benchmark)
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Receive(1, text); err != nil {
			b.Fatal(err)
		}
	}
}
