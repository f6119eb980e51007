package tape

import (
	"fmt"
	"io"

	"penstock/event"
)

// lobsterLevels plays a LOBSTER message file with its order book file as a feed of
// price levels: of each line first the execution, then how the row differs from the
// row before. An execution of a displayed order must be at the best price of the row
// before it.
type lobsterLevels struct {
	to    target
	sink  event.Sink
	rows  *file
	last  []lobsterOrder
	right int64
	wrong int64
	types [256]uint64
}

func newLobsterLevels(feed *Feed, to target, sink event.Sink) (decoder, error) {
	if feed.Book == "" {
		return decoder{}, fmt.Errorf("format lobster-levels needs +book=PATH of the order book file")
	}
	if to.only().PriceDecimals < 4 {
		return decoder{}, fmt.Errorf("prices of LOBSTER have 4 decimals, the instrument %d", to.only().PriceDecimals)
	}
	rows, err := openFile(feed.Book)
	if err != nil {
		return decoder{}, err
	}
	l := &lobsterLevels{to: to, sink: sink, rows: rows}
	return decoder{receive: l.receive, count: l.count}, nil
}

func (l *lobsterLevels) receive(now int64, line []byte) error {
	text, err := l.rows.readLine()
	if err == io.EOF {
		return fmt.Errorf("%w: the order book file has fewer rows", ErrLine)
	} else if err != nil {
		return err
	}
	row, err := readRow(text, l.to.only())
	if err != nil {
		return err
	}
	m, err := readLobster(line, l.to.only())
	if err != nil {
		return err
	}
	l.types['0'+m.kind]++
	if m.kind == lobsterExecute || m.kind == lobsterHidden || m.kind == lobsterCross {
		if m.kind == lobsterExecute {
			l.check(&m)
		}
		l.emit(now, event.Event{Kind: event.MarketTrade, Ref: m.ref, Side: m.side.Contra(), Price: m.price, Qty: m.qty})
	}
	l.tell(now, row)
	return nil
}

func (l *lobsterLevels) check(m *lobsterMessage) {
	if len(l.last) == 0 {
		return // the first line has no row before it
	}
	for i := range l.last {
		if o := &l.last[i]; o.side == m.side { // the best comes first
			if o.price == m.price {
				l.right++
				return
			}
			break
		}
	}
	l.wrong++
}

// tell sends the levels that differ, as one message; the first row is a snapshot.
func (l *lobsterLevels) tell(now int64, row []lobsterOrder) {
	var list []event.Event
	for i := range l.last {
		if o := &l.last[i]; find(row, o) < 0 {
			list = append(list, event.Event{Kind: event.BookLevel, Side: o.side, Price: o.price})
		}
	}
	for i := range row {
		o := &row[i]
		if at := find(l.last, o); at < 0 || l.last[at].qty != o.qty {
			list = append(list, event.Event{Kind: event.BookLevel, Side: o.side, Price: o.price, Qty: o.qty})
		}
	}
	first := l.last == nil
	if first {
		l.emit(now, event.Event{Kind: event.BookClear, Flags: event.More})
	}
	for i := range list {
		if first || i+1 < len(list) {
			list[i].Flags = event.More
		}
		l.emit(now, list[i])
	}
	if first {
		l.emit(now, event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive), Reason: event.ReasonSnapshot})
	}
	l.last = row
}

// find returns the place of the level of o in row, -1 when it is not there.
func find(row []lobsterOrder, o *lobsterOrder) int {
	for i := range row {
		if row[i].side == o.side && row[i].price == o.price {
			return i
		}
	}
	return -1
}

func (l *lobsterLevels) emit(now int64, e event.Event) {
	e.RecvTime, e.SrcTime, e.Venue, e.Instrument = now, now, l.to.venue, l.to.only().ID
	l.sink(&e)
}

func (l *lobsterLevels) count(s *Stats) {
	s.Checked += l.right
	s.Mismatch += l.wrong
	s.addTypes(&l.types)
}
