package simtest

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"penstock/event"
	"penstock/market"
	"penstock/venues/firewall"
	"penstock/venues/ouch"
)

// ouchEnds speak OUCH 5.0 over SoupBinTCP: the router's gateway, and a session of the venue that
// keeps what it said all day and repeats it from where it is asked to.
type ouchEnds struct {
	*wireLink
	gateway *ouch.Gateway
	reader  ouchReader

	active  bool // logged in
	said    [][]byte
	buf     []byte
	spoke   int64
	next    uint32 // UserRefNum that the venue takes next
	refs    map[uint64]uint32
	numbers map[uint32]uint64
	unknown map[uint64]bool // orders that the gateway, of this process, said the venue does not know
}

func newOUCHEnds(link *wireLink) *ouchEnds {
	l := &ouchEnds{wireLink: link, next: 1, refs: map[uint64]uint32{}, numbers: map[uint32]uint64{}}
	l.start()
	return l
}

// start makes the gateway of a process, which has read nothing yet.
func (l *ouchEnds) start() {
	w, v := l.w, l.v
	cfg := ouch.Config{Name: "sim", Addr: "127.0.0.1:1", User: "SOR", Capacity: 'A', Venue: market.VenueID(v.id), MaxOrders: w.swarm.maxChildren + 64,
		RetryNanos: milli, RetryMaxNanos: 20 * milli, Seed: w.seed, Dial: l.dial, Sink: l.sink}
	wall := firewall.SessionConfig{Venue: cfg.Venue, Lit: v.kind == market.Lit, Rate: int(2 * w.swarm.msgRate)}
	for i := range w.cfg.Instruments {
		in := &w.cfg.Instruments[i]
		cfg.Symbols = append(cfg.Symbols, ouch.Symbol{ID: in.ID, Text: in.Symbol, PriceDecimals: in.PriceDecimals})
		wall.Symbols = append(wall.Symbols, firewall.Symbol{ID: in.ID, Text: in.Symbol, PriceDecimals: in.PriceDecimals, QtyDecimals: in.QtyDecimals})
	}
	var err error
	if w.wall != nil {
		if cfg.Firewall, err = w.wall.OUCH(wall, false); err != nil {
			w.fail("%v", err)
		}
		cfg.Latch = w.latch
	}
	if l.gateway, err = ouch.New(cfg); err != nil {
		w.fail("%v", err)
	}
	l.reader, l.unknown = newOUCHReader(), map[uint64]bool{}
}

func (l *ouchEnds) work()                      { l.gateway.Work(l.w.now) }
func (l *ouchEnds) send(c *event.Command) bool { return l.gateway.Send(l.w.now, c) }
func (l *ouchEnds) wantClose() (string, bool)  { return "", false }
func (l *ouchEnds) out() []byte                { return l.buf }
func (l *ouchEnds) wrote(n int)                { l.buf = l.buf[n:] }
func (l *ouchEnds) connected()                 {}
func (l *ouchEnds) disconnected()              { l.active, l.buf = false, nil }
func (l *ouchEnds) close()                     {}

func (l *ouchEnds) settle() {
	for more := true; more; more = len(l.heard) > 0 {
		l.wireLink.work()
		if !l.w.dead {
			l.work()
		}
	}
}

func (l *ouchEnds) read(b []byte) []message { return l.reader.read(b) }

// forget is a new process: it is told the whole day again.
func (l *ouchEnds) forget(bool) {
	if len(l.said) > 0 {
		l.w.hit(fm105)
	}
	l.start()
}

// answer is what the gateway says of itself: how an order stands, out of its book, and that a
// cancel comes too late.
func (l *ouchEnds) answer(e *event.Event) (m message, ok bool) {
	o := l.reader.orders[e.Ref]
	m = message{dir: fromVenue, typ: msgReport, number: e.Ref, id: e.ID, execType: e.Code, ordStatus: byte(e.OrdStatus), cum: int64(e.CumQty),
		leaves: int64(e.LeavesQty), lastPx: int64(e.LastPx), reason: e.Reason, qty: int64(e.Qty)}
	switch {
	case e.Kind == event.OrderCancelReject:
		m.typ = msgCancelReject
		return m, (o != nil && o.over() || l.unknown[e.Ref]) && e.Reason == event.ReasonTooLate
	case market.ExecType(e.Code) != market.ExecOrderStatus:
		return m, false
	case e.Reason == event.ReasonUnknownOrder:
		l.w.hit(fm108)
		l.unknown[e.Ref] = true
		return m, o == nil || o.status == '8' // a refusal that a new process reads says nothing to it
	}
	return m, o != nil && o.cum == m.cum && o.leaves == m.leaves && o.status == m.ordStatus && (o.cum == 0 || o.worth/o.cum == m.lastPx)
}

// receive takes packets of the router: length, type, payload.
func (l *ouchEnds) receive(b []byte) (taken int) {
	for len(b)-taken >= 3 {
		n := 2 + int(binary.BigEndian.Uint16(b[taken:]))
		if len(b)-taken < n {
			break
		}
		l.packet(b[taken+2], b[taken+3:taken+n])
		taken += n
	}
	return taken
}

func (l *ouchEnds) packet(kind byte, payload []byte) {
	switch kind {
	case 'L':
		from, err := strconv.Atoi(strings.TrimSpace(string(payload[26:46])))
		if err != nil || from < 1 || from > len(l.said)+1 {
			l.w.fail("venue %d: a login from message %d on, there are %d", l.v.id, from, len(l.said))
		}
		l.active = true
		l.put('A', fmt.Appendf(nil, "%10s%20d", "DAY", from))
		for _, m := range l.said[from-1:] { // a long day takes its time
			l.flush()
			l.put('S', m)
		}
	case 'U':
		l.arrived(payload)
	case 'R', 'O':
	default:
		l.w.fail("venue %d gets a packet %q", l.v.id, kind)
	}
}

func (l *ouchEnds) put(kind byte, payload []byte) {
	l.buf = binary.BigEndian.AppendUint16(l.buf, uint16(len(payload)+1))
	l.buf = append(append(l.buf, kind), payload...)
	l.spoke = l.w.now
}

func (l *ouchEnds) tick() {
	if l.active && l.w.now-l.spoke >= second {
		l.put('H', nil)
	}
}

// sequence says a message for good.
func (l *ouchEnds) sequence(m []byte) {
	l.said = append(l.said, m)
	if l.active {
		l.put('S', m)
	}
	l.flush()
}

// arrived takes an order, a cancel or a query.
func (l *ouchEnds) arrived(b []byte) {
	w, be := l.w, binary.BigEndian
	switch b[0] {
	case 'O':
		l.entered(b)
	case 'X':
		if number, ok := l.numbers[be.Uint32(b[1:])]; ok {
			m := message{dir: toVenue, typ: msgCancel, venue: l.v.id, number: number, instrument: w.orders[number].instrument}
			l.v.receive(w, &m)
		}
	case 'Q':
		l.sequence(be.AppendUint32(l.begin('Q'), l.next))
	default:
		w.fail("venue %d gets a message %q", l.v.id, b[0])
	}
}

func (l *ouchEnds) entered(b []byte) {
	w, be := l.w, binary.BigEndian
	number, err := strconv.ParseUint(strings.TrimSpace(string(b[31:45])), 36, 64)
	o, ref := w.orders[number], be.Uint32(b[1:])
	switch {
	case err != nil || o == nil:
		w.fail("venue %d got an order %q, which was never sent", l.v.id, b[31:45])
	case o.state != flying:
		w.fail("order %d arrived at venue %d a second time", number, l.v.id)
	case ref < l.next:
		w.fail("venue %d gets UserRefNum %d, it takes %d next", l.v.id, ref, l.next)
	}
	var options [8]int64 // by tag: 3 the least, 5 what is displayed
	for rest := b[47:]; len(rest) > 1; rest = rest[1+rest[0]:] {
		if rest[0] == 5 && rest[1] < 8 {
			options[rest[1]] = int64(be.Uint32(rest[2:]))
		}
	}
	want := struct {
		qty, price, least, show int64
		side, tif               byte
		symbol                  string
	}{o.qty, o.price, o.minQty, o.show, sideOf(o), '3', w.cfg.Instruments[o.instrument].Symbol}
	got := want
	got.qty, got.price, got.least, got.show = int64(be.Uint32(b[6:])), int64(be.Uint64(b[18:])), options[3], options[5]
	got.side, got.tif, got.symbol = b[5], b[26], strings.TrimSpace(string(b[10:18]))
	if o.tif == market.TIFDay {
		want.tif = '0'
	}
	if o.tif == market.TIFFOK {
		want.least = o.qty
	}
	if o.ordType == market.OrdMarket {
		want.price = 0x7fffffff
	}
	if got != want {
		w.fail("order %+v arrived as %+v", *o, got)
	}
	l.next, l.refs[number], l.numbers[ref] = ref+1, ref, number
	m := message{dir: toVenue, typ: msgOrder, venue: l.v.id, number: number}
	l.v.receive(w, &m)
}

func (l *ouchEnds) begin(kind byte) []byte {
	return binary.BigEndian.AppendUint64([]byte{kind}, uint64(l.w.now%(86_400*second)))
}

// say writes a message of the venue. One about a cancel that is too late is none: such a cancel
// is ignored.
func (l *ouchEnds) say(m *message) {
	o, be := l.w.orders[m.number], binary.BigEndian
	kind := l.kindOf(m)
	if kind == 0 {
		return
	}
	b := be.AppendUint32(l.begin(kind), l.refs[m.number])
	switch kind {
	case 'A':
		b = be.AppendUint32(append(b, sideOf(o)), uint32(o.qty))
		b = fmt.Appendf(b, "%-8s", l.w.cfg.Instruments[o.instrument].Symbol)
		b = be.AppendUint64(b, uint64(o.price))
		b = be.AppendUint64(append(b, '0', 'Y'), o.number)
		b = append(b, "ANNL"...)
		b = append(l.token(b, o), 0, 0)
	case 'E':
		b = be.AppendUint64(be.AppendUint32(b, uint32(m.last)), uint64(m.lastPx))
		b = append(be.AppendUint64(append(b, 'R'), matchOf(m.id)), 0, 0)
	case 'C':
		less := o.qty - m.cum
		if m.execType == byte(market.ExecRestated) {
			less = m.minQty
		}
		why := map[byte]byte{'C': 'T', '4': 'U', '3': 'S', 'D': 'U'}[m.execType]
		b = append(be.AppendUint32(b, uint32(max(less, 0))), why)
		if m.execType == byte(market.ExecRestated) || !o.canceling {
			l.w.hit(fm107)
		}
	case 'B':
		b = l.token(append(be.AppendUint64(b, matchOf(m.orig)), 'E'), o)
		l.w.hit(fm106)
	case 'F':
		b = be.AppendUint64(be.AppendUint32(b, uint32(m.last)), uint64(m.lastPx))
		b = l.token(append(be.AppendUint64(append(b, 'R'), matchOf(m.orig)), 'E'), o)
		l.w.hit(fm106)
	case 'J':
		b = l.token(be.AppendUint16(b, 0x1d), o)
	case 'M':
		b = be.AppendUint32(append(b, sideOf(o)), uint32(o.qty))
	}
	if o.underway == m.id {
		o.underway = textNumber('S', uint64(len(l.said)+1))
	}
	l.sequence(b)
}

// kindOf returns the type of the message that says m, 0 for none.
func (l *ouchEnds) kindOf(m *message) byte {
	o := l.w.orders[m.number]
	if m.typ == msgCancelReject {
		if o != nil && o.state == working && m.reason != event.ReasonTooLate {
			return 'I'
		}
		return 0
	}
	switch m.execType {
	case '0':
		return 'A'
	case 'F':
		return 'E'
	case 'D':
		if m.minQty == 0 {
			return 'M'
		}
		return 'C'
	case '3', '4', 'C':
		return 'C'
	case 'H':
		return 'B'
	case 'G':
		return 'F'
	case '8':
		return 'J'
	case '6':
		return 'P'
	}
	l.w.fail("OUCH has no word for %+v", *m)
	return 0
}

func (l *ouchEnds) token(b []byte, o *order) []byte {
	return fmt.Appendf(b, "%012s  ", strings.ToUpper(strconv.FormatUint(o.number, 36)))
}

func sideOf(o *order) byte {
	return map[byte]byte{'1': 'B', '2': 'S', '5': 'T', '6': 'E'}[o.mark.Code(o.side)]
}

// check is at the end of the day: every message was understood.
func (l *ouchEnds) check() {
	if s := l.gateway.Stats(); s.Malformed > 0 || s.Login.Malformed > 0 || s.OrdersFull > 0 || s.ExecsFull > 0 {
		l.w.fail("venue %d and its gateway do not understand each other: %+v", l.v.id, s)
	}
}
