package jsonws

import (
	"fmt"

	"github.com/valyala/fastjson"

	"penstock/event"
	"penstock/market"
)

// Coinbase decodes the WebSocket feed of Coinbase Exchange: channels level2 (or
// level2_batch), heartbeat and matches.
//
// level2 has no sequence numbers: the venue promises delivery, and TCP keeps the
// order. What remains is silence, which the heartbeat of each product, one a
// second, makes visible.
type Coinbase struct {
	outlet
	channel string
	general general
	in      coinbaseUpdate
}

// coinbaseUpdate is one l2update.
type coinbaseUpdate struct {
	book   *book
	time   []byte
	levels []change
}

// NewCoinbase returns a decoder. batch subscribes to level2_batch, which needs no
// key and comes every 50 ms, instead of level2.
func NewCoinbase(c Config, batch bool) (*Coinbase, error) {
	o, err := newOutlet(c)
	if err != nil {
		return nil, fmt.Errorf("coinbase: %w", err)
	}
	for i := range o.books.all {
		b := &o.books.all[i]
		if b.Contract != 0 {
			return nil, fmt.Errorf("coinbase: symbol %s: has no contracts", b.Text)
		}
	}
	channel := "level2"
	if batch {
		channel = "level2_batch"
	}
	o.ownHeartbeat = true
	return &Coinbase{outlet: o, channel: channel}, nil
}

// Receive takes one message; see Kraken.Receive for its errors.
func (c *Coinbase) Receive(now int64, msg []byte) error {
	if !c.Settle(now) {
		return ErrNoRoom
	}
	c.stats.Messages++
	if c.scan(msg) {
		c.stats.Scanned++
		return c.apply(now)
	}
	return c.receiveGeneral(now, msg)
}

// scan reads an l2update into c.in. The time came after the changes until 2022
// and comes before them now.
func (c *Coinbase) scan(msg []byte) bool {
	s, in := scanner{b: msg}, &c.in
	if !s.literal(`{"type":"l2update","product_id":"`) {
		return false
	}
	product, ok := s.text()
	if !ok {
		return false
	}
	if in.book = c.books.find(product); in.book == nil {
		return false
	}
	in.levels, in.time = in.levels[:0], nil
	if s.literal(`,"time":"`) {
		in.time, ok = s.text()
		return ok && s.literal(`,"changes":[`) && c.scanChanges(&s) && s.char('}') && s.end()
	}
	if !s.literal(`,"changes":[`) || !c.scanChanges(&s) {
		return false
	}
	if s.literal(`,"time":"`) {
		if in.time, ok = s.text(); !ok {
			return false
		}
	}
	return s.char('}') && s.end()
}

// scanChanges reads at least one change and the closing bracket.
func (c *Coinbase) scanChanges(s *scanner) bool {
	in := &c.in
	for {
		side := market.Buy
		if !s.literal(`["buy",`) {
			if !s.literal(`["sell",`) {
				return false
			}
			side = market.Sell
		}
		price, qty, ok := s.numbers(in.book.PriceDecimals, in.book.QtyDecimals)
		if !ok || price == 0 {
			return false
		}
		in.levels = append(in.levels, levelOf(side, price, qty))
		if !s.char(',') {
			return s.char(']')
		}
	}
}

// apply tells an update. A quantity of zero, however it was spelled, deletes.
func (c *Coinbase) apply(now int64) error {
	b := c.in.book
	c.mentioned(now, b, c.in.time)
	if !b.live {
		c.stats.Early++
		return nil
	}
	c.begin(now, b)
	c.list, c.in.levels = c.in.levels, c.list
	c.stats.Used++
	c.tell(now)
	return nil
}

// mentioned notes that the venue spoke of b. A time that cannot be, such as year
// 1, leaves the one before.
func (c *Coinbase) mentioned(now int64, b *book, time []byte) {
	b.heard = now
	if t, ok := parseTime(time); ok {
		b.srcTime = t
	}
}

// receiveGeneral takes every message that scan does not.
func (c *Coinbase) receiveGeneral(now int64, msg []byte) error {
	v := c.general.parse(msg)
	if v == nil {
		return c.refuse(now, nil, msg, ErrMalformed)
	}
	kind := text(v.Get("type"))
	switch string(kind) {
	case "":
		return c.refuse(now, nil, msg, ErrMalformed)
	case "subscriptions":
		return c.subscriptions(v)
	case "error":
		return c.refuse(now, nil, msg, ErrRefused)
	}
	product := text(v.Get("product_id"))
	b := c.books.find(product)
	switch string(kind) {
	case "snapshot", "l2update", "match", "last_match", "heartbeat":
		if product == nil {
			return c.refuse(now, nil, msg, ErrMalformed)
		}
		if b == nil {
			c.stats.Ignored++
			return nil
		}
	case "ticker", "status", "received", "open", "done", "change", "activate":
		c.stats.Service++
		return nil
	}
	switch string(kind) {
	case "snapshot":
		return c.takeSnapshot(now, b, msg, v)
	case "l2update":
		return c.update(now, b, msg, v)
	case "match", "last_match":
		return c.match(now, b, msg, v)
	case "heartbeat":
		c.mentioned(now, b, text(v.Get("time")))
		c.stats.Service++
		return nil
	}
	return c.refuse(now, nil, msg, ErrUnknown)
}

func (c *Coinbase) takeSnapshot(now int64, b *book, msg []byte, v *fastjson.Value) (err error) {
	levels := c.in.levels[:0]
	if levels, err = c.general.ladder(levels, v.Get("bids"), market.Buy, &b.Symbol); err == nil {
		levels, err = c.general.ladder(levels, v.Get("asks"), market.Sell, &b.Symbol)
	}
	c.in.levels = levels
	if err != nil {
		return c.refuse(now, b, msg, err)
	}
	c.mentioned(now, b, text(v.Get("time")))
	c.begin(now, b)
	c.clear(levels)
	c.status(event.BookLive)
	b.live, b.resync = true, false
	c.stats.Snapshots++
	c.stats.Used++
	c.tell(now)
	return nil
}

func (c *Coinbase) update(now int64, b *book, msg []byte, v *fastjson.Value) (err error) {
	in := &c.in
	in.book, in.time, in.levels = b, text(v.Get("time")), in.levels[:0]
	changes := v.Get("changes")
	if changes == nil || changes.Type() != fastjson.TypeArray {
		return c.refuse(now, b, msg, ErrMalformed)
	}
	for _, item := range changes.GetArray() {
		change := item.GetArray()
		if len(change) != 3 {
			return c.refuse(now, b, msg, ErrMalformed)
		}
		side := sideOf(text(change[0]))
		if side == 0 {
			return c.refuse(now, b, msg, ErrMalformed)
		}
		l, err := c.general.level(change[1], change[2], side, &b.Symbol)
		if err != nil {
			return c.refuse(now, b, msg, err)
		}
		in.levels = append(in.levels, l)
	}
	return c.apply(now)
}

// match tells a trade. The venue gives the maker's side; the aggressor's is the
// other one. last_match is the trade before the subscription, and a reconnect may
// repeat trades: what was told is not told again. Missing trades are counted, for
// the channel may drop some.
func (c *Coinbase) match(now int64, b *book, msg []byte, v *fastjson.Value) error {
	l, err := c.general.level(v.Get("price"), v.Get("size"), sideOf(text(v.Get("side"))), &b.Symbol)
	if err == nil && (l.qty == 0 || l.side == 0) {
		err = ErrAbsurd
	}
	var id uint64
	if err == nil && v.Exists("trade_id") {
		id, err = c.general.integer(v.Get("trade_id"))
	}
	if err != nil {
		return c.refuseTrade(msg, b, err)
	}
	c.mentioned(now, b, text(v.Get("time")))
	if id != 0 {
		if id <= b.trade {
			c.stats.Service++
			return nil
		}
		if b.trade != 0 {
			c.stats.TradesMissed += id - b.trade - 1
		}
		b.trade = id
	}
	c.begin(now, b)
	c.trade(l.side.Contra(), l.price, l.qty)
	c.stats.Used++
	c.tell(now)
	return nil
}

// subscriptions takes the confirmation, which lists everything subscribed to.
func (c *Coinbase) subscriptions(v *fastjson.Value) error {
	c.stats.Service++
	for _, channel := range v.GetArray("channels") {
		switch string(text(channel.Get("name"))) {
		case "level2", "level2_batch", "level2_50":
		default:
			continue
		}
		for _, product := range channel.GetArray("product_ids") {
			if b := c.books.find(text(product)); b != nil {
				b.confirmed = true
			}
		}
	}
	return nil
}
