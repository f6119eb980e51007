package serve

import (
	"encoding/json"
	"fmt"
	"slices"

	"penstock/market"
	"penstock/venues/sim"
)

// kraken speaks the public part of Kraken's WebSocket API v2: channels book,
// trade, instrument, status and heartbeat. Prices and quantities are JSON numbers
// with the fixed decimals of the instrument channel. Updates leave after the
// venue's latency, together with what has changed by then.
type kraken struct {
	server  *Server
	depths  []*krakenDepth // those that somebody asked for
	planned bool           // a flush is scheduled
	corrupt bool           // the next checksum shall be wrong
	trades  uint64
}

// krakenDepth is the book as clients of one depth know it.
type krakenDepth struct {
	depth int
	sides [2][]sim.Level // best first, by Side.Index
	now   [2][]sim.Level // scratch: the book as it is
}

var krakenDepths = []int{10, 25, 100, 500, 1000}

func newKraken(s *Server) *kraken { return &kraken{server: s} }

func (k *kraken) serve() {
	k.server.ws.serve()
	m := k.server.market
	m.every(m.now(), 250e6, func(now int64) {
		k.server.ws.sendAll(now, []byte(`{"channel":"heartbeat"}`), func(c *wsConn) bool {
			return c.sub.any() && now-c.lastSent >= 900e6
		})
	})
}

func (k *kraken) close(int64) error { return nil }

func (k *kraken) opened(now int64, c *wsConn) {
	c.send(now, fmt.Appendf(nil, `{"channel":"status","type":"update","data":[{"version":"2.0.0",`+
		`"system":"online","api_version":"v2","connection_id":%d}]}`, c.id))
}

func (k *kraken) change(c *sim.BookChange) {
	if k.planned || len(k.depths) == 0 {
		return
	}
	k.planned = true
	k.server.market.after(c.Time+k.server.cfg.LatencyNanos, false, func(now int64) {
		k.planned = false
		for _, d := range k.depths {
			k.flush(now, d)
		}
	})
}

// flush sends what changed within the depth of d. A level that only left the
// depth is not said: clients truncate.
func (k *kraken) flush(now int64, d *krakenDepth) {
	changed := false
	var lists [2][]sim.Level
	for i, side := range [2]market.Side{market.Buy, market.Sell} {
		d.now[i] = k.server.exchange.Depth(d.now[i][:0], side, d.depth)
		lists[i] = levelChanges(d.sides[i], d.now[i], side, d.depth)
		changed = changed || len(lists[i]) > 0
		d.sides[i], d.now[i] = d.now[i], d.sides[i]
	}
	if !changed {
		return
	}
	sum := krakenChecksum(d.sides)
	if k.corrupt {
		k.corrupt = false
		sum ^= 1
	}
	msg := append([]byte(nil), `{"channel":"book","type":"update","data":[`...)
	msg = k.book(msg, lists, sum)
	msg = append(rfc3339(append(msg, `,"timestamp":"`...), now-k.server.cfg.LatencyNanos), `"}]}`...)
	k.server.ws.sendBook(now, msg, func(c *wsConn) bool { return c.sub.book == d.depth })
}

// levelChanges returns what turns old into is, both best first and cut at depth.
func levelChanges(old, is []sim.Level, side market.Side, depth int) []sim.Level {
	var out []sim.Level
	i, j := 0, 0
	for i < len(old) || j < len(is) {
		switch {
		case j == len(is) || i < len(old) && old[i].Price != is[j].Price &&
			side.Better(is[j].Price, old[i].Price):
			// old[i] is better than what is left of the book: gone, unless the
			// book was cut before it.
			if j < len(is) || len(is) < depth {
				out = append(out, sim.Level{Price: old[i].Price})
			}
			i++
		case i == len(old) || old[i].Price != is[j].Price:
			out = append(out, is[j])
			j++
		default:
			if old[i].Qty != is[j].Qty {
				out = append(out, is[j])
			}
			i, j = i+1, j+1
		}
	}
	return out
}

// book appends {"symbol":…,"bids":[…],"asks":[…],"checksum":… without the end.
func (k *kraken) book(dst []byte, sides [2][]sim.Level, checksum uint32) []byte {
	in := k.server.in
	dst = append(dst, `{"symbol":`+quote(k.server.cfg.Symbol)...)
	for i, name := range [2]string{`,"bids":[`, `,"asks":[`} {
		dst = append(dst, name...)
		for n, l := range sides[i] {
			if n > 0 {
				dst = append(dst, ',')
			}
			dst = number(append(dst, `{"price":`...), int64(l.Price), in.PriceDecimals)
			dst = number(append(dst, `,"qty":`...), int64(l.Qty), in.QtyDecimals)
			dst = append(dst, '}')
		}
		dst = append(dst, ']')
	}
	return fmt.Appendf(dst, `,"checksum":%d`, checksum)
}

func (k *kraken) trade(t *sim.Trade) {
	k.trades++
	in := k.server.in
	msg := append([]byte(nil), `{"channel":"trade","type":"update","data":[{"symbol":`...)
	msg = append(msg, quote(k.server.cfg.Symbol)+`,"side":"`+t.Aggressor.String()+`","price":`...)
	msg = number(msg, int64(t.Price), in.PriceDecimals)
	msg = number(append(msg, `,"qty":`...), int64(t.Qty), in.QtyDecimals)
	msg = fmt.Appendf(msg, `,"ord_type":"limit","trade_id":%d,"timestamp":"`, k.trades)
	msg = append(rfc3339(msg, t.Time), `"}]}`...)
	k.server.market.after(t.Time+k.server.cfg.LatencyNanos, false, func(now int64) {
		k.server.ws.sendAll(now, msg, func(c *wsConn) bool { return c.sub.trades })
	})
}

func (k *kraken) halt(now int64, halted bool) {
	k.server.ws.sendAll(now, k.instrument("update"), func(c *wsConn) bool { return c.sub.instrument })
	system := "online"
	if halted {
		system = "cancel_only"
	}
	k.server.ws.sendAll(now, []byte(`{"channel":"status","type":"update","data":[{"version":"2.0.0",`+
		`"system":"`+system+`","api_version":"v2"}]}`), func(*wsConn) bool { return true })
}

// instrument is the message that tells the precisions of the symbol.
func (k *kraken) instrument(kind string) []byte {
	in := k.server.in
	status := "online"
	if k.server.exchange.Halted() {
		status = "cancel_only"
	}
	msg := fmt.Appendf(nil, `{"channel":"instrument","type":"%s","data":{"assets":[],"pairs":[{`+
		`"symbol":%s,"status":"%s","price_precision":%d,"qty_precision":%d,"price_increment":`,
		kind, quote(k.server.cfg.Symbol), status, in.PriceDecimals, in.QtyDecimals)
	msg = number(msg, int64(in.Tick), in.PriceDecimals)
	msg = number(append(msg, `,"qty_increment":`...), int64(in.Lot), in.QtyDecimals)
	msg = number(append(msg, `,"qty_min":`...), int64(in.Lot), in.QtyDecimals)
	return append(msg, `}]}}`...)
}

// krakenRequest is what a client sends.
type krakenRequest struct {
	Method string `json:"method"`
	ReqID  *int64 `json:"req_id"`
	Params struct {
		Channel  string   `json:"channel"`
		Symbol   []string `json:"symbol"`
		Depth    int      `json:"depth"`
		Snapshot *bool    `json:"snapshot"`
	} `json:"params"`
}

func (k *kraken) message(now int64, c *wsConn, payload []byte) {
	var r krakenRequest
	if err := json.Unmarshal(payload, &r); err != nil {
		k.fail(now, c, &r, "Malformed request")
		return
	}
	switch r.Method {
	case "ping":
		c.send(now, append(k.times([]byte(`{"method":"pong"`), now, &r), '}'))
	case "subscribe":
		k.subscribe(now, c, &r)
	case "unsubscribe":
		k.unsubscribe(now, c, &r)
	default:
		k.fail(now, c, &r, "Method not supported: "+r.Method)
	}
}

// times appends the fields that every answer has.
func (k *kraken) times(dst []byte, now int64, r *krakenRequest) []byte {
	if r.ReqID != nil {
		dst = fmt.Appendf(dst, `,"req_id":%d`, *r.ReqID)
	}
	dst = rfc3339(append(dst, `,"time_in":"`...), now)
	return append(rfc3339(append(dst, `","time_out":"`...), now), '"')
}

func (k *kraken) fail(now int64, c *wsConn, r *krakenRequest, text string) {
	msg := fmt.Appendf(nil, `{"error":%s,"method":%s,"success":false`, quote(text), quote(r.Method))
	c.send(now, append(k.times(msg, now, r), '}'))
}

func (k *kraken) subscribe(now int64, c *wsConn, r *krakenRequest) {
	p := &r.Params
	if p.Depth == 0 {
		p.Depth = krakenDepths[0]
	}
	known := p.Channel == "instrument" || p.Channel == "status" ||
		slices.Equal(p.Symbol, []string{k.server.cfg.Symbol})
	switch {
	case !known:
		k.fail(now, c, r, fmt.Sprintf("Currency pair not supported %v", p.Symbol))
	case p.Channel == "book" && !slices.Contains(krakenDepths, p.Depth):
		k.fail(now, c, r, fmt.Sprintf("Depth not supported %d", p.Depth))
	case p.Channel == "book" && c.sub.book != 0, p.Channel == "trade" && c.sub.trades,
		p.Channel == "instrument" && c.sub.instrument:
		k.fail(now, c, r, "Already subscribed")
	case p.Channel == "book":
		k.accept(now, c, r, fmt.Sprintf(`,"depth":%d,"snapshot":true`, p.Depth))
		k.snapshot(now, c, p.Depth, p.Snapshot == nil || *p.Snapshot)
	case p.Channel == "trade":
		k.accept(now, c, r, "")
		c.sub.trades = true
	case p.Channel == "instrument":
		k.accept(now, c, r, "")
		c.sub.instrument = true
		c.send(now, k.instrument("snapshot"))
	default:
		k.fail(now, c, r, "Channel not supported: "+p.Channel)
	}
}

func (k *kraken) accept(now int64, c *wsConn, r *krakenRequest, more string) {
	msg := fmt.Appendf(nil, `{"method":%s,"result":{"channel":%s`, quote(r.Method),
		quote(r.Params.Channel))
	if r.Params.Channel != "instrument" {
		msg = append(msg, `,"symbol":`+quote(k.server.cfg.Symbol)...)
	}
	msg = append(msg, more+`},"success":true`...)
	c.send(now, append(k.times(msg, now, r), '}'))
}

// snapshot starts a book subscription. Clients of the same depth first hear what
// is pending, so that the snapshot is what all of them have.
func (k *kraken) snapshot(now int64, c *wsConn, depth int, wanted bool) {
	i := slices.IndexFunc(k.depths, func(d *krakenDepth) bool { return d.depth == depth })
	if i < 0 {
		i = len(k.depths)
		k.depths = append(k.depths, &krakenDepth{depth: depth})
	}
	d := k.depths[i]
	k.flush(now, d)
	c.sub.book = depth
	if !wanted {
		return
	}
	msg := append([]byte(nil), `{"channel":"book","type":"snapshot","data":[`...)
	msg = k.book(msg, d.sides, krakenChecksum(d.sides))
	msg = append(rfc3339(append(msg, `,"timestamp":"`...), now), `"}]}`...)
	c.send(now, msg)
}

func (k *kraken) unsubscribe(now int64, c *wsConn, r *krakenRequest) {
	switch {
	case r.Params.Channel == "book" && c.sub.book != 0:
		c.sub.book = 0
	case r.Params.Channel == "trade" && c.sub.trades:
		c.sub.trades = false
	case r.Params.Channel == "instrument" && c.sub.instrument:
		c.sub.instrument = false
	default:
		k.fail(now, c, r, "Subscription not found")
		return
	}
	k.accept(now, c, r, "")
}
