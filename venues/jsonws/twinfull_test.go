package jsonws

import (
	"bytes"
	"encoding/json"

	"penstock/event"
	"penstock/market"
)

// fullWithSnapshots takes a line that begins as a snapshot for that of BTC-USD.
type fullWithSnapshots struct{ *CoinbaseFull }

var fullSnapshotLine = []byte(`{"bids"`)

func (f fullWithSnapshots) Receive(now int64, msg []byte) error {
	if bytes.HasPrefix(msg, fullSnapshotLine) {
		return f.TakeSnapshot(now, "BTC-USD", msg)
	}
	return f.CoinbaseFull.Receive(now, msg)
}

// fullTwin keeps the orders of each book in maps by their texts, and all messages
// since the last hole.
type fullTwin struct {
	twinBase
	places map[*twinBook]*twinPlace
	trade  map[*twinBook]int64
}

type twinPlace struct {
	last   int64
	held   []twinFull
	orders map[uint64]twinOrder
}

type twinOrder struct {
	id         string
	side       market.Side
	price, qty int64
}

// twinFull is a message and what it says, nil numbers for those that are not there.
type twinFull struct {
	kind       string
	sequence   int64
	id         string
	side       market.Side
	price, qty *int64
	trade      int64
	src        int64
}

func newFullTwin(c Config) *fullTwin {
	t := &fullTwin{newTwinBase(c), map[*twinBook]*twinPlace{}, map[*twinBook]int64{}}
	for _, b := range t.books {
		t.places[b] = &twinPlace{orders: map[uint64]twinOrder{}}
	}
	return t
}

func (t *fullTwin) receive(now int64, msg []byte) {
	t.now, t.events = now, nil
	m, ok := strict(msg)
	if bytes.HasPrefix(msg, fullSnapshotLine) {
		t.snapshot(t.books[0], m, ok)
		return
	}
	kind, isText := m["type"].(string)
	if !ok || !isText {
		t.lose(nil, event.ReasonMalformed)
		return
	}
	switch kind {
	case "heartbeat", "received", "open", "done", "match", "change", "activate":
	default:
		return
	}
	if _, ok := m["product_id"].(string); !ok {
		t.lose(nil, event.ReasonMalformed)
		return
	}
	b := t.find(m["product_id"])
	if b == nil || kind == "heartbeat" || kind == "activate" && !has(m, "sequence") {
		return
	}
	f, ok := t.read(b, kind, m)
	if !ok {
		t.lose(b, event.ReasonMalformed)
		return
	}
	b.src = f.src
	p := t.places[b]
	switch {
	case !b.live:
		t.hold(p, f)
	case f.sequence <= p.last:
	case f.sequence != p.last+1:
		p.held = nil
		t.hold(p, f)
		t.lose(b, event.ReasonGap)
	default:
		p.last = f.sequence
		list, ok := t.play(b, f)
		if !ok {
			t.lose(b, event.ReasonAbsurd)
			return
		}
		t.emit(b, list...)
	}
}

func (t *fullTwin) hold(p *twinPlace, f twinFull) {
	if n := len(p.held); n > 0 {
		last := p.held[n-1].sequence
		if f.sequence <= last {
			return
		}
		if f.sequence != last+1 {
			p.held = nil
		}
	}
	p.held = append(p.held, f)
}

func (t *fullTwin) read(b *twinBook, kind string, m map[string]any) (f twinFull, ok bool) {
	f = twinFull{kind: kind, src: twinTime(m["time"], b.src)}
	if f.sequence, ok = twinUint(m["sequence"]); !ok {
		return f, false
	}
	names := map[string][3]string{"open": {"order_id", "price", "remaining_size"}, "done": {"order_id"},
		"match": {"maker_order_id", "price", "size"}, "change": {"order_id", "new_price", "new_size"}}[kind]
	if names[0] == "" {
		return f, true
	}
	f.id, _ = m[names[0]].(string)
	if _, ok := twinOrderID(f.id); !ok {
		return f, false
	}
	if kind == "done" {
		return f, true
	}
	number := func(name string, decimals uint8, least int64) (*int64, bool) {
		v, there := m[name]
		if !there {
			return nil, kind == "change"
		}
		_, isText := v.(string)
		n, ok := twinDecimal(v, decimals)
		return &n, isText && ok && n >= least
	}
	least := map[string]int64{"match": 1}[kind]
	var ok1, ok2 bool
	f.price, ok1 = number(names[1], b.PriceDecimals, 1)
	f.qty, ok2 = number(names[2], b.QtyDecimals, least)
	f.side = twinSide(m["side"])
	if !ok1 || !ok2 || kind != "change" && f.side == 0 {
		return f, false
	}
	if v, there := m["trade_id"]; there && kind == "match" {
		_, isNumber := v.(json.Number)
		if f.trade, ok = twinUint(v); !ok || !isNumber {
			return f, false
		}
	}
	return f, true
}

// play returns the events of a message, ok false when the orders contradict it.
func (t *fullTwin) play(b *twinBook, f twinFull) (list []event.Event, ok bool) {
	if f.id == "" {
		return nil, true
	}
	orders := t.places[b].orders
	id, _ := twinOrderID(f.id)
	ref := id.high ^ id.low
	var o twinOrder
	there := false
	for _, p := range t.places { // refs are of the venue, not of the product
		if found, ok := p.orders[ref]; ok {
			o, there = found, true
		}
	}
	_, here := orders[ref]
	if there && o.id != f.id {
		return nil, false
	}
	say := func(kind event.Kind, o twinOrder, qty int64) {
		list = append(list, event.Event{Kind: kind, Ref: ref, Side: o.side, Price: market.Price(o.price),
			Qty: market.Qty(qty)})
	}
	switch f.kind {
	case "open":
		if *f.qty == 0 {
			return nil, true
		}
		if there {
			return nil, false
		}
		orders[ref] = twinOrder{f.id, f.side, *f.price, *f.qty}
		say(event.OrderAdd, orders[ref], *f.qty)
	case "done":
		if there {
			say(event.OrderDeleted, o, o.qty)
			for _, p := range t.places {
				delete(p.orders, ref)
			}
		}
	case "match":
		if !here || o.side != f.side || o.price != *f.price || *f.qty > o.qty {
			return nil, false
		}
		say(event.OrderExecuted, o, *f.qty)
		if o.qty -= *f.qty; o.qty == 0 {
			delete(orders, ref)
		} else {
			orders[ref] = o
		}
		if f.trade == 0 || f.trade > t.trade[b] {
			list = append(list, event.Event{Kind: event.MarketTrade, Side: f.side.Contra(),
				Price: market.Price(*f.price), Qty: market.Qty(*f.qty)})
			t.trade[b] = max(t.trade[b], f.trade)
		}
	case "change":
		if !there {
			return nil, true
		}
		if f.qty == nil || !here {
			return nil, false
		}
		changed := o
		if changed.qty = *f.qty; f.price != nil {
			changed.price = *f.price
		}
		switch {
		case changed == o:
		case changed.price == o.price && changed.qty > 0 && changed.qty < o.qty:
			say(event.OrderReduced, o, o.qty-changed.qty)
			orders[ref] = changed
		default:
			say(event.OrderDeleted, o, o.qty)
			delete(orders, ref)
			if changed.qty > 0 {
				say(event.OrderAdd, changed, changed.qty)
				orders[ref] = changed
			}
		}
	}
	return list, true
}

func (t *fullTwin) snapshot(b *twinBook, m map[string]any, ok bool) {
	last, isNumber := twinUint(m["sequence"])
	if !ok || !isNumber {
		t.lose(b, event.ReasonMalformed)
		return
	}
	p := t.places[b]
	if b.live && last <= p.last {
		return
	}
	var after []twinFull
	for _, f := range p.held {
		if f.sequence > last {
			after = append(after, f)
		}
	}
	if len(after) > 0 && after[0].sequence != last+1 {
		return
	}
	p.orders = map[uint64]twinOrder{}
	list := []event.Event{{Kind: event.BookClear}}
	play := func(f twinFull) bool {
		events, ok := t.play(b, f)
		list = append(list, events...)
		return ok
	}
	for _, name := range []string{"bids", "asks"} {
		side := map[string]market.Side{"bids": market.Buy, "asks": market.Sell}[name]
		orders, isList := m[name].([]any)
		ok = ok && isList
		for _, item := range orders {
			o, _ := item.([]any)
			if len(o) != 3 {
				ok = false
				break
			}
			price, qty, exact := twinPair(o[0], o[1], b.Symbol)
			id, _ := o[2].(string)
			_, isID := twinOrderID(id)
			f := twinFull{kind: "open", id: id, side: side, price: &price, qty: &qty}
			ok = ok && exact && isID && play(f)
		}
	}
	p.last = last
	for _, f := range after {
		ok = ok && play(f)
		p.last = f.sequence
	}
	if !ok {
		p.held = nil
		t.lose(b, event.ReasonMalformed)
		return
	}
	p.held, b.live = nil, true
	t.emit(b, append(list, twinStatus(event.BookLive, event.ReasonSnapshot))...)
}
