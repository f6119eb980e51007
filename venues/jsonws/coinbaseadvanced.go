package jsonws

import (
	"bytes"
	"fmt"

	"penstock/event"
	"penstock/market"
)

// CoinbaseAdvanced decodes the WebSocket feed of Coinbase Advanced Trade: channels
// level2 (whose messages are called l2_data), market_trades and heartbeats.
//
// sequence_num counts every message of a connection, whatever its channel: after a
// break in it any book may lack something, so all of them are STALE until their
// next snapshots. It begins anew with the connection, which the decoder learns
// when it is asked for the subscription.
type CoinbaseAdvanced struct {
	outlet
	general general
	clock   clock
	counted bool // a message of this connection was numbered
	last    uint64
	in      advancedUpdate
	events  []advancedEvent
	trades  []advancedTrade
}

// advancedUpdate is the message at hand, or one event of it.
type advancedUpdate struct {
	sequence uint64
	time     int64 // ns since the epoch, negative when there is none that can be
	levels   []change
}

// advancedEvent is what one event of a message does to a book: levels[from:to].
type advancedEvent struct {
	book     *book
	snapshot bool
	time     int64
	from, to int
}

// NewCoinbaseAdvanced returns a decoder.
func NewCoinbaseAdvanced(c Config) (*CoinbaseAdvanced, error) {
	o, err := newOutlet(c)
	if err != nil {
		return nil, fmt.Errorf("coinbase advanced: %w", err)
	}
	for i := range o.books.all {
		b := &o.books.all[i]
		if b.Contract != 0 {
			return nil, fmt.Errorf("coinbase advanced: symbol %s: has no contracts", b.Text)
		}
	}
	o.heartbeat = true
	return &CoinbaseAdvanced{outlet: o}, nil
}

// Receive takes one message; see Kraken.Receive for its errors. ErrGap may come
// with a message that was taken: a snapshot after a break in the numbers.
func (c *CoinbaseAdvanced) Receive(now int64, msg []byte) error {
	if !c.Settle(now) {
		return ErrNoRoom
	}
	c.stats.Messages++
	c.in.levels, c.events = c.in.levels[:0], c.events[:0]
	if c.scan(msg) {
		c.stats.Scanned++
		err := c.number(now, msg, c.in.sequence)
		c.apply(now)
		return err
	}
	c.in.levels, c.events = c.in.levels[:0], c.events[:0]
	return c.receiveGeneral(now, msg)
}

// number checks the number of a message.
func (c *CoinbaseAdvanced) number(now int64, msg []byte, sequence uint64) error {
	follows := !c.counted || sequence == c.last+1
	c.counted, c.last = true, sequence
	if follows {
		return nil
	}
	return c.refuse(now, nil, msg, ErrGap)
}

// scan reads a message of level2 with one event.
func (c *CoinbaseAdvanced) scan(msg []byte) (ok bool) {
	s, in := scanner{b: msg}, &c.in
	if !s.literal(`{"channel":"l2_data",`) {
		return false
	}
	s.literal(`"client_id":"",`)
	if !s.literal(`"timestamp":"`) {
		return false
	}
	if in.time, ok = s.time(&c.clock); !ok || !s.literal(`,"sequence_num":`) {
		return false
	}
	if in.sequence, ok = s.integer(); !ok || !s.literal(`,"events":[{"type":"`) {
		return false
	}
	e := advancedEvent{}
	if !s.literal(`update","product_id":"`) {
		if !s.literal(`snapshot","product_id":"`) {
			return false
		}
		e.snapshot = true
	}
	product, ok := s.text()
	if !ok {
		return false
	}
	if e.book = c.books.find(product); e.book == nil || !s.literal(`,"updates":[`) {
		return false
	}
	if !c.scanUpdates(&s, e.book) || !s.literal(`}]}`) || !s.end() {
		return false
	}
	e.to, e.time = len(in.levels), in.time
	c.events = append(c.events, e)
	return true
}

// scanUpdates reads at least one update and the closing bracket. Their time is
// mostly that of the update before, and so is all that comes before the price.
func (c *CoinbaseAdvanced) scanUpdates(s *scanner, book *book) bool {
	in, b := &c.in, s.b
	var heads [2][]byte // of the last bid and the last offer
	price, qty := &book.priceShape, &book.qtyShape
	for {
		side := market.Buy
		if head := heads[0]; head != nil && bytes.HasPrefix(b[s.i:], head) {
			s.i += len(head)
		} else if head := heads[1]; head != nil && bytes.HasPrefix(b[s.i:], head) {
			s.i += len(head)
			side = market.Sell
		} else {
			start := s.i
			if !s.literal(`{"side":"bid",`) {
				if !s.literal(`{"side":"offer",`) {
					return false
				}
				side = market.Sell
			}
			if !s.literal(`"event_time":"`) {
				return false
			}
			at, ok := s.time(&c.clock)
			if !ok || !s.literal(`,"price_level":"`) {
				return false
			}
			if at >= 0 {
				in.time = at
			}
			heads[side.Index()] = b[start:s.i]
		}
		p, at := price.read(b, s.i, '"')
		if s.i = at; at < 0 || p == 0 || !s.literal(`","new_quantity"`) || !s.literal(`:"`) {
			return false
		}
		q, at := qty.read(b, s.i, '"')
		if at < 0 || len(b)-at < 3 || b[at+1] != '}' {
			return false
		}
		in.levels = append(in.levels, levelOf(side, p, q))
		s.i = at + 3
		if b[at+2] != ',' {
			return b[at+2] == ']'
		}
	}
}

// apply tells the events of a message that was read whole. Where one cannot be
// told to the end, the books of those behind it are given up.
func (c *CoinbaseAdvanced) apply(now int64) {
	for i := range c.events {
		e := &c.events[i]
		b := e.book
		b.heard = now
		if e.time >= 0 {
			b.srcTime = e.time
		}
		if !b.live && !e.snapshot {
			c.stats.Early++
			continue
		}
		c.stats.Used++
		levels := c.in.levels[e.from:e.to]
		if c.of != 0 {
			c.stats.Dropped += uint64(len(levels))
			c.lose(now, b, event.ReasonStale)
			continue
		}
		c.begin(now, b)
		if !e.snapshot {
			c.tellChanges(now, levels)
			continue
		}
		c.clear(levels)
		c.status(event.BookLive)
		b.live, b.resync = true, false
		c.stats.Snapshots++
		c.tell(now)
	}
}
