package jsonws

import (
	"github.com/valyala/fastjson"

	"penstock/market"
)

// fullField numbers the fields of a message of channel full.
type fullField uint8

const (
	fullTime fullField = iota + 1
	fullProduct
	fullSequence
	fullOrder
	fullMaker
	fullSide
	fullTrade
	fullPrice
	fullSize
	fullRemaining
	fullNewSize
	fullNewPrice
	fullIgnored // and those that follow
)

// fullNames are the fields that the scanner takes. All but two are texts.
var fullNames = map[string]fullField{
	"time": fullTime, "product_id": fullProduct, "sequence": fullSequence, "order_id": fullOrder,
	"maker_order_id": fullMaker, "side": fullSide, "trade_id": fullTrade, "price": fullPrice,
	"size": fullSize, "remaining_size": fullRemaining, "new_size": fullNewSize,
	"new_price": fullNewPrice, "taker_order_id": fullIgnored, "order_type": fullIgnored + 1,
	"reason": fullIgnored + 2, "old_size": fullIgnored + 3, "old_price": fullIgnored + 4,
	"funds": fullIgnored + 5, "client_oid": fullIgnored + 6,
}

// fullName is how a field begins in messages of one kind: `,"side":"`.
type fullName struct {
	prefix prefix
	field  fullField
}

var fullTypes = [fullKinds]string{fullReceived: "received", fullOpen: "open", fullDone: "done",
	fullMatch: "match", fullChange: "change"}

func fullKindOf(text []byte) fullKind {
	for k := fullReceived; k < fullKinds; k++ {
		if string(text) == fullTypes[k] {
			return k
		}
	}
	return fullNone
}

// fullNumber is a number of a message: read, or where it is when the product, and
// with it its decimals, comes later.
type fullNumber struct {
	value int64
	start int // of its text; 0 there is none
	known bool
}

// fullOpenings are how messages begin, by kind.
var fullOpenings = func() (all [fullKinds]string) {
	for k := fullReceived; k < fullKinds; k++ {
		all[k] = `{"type":"` + fullTypes[k] + `"`
	}
	return all
}()

// scanKind takes the opening and returns its kind, fullNone for another. The
// letter that the type begins with tells it.
func (c *CoinbaseFull) scanKind(s *scanner) fullKind {
	const at = len(`{"type":"`)
	if len(s.b) <= at {
		return fullNone
	}
	kind := fullNone
	switch s.b[at] {
	case 'r':
		kind = fullReceived
	case 'o':
		kind = fullOpen
	case 'd':
		kind = fullDone
	case 'm':
		kind = fullMatch
	case 'c':
		kind = fullChange
	}
	if kind == fullNone || !s.literal(fullOpenings[kind]) {
		return fullNone
	}
	return kind
}

// scan reads a message into c.in, its fields in any order behind the type. They
// are looked for first in the order of the message before of that kind.
func (c *CoinbaseFull) scan(msg []byte) bool {
	s, m := scanner{b: msg}, &c.in
	kind := c.scanKind(&s)
	*m = fullMessage{kind: kind, time: -1}
	if kind == fullNone {
		return false
	}
	var at [fullIgnored - fullPrice]fullNumber
	seen, names := uint32(0), c.templates[kind]
	for k := 0; ; k++ {
		var field fullField
		if k < len(names) && (len(msg)-s.i >= prefixShort && names[k].prefix.differs(msg[s.i:s.i+prefixShort]) == 0 ||
			names[k].prefix.at(msg, s.i)) { // all are short
			field = names[k].field
			s.i += len(names[k].prefix.text)
		} else {
			start, ok := s.i, false
			if field, ok = c.scanName(&s, k); !ok {
				if s.i = start; s.char('}') {
					break
				}
				return false
			}
		}
		if seen&(1<<field) != 0 || !c.scanValue(&s, field, &at) {
			return false
		}
		seen |= 1 << field
	}
	return s.end() && c.complete(msg, seen, &at)
}

// scanName takes `,"name":`, and the quote of a text, and keeps it for the next message.
func (c *CoinbaseFull) scanName(s *scanner, k int) (field fullField, ok bool) {
	names := &c.templates[c.in.kind]
	start := s.i
	if !s.literal(`,"`) {
		return 0, false
	}
	name, ok := s.text()
	if field = fullNames[string(name)]; !ok || field == 0 || !s.char(':') {
		return 0, false
	}
	if field != fullSequence && field != fullTrade && !s.char('"') {
		return 0, false
	}
	if s.i-start > prefixShort {
		return field, true
	}
	if k == len(*names) {
		*names = append(*names, fullName{})
	}
	if k < len(*names) {
		n := &(*names)[k]
		n.field = field
		n.prefix.set(s.b[start:s.i])
	}
	return field, true
}

func (c *CoinbaseFull) scanValue(s *scanner, field fullField, at *[fullIgnored - fullPrice]fullNumber) (ok bool) {
	m := &c.in
	switch field {
	case fullTime:
		m.time, ok = s.time(&c.clock)
	case fullProduct:
		b := &c.books.all[c.books.last]
		if end := s.i + len(b.text); end < len(s.b) && s.b[end] == '"' && string(s.b[s.i:end]) == b.Text {
			m.book, s.i = b, end+1
			return true
		}
		var product []byte
		product, ok = s.text()
		m.book = c.books.find(product)
		return ok && m.book != nil
	case fullSequence:
		m.sequence, ok = s.integer()
	case fullTrade:
		m.trade, ok = s.integer()
	case fullOrder, fullMaker:
		end := s.i + orderIDSize
		if end >= len(s.b) || s.b[end] != '"' || (field == fullMaker) != (m.kind == fullMatch) {
			return false
		}
		m.id, ok = parseOrderID(s.b[s.i:end])
		s.i = end + 1
	case fullSide:
		if m.side, ok = market.Buy, s.literal(`buy"`); !ok {
			m.side, ok = market.Sell, s.literal(`sell"`)
		}
	default:
		if field < fullIgnored {
			n := &at[field-fullPrice]
			n.start = s.i
			if m.book != nil && m.kind != fullDone { // of which no number is needed
				if v, next := m.book.number(field).read(s.b, s.i, '"'); next >= 0 {
					n.value, n.known, s.i = v, true, next+1
					return true
				}
			}
		}
		_, ok = s.text()
	}
	return ok
}

// Fields that a message of each kind must have; a change may lack its sizes.
var fullNeeds = [fullKinds]uint32{
	fullReceived: 1<<fullProduct | 1<<fullSequence,
	fullOpen:     1<<fullProduct | 1<<fullSequence | 1<<fullOrder | 1<<fullSide | 1<<fullPrice | 1<<fullRemaining,
	fullDone:     1<<fullProduct | 1<<fullSequence | 1<<fullOrder,
	fullMatch:    1<<fullProduct | 1<<fullSequence | 1<<fullMaker | 1<<fullSide | 1<<fullPrice | 1<<fullSize,
	fullChange:   1<<fullProduct | 1<<fullSequence | 1<<fullOrder,
}

// number is the shape of a field's numbers.
func (b *book) number(field fullField) *shape {
	if field == fullPrice || field == fullNewPrice {
		return &b.priceShape
	}
	return &b.qtyShape
}

// complete reports whether every field is there, and reads the numbers.
func (c *CoinbaseFull) complete(msg []byte, seen uint32, at *[fullIgnored - fullPrice]fullNumber) bool {
	m := &c.in
	if need := fullNeeds[m.kind]; seen&need != need {
		return false
	}
	price, qty := fullPrice, fullSize
	switch m.kind {
	case fullOpen:
		qty = fullRemaining
	case fullChange:
		price, qty = fullNewPrice, fullNewSize
	case fullMatch:
	default:
		return true
	}
	m.priced, m.sized = at[price-fullPrice].start > 0, at[qty-fullPrice].start > 0
	for _, field := range [2]fullField{price, qty} {
		n := &at[field-fullPrice]
		if n.start > 0 && !n.known {
			next := 0
			if n.value, next = m.book.number(field).read(msg, n.start, '"'); next < 0 {
				return false
			}
		}
	}
	m.price, m.qty = at[price-fullPrice].value, at[qty-fullPrice].value
	if m.priced && m.price == 0 {
		return false
	}
	return m.kind != fullMatch || m.qty > 0
}

// receiveGeneral takes every message that scan does not.
func (c *CoinbaseFull) receiveGeneral(now int64, msg []byte) error {
	v := c.general.parse(msg)
	kind := text(v.Get("type"))
	if v == nil || kind == nil {
		return c.refuse(now, nil, msg, ErrMalformed)
	}
	switch string(kind) {
	case "subscriptions":
		c.subscriptions(v)
		return nil
	case "error":
		return c.refuse(now, nil, msg, ErrRefused)
	case "heartbeat", "received", "open", "done", "match", "change", "activate":
	case "last_match", "ticker", "status":
		c.stats.Service++
		return nil
	default:
		return c.refuse(now, nil, msg, ErrUnknown)
	}
	product := text(v.Get("product_id"))
	if product == nil {
		return c.refuse(now, nil, msg, ErrMalformed)
	}
	c.in = fullMessage{kind: fullKindOf(kind), book: c.books.find(product), time: -1}
	m := &c.in
	if m.book == nil {
		c.stats.Ignored++
		return nil
	}
	if at, ok := c.clock.parse(text(v.Get("time"))); ok {
		m.time = at
	}
	if m.kind == fullNone {
		m.kind = fullReceived
		if string(kind) == "heartbeat" || !v.Exists("sequence") {
			m.book.heard = now
			c.stats.Service++
			return nil
		}
	}
	if err := c.fields(v); err != nil {
		return c.refuse(now, m.book, msg, err)
	}
	return c.take(now, msg)
}

// fields reads what a message of its kind must have.
func (c *CoinbaseFull) fields(v *fastjson.Value) (err error) {
	m, g := &c.in, &c.general
	if m.sequence, err = g.integer(v.Get("sequence")); err != nil {
		return err
	}
	if m.kind == fullReceived {
		return nil
	}
	id, price, qty := "order_id", "price", "remaining_size"
	switch m.kind {
	case fullMatch:
		id, qty = "maker_order_id", "size"
	case fullChange:
		price, qty = "new_price", "new_size"
	}
	var ok bool
	if m.id, ok = parseOrderID(text(v.Get(id))); !ok {
		return ErrMalformed
	}
	if m.kind == fullDone {
		return nil
	}
	s := &m.book.Symbol
	m.priced = m.kind != fullChange || v.Exists(price)
	m.sized = m.kind != fullChange || v.Exists(qty)
	if m.priced {
		if m.price, err = g.decimal(v.Get(price), s.PriceDecimals); err != nil {
			return err
		}
	}
	if m.sized {
		if m.qty, err = g.decimal(v.Get(qty), s.QtyDecimals); err != nil {
			return err
		}
	}
	if m.priced && m.price <= 0 || m.qty < 0 || m.kind == fullMatch && m.qty == 0 {
		return ErrAbsurd
	}
	if m.kind == fullChange {
		return nil
	}
	if m.side = sideOf(text(v.Get("side"))); m.side == 0 {
		return ErrMalformed
	}
	if m.kind == fullMatch && v.Exists("trade_id") {
		m.trade, err = g.integer(v.Get("trade_id"))
	}
	return err
}

// subscriptions takes the confirmation, which lists everything subscribed to.
func (c *CoinbaseFull) subscriptions(v *fastjson.Value) {
	c.stats.Service++
	for _, channel := range v.GetArray("channels") {
		if string(text(channel.Get("name"))) != "full" {
			continue
		}
		for _, product := range channel.GetArray("product_ids") {
			if b := c.books.find(text(product)); b != nil {
				b.confirmed = true
			}
		}
	}
}

// request subscribes to the full and heartbeat channels. A snapshot is not to be
// had over the WebSocket: see TakeSnapshot.
func (c *CoinbaseFull) request(dst []byte, b *book) []byte {
	if b != nil {
		return dst
	}
	dst = append(dst, `{"type":"subscribe","product_ids":[`...)
	dst = c.appendNames(dst, nil)
	return append(dst, `],"channels":["full","heartbeat"]}`...)
}
