package tape

import (
	"fmt"

	"penstock/event"
	"penstock/market"
	"penstock/venues/jsonws"
)

// symbol binds the instrument of a feed to its text in the recording.
func (f *Feed) symbol(to target) jsonws.Symbol {
	return jsonws.Symbol{
		Text: f.Symbol, ID: to.instrument.ID,
		PriceDecimals: to.instrument.PriceDecimals, QtyDecimals: to.instrument.QtyDecimals,
	}
}

func configure(s jsonws.Symbol, to target, sink event.Sink) jsonws.Config {
	return jsonws.Config{
		Venue: to.venue, Symbols: []jsonws.Symbol{s}, Sink: sink,
		StallNanos: jsonws.DefaultStallNanos,
	}
}

// countJSON adds what a decoder of package jsonws counted.
func countJSON(from *jsonws.Stats, s *Stats) {
	s.Foreign += int64(from.Ignored)
	s.Gaps += int64(from.Gaps)
	s.Checked += int64(from.ChecksumOK)
	s.Mismatch += int64(from.ChecksumBad)
	s.Snapshots += int64(from.Snapshots)
}

// krakenPrecision holds the pairs' decimals, which the checksum is over.
var krakenPrecision = map[string][2]uint8{"BTC/USD": {1, 8}, "ETH/USD": {2, 8}}

func newKraken(feed *Feed, to target, sink event.Sink) (decoder, error) {
	s := feed.symbol(to)
	precision, known := krakenPrecision[s.Text]
	if feed.Precision != nil {
		precision, known = *feed.Precision, true
	}
	if !known {
		return decoder{}, fmt.Errorf("symbol %s: give the pair's decimals with +precision=PRICE/QTY", s.Text)
	}
	s.PricePrecision, s.QtyPrecision = precision[0], precision[1]
	depth := feed.Depth
	if depth == 0 {
		depth = 10
	}
	k, err := jsonws.NewKraken(configure(s, to, sink), depth)
	if err != nil {
		return decoder{}, err
	}
	return decoder{receive: k.Receive, count: func(st *Stats) { countJSON(k.Stats(), st) }}, nil
}

func newCoinbase(feed *Feed, to target, sink event.Sink) (decoder, error) {
	c, err := jsonws.NewCoinbase(configure(feed.symbol(to), to, sink), false)
	if err != nil {
		return decoder{}, err
	}
	return decoder{receive: c.Receive, count: func(st *Stats) { countJSON(c.Stats(), st) }}, nil
}

// binance plays a recording of Binance and compares the best prices and sizes of
// its book with the bookTicker stream wherever both are of the same update.
type binance struct {
	decoder  *jsonws.Binance
	symbol   string
	raw      *depth
	ahead    []jsonws.Ticker // of updates that the book has not reached
	tickers  int64
	checked  int64
	mismatch int64
}

func newBinanceSpot(feed *Feed, to target, sink event.Sink) (decoder, error) {
	return newBinance(feed.symbol(to), jsonws.BinanceSpot, to, sink)
}

func newBinanceUSDM(feed *Feed, to target, sink event.Sink) (decoder, error) {
	return newBinance(feed.symbol(to), jsonws.BinanceFutures, to, sink)
}

func newBinanceCM(feed *Feed, to target, sink event.Sink) (decoder, error) {
	s := feed.symbol(to)
	s.Contract = feed.contract()
	return newBinance(s, jsonws.BinanceFutures, to, sink)
}

func newBinance(
	s jsonws.Symbol, rule jsonws.BinanceMarket, to target, sink event.Sink,
) (d decoder, err error) {
	n := &binance{symbol: s.Text, raw: newDepth(to.venue)}
	n.decoder, err = jsonws.NewBinance(jsonws.BinanceConfig{
		Config: configure(s, to, func(e *event.Event) bool {
			n.raw.apply(e)
			return sink(e)
		}),
		Market: rule, Buffered: jsonws.DefaultBuffered, OnTicker: n.onTicker,
	})
	return decoder{receive: n.receive, count: n.count}, err
}

func (n *binance) receive(now int64, msg []byte) error {
	err := n.decoder.Receive(now, msg)
	n.compare()
	return err
}

// maxAhead bounds the tickers that wait for the book; the oldest give way.
const maxAhead = 1 << 12

func (n *binance) onTicker(_ int64, _ market.InstrumentID, t *jsonws.Ticker) {
	n.tickers++
	if len(n.ahead) == maxAhead {
		n.ahead = append(n.ahead[:0], n.ahead[maxAhead/2:]...)
	}
	n.ahead = append(n.ahead, *t)
}

// compare checks the book against the tickers of the update that it has reached.
func (n *binance) compare() {
	if !n.raw.live {
		return
	}
	reached, done := n.decoder.UpdateID(n.symbol), 0
	for ; done < len(n.ahead) && n.ahead[done].UpdateID <= reached; done++ {
		if n.ahead[done].UpdateID == reached {
			n.check(&n.ahead[done])
		}
	}
	n.ahead = append(n.ahead[:0], n.ahead[done:]...)
}

func (n *binance) check(t *jsonws.Ticker) {
	bid, _ := n.raw.sides[0].Best()
	ask, _ := n.raw.sides[1].Best()
	if bid.Price == t.Bid && bid.Qty == t.BidQty && ask.Price == t.Ask && ask.Qty == t.AskQty {
		n.checked++
	} else {
		n.mismatch++
	}
}

func (n *binance) count(s *Stats) {
	countJSON(n.decoder.Stats(), s)
	s.Tickers, s.Checked, s.Mismatch = n.tickers, n.checked, n.mismatch
}
