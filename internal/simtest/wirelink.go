package simtest

import (
	"errors"
	"io"
	"net/netip"

	"penstock/event"
	"penstock/venues/wire"
)

// wireLink is a link whose messages cross as bytes: the router's own gateway on one side, a
// session of the venue on the other, and between them what is on its way.
type wireLink struct {
	w       *world
	v       *venue
	ends    ends
	stream  *pipe
	rest    []byte // at the venue: the beginning of a message
	toVenue [][]byte
	toUs    [][]byte
	flying  []*order
	heard   []event.Event // what the gateway has made of it, in order
	frames  []message     // what was in the bytes, read without the gateway
}

// ends are the two sides of a link in the words of one protocol.
type ends interface {
	// Of the router: its gateway, and the words for a command.
	work()
	send(c *event.Command) bool
	// forget is a new process after one that died, with its host or alone.
	forget(host bool)

	// Of the venue: its session.
	connected()
	disconnected()
	receive(b []byte) (taken int)
	say(m *message)
	tick()
	wantClose() (reason string, want bool)
	out() []byte
	wrote(n int)

	// settle lets the gateway tell all that it knows before it reads more.
	settle()
	// read returns what the venue says in bytes, without the gateway's codec.
	read(b []byte) []message
	// answer is the message that the gateway may have made up itself: e.
	answer(e *event.Event) (m message, ok bool)
	// check is at the end of the day: every message was understood.
	check()
	close()
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
func (s *pipe) Close() error {
	s.eof = true
	return nil
}

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
	if v.ouch {
		l.ends = newOUCHEnds(l)
	} else {
		l.ends = newFIXEnds(l)
	}
	w.agenda.add(item{at: w.now, kind: dueTick, venue: v.id})
	return l
}

// sink takes what the gateway tells the router.
func (l *wireLink) sink(e *event.Event) bool {
	if !l.w.dead {
		l.heard = append(l.heard, *e)
	}
	return true
}

var errAway = errors.New("the venue is away")

func (l *wireLink) dial(netip.AddrPort) (wire.Stream, error) {
	if !l.v.up {
		return nil, errAway
	}
	if l.stream != nil {
		l.stream.cut, l.stream.eof = true, true
	}
	l.stream = &pipe{link: l}
	l.toVenue, l.toUs, l.rest = nil, nil, nil
	l.lose()
	l.v.gen++
	l.ends.disconnected()
	l.ends.connected()
	return l.stream, nil
}

// work lets the gateway do what it has to, and then the router take what came of it.
func (l *wireLink) work() {
	if l.w.dead {
		return
	}
	l.ends.work()
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
		m.possDup = m.possDup || l.v.ouch && e.Flags&event.PossDup != 0
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
	if m, ok := l.ends.answer(e); ok {
		return &m
	}
	l.w.fail("the gateway of venue %d made up %+v", l.v.id, *e)
	return nil
}

// deliver lets bytes arrive at the router.
func (l *wireLink) deliver() {
	b := l.toUs[0]
	l.toUs = l.toUs[1:]
	stream := l.stream
	l.ends.settle()
	if l.stream != stream || stream.eof { // b belongs to a connection that is no more
		return
	}
	l.frames = append(l.frames, l.ends.read(b)...)
	l.stream.in = append(l.stream.in, b...)
	l.work()
}

// receive lets bytes arrive at the venue.
func (l *wireLink) receive() {
	l.rest = append(l.rest, l.toVenue[0]...)
	l.toVenue = l.toVenue[1:]
	n := l.ends.receive(l.rest)
	l.rest = l.rest[n:]
	l.flush()
}

// flush puts what the venue's session wrote on its way.
func (l *wireLink) flush() {
	b := l.ends.out()
	if len(b) == 0 {
		return
	}
	if l.v.up && l.stream != nil && !l.stream.cut {
		v, w := l.v, l.w
		v.lastOut = max(v.lastOut, w.now+v.random.below(v.think)+v.back+v.random.below(v.jitter))
		l.toUs = append(l.toUs, append([]byte(nil), b...))
		w.agenda.add(item{at: v.lastOut, kind: dueToRouter, venue: v.id, gen: v.gen})
	}
	l.ends.wrote(len(b))
}

// drop ends the connection; the router sees it when the stream says so.
func (l *wireLink) drop(known bool) {
	l.toVenue, l.toUs, l.rest, l.frames = nil, nil, nil, nil
	l.lose()
	l.ends.disconnected()
	if l.stream != nil {
		l.stream.cut = true
		l.stream.eof = l.stream.eof || known
	}
}

// lose takes the orders for lost that were on their way when the connection ended.
func (l *wireLink) lose() {
	for _, o := range l.flying {
		o.forget(l.w)
	}
	l.flying = l.flying[:0]
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
		l.ends.tick()
		l.flush()
	}
	if reason, want := l.ends.wantClose(); want && l.v.up && l.stream != nil && !l.stream.cut {
		if reason != "no Logon in time" { // the router was down or away for so long
			l.w.fail("venue %d ends the session: %s", l.v.id, reason)
		}
		l.drop(true)
		l.v.gen++ // what was on its way is void
	}
	l.work()
}
