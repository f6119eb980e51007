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
	clock   clock
	heads   heads
	in      coinbaseUpdate
}

// coinbaseUpdate is one l2update.
type coinbaseUpdate struct {
	book   *book
	time   int64 // ns since the epoch, negative when there is none that can be
	levels []change
}

// Forms of a coinbase head.
const (
	coinbaseTimeFirst uint8 = iota
	coinbaseChangesFirst
)

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
	return &Coinbase{outlet: o, channel: channel, heads: heads{at: len(coinbaseHead)}}, nil
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

const coinbaseHead = `{"type":"l2update","product_id":"`

// scan reads an l2update into c.in. The time came after the changes until 2022
// and comes before them now.
func (c *Coinbase) scan(msg []byte) bool {
	s, in := scanner{b: msg}, &c.in
	form := coinbaseTimeFirst
	if h := c.heads.of(msg); h != nil {
		in.book, s.i, form = h.book, len(h.text), h.form
	} else {
		if !s.literal(coinbaseHead) {
			return false
		}
		product, ok := s.text()
		if !ok {
			return false
		}
		if in.book = c.books.find(product); in.book == nil {
			return false
		}
		if !s.literal(`,"time":"`) {
			form = coinbaseChangesFirst
			if !s.literal(`,"changes":[`) {
				return false
			}
		}
		c.heads.learn(msg, s.i, in.book, form)
	}
	in.time = -1
	var ok bool
	if form == coinbaseTimeFirst {
		if in.time, ok = s.time(&c.clock); !ok || !s.literal(`,"changes":[`) {
			return false
		}
		return s.changes(in.book, &in.levels) && s.char('}') && s.end()
	}
	if !s.changes(in.book, &in.levels) {
		return false
	}
	if s.literal(`,"time":"`) {
		if in.time, ok = s.time(&c.clock); !ok {
			return false
		}
	}
	return s.char('}') && s.end()
}

// apply tells an update. A quantity of zero, however it was spelled, deletes.
func (c *Coinbase) apply(now int64) error {
	b := c.in.book
	c.mentioned(now, b, c.in.time)
	if !b.live {
		c.stats.Early++
		return nil
	}
	c.stats.Used++
	c.begin(now, b)
	c.tellChanges(now, c.in.levels)
	return nil
}

// mentioned notes that the venue spoke of b. A time that cannot be, such as year
// 1, leaves the one before.
func (c *Coinbase) mentioned(now int64, b *book, time int64) {
	b.heard = now
	if time >= 0 {
		b.srcTime = time
	}
}

// timeOf reads the time of a message, negative when it has none that can be.
func (c *Coinbase) timeOf(v *fastjson.Value) int64 {
	if ns, ok := c.clock.parse(text(v.Get("time"))); ok {
		return ns
	}
	return -1
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
		c.mentioned(now, b, c.timeOf(v))
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
	c.mentioned(now, b, c.timeOf(v))
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
	in.book, in.time, in.levels = b, c.timeOf(v), in.levels[:0]
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
	c.mentioned(now, b, c.timeOf(v))
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
