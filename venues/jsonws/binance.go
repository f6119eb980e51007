package jsonws

import (
	"fmt"
	"strings"

	"penstock/event"
	"penstock/market"
)

// BinanceMarket chooses the rule by which updates are numbered.
type BinanceMarket uint8

// Markets of Binance.
const (
	// BinanceSpot numbers updates without holes: the next U is the last u + 1.
	BinanceSpot BinanceMarket = iota
	// BinanceFutures, USD- or coin-margined, repeats the last u as pu; numbers
	// between updates belong to other things.
	BinanceFutures
)

// Ticker is the best bid and offer as of an update, from bookTicker. Quantities
// are in lots.
type Ticker struct {
	UpdateID uint64
	Bid, Ask market.Price
	BidQty   market.Qty
	AskQty   market.Qty
}

// BinanceConfig sets up a Binance decoder.
type BinanceConfig struct {
	Config
	Market BinanceMarket
	// Buffered bounds the price levels of updates kept while a snapshot is
	// awaited; more of them and the oldest kept are given up.
	Buffered int
	// OnTicker is called with every bookTicker, nil for nobody. Tickers are not
	// told as events: they are a check on the book.
	// The Ticker is valid during the call.
	OnTicker func(now int64, id market.InstrumentID, t *Ticker)
}

// DefaultBuffered suits a few seconds of a busy book.
const DefaultBuffered = 1 << 18

// Binance decodes diff depth, trade, aggTrade and bookTicker streams of Binance, spot and
// futures, combined or raw, and REST depth snapshots. A book is LIVE from the
// first update that follows on its snapshot.
//
// A snapshot of spot does not name its symbol, so Receive takes one only where a
// single symbol is configured; otherwise use TakeSnapshot. A Feed fetches the snapshots itself.
type Binance struct {
	outlet
	general  general
	market   BinanceMarket
	onTicker func(now int64, id market.InstrumentID, t *Ticker)
	syncs    []sync // by index of books.all
	buffered int
	heads    depthHeads
	in       binanceMessage
	ticker   Ticker
}

// NewBinance returns a decoder.
func NewBinance(c BinanceConfig) (*Binance, error) {
	o, err := newOutlet(c.Config)
	if err != nil {
		return nil, fmt.Errorf("binance: %w", err)
	}
	if c.Market > BinanceFutures {
		return nil, fmt.Errorf("binance: market %d, must be BinanceSpot or BinanceFutures", c.Market)
	}
	if c.Buffered < 1 {
		return nil, fmt.Errorf("binance: Buffered must be positive")
	}
	for i := range o.books.all {
		b := &o.books.all[i]
		if b.Text != strings.ToUpper(b.Text) {
			return nil, fmt.Errorf("binance: symbol %s: must be upper case", b.Text)
		}
	}
	for i := range o.books.all {
		o.books.all[i].resync = true
	}
	o.wanting = true
	return &Binance{outlet: o, market: c.Market, onTicker: c.OnTicker, buffered: c.Buffered,
		syncs: make([]sync, len(o.books.all))}, nil
}

// Receive takes one message; see Kraken.Receive for its errors.
func (n *Binance) Receive(now int64, msg []byte) error {
	if !n.Settle(now) {
		return ErrNoRoom
	}
	n.stats.Messages++
	if n.scanDepth(msg) {
		n.stats.Scanned++
	} else if n.in.reset(); n.scan(msg) {
		n.stats.Scanned++
	} else {
		n.in.reset()
		if done, err := n.readGeneral(now, msg); done {
			return err
		}
	}
	return n.act(now, msg)
}

// act does what a message asks for that was read whole.
func (n *Binance) act(now int64, msg []byte) error {
	in := &n.in
	b := in.book
	b.heard = now
	if in.time > 0 {
		b.srcTime = int64(in.time) * 1_000_000
	}
	switch in.kind {
	case binanceDepth:
		return n.update(now, b, msg)
	case binanceTrade:
		if in.price <= 0 || in.qty < 0 {
			return n.refuseTrade(msg, b, ErrAbsurd)
		}
		n.stats.Used++
		if in.qty == 0 {
			return nil // contracts worth less than a lot
		}
		side := market.Buy
		if in.makerBought {
			side = market.Sell
		}
		n.begin(now, b)
		n.trade(side, in.price, in.qty)
		n.tell(now)
	case binanceTicker:
		n.stats.Service++
		if n.onTicker != nil {
			n.ticker = Ticker{UpdateID: in.last, Bid: market.Price(in.bid.price),
				BidQty: market.Qty(in.bid.qty), Ask: market.Price(in.ask.price),
				AskQty: market.Qty(in.ask.qty)}
			n.onTicker(now, b.ID, &n.ticker)
		}
	}
	return nil
}

// WantsSnapshot returns a symbol whose book waits for a snapshot, "" for none.
func (n *Binance) WantsSnapshot() string {
	for i := range n.books.all {
		b := &n.books.all[i]
		if n.syncs[i].state == syncAwaiting || b.told == event.BookStale {
			return b.Text
		}
	}
	return ""
}

// UpdateID returns the number of the last update that the book of a symbol holds.
func (n *Binance) UpdateID(symbol string) uint64 {
	if b := n.books.find([]byte(symbol)); b != nil {
		return n.syncs[b.index].last
	}
	return 0
}
