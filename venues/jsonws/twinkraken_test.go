package jsonws

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"

	"penstock/event"
	"penstock/market"
)

// krakenTwin keeps each side as a map and sorts it for every checksum.
type krakenTwin struct {
	twinBase
	depth  int
	halted bool
	sides  map[*twinBook]*[2]map[int64]int64
}

func newKrakenTwin(c Config, depth int) *krakenTwin {
	t := &krakenTwin{twinBase: newTwinBase(c), depth: depth, sides: map[*twinBook]*[2]map[int64]int64{}}
	for _, b := range t.books {
		t.sides[b] = &[2]map[int64]int64{{}, {}}
	}
	return t
}

func (t *krakenTwin) receive(now int64, msg []byte) {
	t.now, t.events = now, nil
	m, ok := strict(msg)
	if !ok {
		t.lose(nil, event.ReasonMalformed)
		return
	}
	if m["channel"] != "book" {
		if m["channel"] == "trade" {
			t.trades(m)
		} else if data, _ := m["data"].([]any); m["channel"] == "status" {
			t.online(data)
		}
		return
	}
	data, _ := m["data"].([]any)
	if _, ok := first(data)["symbol"].(string); len(data) != 1 || !ok {
		t.lose(nil, event.ReasonMalformed)
		return
	}
	item := first(data)
	b := t.find(item["symbol"])
	if b == nil {
		return
	}
	snapshot := m["type"] == "snapshot"
	bids, ok1 := t.levels(item["bids"], market.Buy, b)
	asks, ok2 := t.levels(item["asks"], market.Sell, b)
	sum, ok3 := item["checksum"].(json.Number)
	want, ok4 := twinDecimal(sum, 0)
	if !snapshot && m["type"] != "update" || !ok1 || !ok2 || !ok3 || !ok4 || want < 0 || want > 1<<32-1 {
		t.lose(b, event.ReasonMalformed)
		return
	}
	b.src = twinTime(item["timestamp"], b.src)
	t.apply(b, snapshot, append(bids, asks...), uint32(want))
}

func (t *krakenTwin) online(data []any) {
	system, ok := first(data)["system"].(string)
	if len(data) != 1 || !ok || system == "" {
		t.lose(nil, event.ReasonMalformed)
		return
	}
	was := t.state()
	t.halted = system != "online"
	for _, b := range t.books {
		if b.live && was != t.state() {
			t.emit(b, t.state())
		}
	}
}

func (t *krakenTwin) state() event.Event {
	if t.halted {
		return twinStatus(event.BookHalted, event.ReasonVenueState)
	}
	return twinStatus(event.BookLive, event.ReasonSnapshot)
}

func first(data []any) map[string]any {
	if len(data) == 0 {
		return nil
	}
	return asMap(data[0])
}

func (t *krakenTwin) levels(v any, side market.Side, b *twinBook) (out []event.Event, ok bool) {
	list, ok := v.([]any)
	for _, item := range list {
		price, ok1 := asMap(item)["price"].(json.Number)
		qty, ok2 := asMap(item)["qty"].(json.Number)
		p, ok3 := twinDecimal(price, b.PricePrecision)
		q, ok4 := twinDecimal(qty, b.QtyPrecision)
		if !ok1 || !ok2 || !ok3 || !ok4 || p <= 0 || q < 0 {
			return nil, false
		}
		out = append(out, twinLevel(side, p, q))
	}
	return out, ok
}

func (t *krakenTwin) apply(b *twinBook, snapshot bool, levels []event.Event, want uint32) {
	if !snapshot && !b.live {
		return
	}
	sides := t.sides[b]
	if snapshot {
		*sides = [2]map[int64]int64{{}, {}}
	}
	var list []event.Event
	for _, l := range levels {
		side, p, q := sides[l.Side.Index()], int64(l.Price), int64(l.Qty)
		if side[p] == q {
			continue
		}
		if side[p] = q; q == 0 {
			delete(side, p)
		}
		list = append(list, l)
	}
	for i, side := range []market.Side{market.Buy, market.Sell} {
		for _, p := range t.sorted(b, side)[min(t.depth, len(sides[i])):] {
			delete(sides[i], p)
			list = append(list, twinLevel(side, p, 0))
		}
	}
	if t.checksum(b) != want {
		t.lose(b, event.ReasonChecksum)
		return
	}
	if snapshot {
		list = nil
		for i, side := range []market.Side{market.Buy, market.Sell} {
			for _, p := range t.sorted(b, side) {
				list = append(list, twinLevel(side, p, sides[i][p]))
			}
		}
	}
	for i := range list {
		p, ok1 := twinRescale(int64(list[i].Price), b.PricePrecision, b.PriceDecimals)
		q, ok2 := twinRescale(int64(list[i].Qty), b.QtyPrecision, b.QtyDecimals)
		if !ok1 || !ok2 {
			t.lose(b, event.ReasonAbsurd)
			return
		}
		list[i].Price, list[i].Qty = market.Price(p), market.Qty(q)
	}
	if snapshot {
		b.live = true
		list = append(append([]event.Event{{Kind: event.BookClear}}, list...),
			t.state())
	}
	t.emit(b, list...)
}

func twinRescale(v int64, from, to uint8) (int64, bool) {
	return twinDecimal(json.Number(market.AppendDecimal(nil, v, from)), to)
}

func (t *krakenTwin) sorted(b *twinBook, side market.Side) (prices []int64) {
	for p := range t.sides[b][side.Index()] {
		prices = append(prices, p)
	}
	slices.Sort(prices)
	if side == market.Buy {
		slices.Reverse(prices)
	}
	return prices
}

func (t *krakenTwin) checksum(b *twinBook) uint32 {
	text := ""
	for _, side := range []market.Side{market.Sell, market.Buy} {
		for i, p := range t.sorted(b, side) {
			if i < 10 {
				text += fmt.Sprint(p) + fmt.Sprint(t.sides[b][side.Index()][p])
			}
		}
	}
	return crc32.ChecksumIEEE([]byte(text))
}

func (t *krakenTwin) trades(m map[string]any) {
	data, _ := m["data"].([]any)
	if len(data) == 0 {
		t.lose(nil, event.ReasonMalformed)
		return
	}
	b := t.find(first(data)["symbol"])
	if b == nil {
		return
	}
	var list []event.Event
	src := b.src
	for _, item := range data {
		d := asMap(item)
		price, ok1 := d["price"].(json.Number)
		qty, ok2 := d["qty"].(json.Number)
		p, ok3 := twinDecimal(price, b.PriceDecimals)
		q, ok4 := twinDecimal(qty, b.QtyDecimals)
		side := twinSide(d["side"])
		if t.find(d["symbol"]) != b || !ok1 || !ok2 || !ok3 || !ok4 || p <= 0 || q <= 0 || side == 0 {
			b.src = src
			return
		}
		b.src = twinTime(d["timestamp"], b.src)
		list = append(list, event.Event{Kind: event.MarketTrade, Side: side, Price: market.Price(p),
			Qty: market.Qty(q)})
	}
	t.emit(b, list...)
}
