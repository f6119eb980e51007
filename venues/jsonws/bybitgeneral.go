package jsonws

import (
	"bytes"
	"strconv"

	"github.com/valyala/fastjson"

	"penstock/market"
)

// bybitBatch is how many books one request subscribes to: spot takes ten topics.
const bybitBatch = 5

// request subscribes to orderbook and publicTrade, a few books at a time: an
// answer names the request, not its topics. A new snapshot comes by subscribing
// to the orderbook again.
func (y *Bybit) request(dst []byte, b *book) []byte {
	if b != nil {
		for _, op := range [2]string{"unsubscribe", "subscribe"} {
			dst = append(dst, `{"op":"`+op+`","args":[`...)
			dst = append(y.topic(dst, b), "]}\n"...)
		}
		return dst[:len(dst)-1]
	}
	for i := range y.books.all {
		if i%bybitBatch == 0 {
			if i > 0 {
				dst = append(dst, "]}\n"...)
			}
			dst = append(dst, `{"req_id":"`...)
			dst = strconv.AppendInt(dst, int64(i), 10)
			dst = append(dst, `","op":"subscribe","args":[`...)
		} else {
			dst = append(dst, ',')
		}
		b := &y.books.all[i]
		dst = append(y.topic(dst, b), `,"publicTrade.`...)
		dst = append(append(dst, b.Text...), '"')
	}
	return append(dst, `]}`...)
}

func (y *Bybit) topic(dst []byte, b *book) []byte {
	dst = append(append(dst, '"'), y.channel...)
	return append(append(dst, b.Text...), '"')
}

// ping is what the venue wants to hear every 20 s; it answers.
func (y *Bybit) ping(dst []byte) []byte { return append(dst, `{"op":"ping"}`...) }

// pingNanos is how often.
func (y *Bybit) pingNanos() int64 { return 15_000_000_000 }

// receiveGeneral takes every message that scan does not.
func (y *Bybit) receiveGeneral(now int64, msg []byte) error {
	v := y.general.parse(msg)
	if v == nil {
		return y.refuse(now, nil, msg, ErrMalformed)
	}
	topic := text(v.Get("topic"))
	if len(topic) == 0 {
		return y.answer(now, msg, v)
	}
	channel, rest, _ := bytes.Cut(topic, []byte{'.'})
	switch string(channel) {
	case "orderbook":
		_, symbol, ok := bytes.Cut(rest, []byte{'.'})
		if !ok {
			return y.refuse(now, nil, msg, ErrMalformed)
		}
		b := y.books.find(symbol)
		switch {
		case b == nil:
			y.stats.Ignored++
			return nil
		case !bytes.HasPrefix(topic, []byte(y.channel)):
			y.stats.Service++
			return nil
		}
		return y.bookGeneral(now, b, msg, v)
	case "publicTrade":
		b := y.books.find(rest)
		if b == nil {
			y.stats.Ignored++
			return nil
		}
		return y.trades(now, b, msg, v)
	case "tickers", "kline", "liquidation", "allLiquidation", "kline_lt", "tickers_lt", "lt":
		y.stats.Service++
		return nil
	}
	return y.refuse(now, nil, msg, ErrUnknown)
}

func (y *Bybit) bookGeneral(now int64, b *book, msg []byte, v *fastjson.Value) (err error) {
	in, g := &y.in, &y.general
	*in = bybitBook{book: b, levels: in.levels[:0]}
	switch string(text(v.Get("type"))) {
	case "snapshot":
		in.snapshot = true
	case "delta":
	default:
		return y.refuse(now, b, msg, ErrMalformed)
	}
	data := v.Get("data")
	if string(text(data.Get("s"))) != b.Text {
		return y.refuse(now, b, msg, ErrMalformed)
	}
	in.levels, err = g.ladder(in.levels, data.Get("b"), market.Buy, &b.Symbol)
	if err == nil {
		in.levels, err = g.ladder(in.levels, data.Get("a"), market.Sell, &b.Symbol)
	}
	if err == nil {
		in.update, err = g.integer(data.Get("u"))
	}
	if err == nil {
		in.time, err = g.integer(v.Get("ts"))
	}
	if cts := v.Get("cts"); err == nil && cts != nil {
		in.time, err = g.integer(cts)
	}
	if err == nil && in.time > timeMax {
		err = ErrMalformed
	}
	if err != nil {
		return y.refuse(now, b, msg, err)
	}
	return y.apply(now, msg)
}

// trades tells the trades of a message; the side is the taker's. A trade that
// cannot be read changes no book.
func (y *Bybit) trades(now int64, b *book, msg []byte, v *fastjson.Value) error {
	data := v.GetArray("data")
	if len(data) == 0 {
		return y.refuseTrade(msg, b, ErrMalformed)
	}
	y.begin(now, b)
	src := b.srcTime
	for _, item := range data {
		if string(text(item.Get("s"))) != b.Text {
			return y.refuseTrade(msg, b, ErrMalformed)
		}
		l, err := y.general.level(item.Get("p"), item.Get("v"), bybitSide(item.Get("S")), &b.Symbol)
		if err != nil {
			return y.refuseTrade(msg, b, err)
		}
		t, err := y.general.integer(item.Get("T"))
		if err != nil || t > timeMax {
			return y.refuseTrade(msg, b, ErrMalformed)
		}
		if l.side == 0 {
			return y.refuseTrade(msg, b, ErrAbsurd)
		}
		src = int64(t) * 1_000_000
		if l.qty > 0 { // contracts may be worth less than a lot
			y.trade(l.side, l.price, l.qty)
		}
	}
	b.heard, b.srcTime = now, src
	y.stats.Used++
	y.tell(now)
	return nil
}

func bybitSide(v *fastjson.Value) market.Side {
	switch string(text(v)) {
	case "Buy":
		return market.Buy
	case "Sell":
		return market.Sell
	}
	return 0
}

// answer takes the response to one of our requests, whose id is the index of the
// first of its books.
func (y *Bybit) answer(now int64, msg []byte, v *fastjson.Value) error {
	op := string(text(v.Get("op")))
	switch {
	case op == "":
		return y.refuse(now, nil, msg, ErrMalformed)
	case op == "pong":
		y.stats.Service++
		return nil
	case !v.GetBool("success"):
		return y.refuse(now, nil, msg, ErrRefused)
	}
	if first, err := y.general.decimal(v.Get("req_id"), 0); err == nil && op == "subscribe" {
		for i := range y.books.all {
			if int64(i) >= first && int64(i) < first+bybitBatch {
				y.books.all[i].confirmed = true
			}
		}
	}
	y.stats.Service++
	return nil
}
