package tape

import (
	"penstock/event"
	"penstock/market"
	"penstock/venues/jsonws"
)

// binance plays a recording of Binance and compares the best prices and sizes of
// its books with the bookTicker stream wherever both are of the same update.
type binance struct {
	decoder  *jsonws.Binance
	books    []tickedBook
	tickers  int64
	checked  int64
	mismatch int64
}

// tickedBook is one book and the tickers of updates that it has not reached.
type tickedBook struct {
	symbol string
	id     market.InstrumentID
	raw    *depth
	ahead  []jsonws.Ticker
}

func newBinanceSpot(feed *Feed, to target, sink event.Sink) (decoder, error) {
	return newBinance(jsonConfig(to, nil), jsonws.BinanceSpot, sink)
}

func newBinanceUSDM(feed *Feed, to target, sink event.Sink) (decoder, error) {
	return newBinance(jsonConfig(to, nil), jsonws.BinanceFutures, sink)
}

func newBinanceCM(feed *Feed, to target, sink event.Sink) (decoder, error) {
	c := jsonConfig(to, nil)
	for i := range c.Symbols {
		c.Symbols[i].Contract = feed.contract(c.Symbols[i].Text)
	}
	return newBinance(c, jsonws.BinanceFutures, sink)
}

func newBinance(c jsonws.Config, rule jsonws.BinanceMarket, sink event.Sink) (d decoder, err error) {
	n := &binance{}
	for _, s := range c.Symbols {
		n.books = append(n.books, tickedBook{symbol: s.Text, id: s.ID, raw: newDepth(c.Venue)})
	}
	c.Sink = func(e *event.Event) bool {
		if b := n.book(e.Instrument); b != nil {
			b.raw.apply(e)
		}
		return sink(e)
	}
	n.decoder, err = jsonws.NewBinance(jsonws.BinanceConfig{
		Config: c, Market: rule, Buffered: jsonws.DefaultBuffered, OnTicker: n.onTicker,
	})
	if err != nil {
		return d, err
	}
	return decoder{receive: n.receive, http: bodies(c, n.snapshot), count: n.count}, nil
}

func (n *binance) book(id market.InstrumentID) *tickedBook {
	for i := range n.books {
		if n.books[i].id == id {
			return &n.books[i]
		}
	}
	return nil
}

func (n *binance) receive(now int64, msg []byte) error {
	err := n.decoder.Receive(now, msg)
	n.compare()
	return err
}

func (n *binance) snapshot(now int64, symbol string, body []byte) error {
	err := n.decoder.TakeSnapshot(now, symbol, body)
	n.compare()
	return err
}

// maxAhead bounds the tickers that wait for the book; the oldest give way.
const maxAhead = 1 << 12

func (n *binance) onTicker(_ int64, id market.InstrumentID, t *jsonws.Ticker) {
	n.tickers++
	b := n.book(id)
	if len(b.ahead) == maxAhead {
		b.ahead = append(b.ahead[:0], b.ahead[maxAhead/2:]...)
	}
	b.ahead = append(b.ahead, *t)
}

// compare checks the books against the tickers of the updates that they have reached.
func (n *binance) compare() {
	for i := range n.books {
		b := &n.books[i]
		if !b.raw.live || len(b.ahead) == 0 {
			continue
		}
		reached, done := n.decoder.UpdateID(b.symbol), 0
		for ; done < len(b.ahead) && b.ahead[done].UpdateID <= reached; done++ {
			if b.ahead[done].UpdateID == reached {
				n.check(b, &b.ahead[done])
			}
		}
		b.ahead = append(b.ahead[:0], b.ahead[done:]...)
	}
}

func (n *binance) check(b *tickedBook, t *jsonws.Ticker) {
	bid, _ := b.raw.sides[0].Best()
	ask, _ := b.raw.sides[1].Best()
	if bid.Price == t.Bid && bid.Qty == t.BidQty && ask.Price == t.Ask && ask.Qty == t.AskQty {
		n.checked++
	} else {
		n.mismatch++
	}
}

func (n *binance) count(s *Stats) {
	countJSON(n.decoder.Stats(), s)
	s.Tickers += n.tickers
	s.Checked += n.checked
	s.Mismatch += n.mismatch
}
