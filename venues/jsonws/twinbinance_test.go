package jsonws

import (
	"encoding/json"
	"slices"

	"penstock/event"
	"penstock/market"
)

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
	case kind == "depthUpdate", kind == "trade", kind == "aggTrade", kind == "bookTicker", !has(m, "e") && has(m, "B"):
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
	case "trade", "aggTrade":
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
