package itch

import (
	"encoding/binary"
	"fmt"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/venues/wire"
)

// Config says what to decode and where events go.
type Config struct {
	Venue   market.VenueID
	Symbols []Symbol // what the stock directory says of other stocks is ignored
	// Midnight returns the midnight from which the venue counts the times of a session that
	// begins at now; ns since epoch, both. nil: that of UTC. It is asked at each Reset.
	Midnight func(now int64) int64
	// Market is the code by which operational halts name the venue: Q Nasdaq, B BX,
	// X PSX. 0 takes the halts of every market for its own.
	Market byte
	Sink   event.Sink
	// Batch, when set, takes the events of DecodeBlocks in place of Sink: see event.Batch.
	Batch event.Batch
}

// Stats counts since the start. A message is counted in exactly one of Used,
// Ignored, Unknown, Malformed, Absurd and Withheld.
type Stats struct {
	Messages  uint64
	Types     [256]uint64 // messages of the right length, by type
	Used      uint64      // concerns a configured instrument, or all
	Ignored   uint64      // concerns an instrument that is not configured
	Unknown   uint64      // message type that ITCH 5.0 does not have
	Malformed uint64      // wrong length
	Absurd    uint64      // impossible value
	Withheld  uint64      // concerns a book that lost an event to one of the above
	Events    uint64
	NoRoom    uint64 // events that the sink refused; they are offered again
}

// Decoder turns ITCH 5.0 messages into events, without allocating.
//
// The order book is the receiver's: an OrderExecuted, OrderReduced, OrderDeleted or
// OrderReplaced names its order by Ref only.
//
// A new Decoder expects Reset, then Live when messages come from the start.
type Decoder struct {
	depth    event.Event
	books    []book // [0] stands for every instrument that is not configured
	sink     event.Sink
	midnight int64 // of the running session
	day      func(now int64) int64
	owed     bool // a book has something to tell that the sink has not taken
	closed   bool // the venue announced the end of system hours
	market   byte
	venue    market.VenueID
	state    event.BookState
	reason   event.Reason
	stats    Stats
	status   event.Event
	blamed   *book         // by a refused line of the stock directory, when it is not the book it names
	names    []listed      // of books, sorted by text
	byLocate [65536]uint16 // index in books

	batchSink event.Batch
	scales    [maxScales]scale
	skipped   int // messages of a batch that made no event
	batch     [BatchSize]event.Event
	lanes     [65536]lane // by locate code, as byLocate
}

// NewDecoder checks the configuration and takes the memory.
func NewDecoder(c Config) (*Decoder, error) {
	if c.Sink == nil {
		return nil, fmt.Errorf("itch decoder: no sink")
	}
	if len(c.Symbols) == 0 || len(c.Symbols) > 65535 {
		return nil, fmt.Errorf("itch decoder: %d symbols, must be 1 to 65535", len(c.Symbols))
	}
	if c.Market != 0 && c.Market != 'Q' && c.Market != 'B' && c.Market != 'X' {
		return nil, fmt.Errorf("itch decoder: market %q, must be Q, B, X or 0 for all", c.Market)
	}
	d := &Decoder{venue: c.Venue, day: c.Midnight, market: c.Market, sink: c.Sink,
		batchSink: c.Batch}
	if d.day == nil {
		d.day = wire.Midnight(time.UTC)
	}
	d.books = make([]book, 1, len(c.Symbols)+1)
	seen := map[string]bool{}
	for _, s := range c.Symbols {
		b, err := newBook(s)
		if err != nil {
			return nil, err
		}
		if seen[s.Text] {
			return nil, fmt.Errorf("itch symbol %q: configured twice", s.Text)
		}
		seen[s.Text] = true
		b.scale = d.scaleOf(&b)
		d.books = append(d.books, b)
	}
	d.nameBooks()
	d.depth.Venue = c.Venue
	for i := range d.batch {
		d.batch[i].Venue = c.Venue
	}
	return d, nil
}

// Stats returns the counters as they are at the call.
func (d *Decoder) Stats() *Stats {
	s := &d.stats
	s.Messages = s.Unknown + s.Malformed
	for _, n := range s.Types {
		s.Messages += n
	}
	s.Used = s.Messages - s.Unknown - s.Malformed - s.Ignored - s.Absurd - s.Withheld
	return s
}

// Decode takes one message without its length prefix. now is when its bytes were
// received. A message that cannot be used gives no depth event and a
// *MessageError, and takes the book that it names out of use; ErrNoRoom asks for
// the same message again later.
func (d *Decoder) Decode(now int64, msg []byte) (err error) {
	if d.owed && !d.Settle(now) {
		return ErrNoRoom
	}
	if len(msg) == 0 || len(msg) != int(lengths[msg[0]]) {
		return d.misfit(now, msg)
	}
	b := &d.books[d.byLocate[locate(msg)]]
	if b == &d.books[0] || b.broken != event.ReasonNone {
		err = d.withoutBook(now, b, msg)
	} else {
		err = d.withBook(now, b, msg)
	}
	if err != nil {
		if err == ErrNoRoom {
			return err
		}
		return d.absurd(now, b, msg, err)
	}
	d.stats.Types[msg[0]]++
	return nil
}

func (d *Decoder) withBook(now int64, b *book, msg []byte) error {
	switch msg[0] {
	case typeAddOrder, typeAddOrderMPID:
		return d.addOrder(now, b, msg)
	case typeOrderExecuted:
		return d.takeOff(now, b, event.OrderExecuted, msg)
	case typeOrderCancel:
		return d.takeOff(now, b, event.OrderReduced, msg)
	case typeOrderDelete:
		d.fill(now, b, event.OrderDeleted, msg)
		return d.send()
	case typeOrderReplace:
		return d.replaceOrder(now, b, msg)
	case typeExecutedWithPrice:
		return d.executedWithPrice(now, b, msg)
	case typeTrade:
		return d.trade(now, b, msg)
	}
	return d.stateMessage(now, b, msg)
}

// fill sets the fields that every event of an order has. LastPx is 0 but within
// executedWithPrice.
func (d *Decoder) fill(now int64, b *book, kind event.Kind, msg []byte) *event.Event {
	_ = msg[18]
	e := &d.depth
	e.RecvTime = now
	e.SrcTime = d.midnight + timestamp(msg)
	e.Ref = binary.BigEndian.Uint64(msg[11:])
	e.Price, e.Qty, e.OrderRef = 0, 0, 0
	e.Kind, e.Instrument, e.Side = kind, b.id, 0
	return e
}

func (d *Decoder) send() error {
	if !d.sink(&d.depth) {
		d.stats.NoRoom++
		return ErrNoRoom
	}
	d.stats.Events++
	return nil
}

func (d *Decoder) addOrder(now int64, b *book, msg []byte) error {
	_ = msg[35]
	price, ok := b.price(binary.BigEndian.Uint32(msg[32:]))
	shares := binary.BigEndian.Uint32(msg[20:])
	side := sideCodes[msg[19]] // no branch on it can be foretold
	if !ok || shares == 0 || side == 0 {
		return ErrValue
	}
	e := d.fill(now, b, event.OrderAdd, msg)
	e.Side, e.Price, e.Qty = side, price, b.qty(shares)
	return d.send()
}

// takeOff reduces an order: E by a trade at its price, X by a cancel.
func (d *Decoder) takeOff(now int64, b *book, kind event.Kind, msg []byte) error {
	shares := binary.BigEndian.Uint32(msg[19:])
	if shares == 0 {
		return ErrValue
	}
	e := d.fill(now, b, kind, msg)
	e.Qty = b.qty(shares)
	return d.send()
}

func (d *Decoder) replaceOrder(now int64, b *book, msg []byte) error {
	_ = msg[34]
	price, ok := b.price(binary.BigEndian.Uint32(msg[31:]))
	shares := binary.BigEndian.Uint32(msg[27:])
	if !ok || shares == 0 {
		return ErrValue
	}
	e := d.fill(now, b, event.OrderReplaced, msg)
	e.OrderRef, e.Price, e.Qty = binary.BigEndian.Uint64(msg[19:]), price, b.qty(shares)
	return d.send()
}

// executedWithPrice reduces an order by a trade at another price. A print that does
// not count in the volume (printable N) reduces the order all the same.
func (d *Decoder) executedWithPrice(now int64, b *book, msg []byte) error {
	price, ok := b.price(binary.BigEndian.Uint32(msg[32:]))
	if !ok || msg[31] != 'Y' && msg[31] != 'N' {
		return ErrValue
	}
	d.depth.LastPx = price
	err := d.takeOff(now, b, event.OrderExecuted, msg)
	d.depth.LastPx = 0
	return err
}

// trade reports an execution against a hidden order. Its side field is always B
// since 2014 whatever the order's side was, so the aggressor is unknown.
func (d *Decoder) trade(now int64, b *book, msg []byte) error {
	price, ok := b.price(binary.BigEndian.Uint32(msg[32:]))
	shares := binary.BigEndian.Uint32(msg[20:])
	if !ok || shares == 0 {
		return ErrValue
	}
	e := d.fill(now, b, event.MarketTrade, msg)
	e.Price, e.Qty = price, b.qty(shares)
	return d.send()
}

// crossTrade reports what an auction has traded; nothing, when nothing has. It names
// no order: Ref is 0.
func (d *Decoder) crossTrade(now int64, b *book, msg []byte) error {
	shares := binary.BigEndian.Uint64(msg[11:])
	if shares == 0 {
		return nil
	}
	price, ok := b.price(binary.BigEndian.Uint32(msg[27:]))
	if !ok || shares > uint64(market.MaxQty)/uint64(b.qtyMul) {
		return ErrValue
	}
	e := d.fill(now, b, event.MarketTrade, msg)
	e.Ref, e.Price, e.Qty = 0, price, market.Qty(int64(shares)*b.qtyMul)
	return d.send()
}

var sideCodes = [256]market.Side{'B': market.Buy, 'S': market.Sell}
