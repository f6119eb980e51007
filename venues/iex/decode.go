package iex

import (
	"encoding/binary"
	"fmt"

	"penstock/event"
	"penstock/market"
)

// MaxSymbols bounds the symbols that a decoder knows, wanted or not. IEX lists
// about 8,000 a day.
const MaxSymbols = 1 << 15

// Config says what to decode and where events go.
type Config struct {
	Venue   market.VenueID
	Symbols []Symbol
	// Discover is asked once about every symbol that is not among Symbols; it
	// returns the instrument, or false to pass the symbol over. nil passes all over.
	Discover func(text string) (Symbol, bool)
	Sink     event.Sink
}

// Stats counts since the start. A message is counted in exactly one of Used,
// Ignored, Unknown, Malformed, Absurd and Withheld.
type Stats struct {
	Messages  uint64
	Types     [256]uint64 // messages of at least the right length, by type
	Used      uint64      // concerns a wanted instrument, or all
	Ignored   uint64      // concerns an instrument that is not wanted
	Unknown   uint64      // message type that DEEP 1.0 does not have
	Malformed uint64      // too short
	Absurd    uint64      // impossible value
	Withheld  uint64      // level of a book that is STALE
	Breaks    uint64      // trades that IEX took back: nothing here depends on them
	Events    uint64
	NoRoom    uint64 // events that the sink refused; they are offered again
}

// Decoder turns DEEP 1.0 messages into events, without allocating once every
// symbol has been seen.
//
// A price level becomes BookLevel; one that IEX marks as part of an event that is
// not complete carries the flag More. A trade becomes MarketTrade without an
// aggressor, Ref being the trade's number. An instrument is HALTED while its
// trading status is not T (trading), while IEX has an operational halt in it, and
// from the end of system hours on. The price test for short sales becomes
// ShortRestriction, once the book is LIVE or HALTED.
//
// A new Decoder expects Reset, then Live when messages come from the start.
type Decoder struct {
	venue    market.VenueID
	sink     event.Sink
	discover func(string) (Symbol, bool)
	books    []book
	index    index
	state    event.BookState
	reason   event.Reason
	closed   bool // the venue announced the end of system hours
	owed     bool // a book has something to tell that the sink has not taken
	depth    event.Event
	status   event.Event
	stats    Stats
}

// NewDecoder checks the configuration and takes the memory.
func NewDecoder(c Config) (*Decoder, error) {
	switch {
	case c.Sink == nil:
		return nil, fmt.Errorf("iex decoder: no sink")
	case len(c.Symbols) == 0 && c.Discover == nil:
		return nil, fmt.Errorf("iex decoder: no symbols")
	case len(c.Symbols) > MaxSymbols:
		return nil, fmt.Errorf("iex decoder: %d symbols, must be at most %d", len(c.Symbols), MaxSymbols)
	}
	d := &Decoder{venue: c.Venue, sink: c.Sink, discover: c.Discover, index: newIndex(MaxSymbols),
		books: make([]book, 0, len(c.Symbols)+64)}
	for _, s := range c.Symbols {
		b, err := newBook(s)
		if err != nil {
			return nil, err
		}
		at := d.index.find(d.books, b.key)
		if *at != 0 {
			return nil, fmt.Errorf("iex symbol %q: configured twice", s.Text)
		}
		d.books = append(d.books, b)
		*at = uint32(len(d.books))
	}
	d.depth.Venue = c.Venue
	return d, nil
}

// Stats returns the counters. The pointer stays valid.
func (d *Decoder) Stats() *Stats { return &d.stats }

// Decode takes one message without its length prefix. now is when its bytes were
// received. A message that cannot be used changes no book's depth and gives a
// *MessageError, and takes the book that it names out of use; ErrNoRoom asks for
// the same message again later.
func (d *Decoder) Decode(now int64, msg []byte) error {
	if d.owed && !d.Settle(now) {
		return ErrNoRoom
	}
	if len(msg) == 0 || lengths[msg[0]] == 0 || len(msg) < int(lengths[msg[0]]) {
		return d.misfit(now, msg)
	}
	if msg[0] == typeSystemEvent {
		return d.finish(now, nil, msg, d.systemEvent(now, msg))
	}
	b, err := d.find(msg)
	if err != nil {
		return d.finish(now, nil, msg, err)
	}
	if b.ignored {
		return d.count(msg, &d.stats.Ignored)
	}
	withhold := b.broken != event.ReasonNone || d.state == event.BookStale
	switch msg[0] {
	case typeBuyLevel, typeSellLevel:
		if withhold {
			return d.count(msg, &d.stats.Withheld)
		}
		err = d.level(now, b, msg)
	case typeTrade:
		err = d.trade(now, b, msg)
	case typeTradeBreak:
		if err = d.check(b, msg); err == nil {
			d.stats.Breaks++
		}
	case typeTradingStatus:
		err = d.tradingStatus(now, b, msg)
	case typeOperationalHalt:
		err = d.operationalHalt(now, b, msg)
	case typeShortSale:
		err = d.shortSale(now, b, msg)
	}
	return d.finish(now, b, msg, err)
}

// finish accounts for a message of the right length.
func (d *Decoder) finish(now int64, b *book, msg []byte, err error) error {
	switch err {
	case nil:
		return d.count(msg, &d.stats.Used)
	case ErrNoRoom:
		return err
	}
	d.count(msg, &d.stats.Absurd)
	if b != nil {
		d.distrust(now, b, event.ReasonAbsurd)
	}
	return refusal(msg, err)
}

// count returns nil.
func (d *Decoder) count(msg []byte, outcome *uint64) error {
	d.stats.Messages++
	d.stats.Types[msg[0]]++
	*outcome++
	return nil
}

// find returns the book of the symbol in msg.
func (d *Decoder) find(msg []byte) (*book, error) {
	key := symbolKey(msg)
	at := d.index.find(d.books, key)
	if *at != 0 {
		return &d.books[*at-1], nil
	}
	if key == 0 {
		return nil, ErrValue
	}
	if len(d.books) == MaxSymbols {
		return nil, ErrSymbols
	}
	b := book{key: key, ignored: true}
	if d.discover != nil {
		if text := trim(msg[10:18]); text != "" {
			if s, ok := d.discover(text); ok {
				fresh, err := newBook(s)
				if err != nil || fresh.key != key {
					return nil, ErrValue
				}
				b = fresh
			}
		}
	}
	d.books = append(d.books, b)
	*at = uint32(len(d.books))
	return &d.books[len(d.books)-1], nil
}

// trim returns a padded symbol as text, "" when it is not printable.
func trim(padded []byte) string {
	n := len(padded)
	for n > 0 && padded[n-1] == ' ' {
		n--
	}
	for _, c := range padded[:n] {
		if c <= ' ' || c > '~' {
			return ""
		}
	}
	return string(padded[:n])
}

// level tells the displayed size at a price.
func (d *Decoder) level(now int64, b *book, msg []byte) error {
	price, ok := b.price(int64(binary.LittleEndian.Uint64(msg[22:])))
	qty, ok2 := b.qty(binary.LittleEndian.Uint32(msg[18:]))
	if !ok || !ok2 || timestamp(msg) <= 0 {
		return ErrValue
	}
	if !d.settleBook(now, b) {
		d.owed = true
		return ErrNoRoom
	}
	e := d.fill(now, b, event.BookLevel, msg)
	e.Side, e.Price, e.Qty = market.Buy, price, qty
	if msg[0] == typeSellLevel {
		e.Side = market.Sell
	}
	if msg[1]&eventComplete == 0 {
		e.Flags = event.More
	}
	return d.send()
}

func (d *Decoder) trade(now int64, b *book, msg []byte) error {
	if err := d.check(b, msg); err != nil {
		return err
	}
	e := d.fill(now, b, event.MarketTrade, msg)
	e.Price, _ = b.price(int64(binary.LittleEndian.Uint64(msg[22:])))
	e.Qty, _ = b.qty(binary.LittleEndian.Uint32(msg[18:]))
	e.Ref = binary.LittleEndian.Uint64(msg[30:])
	return d.send()
}

// check refuses a trade, or the break of one, that cannot be true.
func (d *Decoder) check(b *book, msg []byte) error {
	_, ok := b.price(int64(binary.LittleEndian.Uint64(msg[22:])))
	qty, ok2 := b.qty(binary.LittleEndian.Uint32(msg[18:]))
	if !ok || !ok2 || qty == 0 || timestamp(msg) <= 0 {
		return ErrValue
	}
	return nil
}

// fill sets the fields that every event of a message has.
func (d *Decoder) fill(now int64, b *book, kind event.Kind, msg []byte) *event.Event {
	e := &d.depth
	e.RecvTime, e.SrcTime, e.Ref = now, timestamp(msg), 0
	e.Kind, e.Instrument, e.Side, e.Flags = kind, b.id, 0, 0
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
