package simtest

import (
	"crypto/tls"
	"errors"
	"io"
	"net/netip"
	"time"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
	"penstock/venues/fixgw"
	"penstock/venues/wire"
)

// wireLink is a link whose messages cross as bytes: the router's own gateway on one side, a
// FIX session of the venue on the other, and between them what is on its way.
type wireLink struct {
	w       *world
	v       *venue
	gateway *fixgw.Gateway
	peer    *fix.Session
	stream  *pipe
	rest    []byte // at the venue: the beginning of a message
	toVenue [][]byte
	toUs    [][]byte
	flying  []*order
	heard   []event.Event // what the gateway has made of it, in order
	frames  []message     // what was in the bytes, read without the gateway
}

// pipe is a connection that is no socket.
type pipe struct {
	link *wireLink
	in   []byte
	cut  bool // what is written is lost
	eof  bool // and that is known
}

func (s *pipe) Poll() (wire.State, error)   { return wire.Open, nil }
func (s *pipe) PollFD(bool) (p wire.PollFD) { p.FD = -1; return p }
func (s *pipe) FD() int                     { return -1 }
func (s *pipe) Close() error                { return nil }
func (s *pipe) Read(b []byte) (n int, err error) {
	if s.eof {
		return 0, io.EOF
	}
	n = copy(b, s.in)
	s.in = s.in[:copy(s.in, s.in[n:])]
	return n, nil
}

func (s *pipe) Write(b []byte) (int, error) {
	if s.eof {
		return 0, io.ErrClosedPipe
	}
	if !s.cut && len(b) > 0 {
		v, w := s.link.v, s.link.w
		v.lastIn = max(v.lastIn, w.now+v.out+v.random.below(v.jitter))
		s.link.toVenue = append(s.link.toVenue, append([]byte(nil), b...))
		w.agenda.add(item{at: v.lastIn, kind: dueToVenue, venue: v.id, gen: v.gen})
	}
	return len(b), nil
}

func newWireLink(w *world, v *venue) *wireLink {
	l := &wireLink{w: w, v: v}
	dialect, ok := fixgw.DialectByName("sim")
	if !ok {
		w.fail("there is no dialect sim")
	}
	dialect.ResetOnLogon = !v.resend
	cfg := fixgw.Config{Addr: "127.0.0.1:1", SenderCompID: "SOR", TargetCompID: "VENUE", HeartBtIntSecs: 30, Dialect: dialect,
		Venue: market.VenueID(v.id), Kind: v.kind, BackoffMinNanos: milli, BackoffMaxNanos: 20 * milli, Seed: w.seed, Dial: l.dial,
		Sink: func(e *event.Event) bool {
			if !w.dead {
				l.heard = append(l.heard, *e)
			}
			return true
		}}
	for i := range w.cfg.Instruments {
		in := &w.cfg.Instruments[i]
		cfg.Symbols = append(cfg.Symbols, fixgw.Symbol{ID: in.ID, Text: in.Symbol, PriceDecimals: in.PriceDecimals, QtyDecimals: in.QtyDecimals})
	}
	w.guard(&cfg)
	var err error
	if l.gateway, err = fixgw.New(cfg); err != nil {
		w.fail("%v", err)
	}
	l.peer, err = fix.NewSession(fix.Config{Role: fix.Acceptor, BeginString: "FIX.4.4", SenderCompID: "VENUE", TargetCompID: "SOR",
		AllowReset: !v.resend, LogMessages: 2048, App: l.arrived}, nil)
	if err != nil {
		w.fail("%v", err)
	}
	w.agenda.add(item{at: w.now, kind: dueTick, venue: v.id})
	return l
}

var errAway = errors.New("the venue is away")

func (l *wireLink) dial(netip.AddrPort, *tls.Config, time.Duration) (wire.Stream, error) {
	if !l.v.up {
		return nil, errAway
	}
	if l.stream != nil {
		l.stream.cut, l.stream.eof = true, true
	}
	l.stream = &pipe{link: l}
	l.toVenue, l.toUs, l.rest = nil, nil, nil
	l.v.gen++
	l.peer.Disconnected(l.w.now)
	l.peer.Connected(l.w.now)
	return l.stream, nil
}

// work lets the gateway do what it has to, and then the router take what came of it.
func (l *wireLink) work() {
	if l.w.dead {
		return
	}
	l.gateway.Work(l.w.now)
	for len(l.heard) > 0 && !l.w.dead {
		e := l.heard[0]
		l.heard = l.heard[1:]
		l.take(&e)
	}
}

// take shows the ledger what was in the bytes, and gives the router what the gateway read.
func (l *wireLink) take(e *event.Event) {
	w := l.w
	switch e.Kind {
	case event.Invitation:
		m := message{dir: fromVenue, typ: msgInvite, venue: l.v.id, number: e.Ref, instrument: uint16(e.Instrument),
			side: byte(e.Side), id: e.ID, qty: int64(e.Qty)}
		if e.Code == event.InvitationWithdrawn {
			m.leaves = 1
		}
		w.hearInvite(&m)
		return
	case event.VenueSession:
		l.v.told = event.SessionState(e.Code) == event.SessionUp
	case event.Exec, event.OrderCancelReject:
		if e.Reason == event.ReasonVenueDown {
			if e.Kind == event.Exec {
				w.orders[e.Ref].forget(w)
			}
			break
		}
		m := l.frame(e)
		m.venue, m.instrument = l.v.id, uint16(e.Instrument)
		w.mark(m)
		if o := w.orders[m.number]; o != nil && o.underway == m.id {
			o.underway = event.ID{}
		}
		w.show(m)
	}
	w.take(e)
}

// frame finds the message in the bytes that the gateway read as e, and compares the two.
func (l *wireLink) frame(e *event.Event) *message {
	for i := range l.frames {
		m := &l.frames[i]
		if m.number != e.Ref || (m.typ == msgCancelReject) != (e.Kind == event.OrderCancelReject) || m.typ == msgReport && m.id != e.ID {
			continue
		}
		if m.ordStatus != byte(e.OrdStatus) || m.typ == msgReport && (m.execType != e.Code || m.cum != int64(e.CumQty) || m.last != int64(e.LastQty) ||
			m.lastPx != int64(e.LastPx) || m.leaves != int64(e.LeavesQty) || m.orig != e.OrigID && m.orig != (event.ID{})) {
			l.w.fail("the gateway of venue %d reads %+v as %+v", l.v.id, *m, *e)
		}
		found := *m
		l.frames = append(l.frames[:i], l.frames[i+1:]...)
		return &found
	}
	l.w.fail("the gateway of venue %d made up %+v", l.v.id, *e)
	return nil
}

// deliver lets bytes arrive at the router.
func (l *wireLink) deliver() {
	b := l.toUs[0]
	l.toUs = l.toUs[1:]
	l.frames = append(l.frames, readFrames(b)...)
	l.stream.in = append(l.stream.in, b...)
	l.work()
}

// receive lets bytes arrive at the venue.
func (l *wireLink) receive() {
	l.rest = append(l.rest, l.toVenue[0]...)
	l.toVenue = l.toVenue[1:]
	n := l.peer.Receive(l.w.now, l.rest)
	l.rest = l.rest[n:]
	l.flush()
}

// arrived is what the venue's session makes of a message of ours.
func (l *wireLink) arrived(f *fix.Message, _ int64) bool {
	for _, m := range readFrames(f.Frame()) {
		o := l.w.orders[m.number]
		if o == nil && m.typ == msgCancel && l.w.ledger.orphans[m.number] {
			continue // the venue has it from somebody else
		}
		if o == nil {
			l.w.fail("venue %d got a message about order %d, which was never sent", l.v.id, m.number)
		}
		if m.typ == msgOrder {
			if o.state != flying {
				l.w.fail("order %d arrived at venue %d a second time", o.number, l.v.id)
			}
			if m.qty != o.qty || m.side != o.mark.Code(o.side) || m.show != o.show || m.tif != byte(o.tif) || m.ordType != byte(o.ordType) && o.ordType != market.OrdPegged ||
				m.price != o.price && o.ordType != market.OrdMarket || m.minQty != o.minQty {
				l.w.fail("order %+v arrived as %+v", *o, m)
			}
		}
		l.v.receive(l.w, &m)
	}
	return true
}

// say writes a message of the venue.
func (l *wireLink) say(m *message) {
	if m.typ == msgInvite {
		l.sayInvite(m)
	} else if m.typ == msgCancelReject {
		b := l.peer.Begin(l.w.now, fix.MsgCancelReject)
		b.Uint(fix.TagClOrdID, m.ref)
		b.Str(fix.TagOrderID, "V")
		b.Uint(fix.TagOrigClOrdID, m.number)
		b.Char(fix.TagOrdStatus, m.ordStatus)
		b.Char(fix.TagCxlRejResponseTo, '1')
		b.Int(fix.TagCxlRejReason, int64(m.reason.CxlRejReason()))
	} else {
		l.sayReport(l.peer.Begin(l.w.now, fix.MsgExecutionReport), m)
	}
	if err := l.peer.Send(); err != nil {
		l.w.fail("venue %d cannot say %+v: %v", l.v.id, *m, err)
	}
	l.flush()
}

// sayInvite writes an invitation: as a report, or as an IOI where it names no order or is taken back.
func (l *wireLink) sayInvite(m *message) {
	symbol := l.w.cfg.Instruments[m.instrument].Symbol
	if m.number == 0 || m.leaves == 1 {
		b := l.peer.Begin(l.w.now, fix.MsgIOI)
		b.Str(fix.TagIOIID, m.id.String())
		b.Char(fix.TagIOITransType, [...]byte{'N', 'C'}[m.leaves])
		if m.number != 0 {
			b.Uint(fix.TagClOrdID, m.number)
		}
		b.Str(fix.TagSymbol, symbol)
		b.Char(fix.TagSide, m.side)
		b.Int(fix.TagIOIQty, m.qty)
		return
	}
	b := l.peer.Begin(l.w.now, fix.MsgExecutionReport)
	b.Uint(fix.TagClOrdID, m.number)
	b.Str(fix.TagExecID, m.id.String())
	b.Char(fix.TagExecType, 'I')
	b.Char(fix.TagOrdStatus, '0')
	b.Str(fix.TagIOIID, m.id.String())
	b.Int(8005, 5)
	b.Str(fix.TagSymbol, symbol)
	b.Char(fix.TagSide, m.side)
	b.Int(fix.TagLeavesQty, m.qty)
}

func (l *wireLink) sayReport(b *fix.Writer, m *message) {
	b.Uint(fix.TagClOrdID, m.number)
	b.Str(fix.TagOrderID, "V")
	b.Str(fix.TagExecID, m.id.String())
	if m.orig != (event.ID{}) {
		b.Str(fix.TagExecRefID, m.orig.String())
	}
	b.Char(fix.TagExecType, m.execType)
	b.Char(fix.TagOrdStatus, m.ordStatus)
	b.Char(fix.TagSide, max(m.side, '1'))
	b.Str(fix.TagSymbol, l.w.cfg.Instruments[m.instrument].Symbol)
	b.Int(fix.TagOrderQty, m.qty)
	b.Decimal(fix.TagPrice, m.price, 4)
	b.Int(fix.TagCumQty, m.cum)
	b.Int(fix.TagLeavesQty, m.leaves)
	switch m.execType {
	case 'F', 'G', 'H':
		b.Int(fix.TagLastQty, m.last)
		b.Decimal(fix.TagLastPx, m.lastPx, 4)
		b.Char(fix.TagLastLiquidityInd, '2')
	}
	b.Decimal(fix.TagAvgPx, m.lastPx, 4)
	if m.reason != event.ReasonNone {
		b.Int(fix.TagOrdRejReason, int64(m.reason.OrdRejReason()))
		b.Str(fix.TagText, m.reason.String())
	}
}

// flush puts what the venue's session wrote on its way.
func (l *wireLink) flush() {
	b := l.peer.Out()
	if len(b) == 0 {
		return
	}
	if l.v.up && l.stream != nil && !l.stream.cut {
		v, w := l.v, l.w
		v.lastOut = max(v.lastOut, w.now+v.random.below(v.think)+v.back+v.random.below(v.jitter))
		l.toUs = append(l.toUs, append([]byte(nil), b...))
		w.agenda.add(item{at: v.lastOut, kind: dueToRouter, venue: v.id, gen: v.gen})
	}
	l.peer.Wrote(len(b))
}

// drop ends the connection; the router sees it when the stream says so.
func (l *wireLink) drop(known bool) {
	l.toVenue, l.toUs, l.rest, l.frames = nil, nil, nil, nil
	for _, o := range l.flying {
		o.forget(l.w)
	}
	l.flying = l.flying[:0]
	l.peer.Disconnected(l.w.now)
	if l.stream != nil {
		l.stream.cut = true
		l.stream.eof = l.stream.eof || known
	}
}

// land takes an order off those that are on their way.
func (l *wireLink) land(o *order) {
	for i := range l.flying {
		if l.flying[i] == o {
			l.flying = append(l.flying[:i], l.flying[i+1:]...)
			return
		}
	}
}

// tick lets time pass on both sides, and comes back.
func (l *wireLink) tick() {
	next := 6 * milli
	if l.v.told {
		next = 250 * milli
	}
	l.w.agenda.add(item{at: l.w.now + next, kind: dueTick, venue: l.v.id})
	if l.v.up {
		l.peer.Tick(l.w.now)
		l.flush()
	}
	if reason, want := l.peer.WantClose(); want && l.v.up && l.stream != nil && !l.stream.cut {
		if reason != "no Logon in time" { // the router was down or away for so long
			l.w.fail("venue %d ends the session: %s", l.v.id, reason)
		}
		l.drop(true)
		l.v.gen++ // what was on its way is void
	}
	l.work()
}

// check is at the end of the day: every message was understood.
func (l *wireLink) check() {
	s, p := l.gateway.Stats(), l.peer.Stats()
	if s.Malformed > 0 || s.Unknown > 0 || s.Session.Garbled > 0 || p.Malformed > 0 || p.RejectsIn > 0 || p.Garbled > 0 {
		l.w.fail("venue %d and its gateway do not understand each other: %+v, %s; %+v", l.v.id, s, s.LastMalformed, p)
	}
	if s.Session.Gaps > 0 {
		l.w.hit(fm26)
	}
	if p.Gaps > 0 {
		l.w.hit(fm28)
	}
}
