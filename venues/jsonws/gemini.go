package jsonws

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/valyala/fastjson"

	"penstock/event"
	"penstock/market"
)

// Gemini decodes the WebSocket v2 market data of Gemini: subscription l2. Symbols
// are upper case, BTCUSD.
//
// The first message of a subscription is the whole book and carries the trades
// before it, which are not told. Changes have no numbers: the venue promises
// delivery, and TCP keeps the order. A socket_sequence is checked where there is
// one. No answer confirms a subscription but its first message.
type Gemini struct {
	outlet
	general  general
	sequence uint64 // socket_sequence of the last message that had one, plus 1; 0 none yet
	heads    heads
	tails    tails
	in       geminiBook
}

// geminiBook is one l2_updates message.
type geminiBook struct {
	book   *book
	levels []change
}

// of sets the book; mostly it is that of the message before, and no pointer is
// written, see outlet.
func (in *geminiBook) of(b *book) {
	if in.book != b {
		in.book = b
	}
}

// NewGemini returns a decoder.
func NewGemini(c Config) (*Gemini, error) {
	o, err := newOutlet(c)
	if err != nil {
		return nil, fmt.Errorf("gemini: %w", err)
	}
	if err := noContracts("gemini", &o); err != nil {
		return nil, err
	}
	return &Gemini{outlet: o, heads: heads{at: len(geminiHead)}, tails: tails{back: len(geminiTail) + tailMark}}, nil
}

// request subscribes to l2, which brings trades as well; a new snapshot comes by
// subscribing again.
func (g *Gemini) request(dst []byte, b *book) []byte {
	if b != nil {
		dst = append(g.subscribe(dst, "unsubscribe", b), '\n')
	}
	return g.subscribe(dst, "subscribe", b)
}

func (g *Gemini) subscribe(dst []byte, kind string, b *book) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, kind...)
	dst = append(dst, `","subscriptions":[{"name":"l2","symbols":[`...)
	dst = g.appendNames(dst, b)
	return append(dst, `]}]}`...)
}

// Receive takes one message; see Kraken.Receive for its errors.
func (g *Gemini) Receive(now int64, msg []byte) error {
	if !g.Settle(now) {
		return ErrNoRoom
	}
	g.stats.Messages++
	if g.scan(msg) {
		g.stats.Scanned++
		return g.apply(now)
	}
	return g.receiveGeneral(now, msg)
}

// What the two known forms of a message put around its changes.
const (
	geminiHead   = `{"type":"l2_updates","symbol":"`
	geminiMiddle = `","changes":[`
	geminiStart  = `{"changes":[`
	geminiAfter  = `,"symbol":"`
	geminiTail   = `","type":"l2_updates"}`
)

// scan reads an update into g.in. The symbol, on which the scale of the numbers
// depends, came first until 2021 and comes after the changes now.
func (g *Gemini) scan(msg []byte) bool {
	s, in := scanner{b: msg}, &g.in
	if s.literal(geminiStart) {
		end := 0
		if h := g.tails.of(msg); h != nil {
			end = len(msg) - len(h.text)
			in.of(h.book)
		} else if end = g.scanTail(msg); end < 0 {
			return false
		}
		return g.scanChanges(&s) && s.i == end
	}
	if h := g.heads.of(msg); h != nil {
		s.i = len(h.text)
		in.of(h.book)
	} else {
		if !s.literal(geminiHead) {
			return false
		}
		symbol, ok := s.text()
		if !ok {
			return false
		}
		s.i-- // the quote is part of what follows
		if in.book = g.books.find(symbol); in.book == nil || !s.literal(geminiMiddle) {
			return false
		}
		g.heads.learn(msg, s.i, in.book, 0)
	}
	return g.scanChanges(&s) && s.char('}') && s.end()
}

// scanTail finds the book of a message by its end, and where that begins; it is
// negative when it is not as usual.
func (g *Gemini) scanTail(msg []byte) int {
	if !bytes.HasSuffix(msg, []byte(geminiTail)) {
		return -1
	}
	end := len(msg) - len(geminiTail)
	start := bytes.LastIndexByte(msg[:end], '"') + 1
	after := start - len(geminiAfter)
	if after < 0 || string(msg[after:start]) != geminiAfter {
		return -1
	}
	if g.in.book = g.books.find(msg[start:end]); g.in.book == nil {
		return -1
	}
	g.tails.learn(msg, after, g.in.book)
	return after
}

// scanChanges reads at least one change, ["buy","65205.5","0.04289582"], and the
// closing bracket of their list.
func (g *Gemini) scanChanges(s *scanner) bool {
	const shortest = len(`["buy","1","1"]]`)
	b, i := s.b, s.i
	list := room(&g.in.levels, 0, max(len(b)-i, 0)/shortest+1)
	price, qty := g.in.book.PriceDecimals, g.in.book.QtyDecimals
	for n := 0; n < len(list) && len(b)-i >= shortest; n++ {
		side, start := sideAt(b, i)
		if side == 0 {
			return false
		}
		p, _, at := quotedAt(b, start, price)
		if at < 0 || len(b)-at < 4 || b[at+1] != ',' || b[at+2] != '"' || p == 0 {
			return false
		}
		q, _, at := quotedAt(b, at+3, qty)
		if at < 0 || len(b)-at < 3 || b[at+1] != ']' {
			return false
		}
		list[n] = change{price: p, qty: q, kind: event.BookLevel, side: side}
		if i = at + 3; b[at+2] != ',' {
			g.in.levels, s.i = g.in.levels[:n+1], i
			return b[at+2] == ']'
		}
	}
	return false
}

// sideAt reads ["buy"," or ["sell"," at b[i:], of which there are 16 bytes, without a
// branch on which it is; side is 0 when it is neither.
func sideAt(b []byte, i int) (side market.Side, next int) {
	const (
		buy  = '[' | '"'<<8 | 'b'<<16 | 'u'<<24 | 'y'<<32 | '"'<<40 | ','<<48 | '"'<<56
		sell = '[' | '"'<<8 | 's'<<16 | 'e'<<24 | 'l'<<32 | 'l'<<40 | '"'<<48 | ','<<56
	)
	x := binary.LittleEndian.Uint64(b[i:])
	selling := x >> 16 & 1
	next = i + 8 + int(selling)
	if x != buy^(buy^sell)&-selling || b[next-1] != '"' {
		return 0, 0
	}
	return market.Buy + market.Side(selling), next
}

// apply tells an update.
func (g *Gemini) apply(now int64) error {
	b := g.in.book
	b.heard = now
	if !b.live {
		g.stats.Early++
		return nil
	}
	g.begin(now, b)
	g.stats.Used++
	g.tellChanges(now, g.in.levels)
	return nil
}

// receiveGeneral takes every message that scan does not.
func (g *Gemini) receiveGeneral(now int64, msg []byte) error {
	v := g.general.parse(msg)
	if v == nil {
		return g.refuse(now, nil, msg, ErrMalformed)
	}
	if sequence := v.Get("socket_sequence"); sequence != nil {
		n, err := g.general.integer(sequence)
		if err != nil {
			return g.refuse(now, nil, msg, ErrMalformed)
		}
		expected := g.sequence
		g.sequence = n + 1
		if n != 0 && expected != 0 && n != expected {
			return g.refuse(now, nil, msg, ErrGap)
		}
	}
	kind := text(v.Get("type"))
	switch string(kind) {
	case "heartbeat":
		g.stats.Service++
		return nil
	case "l2_updates", "trade":
	case "auction_open", "auction_result", "auction_indicative", "block_trade", "subscription_ack":
		g.stats.Service++
		return nil
	case "":
		if v.Exists("result") {
			return g.refuse(now, nil, msg, ErrRefused)
		}
		return g.refuse(now, nil, msg, ErrMalformed)
	default:
		return g.refuse(now, nil, msg, ErrUnknown)
	}
	symbol := text(v.Get("symbol"))
	if len(symbol) == 0 {
		return g.refuse(now, nil, msg, ErrMalformed)
	}
	b := g.books.find(symbol)
	switch {
	case b == nil:
		g.stats.Ignored++
		return nil
	case string(kind) == "trade":
		return g.trades(now, b, msg, v)
	}
	return g.update(now, b, msg, v)
}

// update takes l2_updates. The list of earlier trades tells a snapshot from a
// change.
func (g *Gemini) update(now int64, b *book, msg []byte, v *fastjson.Value) error {
	in := &g.in
	in.book, in.levels = b, in.levels[:0]
	changes := v.Get("changes")
	if changes == nil || changes.Type() != fastjson.TypeArray {
		return g.refuse(now, b, msg, ErrMalformed)
	}
	for _, item := range changes.GetArray() {
		change := item.GetArray()
		if len(change) != 3 {
			return g.refuse(now, b, msg, ErrMalformed)
		}
		side := sideOf(text(change[0]))
		if side == 0 {
			return g.refuse(now, b, msg, ErrMalformed)
		}
		l, err := g.general.level(change[1], change[2], side, &b.Symbol)
		if err != nil {
			return g.refuse(now, b, msg, err)
		}
		in.levels = append(in.levels, l)
	}
	if !v.Exists("trades") {
		return g.apply(now)
	}
	b.heard = now
	g.begin(now, b)
	g.clear(in.levels)
	g.status(event.BookLive)
	b.live, b.resync, b.confirmed = true, false, true
	g.stats.Snapshots++
	g.stats.Used++
	g.tell(now)
	return nil
}

// trades tells a trade; the side is the taker's.
func (g *Gemini) trades(now int64, b *book, msg []byte, v *fastjson.Value) error {
	l, err := g.general.level(v.Get("price"), v.Get("quantity"), sideOf(text(v.Get("side"))), &b.Symbol)
	if err != nil {
		return g.refuseTrade(msg, b, err)
	}
	t, err := g.general.integer(v.Get("timestamp"))
	if err != nil || t > timeMax {
		return g.refuseTrade(msg, b, ErrMalformed)
	}
	if l.qty == 0 || l.side == 0 {
		return g.refuseTrade(msg, b, ErrAbsurd)
	}
	b.heard, b.srcTime = now, int64(t)*1_000_000
	g.begin(now, b)
	g.trade(l.side, l.price, l.qty)
	g.stats.Used++
	g.tell(now)
	return nil
}
