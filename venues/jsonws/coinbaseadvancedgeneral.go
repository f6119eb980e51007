package jsonws

import (
	"github.com/valyala/fastjson"

	"penstock/event"
	"penstock/market"
)

// advancedTrade is one trade of channel market_trades.
type advancedTrade struct {
	change
	book   *book
	id     uint64
	time   int64 // ns since the epoch, negative when there is none that can be
	before bool  // the subscription: not told
}

// receiveGeneral takes every message that scan does not.
func (c *CoinbaseAdvanced) receiveGeneral(now int64, msg []byte) error {
	v := c.general.parse(msg)
	if v == nil {
		c.counted = false // its number is not known
		return c.refuse(now, nil, msg, ErrMalformed)
	}
	if string(text(v.Get("type"))) == "error" {
		return c.refuse(now, nil, msg, ErrRefused)
	}
	channel := text(v.Get("channel"))
	sequence, err := c.general.integer(v.Get("sequence_num"))
	events := v.Get("events")
	if channel == nil || err != nil || events == nil || events.Type() != fastjson.TypeArray {
		c.counted = false
		return c.refuse(now, nil, msg, ErrMalformed)
	}
	c.in.time = -1
	if at, ok := c.clock.parse(text(v.Get("timestamp"))); ok {
		c.in.time = at
	}
	gap := c.number(now, msg, sequence)
	switch string(channel) {
	case "l2_data":
		err = c.levelsGeneral(now, msg, events)
	case "market_trades":
		err = c.marketTrades(now, msg, events)
	case "subscriptions":
		c.subscriptions(events)
	case "heartbeats", "ticker", "ticker_batch", "candles", "status":
		c.stats.Service++
	default:
		err = c.refuse(now, nil, msg, ErrUnknown)
	}
	if gap != nil {
		return gap
	}
	return err
}

// levelsGeneral reads all events before it tells any.
func (c *CoinbaseAdvanced) levelsGeneral(now int64, msg []byte, events *fastjson.Value) error {
	for _, item := range events.GetArray() {
		product := text(item.Get("product_id"))
		if product == nil {
			return c.refuse(now, nil, msg, ErrMalformed)
		}
		e := advancedEvent{book: c.books.find(product), from: len(c.in.levels), time: c.in.time}
		if e.book == nil {
			c.stats.Ignored++
			continue
		}
		switch string(text(item.Get("type"))) {
		case "update":
		case "snapshot":
			e.snapshot = true
		default:
			return c.refuseAll(now, e.book, msg, ErrMalformed)
		}
		updates := item.Get("updates")
		if updates == nil || updates.Type() != fastjson.TypeArray {
			return c.refuseAll(now, e.book, msg, ErrMalformed)
		}
		for _, update := range updates.GetArray() {
			side := bidOrOffer(text(update.Get("side")))
			if side == 0 {
				return c.refuseAll(now, e.book, msg, ErrMalformed)
			}
			l, err := c.general.level(update.Get("price_level"), update.Get("new_quantity"), side,
				&e.book.Symbol)
			if err != nil {
				return c.refuseAll(now, e.book, msg, err)
			}
			if at, ok := c.clock.parse(text(update.Get("event_time"))); ok {
				e.time = at
			}
			c.in.levels = append(c.in.levels, l)
		}
		if e.to = len(c.in.levels); e.to > e.from || e.snapshot {
			c.events = append(c.events, e)
		}
	}
	c.apply(now)
	return nil
}

// refuseAll refuses a message of several events: nothing of it is told, so the
// books of the events before the bad one lack theirs.
func (c *CoinbaseAdvanced) refuseAll(now int64, b *book, msg []byte, err error) error {
	reason := event.ReasonMalformed
	if err == ErrAbsurd {
		reason = event.ReasonAbsurd
	}
	for i := range c.events {
		c.lose(now, c.events[i].book, reason)
	}
	return c.refuse(now, b, msg, err)
}

func bidOrOffer(text []byte) market.Side {
	switch string(text) {
	case "bid":
		return market.Buy
	case "offer":
		return market.Sell
	}
	return 0
}

// marketTrades tells trades, the oldest first. The venue gives the maker's side.
// Those of a snapshot came before the subscription: they are not told, but not
// told later either. No book depends on trades, so a trade that cannot be read
// costs only its message.
func (c *CoinbaseAdvanced) marketTrades(now int64, msg []byte, events *fastjson.Value) error {
	c.trades = c.trades[:0]
	for _, item := range events.GetArray() {
		before := string(text(item.Get("type"))) == "snapshot"
		for _, trade := range item.GetArray("trades") {
			t := advancedTrade{book: c.books.find(text(trade.Get("product_id"))), before: before}
			if t.book == nil {
				c.stats.Ignored++
				continue
			}
			var err error
			t.change, err = c.general.level(trade.Get("price"), trade.Get("size"), makerSide(trade),
				&t.book.Symbol)
			id, exact := c.general.decimal(trade.Get("trade_id"), 0)
			switch {
			case err != nil:
			case exact != nil || id <= 0:
				err = ErrMalformed
			case t.side == 0 || t.qty == 0:
				err = ErrAbsurd
			}
			if err != nil {
				return c.refuseTrade(msg, t.book, err)
			}
			t.id, t.time = uint64(id), -1
			if at, ok := c.clock.parse(text(trade.Get("time"))); ok {
				t.time = at
			}
			c.trades = append(c.trades, t)
		}
	}
	c.stats.Service++
	rest := c.trades // the newest first
	for len(rest) > 0 {
		n := 1
		for n < len(rest) && rest[len(rest)-1-n].book == rest[len(rest)-1].book {
			n++
		}
		c.tellTrades(now, rest[len(rest)-n:])
		rest = rest[:len(rest)-n]
	}
	return nil
}

// tellTrades tells trades of one book. Without room for those before they are
// missed.
func (c *CoinbaseAdvanced) tellTrades(now int64, trades []advancedTrade) {
	if c.of != 0 {
		c.stats.Dropped += uint64(len(trades))
		return
	}
	b := trades[0].book
	b.heard = now
	c.begin(now, b)
	for i := range trades {
		t := &trades[len(trades)-1-i]
		if t.id <= b.trade {
			continue
		}
		if b.trade != 0 {
			c.stats.TradesMissed += t.id - b.trade - 1
		}
		b.trade = t.id
		if t.before {
			continue
		}
		if t.time >= 0 {
			b.srcTime = t.time
		}
		c.list = append(c.list, change{price: t.price, qty: t.qty, kind: event.MarketTrade,
			side: t.side.Contra()})
		c.stats.Used++
	}
	c.tell(now)
}

func makerSide(trade *fastjson.Value) market.Side {
	switch string(text(trade.Get("side"))) {
	case "BUY":
		return market.Buy
	case "SELL":
		return market.Sell
	}
	return 0
}

// subscriptions takes the confirmation, which lists everything subscribed to.
func (c *CoinbaseAdvanced) subscriptions(events *fastjson.Value) {
	c.stats.Service++
	for _, item := range events.GetArray() {
		for _, product := range item.GetArray("subscriptions", "level2") {
			if b := c.books.find(text(product)); b != nil {
				b.confirmed = true
			}
		}
	}
}

// request subscribes to the channels, each by its own message; a new snapshot
// comes by subscribing to the book again.
func (c *CoinbaseAdvanced) request(dst []byte, b *book) []byte {
	if b == nil {
		c.counted = false
		dst = append(c.subscribe(dst, "subscribe", "heartbeats", nil), '\n')
		dst = append(c.subscribe(dst, "subscribe", "market_trades", nil), '\n')
		return c.subscribe(dst, "subscribe", "level2", nil)
	}
	dst = append(c.subscribe(dst, "unsubscribe", "level2", b), '\n')
	return c.subscribe(dst, "subscribe", "level2", b)
}

func (c *CoinbaseAdvanced) subscribe(dst []byte, kind, channel string, b *book) []byte {
	dst = append(append(append(dst, `{"type":"`...), kind...), `","product_ids":[`...)
	dst = c.appendNames(dst, b)
	return append(append(append(dst, `],"channel":"`...), channel...), `"}`...)
}
