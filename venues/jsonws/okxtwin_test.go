package jsonws

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"io"
	"slices"
	"strings"

	"penstock/event"
	"penstock/market"
)

// textTwin is what the twins of venues with a checksum over text have in common:
// each side is a map, sorted whenever an order is needed.
type textTwin struct {
	twinBase
	depth int // 0: not cut
	sides map[*twinBook]*[2]map[int64]twinRung
}

type twinRung struct {
	qty        int64
	price, lot string
}

type twinText struct {
	side       market.Side
	p, q       int64
	gone       bool
	price, lot string
}

func newTextTwin(c Config, depth int) textTwin {
	t := textTwin{twinBase: newTwinBase(c), depth: depth, sides: map[*twinBook]*[2]map[int64]twinRung{}}
	for _, b := range t.books {
		t.sides[b] = &[2]map[int64]twinRung{{}, {}}
	}
	return t
}

func twinTextOf(price, qty any, side market.Side, s Symbol) (l twinText, ok bool) {
	p, q, ok := twinPair(price, qty, s)
	if !ok {
		return l, false
	}
	l = twinText{side: side, p: p, q: q, price: price.(string), lot: qty.(string)}
	l.gone = strings.Trim(l.lot, "-0.") == ""
	return l, len(l.price)+len(l.lot)+1 <= 47
}

// change sets levels and returns their events.
func (t *textTwin) change(b *twinBook, levels []twinText) (list []event.Event) {
	for _, l := range levels {
		side := t.sides[b][l.side.Index()]
		was, found := side[l.p]
		switch {
		case l.gone && found:
			delete(side, l.p)
			list = append(list, twinLevel(l.side, l.p, 0))
		case !l.gone:
			side[l.p] = twinRung{l.q, l.price, l.lot}
			if !found || was.qty != l.q {
				list = append(list, twinLevel(l.side, l.p, l.q))
			}
		}
	}
	for _, side := range []market.Side{market.Buy, market.Sell} {
		for t.depth > 0 && len(t.sides[b][side.Index()]) > t.depth {
			prices := t.sorted(b, side)
			worst := prices[len(prices)-1]
			delete(t.sides[b][side.Index()], worst)
			list = append(list, twinLevel(side, worst, 0))
		}
	}
	return list
}

func (t *textTwin) sorted(b *twinBook, side market.Side) (prices []int64) {
	for p := range t.sides[b][side.Index()] {
		prices = append(prices, p)
	}
	slices.Sort(prices)
	if side == market.Buy {
		slices.Reverse(prices)
	}
	return prices
}

// whole returns the events of the book from its beginning.
func (t *textTwin) whole(b *twinBook, state event.Event) []event.Event {
	list := []event.Event{{Kind: event.BookClear}}
	for _, side := range []market.Side{market.Buy, market.Sell} {
		for _, p := range t.sorted(b, side) {
			if q := t.sides[b][side.Index()][p].qty; q > 0 {
				list = append(list, twinLevel(side, p, q))
			}
		}
	}
	return append(list, state)
}

func (t *textTwin) empty(b *twinBook) { *t.sides[b] = [2]map[int64]twinRung{{}, {}} }

// twinTrades reads trades; of is what each of them is made of.
func twinTrade(side market.Side, price, qty any, s Symbol) (event.Event, bool) {
	p, q, ok := twinPair(price, qty, s)
	return event.Event{Kind: event.MarketTrade, Side: side, Price: market.Price(p), Qty: market.Qty(q)},
		ok && side != 0
}

// twinInteger reads a number, or a string, that is an unsigned integer up to most.
func twinInteger(v any, text bool, most int64) (int64, bool) {
	if _, isText := v.(string); isText != text {
		return 0, false
	}
	n, ok := twinDecimal(v, 0)
	return n, ok && n >= 0 && n <= most
}

const twinYear2200 = 7_258_118_400_000 // ms since epoch

// strictAny is strict for any value.
func strictAny(msg []byte) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(msg))
	d.UseNumber()
	v, err := strictValue(d, 1)
	if err != nil {
		return nil, false
	}
	_, err = d.Token()
	return v, err == io.EOF && json.Valid(msg)
}

type okxTwin struct {
	textTwin
	last map[*twinBook]int64
}

func newOKXTwin(c Config) *okxTwin {
	return &okxTwin{newTextTwin(c, 0), map[*twinBook]int64{}}
}

func (t *okxTwin) receive(now int64, msg []byte) {
	t.now, t.events = now, nil
	if string(msg) == "pong" {
		return
	}
	m, ok := strict(msg)
	if !ok {
		t.lose(nil, event.ReasonMalformed)
		return
	}
	if _, isEvent := m["event"]; isEvent {
		return
	}
	arg := asMap(m["arg"])
	channel, _ := arg["channel"].(string)
	symbol, _ := arg["instId"].(string)
	if channel == "" || symbol == "" {
		t.lose(nil, event.ReasonMalformed)
		return
	}
	b := t.find(symbol)
	data, _ := m["data"].([]any)
	switch {
	case b == nil:
	case channel == "trades":
		t.trades(b, data)
	case slices.Contains([]string{"books", "books-l2-tbt", "books50-l2-tbt"}, channel):
		if reason := t.book(b, m["action"], data); reason != event.ReasonNone {
			t.lose(b, reason)
		}
	}
}

func (t *okxTwin) book(b *twinBook, action any, data []any) event.Reason {
	item := first(data)
	if action != any("snapshot") && action != any("update") || len(data) != 1 || item == nil {
		return event.ReasonMalformed
	}
	var levels []twinText
	for _, side := range []market.Side{market.Sell, market.Buy} {
		list, ok := item[map[market.Side]string{market.Buy: "bids", market.Sell: "asks"}[side]].([]any)
		if !ok {
			return event.ReasonMalformed
		}
		for _, row := range list {
			four, _ := row.([]any)
			if len(four) != 4 {
				return event.ReasonMalformed
			}
			l, ok := twinTextOf(four[0], four[1], side, b.Symbol)
			if !ok {
				return event.ReasonMalformed
			}
			levels = append(levels, l)
		}
	}
	ts, ok := twinInteger(item["ts"], true, twinYear2200)
	if !ok {
		return event.ReasonMalformed
	}
	checksum, summed := item["checksum"]
	want, ok := twinDecimal(checksum, 0)
	if _, isNumber := checksum.(json.Number); summed && (!isNumber || !ok || want != int64(int32(want))) {
		return event.ReasonMalformed
	}
	_, has1 := item["prevSeqId"]
	_, has2 := item["seqId"]
	previous, ok1 := twinDecimal(item["prevSeqId"], 0)
	seq, ok2 := twinDecimal(item["seqId"], 0)
	_, text1 := item["prevSeqId"].(string)
	_, text2 := item["seqId"].(string)
	numbered := has1 && has2
	if numbered && (!ok1 || !ok2 || text1 || text2) {
		return event.ReasonMalformed
	}
	if numbered && want == 0 {
		summed = false
	}
	if !summed && !numbered {
		return event.ReasonMalformed
	}
	b.src = ts * 1_000_000
	if action == any("update") {
		if !b.live {
			return event.ReasonNone
		}
		if numbered && previous != t.last[b] {
			return event.ReasonGap
		}
	} else {
		t.empty(b)
	}
	list := t.change(b, levels)
	if summed && t.checksum(b) != int32(want) {
		return event.ReasonChecksum
	}
	if t.last[b] = 0; numbered {
		t.last[b] = seq
	}
	if action == any("snapshot") {
		b.live = true
		list = t.whole(b, twinStatus(event.BookLive, event.ReasonSnapshot))
	}
	t.emit(b, list...)
	return event.ReasonNone
}

func (t *okxTwin) checksum(b *twinBook) int32 {
	var parts []string
	bids, asks := t.sorted(b, market.Buy), t.sorted(b, market.Sell)
	for i := range 25 {
		if i < len(bids) {
			r := t.sides[b][market.Buy.Index()][bids[i]]
			parts = append(parts, r.price, r.lot)
		}
		if i < len(asks) {
			r := t.sides[b][market.Sell.Index()][asks[i]]
			parts = append(parts, r.price, r.lot)
		}
	}
	return int32(crc32.ChecksumIEEE([]byte(strings.Join(parts, ":"))))
}

func (t *okxTwin) trades(b *twinBook, data []any) {
	var list []event.Event
	at := int64(0)
	for _, row := range data {
		d := asMap(row)
		e, ok := twinTrade(twinSide(d["side"]), d["px"], d["sz"], b.Symbol)
		ts, ok1 := twinInteger(d["ts"], true, twinYear2200)
		if !ok || !ok1 {
			return
		}
		if at = ts; e.Qty > 0 {
			list = append(list, e)
		}
	}
	if len(data) > 0 {
		b.src = at * 1_000_000
		t.emit(b, list...)
	}
}
