package jsonws

import (
	"fmt"

	"github.com/valyala/fastjson"

	"penstock/event"
	"penstock/market"
)

// CoinbaseFull decodes channel full of Coinbase Exchange: every order by its id.
//
// Messages of a product are numbered without holes. A book begins with the answer
// to GET /products/<id>/book?level=3 (see TakeSnapshot), onto which the messages
// behind it are played; until then they are kept. A hole, or a message about
// orders that contradicts what the orders are, takes the book out until the next
// snapshot.
type CoinbaseFull struct {
	outlet
	general   general
	clock     clock
	templates [fullKinds][]fullName
	orders    restingOrders
	syncs     []fullSync // by index of books.all
	buffered  int
	in        fullMessage
}

// fullSync is the place of a book in its numbering.
type fullSync struct {
	last uint64 // number of the last message that the book holds, or that is held
	held []fullMessage
}

// fullKind says what a message does.
type fullKind uint8

const (
	fullNone fullKind = iota
	fullReceived
	fullOpen
	fullDone
	fullMatch
	fullChange
	fullKinds
)

// fullMessage is one message, scaled.
type fullMessage struct {
	kind     fullKind
	sized    bool // fullChange: there is a new size
	priced   bool // fullChange: there is a new price
	side     market.Side
	book     *book
	sequence uint64
	id       orderID // of the order; fullMatch: of the maker's
	price    int64   // fullChange: the new one
	qty      int64   // fullOpen: what remains; fullChange: the new one
	trade    uint64  // fullMatch: number of the trade, 0 for none
	time     int64   // ns since the epoch, negative when there is none that can be
}

// DefaultFullBuffered is a few seconds of a busy product.
const DefaultFullBuffered = 1 << 16

// NewCoinbaseFull returns a decoder that keeps up to DefaultFullBuffered messages
// of a product that waits for its snapshot.
func NewCoinbaseFull(c Config) (*CoinbaseFull, error) {
	o, err := newOutlet(c)
	if err != nil {
		return nil, fmt.Errorf("coinbase full: %w", err)
	}
	for i := range o.books.all {
		b := &o.books.all[i]
		if b.Contract != 0 {
			return nil, fmt.Errorf("coinbase full: symbol %s: has no contracts", b.Text)
		}
		b.resync = true
	}
	o.ownHeartbeat, o.wanting = true, true
	return &CoinbaseFull{outlet: o, syncs: make([]fullSync, len(o.books.all)),
		buffered: DefaultFullBuffered}, nil
}

// Receive takes one message; see Kraken.Receive for its errors.
func (c *CoinbaseFull) Receive(now int64, msg []byte) error {
	if !c.Settle(now) {
		return ErrNoRoom
	}
	c.stats.Messages++
	if c.scan(msg) {
		c.stats.Scanned++
		return c.take(now, msg)
	}
	return c.receiveGeneral(now, msg)
}

// take puts the message at hand in its place: into the book, or aside.
func (c *CoinbaseFull) take(now int64, msg []byte) error {
	m, b := &c.in, c.in.book
	s := &c.syncs[b.index]
	b.heard = now
	if m.time >= 0 {
		b.srcTime = m.time
	}
	if !b.live {
		c.stats.Early++
		c.hold(b, m)
		return nil
	}
	switch {
	case m.sequence <= s.last:
		c.stats.Early++
		return nil
	case m.sequence > s.last+1:
		s.held = s.held[:0]
		c.hold(b, m)
		return c.refuse(now, b, msg, ErrGap)
	}
	s.last = m.sequence
	c.begin(now, b)
	if !c.play(m) {
		s.held = s.held[:0]
		return c.refuse(now, b, msg, ErrAbsurd)
	}
	c.stats.Used++
	c.tell(now)
	return nil
}

// hold keeps a message until its book has a snapshot. What comes before a hole is
// of no use, nor is what comes before more than can be kept: the snapshot has to
// be newer.
func (c *CoinbaseFull) hold(b *book, m *fullMessage) {
	s := &c.syncs[b.index]
	if len(s.held) > 0 {
		switch {
		case m.sequence <= s.last:
			return
		case m.sequence > s.last+1:
			c.stats.Gaps++
			s.held = s.held[:0]
		case len(s.held) >= c.buffered:
			c.stats.Overflows++
			s.held = s.held[:0]
		}
	}
	s.held, s.last = append(s.held, *m), m.sequence
}

// play changes the orders as a message says and lists that; false says that it
// contradicts them.
func (c *CoinbaseFull) play(m *fullMessage) bool {
	ref := m.id.ref()
	var o *restingOrder
	if m.kind != fullReceived {
		if o = c.orders.find(ref); o != nil && o.id != m.id {
			return false // two orders with one ref
		}
	}
	switch m.kind {
	case fullOpen:
		return m.qty == 0 || o == nil && c.add(m)
	case fullDone:
		if o != nil {
			c.order(event.OrderDeleted, o, o.qty)
			c.orders.remove(o)
		}
	case fullMatch:
		if o == nil || o.book != m.book || o.side != m.side || o.price != m.price || m.qty > o.qty {
			return false
		}
		c.order(event.OrderExecuted, o, m.qty)
		if o.qty -= m.qty; o.qty == 0 {
			c.orders.remove(o)
		}
		if m.trade == 0 || m.trade > m.book.trade {
			c.trade(m.side.Contra(), m.price, m.qty)
			m.book.trade = max(m.book.trade, m.trade)
		}
	case fullChange:
		return o == nil || c.change(m, o)
	}
	return true
}

// change follows a change of an order on the book. Only less at the same price
// keeps its place in the queue.
func (c *CoinbaseFull) change(m *fullMessage, o *restingOrder) bool {
	price := o.price
	if m.priced {
		price = m.price
	}
	switch {
	case !m.sized || o.book != m.book:
		return false
	case price == o.price && m.qty == o.qty:
	case price == o.price && m.qty < o.qty && m.qty > 0:
		c.order(event.OrderReduced, o, o.qty-m.qty)
		o.qty = m.qty
	default:
		c.order(event.OrderDeleted, o, o.qty)
		changed := *m
		changed.side, changed.price = o.side, price
		c.orders.remove(o)
		return m.qty == 0 || c.add(&changed)
	}
	return true
}

// add puts an order on the book.
func (c *CoinbaseFull) add(m *fullMessage) bool {
	o := restingOrder{id: m.id, book: m.book, price: m.price, qty: m.qty, side: m.side}
	c.orders.insert(o)
	c.order(event.OrderAdd, &o, o.qty)
	return true
}

func (c *CoinbaseFull) order(kind event.Kind, o *restingOrder, qty int64) {
	c.list = append(c.list, change{price: o.price, qty: qty, ref: o.id.ref(), kind: kind, side: o.side})
}

// snapshotPath is the request for all orders of b.
func (c *CoinbaseFull) snapshotPath(dst []byte, b *book) []byte {
	return append(append(append(dst, "/products/"...), b.Text...), "/book?level=3"...)
}

// TakeSnapshot takes the body of an answer to snapshotPath's request. ErrGap says
// that it is older than the messages at hand and a newer one is needed.
func (c *CoinbaseFull) TakeSnapshot(now int64, symbol string, body []byte) error {
	b := c.books.find([]byte(symbol))
	if b == nil {
		c.stats.Ignored++
		return nil
	}
	return c.takeSnapshot(now, b, body)
}

// takeSnapshot is TakeSnapshot for b.
func (c *CoinbaseFull) takeSnapshot(now int64, b *book, body []byte) error {
	if !c.Settle(now) {
		return ErrNoRoom
	}
	c.stats.Messages++
	v := c.general.parse(body)
	if v == nil {
		return c.refuse(now, b, body, ErrMalformed)
	}
	last, err := c.general.integer(v.Get("sequence"))
	if err != nil {
		return c.refuse(now, b, body, ErrMalformed)
	}
	s := &c.syncs[b.index]
	if b.live && last <= s.last {
		c.stats.Service++ // the book is newer
		return nil
	}
	held := s.held
	for len(held) > 0 && held[0].sequence <= last {
		held = held[1:]
	}
	if len(held) > 0 && held[0].sequence > last+1 {
		c.stats.Gaps++
		b.resync, c.wanting = true, true
		return &MessageError{Symbol: b.Text, Text: string(body[:min(len(body), excerptMax)]), Err: ErrGap}
	}
	c.orders.removeAll(b)
	c.begin(now, b)
	c.clear(nil)
	if err = c.restingSide(v.Get("bids"), market.Buy, b); err == nil {
		err = c.restingSide(v.Get("asks"), market.Sell, b)
	}
	if err != nil {
		s.held = s.held[:0]
		return c.refuse(now, b, body, err)
	}
	s.last = last
	for i := range held {
		if s.last = held[i].sequence; !c.play(&held[i]) {
			s.held = s.held[:0]
			return c.refuse(now, b, body, ErrAbsurd)
		}
	}
	s.held = s.held[:0]
	c.status(event.BookLive)
	b.live, b.resync, b.heard = true, false, now
	c.stats.Snapshots++
	c.stats.Used++
	c.tell(now)
	return nil
}

// restingSide reads a list of [price, size, order id] and lists its orders.
func (c *CoinbaseFull) restingSide(v *fastjson.Value, side market.Side, b *book) error {
	if v == nil || v.Type() != fastjson.TypeArray {
		return ErrMalformed
	}
	m := fullMessage{book: b, side: side}
	for _, item := range v.GetArray() {
		order := item.GetArray()
		if len(order) != 3 {
			return ErrMalformed
		}
		l, err := c.general.level(order[0], order[1], side, &b.Symbol)
		if err != nil {
			return err
		}
		var ok bool
		if m.id, ok = parseOrderID(text(order[2])); !ok {
			return ErrMalformed
		}
		if l.qty == 0 {
			continue
		}
		if c.orders.find(m.id.ref()) != nil {
			return ErrAbsurd
		}
		m.price, m.qty = l.price, l.qty
		c.add(&m)
	}
	return nil
}
