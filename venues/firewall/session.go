package firewall

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"penstock/fix"
	"penstock/market"
)

// SessionConfig describes one order session.
type SessionConfig struct {
	Venue       market.VenueID
	BeginString string // 8
	IDs         fix.IDFormat
	// ConditionalTag is of an order that cannot trade before it is firmed up, where it has
	// ConditionalValue; 0: there are none.
	ConditionalTag   int
	ConditionalValue byte
	Lit              bool // what rests there is displayed
	ParentTag        int  // of the parent's number in an order, 0: the bytes do not say it
	Symbols          []Symbol
	Rate             int // most new orders, cancels and replaces in any second in which an order leaves
}

// Symbol is an instrument as the venue spells it.
type Symbol struct {
	ID            market.InstrumentID
	Text          string
	PriceDecimals uint8
	QtyDecimals   uint8
}

// Session checks what leaves on one order session, and reads what comes back.
type Session struct {
	f       *Firewall
	cfg     SessionConfig
	symbols []Symbol // by InstrumentID
	head    string   // 8=…|9=
	rate    window
	moulds  moulds
	parent  *parent // of the latest order
	recent  [recentOrders]recentOrder
}

// recentOrders is how many orders a Reject(35=3) can still name by its MsgSeqNum(34).
const recentOrders = 4096

type recentOrder struct {
	seq uint64
	at  int32
}

// nobody is the parent of no order: its number is none and nothing may be sent for it.
var nobody = parent{number: math.MaxUint64}

// Said is what a dialect has no field for: the parent's number where no tag says it, and
// the policy that decided.
type Said struct{ Parent, Policy uint64 }

// Session returns the check of one order session.
func (f *Firewall) Session(cfg SessionConfig) (*Session, error) {
	if cfg.Rate <= 0 || cfg.Venue >= market.MaxVenues {
		return nil, fmt.Errorf("firewall: venue %d: the rate must be positive", cfg.Venue)
	}
	s := &Session{f: f, cfg: cfg, head: "8=" + cfg.BeginString + "\x019=", rate: newWindow(cfg.Rate), parent: &nobody}
	for _, sym := range cfg.Symbols {
		for int(sym.ID) >= len(s.symbols) {
			s.symbols = append(s.symbols, Symbol{})
		}
		s.symbols[sym.ID] = sym
	}
	s.moulds.kindAt, s.moulds.latest = len(s.head)+len("nnn|35="), [2]*mould{&never, &never}
	s.moulds.all = make([]mould, 0, min(mouldsEach*len(cfg.Symbols), mouldsMost))
	clear(s.recent[:]) // its pages are there before an order is the first to write to one
	return s, nil
}

// trailer is the length of 10=nnn|.
const trailer = 7

// ends reports whether the eight bytes of t are the last SOH of a body, and a trailer.
func ends(t []byte) bool {
	const shape, like = 0xff_000000_ffffffff, uint64(fix.SOH)<<56 | '='<<24 | '0'<<16 | '1'<<8 | fix.SOH
	return binary.LittleEndian.Uint64(t)&shape == like
}

// frame splits the first message off b: its body from 35= on, and its length; 0 when b
// does not begin with a whole message.
func (s *Session) frame(b []byte) (body []byte, n int) {
	at := len(s.head)
	if len(b) < at || string(b[:at]) != s.head {
		return nil, 0
	}
	length := 0
	for ; at < len(b) && b[at] != fix.SOH; at++ {
		c := b[at] - '0'
		if c > 9 || length > fix.MaxFrameLimit {
			return nil, 0
		}
		length = length*10 + int(c)
	}
	at++
	n = at + length + trailer
	if length < 5 || n > len(b) || !ends(b[n-8:n]) {
		return nil, 0
	}
	return b[at : n-trailer], n
}

// kindOf returns the MsgType(35) of one character, 0 for another.
func kindOf(body []byte) byte {
	if string(body[:3]) == "35=" && body[4] == fix.SOH {
		return body[3]
	}
	return 0
}

// massStatus reports whether a message is OrderMassStatusRequest(35=AF): a question.
func massStatus(body []byte) bool { return len(body) > 6 && string(body[:6]) == "35=AF\x01" }

// declines reports whether a message is QuoteResponse(35=AJ) that only turns a quote down:
// QuoteRespType(694) 3 (expired) or 6 (pass), once. Others deal on it, or bargain.
func declines(body []byte) bool {
	const begin, kind = "35=AJ\x01", "\x01694="
	if len(body) < len(begin) || string(body[:len(begin)]) != begin || bytes.Count(body, []byte(kind)) != 1 {
		return false
	}
	at := bytes.Index(body, []byte(kind)) + len(kind)
	return at+1 < len(body) && (body[at] == '3' || body[at] == '6') && body[at+1] == fix.SOH
}

// Out judges the messages in b, which are about to be given to the socket. clear is how
// many bytes may go; with a reason, the message behind them may not, nor anything after
// it. A violation sets the latch. now is in ns since the epoch.
func (s *Session) Out(now int64, b []byte, said Said) (clear int, why Reason) {
	// Mostly one plain order or cancel.
	if l := &s.moulds; uint(l.kindAt) < uint(len(b)) {
		m := l.latest[kindIndex(b[l.kindAt])]
		if readQuick(unsafe.SliceData(b), len(b), m, &l.read) && s.plain(m, now, said.Parent) {
			return len(b), Clear
		}
	}
	return s.all(now, b, &said)
}

// all is Out of any messages.
//
//go:noinline
func (s *Session) all(now int64, b []byte, said *Said) (clear int, why Reason) {
	for clear < len(b) {
		n, why := s.weigh(b[clear:], now, said)
		if why != Clear {
			return clear, why
		}
		clear += n
	}
	return clear, Clear
}

// weigh judges the first message of b, which has n bytes.
func (s *Session) weigh(b []byte, now int64, said *Said) (n int, why Reason) {
	o := wireOrder{parent: said.Parent, now: now}
	if m := s.moulds.fit(b); m == nil {
		n, why = s.read(b, &o, said.Policy)
	} else if n = s.moulds.read.n; s.moulds.read.rest != n-trailer || !s.plain(m, now, said.Parent) {
		why = s.admit('D', s.pour(m, b, &o), &o, said.Policy)
	}
	if why != Clear {
		s.refuse(&o, why)
	}
	return n, why
}

// read judges the first message of b field by field, and learns its mould.
func (s *Session) read(b []byte, o *wireOrder, policy uint64) (n int, why Reason) {
	body, n := s.frame(b)
	kind := byte(0)
	if n > 0 {
		kind = kindOf(body)
	}
	switch {
	case n == 0:
		o.parent = 0
		return 0, Malformed
	case kind != 'D' && kind != 'G' && kind != 'F':
		o.parent = 0
		return n, s.other(kind, body)
	}
	s.f.stats.ByField++
	ok := s.scan(body[5:], o)
	if o.seq <= s.moulds.full/10 { // the numbers began anew: narrower moulds will grow into those that there are
		s.moulds.all, s.moulds.full = s.moulds.all[:0], 0
	}
	if ok && kind != 'G' {
		s.learn(kind, b[:n], n-trailer-len(body))
	}
	if kind != 'F' {
		return n, s.admit(kind, ok, o, policy)
	}
	if !ok {
		o.orig = 0
	}
	s.cancelled(o.now, o.orig)
	return n, Clear
}

// other judges a message that is no order and no cancel.
func (s *Session) other(kind byte, body []byte) Reason {
	switch kind {
	case '0', '1', '2', '3', '4', '5', 'A', 'H', 'R', 'j':
		// Of the session, or a question: nothing that can trade.
	default:
		if !massStatus(body) && !declines(body) {
			return Unsupported
		}
	}
	return Clear
}

// admit judges an order or replace, which could be read, and accounts for it.
func (s *Session) admit(kind byte, readable bool, o *wireOrder, policy uint64) Reason {
	if !readable || o.seen&needed != needed || o.id == 0 {
		return Malformed
	}
	if kind == 'G' {
		if !s.replaced(o) {
			return UnknownParent
		}
	} else if s.f.taken(o) {
		return Duplicate
	}
	why := s.f.judge(s, o, policy)
	if why == Clear {
		s.f.book(s, o)
	}
	return why
}

// replaced finds the order that a replace is of, and its parent. A replace makes no firm order of a
// conditional one, nor the other way.
//
//go:noinline
func (s *Session) replaced(o *wireOrder) bool {
	i := s.f.byChild.find(o.orig)
	if i < 0 {
		return false
	}
	c := &s.f.children[i]
	if !c.open || c.venue != s.cfg.Venue || c.idle != o.idle {
		return false
	}
	o.replaces = c
	o.parent = s.f.parents[o.replaces.parent].number
	return true
}

//go:noinline
func (s *Session) refuse(o *wireOrder, why Reason) Reason {
	f := s.f
	f.stats.Refused[why]++
	if why > Late {
		f.cfg.Latch.Kill(Scope{})
		f.cfg.Trip(&Violation{At: o.now, Venue: s.cfg.Venue, Reason: why, Child: o.id, Parent: o.parent, Qty: o.qty,
			Price: o.price})
	}
	return why
}

// In reads a message of the venue: reports of executions and of ends, and rejects of our
// messages. It may be given the same message again.
func (s *Session) In(m *fix.Message) {
	t := m.Type()
	if len(t) != 1 {
		return
	}
	switch t[0] {
	case '8':
		s.report(m)
	case '9':
		if id, ok := m.Get(fix.TagOrigClOrdID); ok {
			if at := s.f.byChild.find(s.number(id)); at >= 0 {
				s.f.children[at].asked = false
			}
		}
	case '3', 'j':
		seq, err := m.Int(fix.TagRefSeqNum)
		if err != nil || seq <= 0 {
			return
		}
		if r := &s.recent[uint64(seq)%recentOrders]; r.seq == uint64(seq) {
			c := &s.f.children[r.at]
			if id, named := m.Get(fix.TagBusinessRejectRefID); !named || s.number(id) == c.number {
				s.f.release(c) // it does not exist there
			}
		}
	}
}

// report accounts for an ExecutionReport(35=8).
func (s *Session) report(m *fix.Message) {
	var id, orig, cum, qty []byte
	var execType, status, trans, rejReason byte
	for i, n := 3, m.Len()-1; i < n; i++ {
		switch tag, v := m.Field(i); tag {
		case fix.TagClOrdID:
			id = v
		case fix.TagOrigClOrdID:
			orig = v
		case fix.TagCumQty:
			cum = v
		case fix.TagOrderQty:
			qty = v
		case fix.TagExecType:
			execType = v[0]
		case fix.TagOrdStatus:
			status = v[0]
		case fix.TagExecTransType:
			trans = v[0]
		case fix.TagOrdRejReason:
			if len(v) == 1 {
				rejReason = v[0]
			}
		}
	}
	at := s.f.byChild.find(s.number(id))
	if orig != nil {
		if o := s.f.byChild.find(s.number(orig)); o >= 0 {
			at = o
		}
	}
	if at < 0 || s.f.children[at].venue != s.cfg.Venue {
		s.f.stats.Orphans++
		return
	}
	s.f.stats.Reports++
	c := &s.f.children[at]
	decimals := s.symbols[s.f.parents[c.parent].order.Instrument].QtyDecimals
	if v, ok := decimal(cum, decimals); ok {
		if q, ok := decimal(qty, decimals); ok && market.ExecType(execType) == market.ExecRestated && market.Qty(v) == c.cum {
			s.f.restate(c, market.Qty(q))
		}
		s.settle(c, market.Qty(v), execType, market.OrdStatus(status), trans == '3' || execType == 'I', rejReason)
	}
}

// unknownOrder is OrdRejReason(103) of a status report about an order that is not there.
const unknownOrder = '5'

// settle applies what a report says of a child. A quantity comes free only by the venue's
// word that the order is over, with no less executed than is known already.
func (s *Session) settle(c *child, cum market.Qty, execType byte, status market.OrdStatus, answer bool, rejReason byte) {
	if answer && status == market.StatusRejected && rejReason == unknownOrder {
		if !c.acked && c.cum == 0 {
			s.f.release(c)
		}
		return
	}
	if k := market.ExecType(execType); !answer && (k == market.ExecTradeCancel || k == market.ExecTradeCorrect) {
		s.f.takeBack(c, cum)
	}
	s.f.execute(c, cum)
	over := status.Terminal()
	if !answer {
		switch market.ExecType(execType) {
		case market.ExecCanceled, market.ExecExpired, market.ExecDoneForDay, market.ExecRejected:
			over = true
		case market.ExecTradeCancel, market.ExecTradeCorrect, market.ExecRestated:
			over = false // a person decides
		}
		if status == market.StatusFilled && c.cum < c.qty {
			over = false // it contradicts itself
		}
	}
	if over && cum == c.cum || c.cum >= c.qty {
		s.f.release(c)
	}
	c.acked = true
}

// Open is an order that may still execute at the session's venue.
type Open struct {
	Number, Parent uint64
	Instrument     market.InstrumentID
	Side           market.Side
	Qty, Cum       market.Qty
	Price          market.Price
	Asked          bool // a cancel is out
}

// EachOpen calls f for each open order of the session, oldest first, until it is false.
// f may let messages out.
func (s *Session) EachOpen(f func(*Open) bool) {
	for i := range s.f.children[:s.f.sent] {
		c := &s.f.children[i]
		if !c.open || c.venue != s.cfg.Venue {
			continue
		}
		p := &s.f.parents[c.parent]
		if !f(&Open{Number: c.number, Parent: p.number, Instrument: p.order.Instrument, Side: p.order.Side, Qty: c.qty,
			Cum: c.cum, Price: c.price, Asked: c.asked}) {
			return
		}
	}
}

// cancelled accounts for a cancel request of an order that leaves; 0: it cannot be read of which.
// It is true.
//
//go:noinline
func (s *Session) cancelled(now int64, number uint64) bool {
	s.f.stats.Cancels++
	s.rate.record(now)
	s.Asked(number)
	return true
}

// Asked notes that a cancel of an order is out.
func (s *Session) Asked(number uint64) {
	if at := s.f.byChild.find(number); at >= 0 {
		s.f.children[at].asked = true
	}
}

// Lost says that the connection ended: whether cancels arrived is not known.
func (s *Session) Lost() {
	for i := range s.f.children[:s.f.sent] {
		if c := &s.f.children[i]; c.venue == s.cfg.Venue {
			c.asked = false
		}
	}
}

// Unsent says that an order which was let through never left whole: the socket broke.
func (s *Session) Unsent(number uint64) { s.f.Unsent(number) }

// Killed reports whether the latch covers an open order: the firm, or its scope but for the
// policy, which only the core knows of an order that has left.
func (s *Session) Killed(o *Open) bool {
	k := s.f.cfg.Latch.set.Load()
	at := s.f.byParent.find(o.Parent)
	return k != nil && at >= 0 && k.covers(s.cfg.Venue, &s.f.parents[at], 0)
}
