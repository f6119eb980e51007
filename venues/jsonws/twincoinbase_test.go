package jsonws

import (
	"encoding/json"
	"slices"

	"penstock/event"
	"penstock/market"
)

// coinbaseTwin is a switch over the type.
type coinbaseTwin struct {
	twinBase
	last map[*twinBook]int64
}

func newCoinbaseTwin(c Config) *coinbaseTwin {
	return &coinbaseTwin{newTwinBase(c), map[*twinBook]int64{}}
}

func (t *coinbaseTwin) receive(now int64, msg []byte) {
	t.now, t.events = now, nil
	m, ok := strict(msg)
	kind, isText := m["type"].(string)
	if !ok || !isText || kind == "" {
		t.lose(nil, event.ReasonMalformed)
		return
	}
	if !slices.Contains([]string{"snapshot", "l2update", "match", "last_match", "heartbeat"}, kind) {
		return
	}
	if _, ok := m["product_id"].(string); !ok {
		t.lose(nil, event.ReasonMalformed)
		return
	}
	b := t.find(m["product_id"])
	if b == nil {
		return
	}
	switch kind {
	case "heartbeat":
		b.src = twinTime(m["time"], b.src)
	case "snapshot":
		bids, ok1 := twinLadder(m["bids"], market.Buy, b.Symbol)
		asks, ok2 := twinLadder(m["asks"], market.Sell, b.Symbol)
		if !ok1 || !ok2 {
			t.lose(b, event.ReasonMalformed)
			return
		}
		b.src, b.live = twinTime(m["time"], b.src), true
		list := slices.DeleteFunc(append(bids, asks...), func(e event.Event) bool { return e.Qty == 0 })
		list = append([]event.Event{{Kind: event.BookClear}}, list...)
		t.emit(b, append(list, twinStatus(event.BookLive, event.ReasonSnapshot))...)
	case "l2update":
		t.update(b, m)
	default:
		t.match(b, m)
	}
}

func (t *coinbaseTwin) update(b *twinBook, m map[string]any) {
	changes, ok := m["changes"].([]any)
	var list []event.Event
	for _, item := range changes {
		change, _ := item.([]any)
		if len(change) != 3 || twinSide(change[0]) == 0 {
			ok = false
			break
		}
		p, q, exact := twinPair(change[1], change[2], b.Symbol)
		ok = ok && exact
		list = append(list, twinLevel(twinSide(change[0]), p, q))
	}
	if !ok {
		t.lose(b, event.ReasonMalformed)
		return
	}
	if b.src = twinTime(m["time"], b.src); b.live {
		t.emit(b, list...)
	}
}

func (t *coinbaseTwin) match(b *twinBook, m map[string]any) {
	p, q, ok := twinPair(m["price"], m["size"], b.Symbol)
	side := twinSide(m["side"])
	id := int64(0)
	if v, there := m["trade_id"]; there {
		_, isNumber := v.(json.Number)
		n, exact := twinDecimal(v, 0)
		id, ok = n, ok && isNumber && exact && n >= 0
	}
	if !ok || q == 0 || side == 0 {
		return
	}
	b.src = twinTime(m["time"], b.src)
	if id != 0 {
		if id <= t.last[b] {
			return
		}
		t.last[b] = id
	}
	t.emit(b, event.Event{Kind: event.MarketTrade, Side: side.Contra(), Price: market.Price(p),
		Qty: market.Qty(q)})
}
