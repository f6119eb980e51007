package jsonws

import (
	"github.com/valyala/fastjson"

	"penstock/market"
)

// readGeneral reads every message that scan does not. done says that nothing is
// left to do; otherwise n.in holds the message.
func (n *Binance) readGeneral(now int64, msg []byte) (done bool, err error) {
	v := n.general.parse(msg)
	if v == nil {
		return true, n.refuse(now, nil, msg, ErrMalformed)
	}
	if v.Exists("stream") && v.Exists("data") {
		v = v.Get("data")
		if v.Type() != fastjson.TypeObject {
			return true, n.refuse(now, nil, msg, ErrMalformed)
		}
	}
	in := &n.in
	switch kind := text(v.Get("e")); {
	case v.Exists("lastUpdateId"):
		return true, n.snapshotGeneral(now, msg, v, nil)
	case v.Exists("result") || v.Exists("error") || v.Exists("code"):
		return true, n.answer(now, msg, v)
	case string(kind) == "depthUpdate":
		in.kind = binanceDepth
	case string(kind) == "trade", string(kind) == "aggTrade":
		in.kind = binanceTrade
	case string(kind) == "bookTicker", !v.Exists("e") && v.Exists("B"):
		in.kind = binanceTicker
	case string(kind) == "serverShutdown":
		n.stats.Shutdowns++
		n.stats.Service++
		return true, nil
	case binanceService[string(kind)]:
		n.stats.Service++
		return true, nil
	default:
		return true, n.refuse(now, nil, msg, ErrUnknown)
	}
	symbol := text(v.Get("s"))
	if symbol == nil {
		return true, n.refuse(now, nil, msg, ErrMalformed)
	}
	if in.book = n.books.find(symbol); in.book == nil {
		n.stats.Ignored++
		return true, nil
	}
	if err := n.fields(v); err != nil {
		if in.kind == binanceDepth {
			return true, n.refuse(now, in.book, msg, err)
		}
		return true, n.refuseTrade(msg, in.book, err)
	}
	return false, nil
}

// binanceService are streams that tell nothing of a book.
var binanceService = map[string]bool{
	"kline": true, "24hrTicker": true, "24hrMiniTicker": true, "avgPrice": true,
	"markPriceUpdate": true, "forceOrder": true, "contractInfo": true, "compositeIndex": true,
}

// fields reads what a message of its kind must have.
func (n *Binance) fields(v *fastjson.Value) (err error) {
	in, g := &n.in, &n.general
	for _, name := range [2]string{"E", "T"} {
		if at := v.Get(name); at != nil {
			if in.time, err = g.integer(at); err != nil || in.time > timeMax {
				return ErrMalformed
			}
		}
	}
	s := &in.book.Symbol
	switch in.kind {
	case binanceDepth:
		return n.depthFields(v)
	case binanceTrade:
		l, err := g.level(v.Get("p"), v.Get("q"), 0, s)
		maker := v.Get("m")
		if err == nil && (maker == nil || maker.Type() != fastjson.TypeTrue &&
			maker.Type() != fastjson.TypeFalse) {
			err = ErrMalformed
		}
		in.price, in.qty, in.makerBought = l.price, l.qty, v.GetBool("m")
		return err
	}
	if in.last, err = g.integer(v.Get("u")); err != nil {
		return err
	}
	if in.bid, err = g.level(v.Get("b"), v.Get("B"), market.Buy, s); err != nil {
		return err
	}
	in.ask, err = g.level(v.Get("a"), v.Get("A"), market.Sell, s)
	return err
}

// timeMax is 2200-01-01 in ms: a later time is no time.
const timeMax = 7_258_118_400_000

func (n *Binance) depthFields(v *fastjson.Value) (err error) {
	in, g, s := &n.in, &n.general, &n.in.book.Symbol
	if in.first, err = g.integer(v.Get("U")); err != nil {
		return err
	}
	if in.last, err = g.integer(v.Get("u")); err != nil {
		return err
	}
	if n.market == BinanceFutures {
		if in.previous, err = g.integer(v.Get("pu")); err != nil {
			return err
		}
	}
	if in.levels, err = g.ladder(in.levels, v.Get("b"), market.Buy, s); err != nil {
		return err
	}
	in.levels, err = g.ladder(in.levels, v.Get("a"), market.Sell, s)
	return err
}

// TakeSnapshot takes a REST depth snapshot of symbol. ErrGap says that it is older
// than the updates at hand and a newer one is needed.
func (n *Binance) TakeSnapshot(now int64, symbol string, msg []byte) error {
	if !n.Settle(now) {
		return ErrNoRoom
	}
	n.stats.Messages++
	b := n.books.find([]byte(symbol))
	if b == nil {
		n.stats.Ignored++
		return nil
	}
	v := n.general.parse(msg)
	if v == nil {
		return n.refuse(now, b, msg, ErrMalformed)
	}
	return n.snapshotGeneral(now, msg, v, b)
}

// snapshotGeneral takes a snapshot for b, or for the symbol that it names, or for
// the only one there is.
func (n *Binance) snapshotGeneral(now int64, msg []byte, v *fastjson.Value, b *book) error {
	if name := text(v.Get("symbol")); b == nil && name != nil {
		if b = n.books.find(name); b == nil {
			n.stats.Ignored++
			return nil
		}
	}
	if b == nil {
		if len(n.books.all) > 1 {
			return n.refuse(now, nil, msg, ErrUnknown)
		}
		b = &n.books.all[0]
	}
	last, err := n.general.integer(v.Get("lastUpdateId"))
	levels := n.in.levels[:0]
	if err == nil {
		levels, err = n.general.ladder(levels, v.Get("bids"), market.Buy, &b.Symbol)
	}
	if err == nil {
		levels, err = n.general.ladder(levels, v.Get("asks"), market.Sell, &b.Symbol)
	}
	n.in.levels = levels
	if err != nil {
		return n.refuse(now, b, msg, err)
	}
	b.heard = now
	return n.replace(now, b, msg, last, levels)
}

// answer takes the response to a request. All symbols are subscribed to in one.
func (n *Binance) answer(now int64, msg []byte, v *fastjson.Value) error {
	if v.Exists("error") || v.Exists("code") {
		return n.refuse(now, nil, msg, ErrRefused)
	}
	for i := range n.books.all {
		n.books.all[i].confirmed = true
	}
	n.stats.Service++
	return nil
}
