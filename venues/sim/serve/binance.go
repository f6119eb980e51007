package serve

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"penstock/market"
	"penstock/venues/sim"
)

// binance speaks the public streams of Binance spot: depth differences every
// 100 ms with U and u, bookTicker and trade, over /stream (combined) or /ws (raw),
// subscribed to by SUBSCRIBE or in the path. Snapshots come over HTTP.
type binance struct {
	server  *Server
	id      uint64 // of the last change of the book
	said    uint64 // id of the last depth update
	touched []touchedLevel
	isIn    map[touchedLevel]bool
	planned bool
	best    [2]sim.Level // as the last bookTicker told
	trades  uint64
}

const (
	binanceBatch = 100e6 // ns
	binancePing  = 20e9  // ns between pings
	binanceRate  = 5     // messages that a client may send in a second
)

func newBinance(s *Server) *binance {
	return &binance{server: s, isIn: map[touchedLevel]bool{}}
}

func (b *binance) serve() {
	b.server.ws.serve()
	b.server.http.serve()
	m := b.server.market
	m.every(m.now(), binancePing, func(int64) { b.server.ws.ping() })
}

func (b *binance) close(int64) error {
	if b.server.http == nil {
		return nil // it could not be opened
	}
	return b.server.http.close()
}

func (b *binance) halt(int64, bool) {}

// opened takes the streams that the path names: /stream?streams=a/b or /ws/a.
func (b *binance) opened(now int64, c *wsConn) {
	c.combined = strings.HasPrefix(c.path, "/stream")
	names := strings.TrimPrefix(c.path, "/ws")
	if c.combined {
		_, names, _ = strings.Cut(c.path, "streams=")
	}
	for name := range strings.SplitSeq(names, "/") {
		b.turn(c, name, true)
	}
}

// turn turns a stream on or off. It reports whether there is such a stream.
func (b *binance) turn(c *wsConn, stream string, on bool) bool {
	symbol, kind, _ := strings.Cut(stream, "@")
	if symbol != strings.ToLower(b.server.cfg.Symbol) {
		return false
	}
	switch kind {
	case "depth@100ms":
		c.sub.book = 0
		if on {
			c.sub.book = 1
		}
	case "trade":
		c.sub.trades = on
	case "bookTicker":
		c.sub.ticker = on
	default:
		return false
	}
	return true
}

func (b *binance) message(now int64, c *wsConn, payload []byte) {
	if c.second != now/1e9 {
		c.second, c.spoke = now/1e9, 0
	}
	if c.spoke++; c.spoke > binanceRate {
		c.out.drop()
		return
	}
	var r struct {
		Method string
		Params []string
		ID     json.Number
	}
	if json.Unmarshal(payload, &r) != nil || r.ID == "" {
		c.send(now, []byte(`{"error":{"code":3,"msg":"Invalid JSON: expected value"}}`))
		return
	}
	on := r.Method == "SUBSCRIBE"
	if !on && r.Method != "UNSUBSCRIBE" {
		c.send(now, fmt.Appendf(nil, `{"error":{"code":2,"msg":"Invalid request: unknown variant %s"},"id":%s}`,
			strings.ReplaceAll(r.Method, `"`, ``), r.ID))
		return
	}
	for _, stream := range r.Params {
		if !b.turn(c, stream, on) {
			c.send(now, fmt.Appendf(nil, `{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":%s}`, r.ID))
			return
		}
	}
	c.send(now, fmt.Appendf(nil, `{"result":null,"id":%s}`, r.ID))
}

func (b *binance) change(c *sim.BookChange) {
	b.id++
	t := touchedLevel{c.Side, c.Price}
	if !b.isIn[t] {
		b.isIn[t] = true
		b.touched = append(b.touched, t)
	}
	if b.planned {
		return
	}
	b.planned = true
	end := c.Time - c.Time%binanceBatch + binanceBatch
	b.server.market.after(end+b.server.cfg.LatencyNanos, false, b.flush)
}

// flush sends what changed since the last flush, and the best bid and offer if
// they did.
func (b *binance) flush(now int64) {
	b.planned = false
	in, ms := b.server.in, (now-b.server.cfg.LatencyNanos)/1e6
	msg := fmt.Appendf(nil, `{"e":"depthUpdate","E":%d,"s":%s,"U":%d,"u":%d`, ms,
		quote(b.server.cfg.Symbol), b.said+1, b.id)
	for i, name := range [2]string{`,"b":[`, `,"a":[`} {
		msg = append(msg, name...)
		for _, t := range b.touched {
			if t.side.Index() != i {
				continue
			}
			if msg[len(msg)-1] == ']' {
				msg = append(msg, ',')
			}
			l := sim.Level{Price: t.price, Qty: b.server.exchange.At(t.side, t.price)}
			msg = b.level(msg, l)
		}
		msg = append(msg, ']')
	}
	msg = append(msg, '}')
	b.said = b.id
	b.touched = b.touched[:0]
	clear(b.isIn)
	b.stream(now, "@depth@100ms", msg, true, func(c *wsConn) bool { return c.sub.book != 0 })

	var best [2]sim.Level
	for i, side := range [2]market.Side{market.Buy, market.Sell} {
		for _, l := range b.server.exchange.Depth(nil, side, 1) {
			best[i] = l
		}
	}
	if best == b.best || best[0].Qty == 0 || best[1].Qty == 0 {
		return
	}
	b.best = best
	msg = fmt.Appendf(nil, `{"u":%d,"s":%s`, b.id, quote(b.server.cfg.Symbol))
	for i, names := range [2][2]string{{`,"b":"`, `","B":"`}, {`,"a":"`, `","A":"`}} {
		msg = number(append(msg, names[0]...), int64(best[i].Price), in.PriceDecimals)
		msg = number(append(msg, names[1]...), int64(best[i].Qty), in.QtyDecimals)
		msg = append(msg, '"')
	}
	b.stream(now, "@bookTicker", append(msg, '}'), false, func(c *wsConn) bool { return c.sub.ticker })
}

// level appends ["price","qty"].
func (b *binance) level(dst []byte, l sim.Level) []byte {
	dst = number(append(dst, `["`...), int64(l.Price), b.server.in.PriceDecimals)
	dst = number(append(dst, `","`...), int64(l.Qty), b.server.in.QtyDecimals)
	return append(dst, `"]`...)
}

// stream sends msg, wrapped for those who came by /stream.
func (b *binance) stream(now int64, kind string, msg []byte, book bool, wants func(*wsConn) bool) {
	wrapped := append([]byte(`{"stream":"`+strings.ToLower(b.server.cfg.Symbol)+kind+`","data":`), msg...)
	wrapped = append(wrapped, '}')
	say := b.server.ws.sendAll
	if book {
		say = b.server.ws.sendBook
	}
	say(now, wrapped, func(c *wsConn) bool { return c.combined && wants(c) })
	if slices.ContainsFunc(b.server.ws.conns, func(c *wsConn) bool { return !c.combined }) {
		say(now, msg, func(c *wsConn) bool { return !c.combined && wants(c) })
	}
}

func (b *binance) trade(t *sim.Trade) {
	b.trades++
	in, ms := b.server.in, t.Time/1e6
	msg := fmt.Appendf(nil, `{"e":"trade","E":%d,"s":%s,"t":%d,"p":"`, ms, quote(b.server.cfg.Symbol), b.trades)
	msg = number(msg, int64(t.Price), in.PriceDecimals)
	msg = number(append(msg, `","q":"`...), int64(t.Qty), in.QtyDecimals)
	msg = fmt.Appendf(msg, `","T":%d,"m":%v,"M":true}`, ms, t.Aggressor == market.Sell)
	b.server.market.after(t.Time+b.server.cfg.LatencyNanos, false, func(now int64) {
		b.stream(now, "@trade", msg, false, func(c *wsConn) bool { return c.sub.trades })
	})
}

// snapshot is the body of an answer to /api/v3/depth; Market.mu is held.
func (b *binance) snapshot(limit int) []byte {
	msg := fmt.Appendf(nil, `{"lastUpdateId":%d`, b.id)
	for i, name := range [2]string{`,"bids":[`, `,"asks":[`} {
		msg = append(msg, name...)
		side := [2]market.Side{market.Buy, market.Sell}[i]
		for n, l := range b.server.exchange.Depth(nil, side, limit) {
			if n > 0 {
				msg = append(msg, ',')
			}
			msg = b.level(msg, l)
		}
		msg = append(msg, ']')
	}
	return append(msg, '}')
}
