package jsonws

import (
	"fmt"
	"strings"

	"penstock/event"
	"penstock/market"
)

type bybitTwin struct {
	twinBase
	depth int
	last  map[*twinBook]int64
}

func newBybitTwin(c Config, depth int) *bybitTwin {
	return &bybitTwin{newTwinBase(c), depth, map[*twinBook]int64{}}
}

// snapshot tells a book from its beginning.
func (t *twinBase) snapshot(b *twinBook, levels []event.Event) {
	list := []event.Event{{Kind: event.BookClear}}
	for _, l := range levels {
		if l.Qty > 0 {
			list = append(list, l)
		}
	}
	b.live = true
	t.emit(b, append(list, twinStatus(event.BookLive, event.ReasonSnapshot))...)
}

func (t *bybitTwin) receive(now int64, msg []byte) {
	t.now, t.events = now, nil
	m, ok := strict(msg)
	topic, _ := m["topic"].(string)
	if !ok || topic == "" {
		if op, _ := m["op"].(string); !ok || op == "" {
			t.lose(nil, event.ReasonMalformed)
		}
		return
	}
	parts := strings.SplitN(topic, ".", 3)
	switch {
	case parts[0] == "orderbook" && len(parts) < 3:
		t.lose(nil, event.ReasonMalformed)
	case parts[0] == "orderbook":
		if b := t.find(parts[2]); b != nil && parts[1] == fmt.Sprint(t.depth) && !t.book(b, m) {
			t.lose(b, event.ReasonMalformed)
		}
	case parts[0] == "publicTrade":
		if b := t.find(strings.TrimPrefix(topic, "publicTrade.")); b != nil {
			t.trades(b, m)
		}
	}
}

func (t *bybitTwin) book(b *twinBook, m map[string]any) bool {
	data := asMap(m["data"])
	bids, ok1 := twinLadder(data["b"], market.Buy, b.Symbol)
	asks, ok2 := twinLadder(data["a"], market.Sell, b.Symbol)
	u, ok3 := twinInteger(data["u"], false, 1<<62)
	ts, ok4 := twinInteger(m["ts"], false, 1<<62)
	if cts, ok := m["cts"]; ok && ok4 {
		ts, ok4 = twinInteger(cts, false, 1<<62)
	}
	if !ok1 || !ok2 || !ok3 || !ok4 || ts > twinYear2200 || data["s"] != any(b.Text) ||
		m["type"] != any("snapshot") && m["type"] != any("delta") {
		return false
	}
	b.src = ts * 1_000_000
	switch {
	case m["type"] == any("snapshot") || u == 1:
		t.snapshot(b, append(bids, asks...))
	case !b.live:
		return true
	case u != t.last[b]+1:
		return false
	default:
		t.emit(b, append(bids, asks...)...)
	}
	t.last[b] = u
	return true
}

func (t *bybitTwin) trades(b *twinBook, m map[string]any) {
	data, _ := m["data"].([]any)
	var list []event.Event
	at := int64(0)
	for _, row := range data {
		d := asMap(row)
		e, ok := twinTrade(twinBybitSide(d["S"]), d["p"], d["v"], b.Symbol)
		ts, ok1 := twinInteger(d["T"], false, twinYear2200)
		if !ok || !ok1 || d["s"] != any(b.Text) {
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

func twinBybitSide(v any) market.Side {
	return map[any]market.Side{"Buy": market.Buy, "Sell": market.Sell}[hashable(v)]
}

// bybitV2Twin knows the prices of each side as a map.
type bybitV2Twin struct {
	twinBase
	last   map[*twinBook]int64
	prices map[*twinBook]map[[2]int64]bool
}

func newBybitV2Twin(c Config) *bybitV2Twin {
	return &bybitV2Twin{newTwinBase(c), map[*twinBook]int64{}, map[*twinBook]map[[2]int64]bool{}}
}

func (t *bybitV2Twin) receive(now int64, msg []byte) {
	t.now, t.events = now, nil
	m, ok := strict(msg)
	topic, _ := m["topic"].(string)
	if _, isAnswer := m["request"]; !ok || topic == "" && !isAnswer {
		t.lose(nil, event.ReasonMalformed)
		return
	}
	parts := strings.Split(topic, ".")
	b := t.find(parts[len(parts)-1])
	switch {
	case b == nil || len(parts) < 2:
	case parts[0] == "trade":
		t.trades(b, m)
	case parts[0] == "orderBookL2_25" || parts[0] == "orderBook_200":
		if !t.book(b, m) {
			t.lose(b, event.ReasonMalformed)
		}
	}
}

// loose reads a number or a string as a decimal.
func (t *bybitV2Twin) level(v any, s Symbol) (event.Event, bool) {
	d := asMap(v)
	text := func(v any) any {
		if v == nil {
			return nil
		}
		return fmt.Sprint(v)
	}
	for _, name := range []string{"price", "size"} {
		if _, ok := d[name].([]any); ok || d[name] == nil && (name == "price" || hasName(d, name)) || asMap(d[name]) != nil {
			return event.Event{}, false
		}
		if _, ok := d[name].(bool); ok {
			return event.Event{}, false
		}
	}
	size := text(d["size"])
	if size == nil {
		size = "0"
	}
	e, ok := twinTrade(twinBybitSide(d["side"]), text(d["price"]), size, s)
	e.Kind = event.BookLevel
	return e, ok
}

func hasName(m map[string]any, name string) bool { _, ok := m[name]; return ok }

func (t *bybitV2Twin) book(b *twinBook, m map[string]any) bool {
	var rows []any
	var kinds []string
	add := func(v any, kind string) bool {
		list, ok := v.([]any)
		for _, row := range list {
			rows, kinds = append(rows, row), append(kinds, kind)
		}
		return ok
	}
	data := asMap(m["data"])
	snapshot := m["type"] == any("snapshot")
	switch {
	case snapshot && hasName(data, "order_book"):
		if !add(data["order_book"], "insert") {
			return false
		}
	case snapshot:
		if !add(m["data"], "insert") {
			return false
		}
	case m["type"] != any("delta"):
		return false
	default:
		for _, kind := range []string{"delete", "update", "insert"} {
			if !add(data[kind], kind) {
				return false
			}
		}
	}
	var levels []event.Event
	for i, row := range rows {
		l, ok := t.level(row, b.Symbol)
		if !ok || hasName(asMap(row), "size") != (kinds[i] != "delete") {
			return false
		}
		levels = append(levels, l)
	}
	seq, ok1 := twinDecimal(m["cross_seq"], 0)
	at, ok2 := twinDecimal(m["timestamp_e6"], 0)
	if !ok1 || !ok2 || seq < 0 || at < 0 || at > twinYear2200*1000 {
		return false
	}
	b.src = at * 1000
	if !snapshot && !b.live {
		return true
	}
	if !snapshot && seq <= t.last[b] {
		return false
	}
	if t.last[b] = seq; snapshot {
		t.prices[b] = map[[2]int64]bool{}
	}
	for i, l := range levels {
		key := [2]int64{int64(l.Side), int64(l.Price)}
		if t.prices[b][key] != (kinds[i] != "insert") {
			return false
		}
		if t.prices[b][key] = true; kinds[i] == "delete" {
			delete(t.prices[b], key)
		}
	}
	if snapshot {
		t.snapshot(b, levels)
	} else {
		t.emit(b, levels...)
	}
	return true
}

func (t *bybitV2Twin) trades(b *twinBook, m map[string]any) {
	data, _ := m["data"].([]any)
	var list []event.Event
	src := b.src
	for _, row := range data {
		e, ok := t.level(row, b.Symbol)
		at, ok1 := twinDecimal(asMap(row)["trade_time_ms"], 0)
		if !ok || !ok1 || at < 0 || at > twinYear2200 {
			return
		}
		if src = at * 1_000_000; e.Qty > 0 {
			e.Kind = event.MarketTrade
			list = append(list, e)
		}
	}
	b.src = src
	t.emit(b, list...)
}
