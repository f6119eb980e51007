package serve

import (
	"encoding/json"
	"fmt"
	"slices"

	"penstock/market"
	"penstock/venues/sim"
)

// coinbase speaks the public part of the Coinbase Exchange WebSocket feed:
// level2_batch, heartbeat, matches and status. Sizes are absolute per level and
// sent in batches; there is no sequence number on level2.
type coinbase struct {
	server   *Server
	touched  []touchedLevel // since the last batch, in order of the first change
	isIn     map[touchedLevel]bool
	planned  bool
	sequence uint64 // of the product: one per change of the book
	match    []byte // the last match, as its fields
	trades   uint64
}

type touchedLevel struct {
	side  market.Side
	price market.Price
}

const (
	coinbaseBatch     = 50e6 // ns
	coinbaseSubscribe = 5e9  // ns that a client may take to subscribe
)

func newCoinbase(s *Server) *coinbase {
	return &coinbase{server: s, isIn: map[touchedLevel]bool{}}
}

func (b *coinbase) serve() {
	b.server.ws.serve()
	m := b.server.market
	m.every(m.now(), 1e9, func(now int64) {
		msg := fmt.Appendf(nil, `{"type":"heartbeat","sequence":%d,"last_trade_id":%d,`+
			`"product_id":%s,"time":"`, b.sequence, b.trades, quote(b.server.cfg.Symbol))
		msg = append(rfc3339(msg, now), `"}`...)
		b.server.ws.sendAll(now, msg, func(c *wsConn) bool { return c.sub.heartbeat })
	})
}

func (b *coinbase) close(int64) error { return nil }

// opened drops the client when it does not subscribe in time.
func (b *coinbase) opened(now int64, c *wsConn) {
	b.server.market.after(now+coinbaseSubscribe, false, func(int64) {
		if !c.sub.any() {
			c.out.drop()
		}
	})
}

func (b *coinbase) change(c *sim.BookChange) {
	b.sequence++
	t := touchedLevel{c.Side, c.Price}
	if !b.isIn[t] {
		b.isIn[t] = true
		b.touched = append(b.touched, t)
	}
	if b.planned {
		return
	}
	b.planned = true
	end := c.Time - c.Time%coinbaseBatch + coinbaseBatch
	b.server.market.after(end+b.server.cfg.LatencyNanos, false, b.flush)
}

func (b *coinbase) flush(now int64) {
	b.planned = false
	in := b.server.in
	msg := append([]byte(nil), `{"type":"l2update","product_id":`+quote(b.server.cfg.Symbol)...)
	msg = append(rfc3339(append(msg, `,"time":"`...), now-b.server.cfg.LatencyNanos), `","changes":[`...)
	for i, t := range b.touched {
		if i > 0 {
			msg = append(msg, ',')
		}
		msg = append(msg, `["`+t.side.String()+`","`...)
		msg = number(msg, int64(t.price), in.PriceDecimals)
		qty := b.server.exchange.At(t.side, t.price)
		msg = number(append(msg, `","`...), int64(qty), in.QtyDecimals)
		msg = append(msg, `"]`...)
	}
	msg = append(msg, `]}`...)
	b.touched = b.touched[:0]
	clear(b.isIn)
	b.server.ws.sendBook(now, msg, func(c *wsConn) bool { return c.sub.book != 0 })
}

func (b *coinbase) trade(t *sim.Trade) {
	b.trades++
	in := b.server.in
	// side is the maker's.
	msg := fmt.Appendf(nil, `"trade_id":%d,"sequence":%d,"maker_order_id":"%s","taker_order_id":"%s",`+
		`"product_id":%s,"side":"%s","size":"`, b.trades, b.sequence, orderUUID(t.Maker),
		orderUUID(t.Taker), quote(b.server.cfg.Symbol), t.Aggressor.Contra())
	msg = number(msg, int64(t.Qty), in.QtyDecimals)
	msg = number(append(msg, `","price":"`...), int64(t.Price), in.PriceDecimals)
	msg = append(rfc3339(append(msg, `","time":"`...), t.Time), `"}`...)
	b.match = msg
	b.server.market.after(t.Time+b.server.cfg.LatencyNanos, false, func(now int64) {
		b.server.ws.sendAll(now, append([]byte(`{"type":"match",`), msg...),
			func(c *wsConn) bool { return c.sub.trades })
	})
}

// orderUUID writes an OrderID in the form that this venue uses.
func orderUUID(id uint64) string {
	return fmt.Sprintf("%08x-%04x-4000-8000-%012x", uint32(id>>40), uint16(id>>24), id&0xffffff)
}

func (b *coinbase) halt(now int64, _ bool) {
	b.server.ws.sendAll(now, b.status(), func(c *wsConn) bool { return c.sub.instrument })
}

func (b *coinbase) status() []byte {
	in := b.server.in
	state := "online"
	if b.server.exchange.Halted() {
		state = "offline"
	}
	msg := fmt.Appendf(nil, `{"type":"status","products":[{"id":%s,"status":"%s",`+
		`"trading_disabled":%v,"quote_increment":"`, quote(b.server.cfg.Symbol), state, state != "online")
	msg = number(msg, int64(in.Tick), in.PriceDecimals)
	msg = number(append(msg, `","base_increment":"`...), int64(in.Lot), in.QtyDecimals)
	return append(msg, `"}],"currencies":[]}`...)
}

// coinbaseRequest is what a client sends. A channel is a name, or an object with
// a name and products of its own.
type coinbaseRequest struct {
	Type       string            `json:"type"`
	ProductIDs []string          `json:"product_ids"`
	Channels   []json.RawMessage `json:"channels"`
}

func (b *coinbase) message(now int64, c *wsConn, payload []byte) {
	var r coinbaseRequest
	if err := json.Unmarshal(payload, &r); err != nil {
		b.fail(now, c, "Malformed JSON")
		return
	}
	if r.Type != "subscribe" && r.Type != "unsubscribe" {
		b.fail(now, c, "Type has to be either subscribe or unsubscribe")
		return
	}
	names, err := b.channels(&r)
	if err != nil {
		b.fail(now, c, err.Error())
		return
	}
	on := r.Type == "subscribe"
	old := c.sub
	for _, name := range names {
		switch name {
		case "level2_batch", "level2_50":
			c.sub.book = 0
			if on {
				c.sub.book = 1
			}
		case "heartbeat":
			c.sub.heartbeat = on
		case "matches":
			c.sub.trades = on
		case "status":
			c.sub.instrument = on
		}
	}
	b.confirm(now, c)
	b.begin(now, c, old)
}

// channels returns the channel names of a request, or why it cannot be used.
func (b *coinbase) channels(r *coinbaseRequest) ([]string, error) {
	var names []string
	for _, raw := range r.Channels {
		ch := struct {
			Name       string   `json:"name"`
			ProductIDs []string `json:"product_ids"`
		}{ProductIDs: r.ProductIDs}
		if json.Unmarshal(raw, &ch.Name) != nil && json.Unmarshal(raw, &ch) != nil {
			return nil, fmt.Errorf("malformed channel %s", raw)
		}
		switch ch.Name {
		case "level2_batch", "level2_50", "heartbeat", "matches", "status":
		default:
			return nil, fmt.Errorf("%s is not a valid channel", ch.Name)
		}
		if ch.Name != "status" && !slices.Equal(ch.ProductIDs, []string{b.server.cfg.Symbol}) {
			return nil, fmt.Errorf("%v is not a valid product", ch.ProductIDs)
		}
		names = append(names, ch.Name)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no channels given")
	}
	return names, nil
}

func (b *coinbase) fail(now int64, c *wsConn, reason string) {
	c.send(now, fmt.Appendf(nil, `{"type":"error","message":"Failed to subscribe","reason":%s}`,
		quote(reason)))
}

// confirm lists all subscriptions of the client.
func (b *coinbase) confirm(now int64, c *wsConn) {
	msg := []byte(`{"type":"subscriptions","channels":[`)
	for _, ch := range []struct {
		name string
		on   bool
	}{
		{"level2_batch", c.sub.book != 0}, {"heartbeat", c.sub.heartbeat},
		{"matches", c.sub.trades}, {"status", c.sub.instrument},
	} {
		if !ch.on {
			continue
		}
		if msg[len(msg)-1] == '}' {
			msg = append(msg, ',')
		}
		msg = fmt.Appendf(msg, `{"name":"%s","product_ids":[%s]}`, ch.name, quote(b.server.cfg.Symbol))
	}
	c.send(now, append(msg, `]}`...))
}

// begin sends what each new subscription starts with.
func (b *coinbase) begin(now int64, c *wsConn, old subscriptions) {
	if c.sub.book != 0 && old.book == 0 {
		c.send(now, b.snapshot())
	}
	if c.sub.trades && !old.trades && b.match != nil {
		c.send(now, append([]byte(`{"type":"last_match",`), b.match...))
	}
	if c.sub.instrument && !old.instrument {
		c.send(now, b.status())
	}
}

func (b *coinbase) snapshot() []byte {
	in := b.server.in
	msg := []byte(`{"type":"snapshot","product_id":` + quote(b.server.cfg.Symbol))
	for i, name := range [2]string{`,"bids":[`, `,"asks":[`} {
		side := [2]market.Side{market.Buy, market.Sell}[i]
		msg = append(msg, name...)
		for n, l := range b.server.exchange.Depth(nil, side, 1<<30) {
			if n > 0 {
				msg = append(msg, ',')
			}
			msg = number(append(msg, `["`...), int64(l.Price), in.PriceDecimals)
			msg = number(append(msg, `","`...), int64(l.Qty), in.QtyDecimals)
			msg = append(msg, `"]`...)
		}
		msg = append(msg, ']')
	}
	return append(msg, '}')
}
