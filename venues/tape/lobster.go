package tape

import (
	"bytes"
	"fmt"
	"io"

	"penstock/event"
	"penstock/market"
)

// Types of a LOBSTER message.
const (
	lobsterNew     = 1
	lobsterReduce  = 2
	lobsterDelete  = 3
	lobsterExecute = 4
	lobsterHidden  = 5
	lobsterCross   = 6
	lobsterHalt    = 7
)

// seconds reads CSV lines whose first field is seconds after midnight with decimals.
// The record is the rest of the line.
type seconds struct {
	f        *file
	midnight int64 // ns since epoch
}

func containSeconds(f *file, feed *Feed) (container, error) {
	start, err := midnight(f.path, feed.Date)
	if err != nil {
		return nil, &Error{Path: f.path, Err: err}
	}
	return &seconds{f: f, midnight: start + int64(feed.Offset)}, nil
}

func (c *seconds) next() (Record, error) {
	line, err := c.f.readLine()
	if err != nil {
		return Record{}, err
	}
	stamp, data, ok := bytes.Cut(line, []byte{','})
	// Some times have decimals beyond the ns, which say nothing.
	if point := bytes.IndexByte(stamp, '.'); point >= 0 && len(stamp) > point+10 {
		stamp = stamp[:point+10]
	}
	ns, err := decimalNanos(stamp)
	if !ok || err != nil || ns < 0 || ns >= 2*24*3600*nanosPerSecond {
		return Record{}, c.f.fail(fmt.Errorf("%w: expected seconds after midnight, type, …", ErrLine))
	}
	return Record{Time: c.midnight + ns, Data: data}, nil
}

// lobsterOrder is what is known of a displayed order.
type lobsterOrder struct {
	side  market.Side
	price market.Price
	qty   market.Qty
}

// lobster plays a LOBSTER message file order by order. Orders that were entered
// before the file begins are not in it: with an order book file their sizes come
// from its first row, which is the state after the first message, as one order a
// level (seed). An event of such an order is taken off the seed of its price; where
// there is none, the price lay outside the levels of the file, and the event is
// counted as Early and changes nothing.
type lobster struct {
	to     target
	sink   event.Sink
	orders map[uint64]lobsterOrder
	seeds  map[lobsterLevel]market.Qty
	first  []byte // first row of the order book file; nil when there is none
	begun  bool
	early  int64
	before int64 // events of orders that were entered before the file
	types  [256]uint64
}

type lobsterLevel struct {
	side  market.Side
	price market.Price
}

// seedRef is the reference of the seed of a level: no order of Nasdaq has bit 63.
func (l lobsterLevel) seedRef() uint64 { return 1<<63 | uint64(l.side.Index())<<62 | uint64(l.price) }

func newLobster(feed *Feed, to target, sink event.Sink) (decoder, error) {
	l := &lobster{to: to, sink: sink, orders: map[uint64]lobsterOrder{}, seeds: map[lobsterLevel]market.Qty{}}
	if to.only().PriceDecimals < 4 {
		return decoder{}, fmt.Errorf("prices of LOBSTER have 4 decimals, the instrument %d", to.only().PriceDecimals)
	}
	if feed.Book != "" {
		f, err := openFile(feed.Book)
		if err != nil {
			return decoder{}, err
		}
		defer f.Close()
		row, err := f.readLine()
		if err != nil && err != io.EOF {
			return decoder{}, err
		}
		l.first = bytes.Clone(row)
	}
	return decoder{receive: l.receive, count: l.count}, nil
}

// lobsterMessage is one line.
type lobsterMessage struct {
	kind  int64
	ref   uint64
	side  market.Side // of the resting order
	price market.Price
	qty   market.Qty
}

// readLobster reads "type,id,size,price,direction".
func readLobster(line []byte, in *market.Instrument) (m lobsterMessage, err error) {
	var v [5]int64
	rest, more := line, true
	for i := range v {
		if !more {
			return m, fmt.Errorf("%w: %d fields after the time, want 5", ErrLine, i)
		}
		var text []byte
		text, rest, more = bytes.Cut(rest, []byte{','})
		if v[i], err = market.ParseDecimal(text, 0); err != nil {
			return m, fmt.Errorf("field %d %.20q: %w", i+2, text, err)
		}
	}
	m.kind, m.ref, m.side = v[0], uint64(v[1]), market.Buy
	if v[4] == -1 {
		m.side = market.Sell
	}
	var ok bool
	m.price, m.qty, ok = lobsterScale(in, v[3], v[2])
	switch {
	case m.kind < lobsterNew || m.kind > lobsterHalt || v[4] != 1 && v[4] != -1 || v[1] < 0:
		return m, fmt.Errorf("%w: type %d, order %d, direction %d", errAbsurd, v[0], v[1], v[4])
	case m.kind != lobsterHalt && (!ok || m.qty == 0 || m.price == 0):
		return m, fmt.Errorf("%w: %d at %d", errAbsurd, v[2], v[3])
	}
	return m, nil
}

// lobsterScale turns a price in 1/10000 and shares into the instrument's units.
func lobsterScale(in *market.Instrument, price, size int64) (market.Price, market.Qty, bool) {
	if price < 0 || price >= 1<<33 || size < 0 || size >= 1<<32 {
		return 0, 0, false
	}
	p := market.Price(price * market.Pow10(in.PriceDecimals-4))
	q := market.Qty(size * market.Pow10(in.QtyDecimals))
	return p, q, p <= market.MaxPrice && q <= market.MaxQty
}

func (l *lobster) receive(now int64, line []byte) error {
	m, err := readLobster(line, l.to.only())
	if err != nil {
		return err
	}
	if !l.begun {
		if err := l.begin(now, &m); err != nil {
			return err
		}
	}
	l.types['0'+m.kind]++
	at := lobsterLevel{m.side, m.price}
	switch m.kind {
	case lobsterNew:
		if _, known := l.orders[m.ref]; known || m.ref>>63 != 0 {
			return fmt.Errorf("%w: order %d is entered again", errAbsurd, m.ref)
		}
		l.orders[m.ref] = lobsterOrder{m.side, m.price, m.qty}
		l.emit(now, event.Event{Kind: event.OrderAdd, Ref: m.ref, Side: m.side, Price: m.price, Qty: m.qty})
	case lobsterReduce, lobsterDelete, lobsterExecute:
		return l.takeOff(now, &m, at)
	case lobsterHidden, lobsterCross:
		l.emit(now, event.Event{Kind: event.MarketTrade, Side: m.side.Contra(), Price: m.price, Qty: m.qty})
	case lobsterHalt:
		state := event.BookHalted
		if line[bytes.LastIndexByte(line[:bytes.LastIndexByte(line, ',')], ',')+1] == '1' {
			state = event.BookLive
		}
		l.state(now, state, event.ReasonVenueState)
	}
	return nil
}

// takeOff reduces an order, or the seed of its level when it is older than the file.
func (l *lobster) takeOff(now int64, m *lobsterMessage, at lobsterLevel) error {
	ref := m.ref
	o, known := l.orders[ref]
	if !known {
		l.before++
		ref = at.seedRef()
		o = lobsterOrder{m.side, m.price, l.seeds[at]}
		if m.qty > o.qty {
			l.early++
			return nil
		}
	}
	if m.qty > o.qty || o.side != m.side || o.price != m.price || known && m.kind == lobsterDelete && m.qty != o.qty {
		return fmt.Errorf("%w: type %d takes %d at %d from order %d, which has %d at %d", errAbsurd, m.kind, m.qty,
			m.price, m.ref, o.qty, o.price)
	}
	e := event.Event{Kind: event.OrderReduced, Ref: ref, Qty: m.qty}
	if m.kind == lobsterExecute {
		e.Kind = event.OrderExecuted
	} else if m.qty == o.qty {
		e.Kind = event.OrderDeleted
	}
	o.qty -= m.qty
	switch {
	case !known:
		l.seeds[at] = o.qty
	case o.qty == 0:
		delete(l.orders, ref)
	default:
		l.orders[ref] = o
	}
	l.emit(now, e)
	return nil
}

// begin builds the book before the first message m from the row after it.
func (l *lobster) begin(now int64, m *lobsterMessage) error {
	l.begun = true
	l.emit(now, event.Event{Kind: event.BookClear, Flags: event.More})
	levels, err := readRow(l.first, l.to.only())
	if err != nil {
		return err
	}
	for i := range levels {
		o := &levels[i]
		at := lobsterLevel{o.side, o.price}
		if at == (lobsterLevel{m.side, m.price}) {
			switch m.kind {
			case lobsterNew:
				o.qty -= m.qty
			case lobsterReduce, lobsterDelete, lobsterExecute:
				o.qty += m.qty
			}
		}
		if o.qty > 0 {
			l.seeds[at] = o.qty
			l.emit(now, event.Event{Kind: event.OrderAdd, Ref: at.seedRef(), Side: o.side, Price: o.price,
				Qty: o.qty, Flags: event.More})
		}
	}
	l.state(now, event.BookLive, event.ReasonSnapshot)
	return nil
}

// readRow reads "ask price,size,bid price,size,…"; size 0 pads levels that are not
// there.
func readRow(row []byte, in *market.Instrument) (levels []lobsterOrder, err error) {
	rest, more := row, len(row) > 0
	for n := 0; more; n++ {
		var v [2]int64
		for i := range v {
			if !more {
				return nil, fmt.Errorf("%w: an order book row of an odd number of fields", ErrLine)
			}
			var text []byte
			text, rest, more = bytes.Cut(rest, []byte{','})
			if v[i], err = market.ParseDecimal(text, 0); err != nil {
				return nil, fmt.Errorf("order book row: %.20q: %w", text, err)
			}
		}
		if v[1] == 0 {
			continue
		}
		side := market.Sell
		if n%2 == 1 {
			side = market.Buy
		}
		price, qty, ok := lobsterScale(in, v[0], v[1])
		if !ok || price == 0 {
			return nil, fmt.Errorf("%w: order book row: %d at %d", errAbsurd, v[1], v[0])
		}
		levels = append(levels, lobsterOrder{side, price, qty})
	}
	return levels, nil
}

func (l *lobster) state(now int64, s event.BookState, r event.Reason) {
	l.emit(now, event.Event{Kind: event.BookStatus, Code: uint8(s), Reason: r})
}

func (l *lobster) emit(now int64, e event.Event) {
	e.RecvTime, e.SrcTime, e.Venue, e.Instrument = now, now, l.to.venue, l.to.only().ID
	l.sink(&e)
}

func (l *lobster) count(s *Stats) {
	s.Early += l.early
	s.Before += l.before
	s.addTypes(&l.types)
}
