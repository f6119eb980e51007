package jsonws

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/valyala/fastjson"

	"penstock/event"
)

// BybitV2 decodes the WebSocket feed that Bybit had until 2023, for recordings:
// channels orderBookL2_25 or orderBook_200.100ms, and trade. Sizes come as 32 bit
// floating point numbers in decimal, 642.60004: give QtyDecimals 7.
//
// cross_seq grows, with holes that belong to other things, so what shows a missing
// update is a contradiction: an insertion where there is a level, an update or
// deletion where there is none.
type BybitV2 struct {
	outlet
	general general
	last    []uint64     // cross_seq of the last update in the book, by index of books.all
	prices  [][2][]int64 // of its levels, sorted, by index of books.all and of side
	levels  []change
	kinds   []bybitV2Kind // of levels
}

type bybitV2Kind uint8

const (
	bybitDelete bybitV2Kind = iota
	bybitUpdate
	bybitInsert
)

// NewBybitV2 returns a decoder.
func NewBybitV2(c Config) (*BybitV2, error) {
	o, err := newOutlet(c)
	if err != nil {
		return nil, fmt.Errorf("bybit v2: %w", err)
	}
	n := len(o.books.all)
	return &BybitV2{outlet: o, last: make([]uint64, n), prices: make([][2][]int64, n)}, nil
}

// request subscribes to orderBookL2_25 and trade; a new snapshot comes by
// subscribing to the book again.
func (y *BybitV2) request(dst []byte, b *book) []byte {
	if b != nil {
		dst = append(y.method(dst, "unsubscribe", "orderBookL2_25", b), '\n')
		return y.method(dst, "subscribe", "orderBookL2_25", b)
	}
	for i := range y.books.all {
		dst = append(y.method(dst, "subscribe", "orderBookL2_25", &y.books.all[i]), '\n')
		dst = append(y.method(dst, "subscribe", "trade", &y.books.all[i]), '\n')
	}
	return dst[:len(dst)-1]
}

func (y *BybitV2) method(dst []byte, method, channel string, b *book) []byte {
	return append(dst, `{"op":"`+method+`","args":["`+channel+`.`+b.Text+`"]}`...)
}

// Receive takes one message; see Kraken.Receive for its errors.
func (y *BybitV2) Receive(now int64, msg []byte) error {
	if !y.Settle(now) {
		return ErrNoRoom
	}
	y.stats.Messages++
	v := y.general.parse(msg)
	if v == nil {
		return y.refuse(now, nil, msg, ErrMalformed)
	}
	topic := text(v.Get("topic"))
	if len(topic) == 0 {
		return y.answer(now, msg, v)
	}
	channel := topic[:max(bytes.IndexByte(topic, '.'), 0)]
	symbol := topic[bytes.LastIndexByte(topic, '.')+1:]
	switch string(channel) {
	case "orderBookL2_25", "orderBook_200", "trade":
	case "instrument_info", "klineV2", "candle", "insurance", "liquidation":
		y.stats.Service++
		return nil
	default:
		return y.refuse(now, nil, msg, ErrUnknown)
	}
	b := y.books.find(symbol)
	switch {
	case b == nil:
		y.stats.Ignored++
		return nil
	case string(channel) == "trade":
		return y.trades(now, b, msg, v)
	}
	if err := y.bookGeneral(now, b, v); err != nil {
		return y.refuse(now, b, msg, err)
	}
	return nil
}

// loose reads a number that the venue sends as such in one market and as a string
// in another.
func (y *BybitV2) loose(v *fastjson.Value, decimals uint8) (int64, error) {
	if v != nil && v.Type() == fastjson.TypeString {
		return y.general.decimal(v, decimals)
	}
	return y.general.numeral(v, decimals)
}

func (y *BybitV2) level(v *fastjson.Value, s *Symbol) (l change, err error) {
	l = levelOf(bybitSide(v.Get("side")), 0, 0)
	if l.side == 0 {
		return l, ErrMalformed
	}
	if l.price, err = y.loose(v.Get("price"), s.PriceDecimals); err != nil {
		return l, err
	}
	if size := v.Get("size"); size != nil {
		decimals := s.QtyDecimals
		if s.Contract != 0 {
			decimals = 0
		}
		if l.qty, err = y.loose(size, decimals); err != nil {
			return l, err
		}
	}
	return l, l.check(s)
}

// read appends a list of levels.
func (y *BybitV2) read(v *fastjson.Value, kind bybitV2Kind, s *Symbol) error {
	if v == nil || v.Type() != fastjson.TypeArray {
		return ErrMalformed
	}
	for _, item := range v.GetArray() {
		if item.Exists("size") != (kind != bybitDelete) {
			return ErrMalformed
		}
		l, err := y.level(item, s)
		if err != nil {
			return err
		}
		y.levels, y.kinds = append(y.levels, l), append(y.kinds, kind)
	}
	return nil
}

func (y *BybitV2) bookGeneral(now int64, b *book, v *fastjson.Value) error {
	y.levels, y.kinds = y.levels[:0], y.kinds[:0]
	snapshot := false
	data := v.Get("data")
	var err error
	switch string(text(v.Get("type"))) {
	case "snapshot":
		snapshot = true
		if data != nil && data.Type() == fastjson.TypeObject { // linear
			data = data.Get("order_book")
		}
		err = y.read(data, bybitInsert, &b.Symbol)
	case "delta":
		for kind, name := range [...]string{"delete", "update", "insert"} {
			if err == nil {
				err = y.read(data.Get(name), bybitV2Kind(kind), &b.Symbol)
			}
		}
	default:
		err = ErrMalformed
	}
	seq, err1 := y.loose(v.Get("cross_seq"), 0)
	at, err2 := y.loose(v.Get("timestamp_e6"), 0)
	switch {
	case err != nil:
		return err
	case err1 != nil || err2 != nil || seq < 0 || at < 0 || at > microsMax:
		return ErrMalformed
	}
	return y.apply(now, b, snapshot, uint64(seq), at)
}

// apply brings our list of prices up to date and tells the changes when they
// agree with it.
func (y *BybitV2) apply(now int64, b *book, snapshot bool, seq uint64, at int64) error {
	b.heard, b.srcTime = now, at*1000
	sides := &y.prices[b.index]
	switch {
	case snapshot:
		sides[0], sides[1] = sides[0][:0], sides[1][:0]
	case !b.live:
		y.stats.Early++
		return nil
	case seq <= y.last[b.index]:
		return ErrGap
	}
	y.last[b.index] = seq
	y.begin(now, b)
	for i, l := range y.levels {
		prices := &sides[l.side.Index()]
		at, found := slices.BinarySearch(*prices, l.price)
		if found != (y.kinds[i] != bybitInsert) {
			return ErrGap
		}
		switch y.kinds[i] {
		case bybitDelete:
			*prices = slices.Delete(*prices, at, at+1)
		case bybitInsert:
			*prices = slices.Insert(*prices, at, l.price)
		}
	}
	if snapshot {
		y.clear(y.levels)
		y.status(event.BookLive)
		b.live, b.resync = true, false
		y.stats.Snapshots++
	} else {
		y.list, y.levels = y.levels, y.list
	}
	y.stats.Used++
	y.tell(now)
	return nil
}

// trades tells the trades of a message; the side is the taker's. A trade that
// cannot be read changes no book.
func (y *BybitV2) trades(now int64, b *book, msg []byte, v *fastjson.Value) error {
	data := v.GetArray("data")
	if len(data) == 0 {
		return y.refuseTrade(msg, b, ErrMalformed)
	}
	y.begin(now, b)
	src := b.srcTime
	for _, item := range data {
		l, err := y.level(item, &b.Symbol)
		if err != nil {
			return y.refuseTrade(msg, b, err)
		}
		t, err := y.loose(item.Get("trade_time_ms"), 0)
		if err != nil || t < 0 || t > timeMax {
			return y.refuseTrade(msg, b, ErrMalformed)
		}
		src = t * 1_000_000
		if l.qty > 0 { // contracts may be worth less than a lot
			y.trade(l.side, l.price, l.qty)
		}
	}
	b.heard, b.srcTime = now, src
	y.stats.Used++
	y.tell(now)
	return nil
}

// answer takes the response to one of our requests, which it repeats.
func (y *BybitV2) answer(now int64, msg []byte, v *fastjson.Value) error {
	request := v.Get("request")
	switch {
	case request == nil:
		return y.refuse(now, nil, msg, ErrMalformed)
	case !v.GetBool("success"):
		return y.refuse(now, nil, msg, ErrRefused)
	}
	y.stats.Service++
	if string(text(request.Get("op"))) != "subscribe" {
		return nil
	}
	for _, arg := range request.GetArray("args") {
		channel, symbol, _ := bytes.Cut(text(arg), []byte{'.'})
		if b := y.books.find(symbol); b != nil && string(channel) != "trade" {
			b.confirmed = true
		}
	}
	return nil
}
