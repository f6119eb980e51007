package tape

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"penstock/event"
	"penstock/market"
)

// What dealer recordings do not hold and is assumed, unless the feed says else.
const (
	DefaultQuoteSize int64 = 1_000_000        // lots on each side
	DefaultQuoteLife       = 60 * time.Second // from receipt
)

var errNotPositive = errors.New("not positive")

// dealer makes quotes of "bid,ask" lines.
type dealer struct {
	to   target
	size market.Qty
	life int64 // ns
	n    uint64
	sink event.Sink
}

func newDealer(feed *Feed, to target, sink event.Sink) (decoder, error) {
	d := &dealer{to: to, size: market.Qty(feed.size()), life: feed.life(), sink: sink}
	return decoder{receive: d.receive}, nil
}

func (d *dealer) receive(now int64, line []byte) error {
	bidText, askText, ok := bytes.Cut(line, []byte{','})
	if !ok {
		return fmt.Errorf("%w: no ask", ErrLine)
	}
	bid, err := d.price(bidText)
	if err != nil {
		return fmt.Errorf("bid: %w", err)
	}
	ask, err := d.price(askText)
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	d.n++
	e := event.Event{
		Kind: event.Quote, Venue: d.to.venue, Instrument: d.to.only().ID,
		RecvTime: now, SrcTime: now, Until: now + d.life,
		Price: bid, Qty: d.size, LastPx: ask, LastQty: d.size,
	}
	// The recording names no quotes: their number within the feed stands for it.
	strconv.AppendUint(append(e.ID[:0], 'Q'), d.n, 10)
	d.sink(&e)
	return nil
}

func (d *dealer) price(text []byte) (market.Price, error) {
	v, err := market.ParseDecimal(text, d.to.only().PriceDecimals)
	if err == nil && v <= 0 {
		err = errNotPositive
	}
	if err != nil {
		return 0, fmt.Errorf("price %.40q: %w", text, err)
	}
	return market.Price(v), nil
}
