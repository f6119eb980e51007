package jsonws

import (
	"github.com/valyala/fastjson"

	"penstock/market"
)

// request subscribes to books and trades; a new snapshot comes by subscribing to
// books again.
func (x *OKX) request(dst []byte, b *book) []byte {
	if b != nil {
		dst = append(dst, `{"op":"unsubscribe","args":[`...)
		dst = append(x.topic(dst, "books", b), "]}\n"...)
		dst = append(dst, `{"op":"subscribe","args":[`...)
		return append(x.topic(dst, "books", b), `]}`...)
	}
	dst = append(dst, `{"op":"subscribe","args":[`...)
	for i := range x.books.all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(x.topic(dst, "books", &x.books.all[i]), ',')
		dst = x.topic(dst, "trades", &x.books.all[i])
	}
	return append(dst, `]}`...)
}

func (x *OKX) topic(dst []byte, channel string, b *book) []byte {
	dst = append(dst, `{"channel":"`...)
	dst = append(dst, channel...)
	dst = append(dst, `","instId":"`...)
	dst = append(dst, b.Text...)
	return append(dst, `"}`...)
}

// ping is what the venue wants to hear within 30 s; it answers pong.
func (x *OKX) ping(dst []byte) []byte { return append(dst, "ping"...) }

// pingNanos is how often.
func (x *OKX) pingNanos() int64 { return 20_000_000_000 }

// receiveGeneral takes every message that scan does not.
func (x *OKX) receiveGeneral(now int64, msg []byte) error {
	v := x.general.parse(msg)
	if v == nil {
		return x.refuse(now, nil, msg, ErrMalformed)
	}
	channel := text(v.Get("arg", "channel"))
	if v.Exists("event") {
		return x.answer(now, msg, v, string(channel) == "books")
	}
	symbol := text(v.Get("arg", "instId"))
	if len(channel) == 0 || len(symbol) == 0 {
		return x.refuse(now, nil, msg, ErrMalformed)
	}
	b := x.books.find(symbol)
	if b == nil {
		x.stats.Ignored++
		return nil
	}
	switch string(channel) {
	case "books", "books-l2-tbt", "books50-l2-tbt":
		return x.bookGeneral(now, b, msg, v)
	case "trades":
		return x.trades(now, b, msg, v)
	case "tickers", "books5", "bbo-tbt", "trades-all", "mark-price", "funding-rate",
		"open-interest", "price-limit":
		x.stats.Service++
		return nil
	}
	return x.refuse(now, nil, msg, ErrUnknown)
}

func (x *OKX) bookGeneral(now int64, b *book, msg []byte, v *fastjson.Value) error {
	in := &x.in
	*in = okxBook{book: b, levels: in.levels[:0]}
	switch string(text(v.Get("action"))) {
	case "snapshot":
		in.snapshot = true
	case "update":
	default:
		return x.refuse(now, b, msg, ErrMalformed)
	}
	item := only(v)
	if item == nil {
		return x.refuse(now, b, msg, ErrMalformed)
	}
	if err := x.sideGeneral(item.Get("asks"), market.Sell); err != nil {
		return x.refuse(now, b, msg, err)
	}
	if err := x.sideGeneral(item.Get("bids"), market.Buy); err != nil {
		return x.refuse(now, b, msg, err)
	}
	if err := x.guards(item); err != nil {
		return x.refuse(now, b, msg, err)
	}
	return x.apply(now, msg)
}

// guards reads the fields that keep a book from going wrong unnoticed.
func (x *OKX) guards(item *fastjson.Value) (err error) {
	in, g := &x.in, &x.general
	if in.time, err = millisText(g, item.Get("ts")); err != nil {
		return err
	}
	if v := item.Get("checksum"); v != nil {
		sum, err := g.numeral(v, 0)
		if err != nil || sum < -1<<31 || sum > 1<<31-1 {
			return ErrMalformed
		}
		in.checksum, in.summed = int32(sum), true
	}
	previous, seq := item.Get("prevSeqId"), item.Get("seqId")
	if previous != nil && seq != nil {
		if in.previous, err = g.numeral(previous, 0); err != nil {
			return ErrMalformed
		}
		if in.seq, err = g.numeral(seq, 0); err != nil {
			return ErrMalformed
		}
		in.numbered = true
	}
	if !in.guarded() {
		return ErrMalformed
	}
	return nil
}

// millisText reads a string that holds a time in ms since the epoch.
func millisText(g *general, v *fastjson.Value) (uint64, error) {
	t, err := g.decimal(v, 0)
	if err != nil || t < 0 || t > timeMax {
		return 0, ErrMalformed
	}
	return uint64(t), nil
}

func (x *OKX) sideGeneral(v *fastjson.Value, side market.Side) error {
	if v == nil || v.Type() != fastjson.TypeArray {
		return ErrMalformed
	}
	for _, item := range v.GetArray() {
		level := item.GetArray()
		if len(level) != 4 {
			return ErrMalformed
		}
		l, err := x.general.textLevel(level[0], level[1], side, &x.in.book.Symbol)
		if err != nil {
			return err
		}
		l.sum.keep(text(level[0]), text(level[1]))
		x.in.levels = append(x.in.levels, l)
	}
	return nil
}

// trades tells the trades of a message; the side is the taker's. A trade that
// cannot be read changes no book.
func (x *OKX) trades(now int64, b *book, msg []byte, v *fastjson.Value) error {
	data := v.GetArray("data")
	if len(data) == 0 {
		return x.refuseTrade(msg, b, ErrMalformed)
	}
	x.begin(now, b)
	src := b.srcTime
	for _, item := range data {
		l, err := x.general.level(item.Get("px"), item.Get("sz"), sideOf(text(item.Get("side"))), &b.Symbol)
		if err != nil {
			return x.refuseTrade(msg, b, err)
		}
		t, err := millisText(&x.general, item.Get("ts"))
		if err != nil {
			return x.refuseTrade(msg, b, err)
		}
		if l.side == 0 {
			return x.refuseTrade(msg, b, ErrAbsurd)
		}
		src = int64(t) * 1_000_000
		if l.qty > 0 { // contracts may be worth less than a lot
			x.trade(l.side, l.price, l.qty)
		}
	}
	b.heard, b.srcTime = now, src
	x.stats.Used++
	x.tell(now)
	return nil
}

// answer takes the response to one of our requests, and notices.
func (x *OKX) answer(now int64, msg []byte, v *fastjson.Value, books bool) error {
	switch string(text(v.Get("event"))) {
	case "subscribe":
		if b := x.books.find(text(v.Get("arg", "instId"))); b != nil && books {
			b.confirmed = true
		}
	case "unsubscribe", "channel-conn-count":
	case "error", "notice", "channel-conn-count-error":
		// A notice says that the venue is about to close the connection.
		return x.refuse(now, nil, msg, ErrRefused)
	default:
		return x.refuse(now, nil, msg, ErrUnknown)
	}
	x.stats.Service++
	return nil
}
