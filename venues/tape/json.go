package tape

import (
	"fmt"
	"strings"

	"penstock/event"
	"penstock/venues/jsonws"
)

// jsonDecoder is what every decoder of package jsonws can do.
type jsonDecoder interface {
	Receive(now int64, msg []byte) error
	Stats() *jsonws.Stats
}

// playJSON returns the decode of a format whose decoder build makes. A decoder whose
// books begin with an HTTP answer has TakeSnapshot, and is given those of its symbols.
func playJSON(
	build func(c jsonws.Config, feed *Feed) (jsonDecoder, error),
) func(*Feed, target, event.Sink) (decoder, error) {
	return func(feed *Feed, to target, sink event.Sink) (decoder, error) {
		c := jsonConfig(to, sink)
		d, err := build(c, feed)
		if err != nil {
			return decoder{}, err
		}
		made := decoder{receive: d.Receive, count: func(st *Stats) { countJSON(d.Stats(), st) }}
		type snapshots interface {
			TakeSnapshot(now int64, symbol string, body []byte) error
		}
		if s, ok := d.(snapshots); ok {
			made.http = bodies(c, s.TakeSnapshot)
		}
		return made, nil
	}
}

// bodies hands on the answers to requests that name one of the symbols of c.
func bodies(
	c jsonws.Config, take func(now int64, symbol string, body []byte) error,
) func(now int64, url string, body []byte) error {
	return func(now int64, url string, body []byte) error {
		for i := range c.Symbols {
			if text := c.Symbols[i].Text; strings.EqualFold(bookRequest(url), text) {
				return take(now, text, body)
			}
		}
		return nil
	}
}

// bookRequest returns the symbol of a request for a book: its parameter symbol, or
// what follows order_book or products in its path; "" when it asks for something else.
func bookRequest(url string) string {
	path, query, _ := strings.Cut(url, "?")
	for _, key := range []string{"/order_book/", "/products/"} {
		if _, rest, ok := strings.Cut(path, key); ok {
			symbol, _, _ := strings.Cut(rest, "/")
			return symbol
		}
	}
	if strings.HasSuffix(path, "/depth") {
		for _, parameter := range strings.Split(query, "&") {
			if symbol, ok := strings.CutPrefix(parameter, "symbol="); ok {
				return symbol
			}
		}
	}
	return ""
}

func jsonConfig(to target, sink event.Sink) jsonws.Config {
	c := jsonws.Config{Venue: to.venue, Sink: sink, StallNanos: jsonws.DefaultStallNanos}
	for _, l := range to.symbols {
		s := jsonws.Symbol{Text: l.text, ID: l.instrument.ID,
			PriceDecimals: l.instrument.PriceDecimals, QtyDecimals: l.instrument.QtyDecimals}
		if l.precision != nil {
			s.PricePrecision, s.QtyPrecision = l.precision[0], l.precision[1]
		}
		c.Symbols = append(c.Symbols, s)
	}
	return c
}

// countJSON adds what a decoder of package jsonws counted.
func countJSON(from *jsonws.Stats, s *Stats) {
	s.Foreign += int64(from.Ignored)
	s.Gaps += int64(from.Gaps)
	s.Checked += int64(from.ChecksumOK)
	s.Passes += int64(from.ChecksumOK)
	s.Mismatch += int64(from.ChecksumBad)
	s.Snapshots += int64(from.Snapshots)
}

// krakenPrecision holds the pairs' decimals, which the checksum is over.
var krakenPrecision = map[string][2]uint8{"BTC/USD": {1, 8}, "ETH/USD": {2, 8}}

func buildKraken(c jsonws.Config, feed *Feed) (jsonDecoder, error) {
	for i := range c.Symbols {
		s := &c.Symbols[i]
		precision, known := krakenPrecision[s.Text]
		switch {
		case s.PricePrecision != 0 || s.QtyPrecision != 0:
		case !known:
			return nil, fmt.Errorf("symbol %s: give the pair's decimals with +precision=PRICE/QTY", s.Text)
		default:
			s.PricePrecision, s.QtyPrecision = precision[0], precision[1]
		}
	}
	return jsonws.NewKraken(c, feed.depth(10))
}

// depth returns the levels a side that the recording subscribed to.
func (f *Feed) depth(usual int) int {
	if f.Depth > 0 {
		return f.Depth
	}
	return usual
}

func buildCoinbase(c jsonws.Config, _ *Feed) (jsonDecoder, error) {
	return jsonws.NewCoinbase(c, false)
}

func buildKrakenV1(c jsonws.Config, feed *Feed) (jsonDecoder, error) {
	return jsonws.NewKrakenV1(c, feed.depth(1000))
}

func buildCoinbaseFull(c jsonws.Config, _ *Feed) (jsonDecoder, error) {
	return jsonws.NewCoinbaseFull(c)
}

func buildCoinbaseAdvanced(c jsonws.Config, _ *Feed) (jsonDecoder, error) {
	return jsonws.NewCoinbaseAdvanced(c)
}

func buildOKX(c jsonws.Config, feed *Feed) (jsonDecoder, error) {
	for i := range c.Symbols {
		if s := &c.Symbols[i]; inverse(s.Text) {
			s.Contract = feed.contract(s.Text) // OKX has the same sizes as Binance
		}
	}
	return jsonws.NewOKX(c)
}

func buildBybit(c jsonws.Config, feed *Feed) (jsonDecoder, error) {
	return jsonws.NewBybit(c, feed.depth(200))
}

func buildBybitV2(c jsonws.Config, _ *Feed) (jsonDecoder, error) {
	for i := range c.Symbols {
		if s := &c.Symbols[i]; inverse(s.Text) {
			s.Contract = 1
		}
	}
	return jsonws.NewBybitV2(c)
}

func buildGemini(c jsonws.Config, _ *Feed) (jsonDecoder, error) { return jsonws.NewGemini(c) }

func buildBitstamp(c jsonws.Config, _ *Feed) (jsonDecoder, error) { return jsonws.NewBitstamp(c) }

// inverse reports whether a symbol is of contracts over US dollars that are settled
// in the coin: BTC-USD-220527 and UNI-USD-SWAP at OKX, BTCUSD at Bybit.
func inverse(text string) bool {
	return strings.Contains(text, "-USD-") || strings.HasSuffix(text, "USD") && !strings.Contains(text, "-")
}

// inverseDecimals are those of quantities that contracts become.
const inverseDecimals = 8

// surveyContracts is surveyJSON for venues whose inverse contracts count dollars.
func surveyContracts(feed *Feed) ([]listed, error) {
	list, err := surveyJSON(feed)
	for i := range list {
		if inverse(list[i].text) {
			list[i].instrument.QtyDecimals = inverseDecimals
		}
	}
	return list, err
}
