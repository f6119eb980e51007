package jsonws

import (
	"encoding/json"
	"slices"

	"penstock/event"
	"penstock/market"
)

// advancedTwin reads every message whole into maps before it tells anything.
type advancedTwin struct {
	twinBase
	last  any // number of the message before, nil for none
	trade map[*twinBook]int64
}

func newAdvancedTwin(c Config) *advancedTwin {
	return &advancedTwin{twinBase: newTwinBase(c), trade: map[*twinBook]int64{}}
}

func (t *advancedTwin) receive(now int64, msg []byte) {
	t.now, t.events = now, nil
	m, ok := strict(msg)
	if ok && m["type"] == "error" {
		return
	}
	channel, isText := m["channel"].(string)
	sequence, isNumber := twinUint(m["sequence_num"])
	events, isList := m["events"].([]any)
	if !ok || !isText || !isNumber || !isList {
		t.last = nil
		t.lose(nil, event.ReasonMalformed)
		return
	}
	if t.last != nil && t.last.(int64)+1 != sequence {
		t.lose(nil, event.ReasonGap)
	}
	t.last = sequence
	switch channel {
	case "l2_data":
		t.levels(m, events)
	case "market_trades":
		t.trades(events)
	}
}

type twinPart struct {
	b        *twinBook
	snapshot bool
	src      int64
	levels   []event.Event
}

func (t *advancedTwin) levels(m map[string]any, events []any) {
	var parts []twinPart
	for _, item := range events {
		e := asMap(item)
		if _, ok := e["product_id"].(string); !ok {
			t.lose(nil, event.ReasonMalformed)
			return
		}
		p := twinPart{b: t.find(e["product_id"]), snapshot: e["type"] == "snapshot"}
		if p.b == nil {
			continue
		}
		p.src = twinTime(m["timestamp"], -1)
		updates, ok := e["updates"].([]any)
		ok = ok && (p.snapshot || e["type"] == "update")
		for _, item := range updates {
			u := asMap(item)
			side := map[any]market.Side{"bid": market.Buy, "offer": market.Sell}[hashable(u["side"])]
			price, qty, exact := twinPair(u["price_level"], u["new_quantity"], p.b.Symbol)
			ok = ok && exact && side != 0
			p.src = twinTime(u["event_time"], p.src)
			p.levels = append(p.levels, twinLevel(side, price, qty))
		}
		if !ok {
			for _, before := range parts {
				t.lose(before.b, event.ReasonMalformed)
			}
			t.lose(p.b, event.ReasonMalformed)
			return
		}
		if p.snapshot || len(p.levels) > 0 {
			parts = append(parts, p)
		}
	}
	for _, p := range parts {
		if p.src >= 0 {
			p.b.src = p.src
		}
		switch {
		case p.snapshot:
			p.levels = slices.DeleteFunc(p.levels, func(e event.Event) bool { return e.Qty == 0 })
			list := append([]event.Event{{Kind: event.BookClear}}, p.levels...)
			p.b.live = true
			t.emit(p.b, append(list, twinStatus(event.BookLive, event.ReasonSnapshot))...)
		case p.b.live:
			t.emit(p.b, p.levels...)
		}
	}
}

func (t *advancedTwin) trades(events []any) {
	type one struct {
		b      *twinBook
		before bool
		id     int64
		time   any
		e      event.Event
	}
	var all []one
	for _, item := range events {
		trades, _ := asMap(item)["trades"].([]any)
		before := asMap(item)["type"] == "snapshot"
		for _, item := range trades {
			m := asMap(item)
			b := t.find(m["product_id"])
			if b == nil {
				continue
			}
			maker := map[any]market.Side{"BUY": market.Buy, "SELL": market.Sell}[hashable(m["side"])]
			p, q, ok := twinPair(m["price"], m["size"], b.Symbol)
			_, isNumber := m["trade_id"].(json.Number)
			id, exact := twinDecimal(m["trade_id"], 0)
			if !ok || !exact || isNumber || id <= 0 || q == 0 || maker == 0 {
				return
			}
			all = append(all, one{b, before, id, m["time"], event.Event{
				Kind: event.MarketTrade, Side: maker.Contra(), Price: market.Price(p), Qty: market.Qty(q)}})
		}
	}
	slices.Reverse(all)
	for len(all) > 0 {
		b, list := all[0].b, []event.Event{}
		for len(all) > 0 && all[0].b == b {
			x := all[0]
			all = all[1:]
			if x.id <= t.trade[b] {
				continue
			}
			if t.trade[b] = x.id; !x.before {
				b.src = twinTime(x.time, b.src)
				list = append(list, x.e)
			}
		}
		t.emit(b, list...)
	}
}
