package fixmd

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"penstock/event"
	"penstock/market"
)

const second = 1_000_000_000

var testSymbols = []Symbol{
	{ID: 3, Text: "ACME", PriceDecimals: 4},
	{ID: 5, Text: "EUR/USD", PriceDecimals: 6, QtyDecimals: 2},
}

// wrap completes a body, fields separated by |, with header and trailer.
func wrap(body string) []byte {
	begin := "FIX.4.4"
	b := strings.ReplaceAll(strings.Trim(body, "|"), "|", "\x01") + "\x01"
	m := fmt.Sprintf("8=%s\x019=%d\x01%s", begin, len(b), b)
	return checksummed([]byte(m))
}

func checksummed(m []byte) []byte {
	sum := byte(0)
	for _, c := range m {
		sum += c
	}
	return fmt.Appendf(append([]byte(nil), m...), "10=%03d\x01", sum)
}

// frame is wrap without a number: inOrder does not look at it.
func frame(body string) []byte { return wrap(body + "|52=20261120-14:30:00.123") }

// collect keeps the events of a decoder and builds books of them, in maps.
type collect struct {
	t      testing.TB
	events []event.Event
	books  map[market.InstrumentID]*seen
	room   int // events that the sink takes yet; -1: all
}

type seen struct {
	state  event.BookState
	levels [2]map[market.Price]market.Qty
	orders map[uint64]event.Event
	more   bool
	band   [2]market.Price
}

func newCollect(t testing.TB) *collect {
	return &collect{t: t, books: map[market.InstrumentID]*seen{}, room: -1}
}

func (c *collect) book(id market.InstrumentID) *seen {
	if c.books[id] == nil {
		c.books[id] = &seen{}
		c.books[id].clear()
	}
	return c.books[id]
}

func (s *seen) clear() {
	s.levels = [2]map[market.Price]market.Qty{{}, {}}
	s.orders = map[uint64]event.Event{}
}

func (s *seen) add(side market.Side, p market.Price, q market.Qty) {
	l := s.levels[side.Index()]
	if l[p] += q; l[p] == 0 {
		delete(l, p)
	}
}

func (c *collect) sink(e *event.Event) bool {
	if c.room == 0 {
		return false
	}
	c.room--
	c.events = append(c.events, *e)
	s := c.book(e.Instrument)
	s.more = e.Flags&event.More != 0
	o, known := s.orders[e.Ref]
	switch e.Kind {
	case event.BookClear:
		s.clear()
		s.state = event.BookSyncing
	case event.BookStatus:
		s.state = event.BookState(e.Code)
	case event.BookLevel:
		delete(s.levels[e.Side.Index()], e.Price)
		if e.Qty > 0 {
			s.levels[e.Side.Index()][e.Price] = e.Qty
		}
	case event.OrderAdd:
		if known || e.Qty <= 0 {
			c.t.Errorf("bad order %+v", e)
		}
		s.orders[e.Ref] = *e
		s.add(e.Side, e.Price, e.Qty)
	case event.OrderReduced, event.OrderExecuted, event.OrderDeleted:
		q := e.Qty
		if e.Kind == event.OrderDeleted {
			q = o.Qty
		}
		if !known || q > o.Qty || q <= 0 {
			c.t.Errorf("bad change %+v of %+v", e, o)
		}
		s.add(o.Side, o.Price, -q)
		if o.Qty -= q; o.Qty == 0 {
			delete(s.orders, e.Ref)
		} else {
			s.orders[e.Ref] = o
		}
	case event.PriceBand:
		s.band = [2]market.Price{e.Price, e.LastPx}
	case event.Quote:
		s.state = event.BookLive
	}
	return true
}

// String shows a book: state, bids, asks, best first.
func (s *seen) String() string {
	var b strings.Builder
	b.WriteString(s.state.String())
	for i, name := range []string{" bid", " ask"} {
		var prices []market.Price
		for p := range s.levels[i] {
			prices = append(prices, p)
		}
		sort.Slice(prices, func(x, y int) bool { return (prices[x] > prices[y]) == (i == 0) })
		b.WriteString(name)
		for _, p := range prices {
			fmt.Fprintf(&b, " %dx%d", p, s.levels[i][p])
		}
	}
	if s.band != [2]market.Price{} {
		fmt.Fprintf(&b, " band %d to %d", s.band[0], s.band[1])
	}
	return b.String()
}

// decoder returns a decoder of a dialect and what its sink collects.
func decoder(t testing.TB, dialect string, change ...func(*Config)) (*Decoder, *collect) {
	t.Helper()
	dl, ok := DialectByName(dialect)
	if !ok {
		t.Fatalf("no dialect %s", dialect)
	}
	c := newCollect(t)
	cfg := Config{Dialect: dl, Venue: 2, Symbols: testSymbols, Sink: c.sink, Depth: 10, Orders: 64, Held: 4,
		Bands: 2, StallNanos: second}
	for _, f := range change {
		f(&cfg)
	}
	d, err := NewDecoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d, c
}

func itoa(v int64) string { return fmt.Sprint(v) }
