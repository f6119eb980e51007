package jsonws

import (
	"github.com/valyala/fastjson"

	"penstock/event"
	"penstock/market"
)

// receiveGeneral takes every message that scan does not.
func (k *Kraken) receiveGeneral(now int64, msg []byte) error {
	v := k.general.parse(msg)
	if v == nil {
		return k.refuse(now, nil, msg, ErrMalformed)
	}
	switch channel := text(v.Get("channel")); string(channel) {
	case "book":
		return k.bookGeneral(now, msg, v)
	case "trade":
		return k.trades(now, msg, v)
	case "status":
		return k.online(now, msg, v)
	case "heartbeat":
		k.stats.Service++
		return nil
	case "":
		return k.answer(now, msg, v)
	}
	return k.refuse(now, nil, msg, ErrUnknown)
}

// only returns the one item of a message's data.
func only(v *fastjson.Value) *fastjson.Value {
	data := v.GetArray("data")
	if len(data) != 1 || data[0].Type() != fastjson.TypeObject {
		return nil
	}
	return data[0]
}

func (k *Kraken) bookGeneral(now int64, msg []byte, v *fastjson.Value) error {
	item := only(v)
	symbol := text(item.Get("symbol"))
	if symbol == nil {
		return k.refuse(now, nil, msg, ErrMalformed)
	}
	in := &k.in
	if in.book = k.books.find(symbol); in.book == nil {
		k.stats.Ignored++
		return nil
	}
	switch string(text(v.Get("type"))) {
	case "snapshot":
		in.snapshot = true
	case "update":
		in.snapshot = false
	default:
		return k.refuse(now, in.book, msg, ErrMalformed)
	}
	in.levels = in.levels[:0]
	if err := k.sideGeneral(item.Get("bids"), market.Buy); err != nil {
		return k.refuse(now, in.book, msg, err)
	}
	if err := k.sideGeneral(item.Get("asks"), market.Sell); err != nil {
		return k.refuse(now, in.book, msg, err)
	}
	sum, err := k.general.integer(item.Get("checksum"))
	if err != nil || sum > 1<<32-1 {
		return k.refuse(now, in.book, msg, ErrMalformed)
	}
	in.checksum, in.time = uint32(sum), -1
	if t, ok := k.clock.parse(text(item.Get("timestamp"))); ok {
		in.time = t
	}
	return k.apply(now, msg)
}

func (k *Kraken) sideGeneral(v *fastjson.Value, side market.Side) (err error) {
	if v == nil || v.Type() != fastjson.TypeArray {
		return ErrMalformed
	}
	for _, item := range v.GetArray() {
		l := levelOf(side, 0, 0)
		if l.price, err = k.general.numeral(item.Get("price"), k.in.book.PricePrecision); err != nil {
			return err
		}
		if l.qty, err = k.general.numeral(item.Get("qty"), k.in.book.QtyPrecision); err != nil {
			return err
		}
		if l.price <= 0 || l.qty < 0 {
			return ErrAbsurd
		}
		k.in.levels = append(k.in.levels, l)
	}
	return nil
}

// trades tells the trades of a message; the side that the venue gives is the
// taker's. A trade that cannot be read changes no book.
func (k *Kraken) trades(now int64, msg []byte, v *fastjson.Value) error {
	data := v.GetArray("data")
	if len(data) == 0 {
		return k.refuse(now, nil, msg, ErrMalformed)
	}
	b := k.books.find(text(data[0].Get("symbol")))
	if b == nil {
		k.stats.Ignored++
		return nil
	}
	k.begin(now, b)
	src := b.srcTime
	for _, item := range data {
		if k.books.find(text(item.Get("symbol"))) != b {
			return k.refuseTrade(msg, b, ErrMalformed)
		}
		price, err := k.general.numeral(item.Get("price"), b.PriceDecimals)
		if err != nil {
			return k.refuseTrade(msg, b, err)
		}
		qty, err := k.general.numeral(item.Get("qty"), b.QtyDecimals)
		if err != nil {
			return k.refuseTrade(msg, b, err)
		}
		side := sideOf(text(item.Get("side")))
		if price <= 0 || qty <= 0 || side == 0 {
			return k.refuseTrade(msg, b, ErrAbsurd)
		}
		if t, ok := parseTime(text(item.Get("timestamp"))); ok {
			src = t
		}
		k.trade(side, price, qty)
	}
	b.heard, b.srcTime = now, src
	k.stats.Used++
	k.tell(now)
	return nil
}

func sideOf(text []byte) market.Side {
	switch string(text) {
	case "buy":
		return market.Buy
	case "sell":
		return market.Sell
	}
	return 0
}

// online follows the venue's own state: nothing but "online" takes our orders.
func (k *Kraken) online(now int64, msg []byte, v *fastjson.Value) error {
	system := text(only(v).Get("system"))
	if system == nil {
		return k.refuse(now, nil, msg, ErrMalformed)
	}
	k.stats.Service++
	halted := string(system) != "online"
	if halted == k.halted {
		return nil
	}
	k.halted = halted
	for i := range k.books.all {
		if b := &k.books.all[i]; b.live {
			k.begin(now, b)
			k.status(k.state())
			if !k.tell(now) {
				k.lose(now, b, event.ReasonVenueState)
			}
		}
	}
	return nil
}

// answer takes the response to one of our requests.
func (k *Kraken) answer(now int64, msg []byte, v *fastjson.Value) error {
	method := text(v.Get("method"))
	switch string(method) {
	case "":
		if v.Exists("Error") || v.Exists("error") {
			return k.refuse(now, nil, msg, ErrRefused)
		}
		return k.refuse(now, nil, msg, ErrUnknown)
	case "subscribe":
		result := v.Get("result")
		if !v.GetBool("success") {
			return k.refuse(now, nil, msg, ErrRefused)
		}
		if string(text(result.Get("channel"))) == "book" {
			if b := k.books.find(text(result.Get("symbol"))); b != nil {
				b.confirmed = true
			}
		}
	}
	k.stats.Service++
	return nil
}
