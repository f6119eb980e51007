package jsonws

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"regexp"
	"time"

	"penstock/event"
	"penstock/market"
)

// The slow twins: encoding/json tokens with json.Number, math/big, maps, nothing
// shared with the decoders. A twin's receive returns the events of one message.

type twinBook struct {
	Symbol
	told event.BookState
	live bool
	src  int64
}

// twinBase is what the twins of all venues have in common.
type twinBase struct {
	venue  market.VenueID
	books  []*twinBook
	now    int64
	events []event.Event
}

func newTwinBase(c Config) twinBase {
	t := twinBase{venue: c.Venue}
	for _, s := range c.Symbols {
		t.books = append(t.books, &twinBook{Symbol: s})
	}
	return t
}

func (t *twinBase) find(v any) *twinBook {
	for _, b := range t.books {
		if name, ok := v.(string); ok && name == b.Text {
			return b
		}
	}
	return nil
}

func (t *twinBase) emit(b *twinBook, list ...event.Event) {
	for i, e := range list {
		e.RecvTime, e.SrcTime, e.Venue, e.Instrument = t.now, b.src, t.venue, b.ID
		if i < len(list)-1 {
			e.Flags = event.More
		}
		switch e.Kind {
		case event.BookClear:
			b.told = event.BookSyncing
		case event.BookStatus:
			b.told = event.BookState(e.Code)
		}
		t.events = append(t.events, e)
	}
}

// lose makes b STALE, every book when b is nil.
func (t *twinBase) lose(b *twinBook, reason event.Reason) {
	if b == nil {
		for _, b := range t.books {
			t.lose(b, reason)
		}
		return
	}
	b.live = false
	if b.told != event.BookStale {
		src := b.src
		b.src = 0
		t.emit(b, event.Event{Kind: event.BookStatus, Code: uint8(event.BookStale), Reason: reason})
		b.src = src
	}
}

func twinLevel(side market.Side, price, qty int64) event.Event {
	return event.Event{Kind: event.BookLevel, Side: side, Price: market.Price(price), Qty: market.Qty(qty)}
}

func twinStatus(s event.BookState, r event.Reason) event.Event {
	return event.Event{Kind: event.BookStatus, Code: uint8(s), Reason: r}
}

var errTwin = errors.New("twin refuses")

// strict parses one JSON object in which no object has a name twice.
func strict(msg []byte) (map[string]any, bool) {
	d := json.NewDecoder(bytes.NewReader(msg))
	d.UseNumber()
	v, err := strictValue(d, 0)
	if err != nil {
		return nil, false
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, false
	}
	m, ok := v.(map[string]any)
	return m, ok && json.Valid(msg)
}

func strictValue(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	if depth > 300 {
		return nil, errTwin
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := strictValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	case json.Delim('{'):
		m := map[string]any{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			if _, twice := m[name.(string)]; twice || len(m) == namesMax {
				return nil, errTwin
			}
			if m[name.(string)], err = strictValue(d, depth+1); err != nil {
				return nil, err
			}
		}
		_, err := d.Token()
		return m, err
	}
	return token, nil
}

var (
	plainDecimal = regexp.MustCompile(`^-?(\d+\.?\d*|\.\d+)$`)
	plainTime    = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$`)
)

// twinDecimal scales the text of v, a string or a number, exactly.
func twinDecimal(v any, decimals uint8) (int64, bool) {
	text, ok := v.(string)
	if n, isNumber := v.(json.Number); isNumber {
		text, ok = string(n), true
	}
	if !ok || !plainDecimal.MatchString(text) {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, false
	}
	r.Mul(r, new(big.Rat).SetInt64(market.Pow10(decimals)))
	if !r.IsInt() || !r.Num().IsInt64() || r.Num().Cmp(big.NewInt(-1<<63)) == 0 {
		return 0, false
	}
	return r.Num().Int64(), true
}

func twinTime(v any, was int64) int64 {
	text, _ := v.(string)
	if !plainTime.MatchString(text) {
		return was
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || at.Year() < 1970 || at.Year() > 2199 {
		return was
	}
	return at.UnixNano()
}

// twinPair reads ["price","quantity"] and turns contracts into lots.
func twinPair(price, qty any, s Symbol) (p, q int64, ok bool) {
	if _, isText := price.(string); !isText {
		return 0, 0, false
	}
	if _, isText := qty.(string); !isText {
		return 0, 0, false
	}
	decimals := s.QtyDecimals
	if s.Contract != 0 {
		decimals = 0
	}
	p, ok1 := twinDecimal(price, s.PriceDecimals)
	q, ok2 := twinDecimal(qty, decimals)
	if !ok1 || !ok2 || p <= 0 || q < 0 {
		return 0, 0, false
	}
	if s.Contract != 0 {
		lots := big.NewInt(q)
		for _, f := range []int64{s.Contract, market.Pow10(s.QtyDecimals), market.Pow10(s.PriceDecimals)} {
			lots.Mul(lots, big.NewInt(f))
		}
		lots.Quo(lots, big.NewInt(p))
		if new(big.Int).Mul(big.NewInt(q), big.NewInt(s.Contract)).IsInt64() == false || !lots.IsInt64() {
			return 0, 0, false
		}
		q = lots.Int64()
	}
	return p, q, true
}

// twinLadder reads a list of pairs as level events.
func twinLadder(v any, side market.Side, s Symbol) (levels []event.Event, ok bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	for _, item := range list {
		pair, _ := item.([]any)
		if len(pair) != 2 {
			return nil, false
		}
		p, q, ok := twinPair(pair[0], pair[1], s)
		if !ok {
			return nil, false
		}
		levels = append(levels, twinLevel(side, p, q))
	}
	return levels, true
}

func twinSide(v any) market.Side {
	return map[any]market.Side{"buy": market.Buy, "sell": market.Sell}[hashable(v)]
}

func hashable(v any) any {
	if s, ok := v.(string); ok {
		return s
	}
	return nil
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}
