package serve

import (
	"encoding/binary"
	"fmt"
	"strings"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim"
)

// What clients say, by type: how long it is without appendage, Nasdaq OUCH 5.0 §2, 4.2 §5.
var (
	ouch50Sizes = map[byte]int{'O': 47, 'U': 40, 'X': 9, 'M': 10, 'C': 19, 'Q': 1}
	ouch42Sizes = map[byte]int{'O': 49, 'U': 47, 'X': 19, 'M': 20}
)

const ouchMarketPrice = 0x7fffffff

// ouchEnter is an order as it came in.
type ouchEnter struct {
	ref      uint32
	token    string
	side     byte
	shares   uint32
	symbol   string
	price    uint64
	ioc      bool
	display  byte
	capacity byte
	firm     string // empty: the port's own
	minQty   uint32
	maxFloor uint32
}

// message takes one message of the client; false ends the connection, as a venue does with
// who sends what is no OUCH.
func (c *ouchClient) message(now int64, msg []byte) bool {
	sizes := ouch50Sizes
	if c.entry.old {
		sizes = ouch42Sizes
	}
	if len(msg) == 0 || sizes[msg[0]] == 0 || len(msg) < sizes[msg[0]] {
		return false
	}
	switch msg[0] {
	case 'O':
		return c.enter(now, msg)
	case 'X':
		c.cancel(now, msg)
	case 'C':
		c.massCancel(now, msg)
	case 'Q':
		c.arrive(now, func(at int64) {
			c.leave(at, func(now int64) {
				c.tell(binary.BigEndian.AppendUint32(c.begin('Q', now), c.nextRef))
			})
		})
	case 'U', 'M':
		// Nothing here replaces or modifies; the engines have no such act.
	}
	return true
}

func (c *ouchClient) arrive(now int64, run func(at int64)) {
	s := c.entry.server
	s.market.after(now+s.cfg.LatencyNanos, true, run)
}

// enter reads an order and gives it to the engine. One whose number or token was used is
// ignored, as the protocol demands.
func (c *ouchClient) enter(now int64, msg []byte) bool {
	var o ouchEnter
	ok := false
	if c.entry.old {
		o, ok = readEnter42(msg)
	} else {
		o, ok = readEnter50(msg)
	}
	if !ok {
		return false
	}
	c.arrive(now, func(at int64) {
		if !c.entry.old {
			if o.ref < c.nextRef {
				return
			}
			c.nextRef = o.ref + 1
			c.tokens[o.ref] = o.token
		}
		if _, used := c.refs[o.token]; used {
			return
		}
		c.refs[o.token] = o.ref
		order, reject := c.order(&o)
		if reject != 0 {
			c.leave(at, func(now int64) { c.reject(now, o.token, reject) })
			return
		}
		c.entry.server.engine.Enter(at, order)
	})
	return true
}

func readEnter50(msg []byte) (o ouchEnter, ok bool) {
	be := binary.BigEndian
	o = ouchEnter{ref: be.Uint32(msg[1:]), side: msg[5], shares: be.Uint32(msg[6:]), symbol: strings.TrimRight(string(msg[10:18]), " "),
		price: be.Uint64(msg[18:]), ioc: msg[26] == '3', display: msg[27], capacity: msg[28],
		token: strings.TrimRight(string(msg[31:45]), " ")}
	rest := msg[47:]
	if int(be.Uint16(msg[45:])) != len(rest) || msg[26] != '3' && msg[26] != '0' || msg[29] != 'N' || msg[30] != 'N' {
		return o, false
	}
	for len(rest) > 0 {
		n := int(rest[0])
		if n < 1 || len(rest) < 1+n {
			return o, false
		}
		switch {
		case rest[1] == 2 && n == 5:
			o.firm = strings.TrimRight(string(rest[2:6]), " ")
		case rest[1] == 3 && n == 5:
			o.minQty = be.Uint32(rest[2:])
		}
		if rest[1] == 5 && n == 5 {
			o.maxFloor = be.Uint32(rest[2:])
		}
		rest = rest[1+n:]
	}
	return o, true
}

func readEnter42(msg []byte) (o ouchEnter, ok bool) {
	be := binary.BigEndian
	o = ouchEnter{token: strings.TrimRight(string(msg[1:15]), " "), side: msg[15], shares: be.Uint32(msg[16:]),
		symbol: strings.TrimRight(string(msg[20:28]), " "), price: uint64(be.Uint32(msg[28:])), ioc: be.Uint32(msg[32:]) == 0,
		firm: strings.TrimRight(string(msg[36:40]), " "), display: msg[40], capacity: msg[41], minQty: be.Uint32(msg[43:])}
	return o, len(msg) == ouch42Sizes['O'] && msg[42] == 'N' && msg[47] == 'N'
}

// order makes the engine's order, or says why it is refused: the number of 5.0.
func (c *ouchClient) order(o *ouchEnter) (order sim.Order, reject uint16) {
	s := c.entry.server
	id, fits := event.MakeID(o.token)
	scale := uint64(market.Pow10(s.in.PriceDecimals - 4))
	order = sim.Order{Owner: c.owner, ClOrdID: id, Side: market.Buy, OrdType: market.OrdLimit, TIF: market.TIFDay,
		Qty: market.Qty(o.shares), MinQty: market.Qty(o.minQty), MaxFloor: market.Qty(o.maxFloor), Price: market.Price(o.price * scale)}
	switch {
	case o.side == 'S':
		order.Side = market.Sell
	case o.side == 'T':
		order.Side, order.Mark = market.Sell, market.Short
	case o.side == 'E':
		order.Side, order.Mark = market.Sell, market.ShortExempt
	case o.side != 'B':
		return order, 0x09
	}
	switch {
	case !fits || !id.Valid():
		return order, 0x0f
	case o.symbol != s.cfg.Symbol:
		return order, 0x17
	case o.shares == 0 || o.shares >= 1_000_000:
		return order, 0x1e
	case o.price == 0 || o.price > 1_999_999_900 && o.price != ouchMarketPrice:
		return order, 0x1d
	case !strings.ContainsRune("APRO", rune(o.capacity)):
		return order, 0x0f
	}
	if s.cfg.SelfMatch {
		order.SelfMatch = 1 // of the port's own firm
		for _, letter := range []byte(o.firm) {
			order.SelfMatch = order.SelfMatch<<8 | int64(letter)
		}
	}
	if o.ioc {
		order.TIF = market.TIFIOC
		if o.minQty == o.shares && s.pool == nil {
			order.TIF = market.TIFFOK
		}
	}
	if o.price == ouchMarketPrice {
		order.OrdType, order.Price = market.OrdMarket, 0
	}
	switch o.display {
	case 'Y', 'A', 'N':
	case 'P':
		order.ExecInst = market.ExecInstPostOnly
	case 'M':
		order.OrdType, order.ExecInst = market.OrdPegged, market.ExecInstMidPeg
	default:
		return order, 0x03
	}
	if s.pool == nil {
		order.MinQty = 0
	}
	return order, 0
}

// cancel takes all of an order off; what is not there is ignored.
func (c *ouchClient) cancel(now int64, msg []byte) {
	token := ""
	c.entry.cancels.Add(1)
	if c.entry.old {
		token = strings.TrimRight(string(msg[1:15]), " ")
	} else {
		ref := binary.BigEndian.Uint32(msg[1:])
		c.arrive(now, func(at int64) { c.cancelToken(at, c.tokens[ref]) })
		return
	}
	c.arrive(now, func(at int64) { c.cancelToken(at, token) })
}

func (c *ouchClient) cancelToken(at int64, token string) {
	id, _ := event.MakeID(token)
	c.requests++
	request, _ := event.MakeID(fmt.Sprintf("cancel-%d", c.requests))
	c.entry.server.engine.Cancel(at, c.owner, request, id)
}

func (c *ouchClient) massCancel(now int64, msg []byte) {
	ref := binary.BigEndian.Uint32(msg[1:])
	echo := append([]byte(nil), msg[5:17]...)
	c.arrive(now, func(at int64) {
		if ref < c.nextRef {
			return
		}
		c.nextRef = ref + 1
		c.leave(at, func(now int64) {
			reply := append(binary.BigEndian.AppendUint32(c.begin('X', now), ref), echo...)
			c.tell(append(reply, 0, 0))
		})
		c.entry.server.engine.CancelAll(at, c.owner)
	})
}

// begin starts a message: type and nanoseconds since midnight.
func (c *ouchClient) begin(kind byte, now int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{kind}, uint64(now-c.entry.server.market.Midnight()))
}

// name appends how the order is called: its token in 4.2, its UserRefNum in 5.0.
func (c *ouchClient) name(dst []byte, token string) []byte {
	if c.entry.old {
		return appendBlank(dst, token, 14)
	}
	return binary.BigEndian.AppendUint32(dst, c.refs[token])
}

func appendBlank(dst []byte, text string, width int) []byte {
	return fmt.Appendf(dst, "%-*s", width, text)
}

func (c *ouchClient) reject(now int64, token string, reason uint16) {
	msg := c.name(c.begin('J', now), token)
	if c.entry.old {
		c.tell(append(msg, "O"...))
		return
	}
	c.tell(appendBlank(binary.BigEndian.AppendUint16(msg, reason), token, 14))
}

// report says what became of an order.
func (c *ouchClient) report(now int64, r *sim.Report) {
	token := r.ClOrdID.String()
	if r.OrigClOrdID != (event.ID{}) {
		token = r.OrigClOrdID.String()
	}
	switch r.ExecType {
	case market.ExecNew:
		c.accepted(now, r, token)
	case market.ExecTrade:
		c.executed(now, r, token)
		if c.entry.faults.Twice {
			c.executed(now, r, token)
		}
	case market.ExecCanceled, market.ExecExpired:
		if r.SelfMatchPx != 0 {
			c.prevented(now, r, token)
			return
		}
		msg := binary.BigEndian.AppendUint32(c.name(c.begin('C', now), token), uint32(r.OrderQty-r.CumQty))
		reason := byte('U')
		if r.TIF == market.TIFIOC || r.TIF == market.TIFFOK {
			reason = 'I'
		}
		c.tell(append(msg, reason))
	case market.ExecRejected:
		c.reject(now, token, 0x0f)
	}
}

// prevented says that what was left of an order would have traded with one of the same firm.
func (c *ouchClient) prevented(now int64, r *sim.Report, token string) {
	be, left := binary.BigEndian, uint32(r.OrderQty-r.CumQty)
	msg := be.AppendUint32(append(be.AppendUint32(c.name(c.begin('D', now), token), left), 'Q'), left)
	price := uint64(int64(r.SelfMatchPx) / market.Pow10(c.entry.server.in.PriceDecimals-4))
	if c.entry.old {
		c.tell(append(be.AppendUint32(msg, uint32(price)), 'R'))
		return
	}
	c.tell(append(be.AppendUint64(msg, price), 'R'))
}

func (c *ouchClient) accepted(now int64, r *sim.Report, token string) {
	be := binary.BigEndian
	side, display, tif := byte('B'), byte('Y'), uint32(99_998)
	switch {
	case r.Mark == market.Short:
		side = 'T'
	case r.Mark == market.ShortExempt:
		side = 'E'
	case r.Side == market.Sell:
		side = 'S'
	}
	if r.TIF != market.TIFDay {
		tif = 0
	}
	price := uint64(int64(r.Price) / market.Pow10(c.entry.server.in.PriceDecimals-4))
	if r.OrdType == market.OrdMarket {
		price = ouchMarketPrice
	}
	if r.OrdType == market.OrdPegged {
		display = 'M'
	}
	msg := be.AppendUint32(append(c.name(c.begin('A', now), token), side), uint32(r.OrderQty))
	msg = appendBlank(msg, c.entry.server.cfg.Symbol, 8)
	if c.entry.old {
		msg = be.AppendUint32(be.AppendUint32(msg, uint32(price)), tif)
		msg = be.AppendUint64(append(appendBlank(msg, "SIMU", 4), display), r.OrderID)
		msg = be.AppendUint32(append(msg, 'A', 'N'), 0)
		c.tell(append(msg, 'N', 'L', ' '))
		return
	}
	msg = be.AppendUint64(msg, price)
	msg = append(msg, '0')
	if tif == 0 {
		msg[len(msg)-1] = '3'
	}
	msg = be.AppendUint64(append(msg, display), r.OrderID)
	msg = appendBlank(append(msg, 'A', 'N', 'N', 'L'), token, 14)
	c.tell(append(msg, 0, 0))
}

func (c *ouchClient) executed(now int64, r *sim.Report, token string) {
	be := binary.BigEndian
	liquidity := byte('R')
	if r.Liquidity == market.LiquidityAdded {
		liquidity = 'A'
	}
	price := uint64(int64(r.LastPx) / market.Pow10(c.entry.server.in.PriceDecimals-4))
	msg := be.AppendUint32(c.name(c.begin('E', now), token), uint32(r.LastQty))
	if c.entry.old {
		msg = be.AppendUint32(msg, uint32(price))
	} else {
		msg = be.AppendUint64(msg, price)
	}
	msg = be.AppendUint64(append(msg, liquidity), r.ExecID)
	if !c.entry.old {
		msg = append(msg, 0, 0)
	}
	c.tell(msg)
}
