package jsonws

import (
	"bytes"

	"github.com/valyala/fastjson"

	"penstock/market"
)

// receiveGeneral takes every message that scan does not.
func (t *Bitstamp) receiveGeneral(now int64, msg []byte) error {
	v := t.general.parse(msg)
	if v == nil {
		return t.spoil(now, nil, msg, ErrMalformed)
	}
	kind, channel := text(v.Get("event")), text(v.Get("channel"))
	switch string(kind) {
	case "":
		return t.spoil(now, nil, msg, ErrMalformed)
	case "bts:heartbeat", "bts:unsubscription_succeeded":
		t.stats.Service++
		return nil
	case "bts:subscription_succeeded":
		t.stats.Service++
		t.confirm(channel)
		return nil
	case "bts:error", "bts:request_reconnect":
		return t.refuse(now, nil, msg, ErrRefused)
	case "data", "trade":
	default:
		return t.refuse(now, nil, msg, ErrUnknown)
	}
	i := bytes.LastIndexByte(channel, '_') + 1
	if i == 0 {
		return t.spoil(now, nil, msg, ErrMalformed)
	}
	b := t.books.find(channel[i:])
	if b == nil {
		t.stats.Ignored++
		return nil
	}
	switch name := string(channel[:i]); {
	case name == t.channel() && string(kind) == "data":
		return t.bookGeneral(now, b, msg, v.Get("data"))
	case name == bitstampTrades && string(kind) == "trade":
		return t.trades(now, b, msg, v.Get("data"))
	case name == bitstampTop, name == bitstampDiff, name == "detail_order_book_", name == "live_orders_":
		t.stats.Service++
		return nil
	}
	return t.refuse(now, nil, msg, ErrUnknown)
}

// confirm starts the synchronisation of a book anew: what was held belongs to the
// subscription before. A snapshot that waits for its proof stays.
func (t *Bitstamp) confirm(channel []byte) {
	pair, ok := bytes.CutPrefix(channel, []byte(t.channel()))
	if !ok {
		return
	}
	if b := t.books.find(pair); b != nil {
		b.confirmed = true
		if s := t.settle(b); !s.live && !s.taken && !t.whole {
			s.restart()
			b.resync, t.wanting = true, true // the first snapshot
		}
		t.unproven = true
	}
}

func (t *Bitstamp) bookGeneral(now int64, b *book, msg []byte, data *fastjson.Value) error {
	if err := t.readBook(b, data); err != nil {
		return t.spoil(now, b, msg, err)
	}
	return t.apply(now, msg)
}

// spoil is refuse for what may have been a difference: without it, those held of
// b, or of every book, are not whole any more.
func (t *Bitstamp) spoil(now int64, b *book, msg []byte, err error) error {
	for i := range t.syncs {
		if b == nil || b.index == i {
			t.syncs[i].restart()
		}
	}
	t.unproven = true
	return t.refuse(now, b, msg, err)
}

// readBook reads what a message and an HTTP answer have in common into t.in.
func (t *Bitstamp) readBook(b *book, data *fastjson.Value) (err error) {
	in := &t.in
	*in = bitstampBook{book: b, levels: in.levels[:0]}
	if in.time, err = t.micros(data); err != nil {
		return err
	}
	in.levels, err = t.general.ladder(in.levels, data.Get("bids"), market.Buy, &b.Symbol)
	if err == nil {
		in.levels, err = t.general.ladder(in.levels, data.Get("asks"), market.Sell, &b.Symbol)
	}
	return err
}

// micros reads microtimestamp.
func (t *Bitstamp) micros(data *fastjson.Value) (int64, error) {
	at, err := t.general.decimal(data.Get("microtimestamp"), 0)
	if err != nil || at < 0 || at > microsMax {
		return 0, ErrMalformed
	}
	return at, nil
}

// trades tells a trade; type is the taker's side, 0 a buyer. A trade that cannot
// be read changes no book.
func (t *Bitstamp) trades(now int64, b *book, msg []byte, data *fastjson.Value) error {
	kind, err := t.general.integer(data.Get("type"))
	if err != nil {
		return t.refuseTrade(msg, b, err)
	}
	side := market.Buy
	switch kind {
	case 0:
	case 1:
		side = market.Sell
	default:
		return t.refuseTrade(msg, b, ErrAbsurd)
	}
	l, err := t.general.level(data.Get("price_str"), data.Get("amount_str"), side, &b.Symbol)
	if err != nil {
		return t.refuseTrade(msg, b, err)
	}
	at, err := t.micros(data)
	if err != nil {
		return t.refuseTrade(msg, b, err)
	}
	if l.qty == 0 {
		return t.refuseTrade(msg, b, ErrAbsurd)
	}
	b.heard, b.srcTime = now, at*1000
	t.begin(now, b)
	t.trade(side, l.price, l.qty)
	t.stats.Used++
	t.tell(now)
	return nil
}

// snapshotPath is the request target of b's snapshot.
func (t *Bitstamp) snapshotPath(dst []byte, b *book) []byte {
	return append(append(append(dst, "/api/v2/order_book/"...), b.Text...), '/')
}

// TakeSnapshot takes the body of an answer to GET /api/v2/order_book/{symbol}/.
// ErrGap, now or of the first difference after it, says that it is older than the
// subscription and a newer one is needed.
func (t *Bitstamp) TakeSnapshot(now int64, symbol string, body []byte) error {
	b := t.books.find([]byte(symbol))
	if b == nil {
		t.stats.Messages++
		t.stats.Ignored++
		return nil
	}
	return t.takeSnapshot(now, b, body)
}

// takeSnapshot is TakeSnapshot for b. Channel order_book needs none.
func (t *Bitstamp) takeSnapshot(now int64, b *book, body []byte) error {
	if !t.Settle(now) {
		return ErrNoRoom
	}
	t.stats.Messages++
	if t.whole {
		t.stats.Service++
		return nil
	}
	v := t.general.parse(body)
	if v == nil {
		return t.refuse(now, b, body, ErrMalformed)
	}
	if err := t.readBook(b, v); err != nil {
		return t.refuse(now, b, body, err)
	}
	b.heard = now
	return t.join(now, b, body)
}
