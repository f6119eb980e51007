package jsonws

import (
	"slices"
	"testing"

	"penstock/event"
	"penstock/market"
)

type geminiTwin struct {
	twinBase
	next int64 // socket_sequence expected, 0 any
}

func newGeminiTwin(c Config) *geminiTwin { return &geminiTwin{twinBase: newTwinBase(c)} }

func (t *geminiTwin) receive(now int64, msg []byte) {
	t.now, t.events = now, nil
	m, ok := strict(msg)
	if !ok {
		t.lose(nil, event.ReasonMalformed)
		return
	}
	if v, has := m["socket_sequence"]; has {
		n, ok := twinInteger(v, false, 1<<62)
		if !ok || n != 0 && t.next != 0 && n != t.next {
			t.lose(nil, event.ReasonGap)
		}
		expected := t.next
		if ok {
			t.next = n + 1
		}
		if !ok || n != 0 && expected != 0 && n != expected {
			return
		}
	}
	kind, _ := m["type"].(string)
	_, answer := m["result"]
	symbol, _ := m["symbol"].(string)
	book := kind == "l2_updates" || kind == "trade"
	switch b := t.find(symbol); {
	case kind == "" && !answer, book && symbol == "":
		t.lose(nil, event.ReasonMalformed)
	case b == nil:
	case kind == "trade":
		e, ok1 := twinTrade(twinSide(m["side"]), m["price"], m["quantity"], b.Symbol)
		ts, ok2 := twinInteger(m["timestamp"], false, twinYear2200)
		if ok1 && ok2 && e.Qty > 0 {
			b.src = ts * 1_000_000
			t.emit(b, e)
		}
	case kind == "l2_updates":
		t.update(b, m)
	}
}

func (t *geminiTwin) update(b *twinBook, m map[string]any) {
	changes, ok := m["changes"].([]any)
	var levels []event.Event
	for _, row := range changes {
		three, _ := row.([]any)
		if len(three) != 3 {
			ok = false
			break
		}
		p, q, ok1 := twinPair(three[1], three[2], b.Symbol)
		side := twinSide(three[0])
		ok = ok && ok1 && side != 0
		levels = append(levels, twinLevel(side, p, q))
	}
	switch {
	case !ok:
		t.lose(b, event.ReasonMalformed)
	case hasName(m, "trades"):
		t.snapshot(b, levels)
	case b.live:
		t.emit(b, levels...)
	}
}

// bitstampTwin reads lines of two forms: a message, or "http PAIR BODY".
type bitstampTwin struct {
	twinBase
	top   bool
	syncs map[*twinBook]*bitstampTwinSync
}

type bitstampTwinSync struct {
	live, confirmed bool
	taken           bool
	since, at, last int64
	held            []bitstampTwinDiff
}

type bitstampTwinDiff struct {
	at     int64
	levels []event.Event
}

func newBitstampTwin(c Config, top bool) *bitstampTwin {
	t := &bitstampTwin{twinBase: newTwinBase(c), top: top, syncs: map[*twinBook]*bitstampTwinSync{}}
	for _, b := range t.books {
		t.syncs[b] = &bitstampTwinSync{}
	}
	return t
}

func (t *bitstampTwin) restart(b *twinBook) {
	t.syncs[b] = &bitstampTwinSync{confirmed: t.syncs[b].confirmed}
}

// spoil loses b, or every book, and what is held of it.
func (t *bitstampTwin) spoil(of *twinBook) {
	for _, b := range t.books {
		if of == nil || of == b {
			t.restart(b)
		}
	}
	t.lose(of, event.ReasonMalformed)
}

func (t *bitstampTwin) receive(now int64, msg []byte) {
	t.now, t.events = now, nil
	if pair, body, ok := bitstampHTTP(msg); ok {
		t.http(t.find(pair), body)
		return
	}
	m, ok := strict(msg)
	kind, _ := m["event"].(string)
	channel, _ := m["channel"].(string)
	if !ok || kind == "" {
		t.spoil(nil)
		return
	}
	name, book := "diff_order_book_", (*twinBook)(nil)
	if t.top {
		name = "order_book_"
	}
	for _, b := range t.books {
		if channel == name+b.Text || channel == "live_trades_"+b.Text {
			book = b
		}
	}
	switch {
	case kind == "bts:subscription_succeeded" && book != nil && channel == name+book.Text:
		t.syncs[book].confirmed = true
		if t.lost(book); !t.syncs[book].live && !t.syncs[book].taken {
			t.restart(book)
		}
	case kind != "data" && kind != "trade":
	case !containsByte(channel, '_'):
		t.spoil(nil)
	case book == nil:
	case kind == "trade" && channel == "live_trades_"+book.Text:
		t.trade(book, asMap(m["data"]))
	case kind == "data" && channel == name+book.Text:
		at, levels, ok := t.read(book, asMap(m["data"]))
		switch {
		case !ok:
			t.spoil(book)
		case t.top:
			book.src = at * 1000
			t.snapshot(book, levels)
		default:
			t.diff(book, at, levels)
		}
	}
}

func containsByte(s string, c byte) bool {
	for i := range len(s) {
		if s[i] == c {
			return true
		}
	}
	return false
}

func (t *bitstampTwin) read(b *twinBook, data map[string]any) (int64, []event.Event, bool) {
	at, ok := twinInteger(data["microtimestamp"], true, twinYear2200*1000)
	bids, ok1 := twinLadder(data["bids"], market.Buy, b.Symbol)
	asks, ok2 := twinLadder(data["asks"], market.Sell, b.Symbol)
	return at, append(bids, asks...), ok && ok1 && ok2
}

func (t *bitstampTwin) diff(b *twinBook, at int64, levels []event.Event) {
	order := slices.DeleteFunc(slices.Clone(t.books), func(other *twinBook) bool { return other == b })
	for _, other := range append(order, b) {
		t.lost(other)
		s := t.syncs[other]
		if s.since != 0 || !s.confirmed && other != b {
			continue
		}
		if s.since = at; s.taken && at <= s.at {
			s.live, other.live = true, true
			t.emit(other, twinStatus(event.BookLive, event.ReasonSnapshot))
		}
		s.taken = false
	}
	switch s := t.syncs[b]; {
	case !s.live:
		s.held = append(s.held, bitstampTwinDiff{at, levels})
	case at <= s.at:
	case at < s.last:
		t.restart(b)
		t.lose(b, event.ReasonGap)
	default:
		s.last, b.src = at, at*1000
		t.emit(b, levels...)
	}
}

func (t *bitstampTwin) http(b *twinBook, body []byte) {
	if b == nil || t.top {
		return
	}
	m, ok := strict(body)
	at, levels, ok1 := t.read(b, m)
	if !ok || !ok1 {
		t.lose(b, event.ReasonMalformed)
		return
	}
	t.lost(b)
	s := t.syncs[b]
	if s.live && at < max(s.last, s.at) || !s.live && s.since != 0 && at < s.since {
		return
	}
	list := []event.Event{{Kind: event.BookClear}}
	for _, l := range levels {
		if l.Qty > 0 {
			list = append(list, l)
		}
	}
	last := at
	for _, d := range s.held {
		if d.at > at {
			list = append(list, d.levels...)
			last = d.at
		}
	}
	*s = bitstampTwinSync{confirmed: s.confirmed, live: s.since != 0, taken: s.since == 0, since: s.since,
		at: at, last: last}
	b.src = last * 1000
	if s.live {
		b.live = true
		list = append(list, twinStatus(event.BookLive, event.ReasonSnapshot))
	}
	t.emit(b, list...)
}

// lost starts anew when the book was lost since.
func (t *bitstampTwin) lost(b *twinBook) {
	if s := t.syncs[b]; s.live && !b.live || s.taken && b.told != event.BookSyncing {
		t.restart(b)
	}
}

func (t *bitstampTwin) trade(b *twinBook, d map[string]any) {
	kind, ok := twinInteger(d["type"], false, 1)
	at, ok1 := twinInteger(d["microtimestamp"], true, twinYear2200*1000)
	e, ok2 := twinTrade([2]market.Side{market.Buy, market.Sell}[kind&1], d["price_str"], d["amount_str"], b.Symbol)
	if ok && ok1 && ok2 && e.Qty > 0 {
		b.src = at * 1000
		t.emit(b, e)
	}
}

// Names of one market end alike; each keeps its tail all the same.
func TestGeminiTailsOfOneMarket(t *testing.T) {
	g, err := NewGemini(Config{Symbols: symbolsOf("BTCUSDCPERP 2 8", "ETHUSDCPERP 2 8", "SOLUSDCPERP 3 8"),
		Sink: func(*event.Event) bool { return true }, StallNanos: 1})
	if err != nil {
		t.Fatal(err)
	}
	text := func(b *book) []byte {
		return []byte(`{"changes":[["buy","65205.5","0.04289582"]],"symbol":"` + b.Text + geminiTail)
	}
	for i := range g.books.all {
		if msg := text(&g.books.all[i]); !g.scan(msg) {
			t.Fatalf("not scanned: %s", msg)
		}
	}
	for i := range g.books.all {
		b := &g.books.all[i]
		if h := g.tails.of(text(b)); h == nil || h.book != b {
			t.Errorf("%s: tail forgotten", b.Text)
		}
	}
}
