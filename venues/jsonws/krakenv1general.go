package jsonws

import (
	"bytes"
	"strconv"

	"github.com/valyala/fastjson"

	"penstock/event"
	"penstock/market"
)

// request subscribes to the book and trade channels; a new snapshot comes by
// subscribing to the book again.
func (k *KrakenV1) request(dst []byte, b *book) []byte {
	if b != nil {
		dst = append(k.method(dst, "unsubscribe", b), '\n')
		return k.method(dst, "subscribe", b)
	}
	dst = append(k.method(dst, "subscribe", nil), '\n')
	dst = append(dst, `{"event":"subscribe","pair":[`...)
	dst = k.appendNames(dst, nil)
	return append(dst, `],"subscription":{"name":"trade"}}`...)
}

func (k *KrakenV1) method(dst []byte, method string, b *book) []byte {
	dst = append(dst, `{"event":"`...)
	dst = append(dst, method...)
	dst = append(dst, `","pair":[`...)
	dst = k.appendNames(dst, b)
	dst = append(dst, `],"subscription":{"name":"book","depth":`...)
	dst = strconv.AppendInt(dst, int64(k.depth), 10)
	return append(dst, `}}`...)
}

// parse returns what msg is, an array as well as an object, under one set of
// rules: it reads msg as the only member of an object.
func (k *KrakenV1) parse(msg []byte) *fastjson.Value {
	k.wrapped = append(append(append(k.wrapped[:0], `{"m":`...), msg...), '}')
	v := k.general.parse(k.wrapped)
	if v == nil || v.GetObject().Len() != 1 {
		return nil // msg was more than one value
	}
	return v.Get("m")
}

// receiveGeneral takes every message that scan does not.
func (k *KrakenV1) receiveGeneral(now int64, msg []byte) error {
	v := k.parse(msg)
	switch {
	case v == nil:
		return k.refuse(now, nil, msg, ErrMalformed)
	case v.Type() == fastjson.TypeObject:
		return k.eventGeneral(now, msg, v)
	}
	// [channelID, payload…, channelName, pair]
	items := v.GetArray()
	n := len(items)
	if n < 4 || n > 5 {
		return k.refuse(now, nil, msg, ErrMalformed)
	}
	channel, pair := text(items[n-2]), text(items[n-1])
	if len(channel) == 0 || len(pair) == 0 {
		return k.refuse(now, nil, msg, ErrMalformed)
	}
	b := k.books.find(pair)
	if b == nil {
		k.stats.Ignored++
		return nil
	}
	payload := items[1 : n-2]
	if string(channel) == k.name {
		return k.bookGeneral(now, b, msg, payload)
	}
	kind, _, _ := bytes.Cut(channel, []byte{'-'})
	switch string(kind) {
	case "trade":
		return k.trades(now, b, msg, payload)
	case "book", "ticker", "spread", "ohlc":
		k.stats.Service++
		return nil
	}
	return k.refuse(now, nil, msg, ErrUnknown)
}

func (k *KrakenV1) bookGeneral(now int64, b *book, msg []byte, payload []*fastjson.Value) error {
	in := &k.in
	*in = krakenV1Book{book: b, levels: in.levels[:0]}
	var sides [2]*fastjson.Value // asks, bids
	var sum *fastjson.Value
	for i, names := range [2][2]string{{"a", "b"}, {"as", "bs"}} {
		for _, v := range payload {
			for j, name := range names {
				side := v.Get(name)
				switch {
				case side == nil:
					continue
				case sides[j] != nil || in.snapshot != (i == 1) && sides != [2]*fastjson.Value{}:
					return k.refuse(now, b, msg, ErrMalformed)
				}
				sides[j], in.snapshot = side, i == 1
			}
		}
	}
	for _, v := range payload {
		if c := v.Get("c"); c != nil {
			if sum != nil {
				return k.refuse(now, b, msg, ErrMalformed)
			}
			sum = c
		}
	}
	if sides == [2]*fastjson.Value{} || in.snapshot && (sides[0] == nil || sides[1] == nil) {
		return k.refuse(now, b, msg, ErrMalformed)
	}
	for j, side := range [2]market.Side{market.Sell, market.Buy} {
		if sides[j] == nil {
			continue
		}
		if err := k.sideGeneral(sides[j], side); err != nil {
			return k.refuse(now, b, msg, err)
		}
	}
	if !in.snapshot {
		c, err := k.general.decimal(sum, 0)
		if err != nil || c < 0 || c > 1<<32-1 {
			return k.refuse(now, b, msg, ErrMalformed)
		}
		in.checksum = uint32(c)
	}
	return k.apply(now, msg)
}

func (k *KrakenV1) sideGeneral(v *fastjson.Value, side market.Side) error {
	if v.Type() != fastjson.TypeArray {
		return ErrMalformed
	}
	in := &k.in
	for _, item := range v.GetArray() {
		level := item.GetArray()
		if len(level) != 3 && len(level) != 4 {
			return ErrMalformed
		}
		l, err := k.general.textLevel(level[0], level[1], side, &in.book.Symbol)
		if err != nil {
			return err
		}
		l.sum.keepDigits(text(level[0]), text(level[1]))
		t, err := k.general.decimal(level[2], 6)
		if err != nil || t < 0 || t > microsMax {
			return ErrMalformed
		}
		if len(level) == 3 {
			in.time = max(in.time, t*1000)
		} else if string(text(level[3])) != "r" {
			return ErrMalformed
		}
		in.levels = append(in.levels, l)
	}
	return nil
}

// textLevel reads the price and quantity of a level, whose texts can be kept.
func (g *general) textLevel(
	price, qty *fastjson.Value, side market.Side, s *Symbol,
) (t textLevel, err error) {
	l, err := g.level(price, qty, side, s)
	if err != nil {
		return t, err
	}
	t = textLevel{price: l.price, qty: l.qty, gone: l.qty == 0, side: side}
	if s.Contract != 0 {
		contracts, err := g.decimal(qty, 0)
		if err != nil {
			return t, err
		}
		t.gone = contracts == 0
	}
	if !fits(text(price), text(qty)) {
		return t, ErrAbsurd
	}
	return t, nil
}

// trades tells the trades of a message, [price, volume, time, side, type, misc]
// each; the side is the taker's. A trade that cannot be read changes no book.
func (k *KrakenV1) trades(now int64, b *book, msg []byte, payload []*fastjson.Value) error {
	list := payload[0].GetArray()
	if len(payload) != 1 || len(list) == 0 {
		return k.refuseTrade(msg, b, ErrMalformed)
	}
	k.begin(now, b)
	src := b.srcTime
	for _, item := range list {
		trade := item.GetArray()
		if len(trade) < 4 {
			return k.refuseTrade(msg, b, ErrMalformed)
		}
		side := market.Side(0)
		switch string(text(trade[3])) {
		case "b":
			side = market.Buy
		case "s":
			side = market.Sell
		}
		l, err := k.general.level(trade[0], trade[1], side, &b.Symbol)
		if err != nil {
			return k.refuseTrade(msg, b, err)
		}
		t, err := k.general.decimal(trade[2], 6)
		if err != nil || t < 0 || t > microsMax {
			return k.refuseTrade(msg, b, ErrMalformed)
		}
		if l.qty == 0 || side == 0 {
			return k.refuseTrade(msg, b, ErrAbsurd)
		}
		src = max(src, t*1000)
		k.trade(side, l.price, l.qty)
	}
	b.heard, b.srcTime = now, src
	k.stats.Used++
	k.tell(now)
	return nil
}

// eventGeneral takes what is not data.
func (k *KrakenV1) eventGeneral(now int64, msg []byte, v *fastjson.Value) error {
	switch string(text(v.Get("event"))) {
	case "heartbeat", "pong":
		k.stats.Service++
		return nil
	case "systemStatus":
		return k.online(now, msg, v)
	case "subscriptionStatus":
		return k.answer(now, msg, v)
	case "error":
		return k.refuse(now, nil, msg, ErrRefused)
	case "":
		return k.refuse(now, nil, msg, ErrMalformed)
	}
	return k.refuse(now, nil, msg, ErrUnknown)
}

// online follows the venue's own state: nothing but "online" takes our orders.
func (k *KrakenV1) online(now int64, msg []byte, v *fastjson.Value) error {
	status := text(v.Get("status"))
	if len(status) == 0 {
		return k.refuse(now, nil, msg, ErrMalformed)
	}
	k.stats.Service++
	halted := string(status) != "online"
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
func (k *KrakenV1) answer(now int64, msg []byte, v *fastjson.Value) error {
	switch string(text(v.Get("status"))) {
	case "subscribed":
		if string(text(v.Get("channelName"))) == k.name {
			if b := k.books.find(text(v.Get("pair"))); b != nil {
				b.confirmed = true
			}
		}
	case "unsubscribed":
	default:
		return k.refuse(now, nil, msg, ErrRefused)
	}
	k.stats.Service++
	return nil
}
