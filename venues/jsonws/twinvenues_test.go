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

// binanceTwin keeps every update since the last snapshot was wanted and searches
// them anew.
type binanceTwin struct {
	twinBase
	rule  BinanceMarket
	state map[*twinBook]*twinChain
}

type twinChain struct {
	awaiting bool
	fresh    bool // no update applied since the snapshot
	last     int64
	held     []twinDiff
}

type twinDiff struct {
	first, last, previous int64
	levels                []event.Event
}

func newBinanceTwin(c Config, rule BinanceMarket) *binanceTwin {
	t := &binanceTwin{newTwinBase(c), rule, map[*twinBook]*twinChain{}}
	for _, b := range t.books {
		t.state[b] = &twinChain{awaiting: true}
	}
	return t
}

func (t *binanceTwin) receive(now int64, msg []byte) {
	t.now, t.events = now, nil
	m, ok := strict(msg)
	if !ok {
		t.lose(nil, event.ReasonMalformed)
		return
	}
	if _, ok := m["stream"]; ok && m["data"] != nil || ok && has(m, "data") {
		if m, ok = m["data"].(map[string]any); !ok {
			t.lose(nil, event.ReasonMalformed)
			return
		}
	}
	kind, _ := m["e"].(string)
	switch {
	case has(m, "lastUpdateId"):
		t.snapshot(m)
		return
	case has(m, "result"), has(m, "error"), has(m, "code"):
		return
	case kind == "depthUpdate", kind == "trade", kind == "bookTicker", !has(m, "e") && has(m, "B"):
	default:
		return
	}
	if _, ok := m["s"].(string); !ok {
		t.lose(nil, event.ReasonMalformed)
		return
	}
	b := t.find(m["s"])
	if b == nil {
		return
	}
	src, ok := t.time(b, m)
	switch kind {
	case "depthUpdate":
		t.depth(b, m, src, ok)
	case "trade":
		p, q, exact := twinPair(m["p"], m["q"], b.Symbol)
		maker, isBool := m["m"].(bool)
		if !ok || !exact || !isBool {
			return
		}
		if b.src = src; q > 0 {
			side := map[bool]market.Side{true: market.Sell, false: market.Buy}[maker]
			t.emit(b, event.Event{Kind: event.MarketTrade, Side: side, Price: market.Price(p),
				Qty: market.Qty(q)})
		}
	default:
		_, _, ok1 := twinPair(m["b"], m["B"], b.Symbol)
		_, _, ok2 := twinPair(m["a"], m["A"], b.Symbol)
		if _, ok3 := twinUint(m["u"]); ok && ok1 && ok2 && ok3 {
			b.src = src
		}
	}
}

func has(m map[string]any, name string) bool { _, ok := m[name]; return ok }

func twinUint(v any) (int64, bool) {
	_, isNumber := v.(json.Number)
	n, ok := twinDecimal(v, 0)
	return n, ok && isNumber && n >= 0
}

func (t *binanceTwin) time(b *twinBook, m map[string]any) (src int64, ok bool) {
	src, ok = b.src, true
	for _, name := range []string{"E", "T"} {
		if has(m, name) {
			ms, exact := twinUint(m[name])
			ok = ok && exact && ms <= timeMax
			if src = b.src; ms > 0 {
				src = ms * 1_000_000
			}
		}
	}
	return src, ok
}

func (t *binanceTwin) depth(b *twinBook, m map[string]any, src int64, ok bool) {
	first, ok1 := twinUint(m["U"])
	last, ok2 := twinUint(m["u"])
	previous, ok3 := twinUint(m["pu"])
	bids, ok4 := twinLadder(m["b"], market.Buy, b.Symbol)
	asks, ok5 := twinLadder(m["a"], market.Sell, b.Symbol)
	if !ok || !ok1 || !ok2 || !ok3 && t.rule == BinanceFutures || !ok4 || !ok5 {
		t.lose(b, event.ReasonMalformed)
		return
	}
	if b.src = src; last < first {
		t.lose(b, event.ReasonAbsurd)
		return
	}
	c, d := t.state[b], twinDiff{first, last, previous, append(bids, asks...)}
	c.awaiting = c.awaiting || b.told == event.BookStale
	if c.awaiting {
		c.held = append(c.held, d)
		return
	}
	switch t.place(c, d) {
	case "beyond":
		c.awaiting, c.held = true, append(c.held, d)
		t.lose(b, event.ReasonGap)
	case "next":
		list := d.levels
		if c.last = last; c.fresh {
			list = append(list, twinStatus(event.BookLive, event.ReasonSnapshot))
		}
		c.fresh, b.live = false, true
		t.emit(b, list...)
	}
}

// place says where an update stands, in the words of the venue's documentation.
func (t *binanceTwin) place(c *twinChain, d twinDiff) string {
	id := c.last
	if t.rule == BinanceSpot {
		switch {
		case d.last <= id:
			return "old"
		case d.first > id+1:
			return "beyond"
		}
		return "next"
	}
	switch {
	case d.last < id, d.last == id && !c.fresh:
		return "old"
	case c.fresh && d.previous <= id, d.previous == id:
		return "next"
	}
	return "beyond"
}

func (t *binanceTwin) snapshot(m map[string]any) {
	b := t.books[0]
	if name, ok := m["symbol"].(string); ok {
		if b = t.find(name); b == nil {
			return
		}
	} else if len(t.books) > 1 {
		return
	}
	id, ok := twinUint(m["lastUpdateId"])
	bids, ok1 := twinLadder(m["bids"], market.Buy, b.Symbol)
	asks, ok2 := twinLadder(m["asks"], market.Sell, b.Symbol)
	if !ok || !ok1 || !ok2 {
		t.lose(b, event.ReasonMalformed)
		return
	}
	c := &twinChain{last: id, fresh: true}
	list := slices.DeleteFunc(append(bids, asks...), func(e event.Event) bool { return e.Qty == 0 })
	list = append([]event.Event{{Kind: event.BookClear}}, list...)
	for _, d := range t.state[b].held {
		switch t.place(c, d) {
		case "beyond":
			return
		case "next":
			list, c.last, c.fresh = append(list, d.levels...), d.last, false
		}
	}
	b.live = !c.fresh
	if !c.fresh {
		list = append(list, twinStatus(event.BookLive, event.ReasonSnapshot))
	}
	t.state[b] = c
	t.emit(b, list...)
}
