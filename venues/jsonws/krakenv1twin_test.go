package jsonws

import (
	"fmt"
	"hash/crc32"
	"strings"

	"penstock/event"
	"penstock/market"
)

type krakenV1Twin struct {
	textTwin
	halted bool
}

func newKrakenV1Twin(c Config, depth int) *krakenV1Twin {
	return &krakenV1Twin{textTwin: newTextTwin(c, depth)}
}

func (t *krakenV1Twin) receive(now int64, msg []byte) {
	t.now, t.events = now, nil
	v, ok := strictAny(msg)
	list, isList := v.([]any)
	m, isMap := v.(map[string]any)
	switch {
	case ok && isMap:
		t.event(m)
		return
	case !ok || !isList || len(list) < 4 || len(list) > 5:
		t.lose(nil, event.ReasonMalformed)
		return
	}
	channel, _ := list[len(list)-2].(string)
	pair, _ := list[len(list)-1].(string)
	if channel == "" || pair == "" {
		t.lose(nil, event.ReasonMalformed)
		return
	}
	b := t.find(pair)
	name, _, _ := strings.Cut(channel, "-")
	switch {
	case b == nil:
	case name == "trade":
		t.trades(b, list[1:len(list)-2])
	case channel == fmt.Sprintf("book-%d", t.depth):
		if reason := t.book(b, list[1:len(list)-2]); reason != event.ReasonNone {
			t.lose(b, reason)
		}
	}
}

func (t *krakenV1Twin) event(m map[string]any) {
	switch m["event"] {
	case any("systemStatus"):
		status, _ := m["status"].(string)
		if status == "" {
			t.lose(nil, event.ReasonMalformed)
			return
		}
		was := t.state()
		t.halted = status != "online"
		for _, b := range t.books {
			if b.live && was != t.state() {
				t.emit(b, t.state())
			}
		}
	default:
		if kind, _ := m["event"].(string); kind == "" {
			t.lose(nil, event.ReasonMalformed)
		}
	}
}

func (t *krakenV1Twin) state() event.Event {
	if t.halted {
		return twinStatus(event.BookHalted, event.ReasonVenueState)
	}
	return twinStatus(event.BookLive, event.ReasonSnapshot)
}

func (t *krakenV1Twin) book(b *twinBook, payload []any) event.Reason {
	found := map[string]any{}
	for _, v := range payload {
		for _, name := range []string{"a", "b", "as", "bs", "c"} {
			if side, ok := asMap(v)[name]; ok {
				if _, twice := found[name]; twice {
					return event.ReasonMalformed
				}
				found[name] = side
			}
		}
	}
	has := func(name string) bool { _, ok := found[name]; return ok }
	change, snapshot := has("a") || has("b"), has("as") && has("bs")
	if change == (has("as") || has("bs")) || !change && !snapshot {
		return event.ReasonMalformed
	}
	names := []string{"a", "b"}
	if snapshot {
		names = []string{"as", "bs"}
	}
	var levels []twinText
	src := int64(0)
	for i, name := range names {
		if !has(name) {
			continue
		}
		list, ok := found[name].([]any)
		if !ok {
			return event.ReasonMalformed
		}
		for _, row := range list {
			level, _ := row.([]any)
			if len(level) != 3 && (len(level) != 4 || level[3] != any("r")) {
				return event.ReasonMalformed
			}
			l, ok := twinTextOf(level[0], level[1], []market.Side{market.Sell, market.Buy}[i], b.Symbol)
			at, ok1 := twinDecimal(level[2], 6)
			_, isText := level[2].(string)
			if !ok || !ok1 || !isText || at < 0 || at > twinYear2200*1000 {
				return event.ReasonMalformed
			}
			if len(level) == 3 {
				src = max(src, at*1000)
			}
			levels = append(levels, l)
		}
	}
	want, ok := twinInteger(found["c"], true, 1<<32-1)
	if !snapshot && !ok {
		return event.ReasonMalformed
	}
	if src != 0 {
		b.src = src
	}
	if snapshot {
		t.empty(b)
		t.change(b, levels)
		b.live = true
		t.emit(b, t.whole(b, t.state())...)
		return event.ReasonNone
	}
	if !b.live {
		return event.ReasonNone
	}
	list := t.change(b, levels)
	if t.checksum(b) != uint32(want) {
		return event.ReasonChecksum
	}
	t.emit(b, list...)
	return event.ReasonNone
}

func (t *krakenV1Twin) checksum(b *twinBook) uint32 {
	text := ""
	for _, side := range []market.Side{market.Sell, market.Buy} {
		for i, p := range t.sorted(b, side) {
			if i < 10 {
				r := t.sides[b][side.Index()][p]
				for _, number := range []string{r.price, r.lot} {
					text += strings.TrimLeft(strings.ReplaceAll(number, ".", ""), "0")
				}
			}
		}
	}
	return crc32.ChecksumIEEE([]byte(text))
}

func (t *krakenV1Twin) trades(b *twinBook, payload []any) {
	rows, _ := payload[0].([]any)
	if len(payload) != 1 || len(rows) == 0 {
		return
	}
	var list []event.Event
	src := b.src
	for _, row := range rows {
		trade, _ := row.([]any)
		if len(trade) < 4 {
			return
		}
		side := map[any]market.Side{"b": market.Buy, "s": market.Sell}[hashable(trade[3])]
		e, ok := twinTrade(side, trade[0], trade[1], b.Symbol)
		at, ok1 := twinDecimal(trade[2], 6)
		_, isText := trade[2].(string)
		if !ok || !ok1 || !isText || at < 0 || at > twinYear2200*1000 || e.Qty == 0 {
			return
		}
		src = max(src, at*1000)
		list = append(list, e)
	}
	b.src = src
	t.emit(b, list...)
}
