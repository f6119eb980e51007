package firewall

import (
	"encoding/binary"

	"penstock/market"
)

// OUCH checks one order session in OUCH 5.0 or 4.2, message by message. It reads the bytes
// by itself, adds CumQty up from executions, each MatchNumber once, and keeps the accounts
// of a Session.
type OUCH struct {
	*Session
	old   bool // 4.2
	byRef table
	seen  table // executions, by match and order: index in execs
	execs []ouchExec
	sums  []ouchSum
	// latest is the instrument of the last order.
	latest int
}

// ouchSum is what the messages of the session say of a child since its first.
type ouchSum struct{ qty, cum, off market.Qty }

// ouchExec is a trade, kept because a broken one does not say what it was.
type ouchExec struct {
	qty    market.Qty
	at     int32
	broken bool
}

const (
	ouchTokenSize   = 12 // of a child's number to the base of 36; two blanks follow
	ouchMarketPrice = 1<<31 - 1
	ouchDecimals    = 4
	ouchMaxFloor    = 5 // of an appendage: what is displayed
)

// OUCH returns the check of one order session. BeginString, IDs and ParentTag of cfg mean
// nothing; prices of symbols have 4 decimals or more.
func (f *Firewall) OUCH(cfg SessionConfig, old bool) (*OUCH, error) {
	s, err := f.Session(cfg)
	if err != nil {
		return nil, err
	}
	room := len(f.children)
	return &OUCH{Session: s, old: old, byRef: newTable(2 * room), seen: newTable(4 * room),
		execs: make([]ouchExec, 0, 4*room), sums: make([]ouchSum, room)}, nil
}

// Out judges one message that is about to leave; it may only with Clear. A violation sets
// the latch. now is in ns since the epoch.
func (s *OUCH) Out(now int64, msg []byte, said Said) Reason {
	sizes := [...]int{'O': 47, 'X': 9, 'Q': 1}
	if s.old {
		sizes = [...]int{'O': 49, 'X': 19, 'Q': 0}
	}
	if len(msg) == 0 || int(msg[0]) >= len(sizes) || sizes[msg[0]] == 0 {
		return s.refuse(&wireOrder{now: now}, Unsupported)
	}
	if n := sizes[msg[0]]; len(msg) < n || len(msg) > n && (s.old || msg[0] != 'O') {
		return s.refuse(&wireOrder{now: now}, Malformed)
	}
	switch msg[0] {
	case 'X':
		s.f.stats.Cancels++
		s.rate.record(now)
		if at := s.named(msg[1:]); at >= 0 {
			s.f.children[at].asked = true
		}
	case 'O':
		o := wireOrder{parent: said.Parent, now: now}
		if why := s.enter(msg, &o, said.Policy); why != Clear {
			return s.refuse(&o, why)
		}
	}
	return Clear
}

// enter judges an order and accounts for it.
func (s *OUCH) enter(msg []byte, o *wireOrder, policy uint64) Reason {
	be := binary.BigEndian
	fields := msg[5:] // from the side on
	token, price, ref := msg[31:45], be.Uint64(msg[18:]), uint64(0)
	if s.old {
		fields, token, price = msg[15:], msg[1:15], uint64(be.Uint32(msg[28:]))
	} else {
		ref = uint64(be.Uint32(msg[1:]))
	}
	o.id, o.qty = ouchNumber(token), market.Qty(be.Uint32(fields[1:]))
	o.symbol = trimBlanks(fields[5:13])
	switch fields[0] {
	case 'B':
		o.side = market.Buy
	case 'S':
		o.side = market.Sell
	case 'T':
		o.side, o.mark = market.Sell, market.Short
	case 'E':
		o.side, o.mark = market.Sell, market.ShortExempt
	}
	if !s.display(msg, o) {
		return Malformed
	}
	i := s.symbolOf(o.symbol)
	if o.id == 0 || !s.old && ref == 0 || i < 0 || s.symbols[i].PriceDecimals < ouchDecimals {
		return Malformed
	}
	sym := &s.symbols[i]
	o.listed = int32(i) + 1
	switch {
	case s.f.taken(o):
		return Duplicate
	case price == ouchMarketPrice:
		o.ordType = market.OrdMarket
	case price == 0 || price > uint64(market.MaxPrice)/uint64(market.Pow10(sym.PriceDecimals-ouchDecimals)):
		return Malformed
	default:
		o.ordType, o.price = market.OrdLimit, market.Price(price)*market.Price(market.Pow10(sym.PriceDecimals-ouchDecimals))
	}
	why := s.f.judge(s.Session, o, policy)
	if why == Clear {
		at := int32(s.f.sent)
		s.f.book(s.Session, o)
		if ref != 0 {
			s.byRef.put(ref, at)
		}
	}
	return why
}

// symbolOf returns the number of the instrument that is spelt so, -1 when there is none: mostly
// that of the order before.
func (s *OUCH) symbolOf(text []byte) int {
	if i := s.latest; i < len(s.symbols) && s.symbols[i].Text == string(text) && len(text) > 0 {
		return i
	}
	for i := range s.symbols {
		if s.symbols[i].Text == string(text) && len(text) > 0 {
			s.latest = i
			return i
		}
	}
	return -1
}

// named returns the child that b begins with the name of, -1 for none: its token in 4.2,
// its UserRefNum in 5.0.
func (s *OUCH) named(b []byte) int32 {
	if s.old {
		return s.f.byChild.find(ouchNumber(b[:14]))
	}
	return s.byRef.find(uint64(binary.BigEndian.Uint32(b)))
}

// In reads a numbered message of the venue. It must get each once, and all of a session
// from the first; another session begins with Restart.
func (s *OUCH) In(msg []byte) {
	be := binary.BigEndian
	// Where what follows the name of the order begins, and how long the message is.
	at, token, sizes := 13, 0, [...]int{'A': 64, 'B': 36, 'C': 18, 'D': 31, 'E': 36, 'F': 49, 'J': 29, 'M': 18}
	if s.old {
		at, sizes = 23, [...]int{'A': 66, 'B': 32, 'C': 28, 'D': 37, 'E': 40, 'J': 24, 'M': 28}
	}
	if len(msg) == 0 || int(msg[0]) >= len(sizes) || sizes[msg[0]] == 0 || len(msg) < sizes[msg[0]] {
		return // it changes nothing that can execute, or the gateway says that it cannot be read
	}
	if token = 48; s.old {
		token = 9
	}
	if msg[0] == 'A' && !s.old {
		if i := s.f.byChild.find(ouchNumber(msg[token : token+14])); i >= 0 {
			s.byRef.put(uint64(be.Uint32(msg[9:])), i)
		}
	}
	i := s.named(msg[9:])
	if i < 0 || s.f.children[i].venue != s.cfg.Venue {
		s.f.stats.Orphans++
		return
	}
	s.f.stats.Reports++
	c, sum := &s.f.children[i], &s.sums[i]
	kind, status, gone := byte(market.ExecNew), market.StatusNew, market.Qty(0)
	switch msg[0] {
	case 'A':
		sum.qty = market.Qty(be.Uint32(msg[at+1:]))
		if state := [...]int{47, 64}; msg[state[boolIndex(s.old)]] == 'D' {
			kind, status = byte(market.ExecCanceled), market.StatusCanceled
		}
	case 'E':
		match := [...]int{26, 32}
		if !s.first(be.Uint64(msg[match[boolIndex(s.old)]:]), i, market.Qty(be.Uint32(msg[at:]))) {
			return
		}
		sum.cum += market.Qty(be.Uint32(msg[at:]))
		kind, status = byte(market.ExecTrade), market.StatusPartiallyFilled
	case 'B', 'F':
		match := at
		if msg[0] == 'F' {
			match = 26
		}
		e := s.exec(be.Uint64(msg[match:]), i)
		if e == nil || e.broken {
			return
		}
		now := market.Qty(0)
		if kind = byte(market.ExecTradeCancel); msg[0] == 'F' {
			kind, now = byte(market.ExecTradeCorrect), market.Qty(be.Uint32(msg[at:]))
		}
		gone = e.qty - now // such shares do not come back into the book
		sum.cum, sum.off = sum.cum-gone, sum.off+gone
		e.qty, e.broken, status = now, msg[0] == 'B', market.StatusPartiallyFilled
	case 'M':
		sum.qty, sum.off = market.Qty(be.Uint32(msg[at+1:])), 0
		s.f.restate(c, sum.qty)
		kind = byte(market.ExecRestated)
	case 'C', 'D':
		sum.off += market.Qty(be.Uint32(msg[at:]))
		if sum.qty == 0 {
			sum.qty = c.qty // its acceptance was not heard
		}
		if sum.cum+sum.off >= sum.qty {
			kind, status = byte(market.ExecCanceled), market.StatusCanceled
		} else {
			s.f.restate(c, sum.qty-sum.off)
			kind = byte(market.ExecRestated)
		}
	case 'J':
		kind, status = byte(market.ExecRejected), market.StatusRejected
	}
	s.settle(c, sum.cum, kind, status, false, 0)
	if gone > 0 {
		if s.f.restate(c, c.qty-gone); c.cum >= c.qty {
			s.f.release(c)
		}
	}
}

// Restart says that the venue began another session: its messages are numbered anew.
func (s *OUCH) Restart() {
	s.byRef, s.seen, s.execs = newTable(len(s.byRef.slots)/2), newTable(cap(s.execs)), s.execs[:0]
	clear(s.sums)
}

// exec returns a trade of a child, nil when it is not known.
func (s *OUCH) exec(match uint64, at int32) *ouchExec {
	if i := s.seen.find(ouchKey(match, at)); i >= 0 && s.execs[i].at == at {
		return &s.execs[i]
	}
	return nil
}

// first keeps a trade of a child; false when it is known. Beyond the room for them a trade
// that is told twice counts twice: then more is refused, not less.
func (s *OUCH) first(match uint64, at int32, qty market.Qty) bool {
	if s.exec(match, at) != nil {
		return false
	}
	if len(s.execs) < cap(s.execs) {
		s.seen.put(ouchKey(match, at), int32(len(s.execs)))
		s.execs = append(s.execs, ouchExec{qty: qty, at: at})
	}
	return true
}

// ouchKey tells the two sides of a self match apart.
func ouchKey(match uint64, at int32) uint64 {
	return max(match^uint64(at+1)*0x9e3779b97f4a7c15, 1)
}

func boolIndex(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ouchNumber reads a child's number, 0 for what is none.
func ouchNumber(token []byte) (number uint64) {
	if token[ouchTokenSize] != ' ' || token[ouchTokenSize+1] != ' ' {
		return 0
	}
	for _, c := range token[:ouchTokenSize] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'A' && c <= 'Z':
			c -= 'A' - 10
		default:
			return 0
		}
		number = number*36 + uint64(c)
	}
	return number
}

func trimBlanks(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// display reads for how long an order rests and how much of it is displayed; false when that
// cannot be read in one way.
func (s *OUCH) display(msg []byte, o *wireOrder) bool {
	attribute, ioc, rest := msg[27], msg[26] == '3', msg[45:]
	if s.old {
		attribute, ioc, rest = msg[40], binary.BigEndian.Uint32(msg[32:]) == 0, nil
	}
	if o.hidden = attribute == 'N' || attribute == 'M'; ioc {
		o.tif = market.TIFIOC
	}
	if rest == nil {
		return true
	}
	if int(binary.BigEndian.Uint16(rest)) != len(rest)-2 {
		return false
	}
	for rest = rest[2:]; len(rest) > 0; {
		n := int(rest[0])
		if n == 0 || len(rest) < 1+n {
			return false
		}
		if rest[1] == ouchMaxFloor {
			if n != 5 || o.show != 0 {
				return false
			}
			if o.show = market.Qty(binary.BigEndian.Uint32(rest[2:])); o.show == 0 {
				return false
			}
		}
		rest = rest[1+n:]
	}
	return true
}
