package jsonws

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// typical makes messages in the forms and the mixture of the recordings: two
// instruments in turn, a few levels each that come, change and go near the best
// prices, numbers of any length. It knows nothing that is not in a message but the
// checksums.
type typical struct {
	venue   string
	r       *rand.Rand
	names   []string
	ladders []textLadder
	digits  []krakenV1Digits
	seq     int
}

const typicalMessages = 512

// decimals of the two instruments' prices and quantities.
var typicalDecimals = [2][2]int{{1, 8}, {3, 5}}

func newTypical(venue string) *typical {
	y := &typical{venue: venue, r: rand.New(rand.NewPCG(7, 8)), digits: make([]krakenV1Digits, 2),
		names: map[string][]string{"kraken v1": {"XBT/USD", "UNI/EUR"}, "okx": {"BTC-USDT", "UNI-USDT"},
			"bybit": {"BTCUSDT", "UNIUSDT"}, "gemini": {"BTCUSD", "UNIUSD"}, "bitstamp": {"btcusd", "unieur"}}[venue]}
	depth, top := okxDepth, okxChecksumDepth
	if venue == "kraken v1" {
		depth, top = 1000, checksumDepth
	}
	for range y.names {
		y.ladders = append(y.ladders, newTextLadder(depth, top))
	}
	return y
}

func (y *typical) config() Config {
	var lines []string
	for i, name := range y.names {
		lines = append(lines, fmt.Sprint(name, " ", typicalDecimals[i][0], " ", typicalDecimals[i][1]))
	}
	return Config{Symbols: symbolsOf(lines...)}
}

// number writes n scaled; venues but Kraken and Bitstamp leave zeros at the end out.
func (y *typical) number(n, decimals int) string {
	text := strconv.FormatFloat(float64(n)/float64(pow10[decimals]), 'f', decimals, 64)
	if y.venue == "kraken v1" || y.venue == "bitstamp" {
		return text
	}
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}

// side writes n levels of a side, the best first, and puts them into our copy.
func (y *typical) side(i, n int, buy, whole bool) string {
	side, sign := []string{"sell", "buy"}, 1
	l := textLevel{side: sideOf([]byte(side[0]))}
	if buy {
		l.side, sign = sideOf([]byte(side[1])), -1
	}
	var list []string
	at := 0
	for range n {
		at += 1 + y.r.IntN(8)
		qty := 1 + y.r.IntN(1<<(4+y.r.IntN(24)))
		if !whole && y.r.IntN(3) == 0 {
			qty = 0
		}
		price := y.number(300_000+sign*at, typicalDecimals[i][0])
		size := y.number(qty, typicalDecimals[i][1])
		l.price, l.qty, l.gone = int64(300_000+sign*at), int64(qty), qty == 0
		switch y.venue {
		case "okx":
			l.sum.keep([]byte(price), []byte(size))
			list = append(list, fmt.Sprintf(`["%s","%s","0","%d"]`, price, size, min(qty, 1+y.r.IntN(4))))
		case "kraken v1":
			l.sum.keepDigits([]byte(price), []byte(size))
			list = append(list, fmt.Sprintf(`["%s","%s","16186781%02d.%06d"]`, price, size, y.seq%100, y.r.IntN(1_000_000)))
		case "gemini":
			list = append(list, fmt.Sprintf(`["%s","%s","%s"]`, side[(1-sign)/2], price, size))
		default:
			list = append(list, fmt.Sprintf(`["%s","%s"]`, price, size))
		}
		y.ladders[i].set(&l)
	}
	return strings.Join(list, ",")
}

// message makes the next one of an instrument.
func (y *typical) message(i int, whole bool) string {
	y.seq++
	n, m := 1+y.r.IntN(5), y.r.IntN(5)
	if whole {
		n, m = 100, 100
	}
	asks, bids, name := y.side(i, n, false, whole), y.side(i, m, true, whole), y.names[i]
	kind := "update"
	if whole {
		kind = "snapshot"
	}
	switch y.venue {
	case "kraken v1":
		if whole {
			return fmt.Sprintf(`[%d,{"as":[%s],"bs":[%s]},"book-1000","%s"]`, 100+i, asks, bids, name)
		}
		parts := fmt.Sprintf(`{"a":[%s]`, asks)
		if m > 0 {
			parts += fmt.Sprintf(`},{"b":[%s]`, bids)
		}
		return fmt.Sprintf(`[%d,%s,"c":"%d"},"book-1000","%s"]`, 100+i, parts, y.digits[i].checksum(&y.ladders[i]), name)
	case "okx":
		return fmt.Sprintf(`{"arg":{"channel":"books","instId":"%s"},"action":"%s","data":[{"asks":[%s],"bids":[%s],`+
			`"ts":"16524592%05d","checksum":%d}]}`, name, kind, asks, bids, y.seq, new(OKX).checksum(&y.ladders[i]))
	case "bybit":
		if !whole {
			kind = "delta"
		}
		return fmt.Sprintf(`{"topic":"orderbook.200.%s","type":"%s","ts":17863108%05d,"data":{"s":"%s","b":[%s],"a":[%s],`+
			`"u":%d,"seq":%d},"cts":17863108%05d}`, name, kind, y.seq+9, name, bids, asks, 1000+(y.seq-1)/2, 753843907770+y.seq, y.seq)
	case "gemini":
		if whole {
			return fmt.Sprintf(`{"changes":[%s],"symbol":"%s","trades":[],"type":"l2_updates"}`, asks, name)
		}
		return fmt.Sprintf(`{"changes":[%s],"symbol":"%s","type":"l2_updates"}`, asks, name)
	}
	return fmt.Sprintf(`{"data":{"timestamp":"16413436%02d","microtimestamp":"16413436%08d","bids":[%s],"asks":[%s]},`+
		`"channel":"diff_order_book_%s","event":"data"}`, y.seq%100, y.seq, bids, asks, name)
}

// frames begins with what brings the books to life.
func (y *typical) frames() (frames []frame) {
	add := func(format string, a ...any) { frames = append(frames, frame{text: fmt.Appendf(nil, format, a...)}) }
	for i, name := range y.names {
		if y.venue != "bitstamp" {
			add("%s", y.message(i, true))
			continue
		}
		add(`{"event":"bts:subscription_succeeded","channel":"diff_order_book_%s","data":{}}`, name)
		add("%s", y.message(i, false))
		add(`http %s {"timestamp": "1641343699", "microtimestamp": "1641343600000002", "bids": [], "asks": []}`, name)
	}
	for n := range typicalMessages {
		add("%s", y.message(n%2, false))
	}
	return frames
}

// BenchmarkTypical is BenchmarkRecorded for who has no recordings.
func BenchmarkTypical(b *testing.B) {
	for _, v := range levelVenues {
		if hotMarks[v.name] == "" {
			continue
		}
		open := v.decoder
		if v.name == "kraken v1" {
			open = func(c Config) (Decoder, error) { return NewKrakenV1(c, 1000) }
		}
		frames := func(testing.TB) []frame { return newTypical(v.name).frames() }
		c := contender{v.name, v.name, newTypical(v.name).config(), open, frames}
		c.run(b)
	}
}
