package simtest

import (
	"penstock/event"
	"penstock/market"
)

// venue holds orders and a link to the router. What it says arrives in order, or is lost
// with the link.
type venue struct {
	id uint8
	habits
	random stream

	wire     *wireLink // nil: messages cross as they are
	up       bool      // the link is there
	told     bool      // the router believes so
	gen      uint32
	inbound  []message // on their way to it
	outbound []message // on their way to the router
	lastIn   int64
	lastOut  int64
	missed   []message // said, and not received: repeated when it does that
	heard    []message // that were received, where a process may die and what it lost is repeated
	orders   []*order
	execs    uint64
	held     message // an execution that is overtaken by the next report
	holding  bool
	halted   bool
	flaps    int // times that the link will be lost again as soon as it is there
	full     int // orders that find no room in the gateway's ring
	armed    [faultCount]uint8
	copies   copies
}

func (v *venue) open(w *world, id int) {
	v.id, v.habits = uint8(id), w.swarm.at[id]
	v.random = stream{seed: w.seed, id: 100 + uint64(id)}
	v.gen = 1
	if !v.ouch { // what a drop copy says of its trades has other names
		v.copies = newCopies(w, id)
	}
	w.cfg.Venues[id].DropCopyNanos = v.copies.window
	if w.swarm.bytes {
		v.wire = newWireLink(w, v)
	}
}

// use reports whether fault f strikes now.
func (v *venue) use(w *world, f fault) bool {
	if v.armed[f] == 0 || w.healing || v.ouch && unsequenced>>f&1 != 0 {
		return false
	}
	v.armed[f]--
	return true
}

// connect brings the link up: what was missed is repeated, then the session is open.
func (v *venue) connect(w *world) {
	if v.up || w.dead {
		return
	}
	v.up = true
	v.gen++
	if v.wire != nil {
		if s := v.wire.stream; s != nil {
			s.cut, s.eof = true, true
		}
		v.wire.work() // the session is open when both sides have logged on
		return
	}
	v.told = true
	for _, o := range v.orders {
		if o.state == working {
			w.hit(fm38)
			break
		}
	}
	missed := v.missed
	v.missed = nil
	for i := range missed {
		m := &missed[i]
		m.possDup = true
		v.tellRouter(w, m)
	}
	w.take(&event.Event{Kind: event.VenueSession, Venue: market.VenueID(v.id), Instrument: market.NoInstrument,
		Code: uint8(event.SessionUp)})
	if v.flaps > 0 && !w.healing {
		v.flaps--
		v.drop(w, milli)
		w.agenda.add(item{at: w.now + 50*milli, kind: dueConnect, venue: v.id})
	}
}

// tellRouter lets a message reach the router.
func (v *venue) tellRouter(w *world, m *message) {
	if w.journal.keep && v.resend {
		v.heard = append(v.heard, *m)
	}
	w.hear(m)
}

// forget is a new process of the router, which asks again for what its journal does not have.
func (v *venue) forget(w *world, host bool) {
	if v.wire != nil {
		v.wire.ends.forget(host)
		return
	}
	n, _ := w.journal.heard(v.id, event.Exec)
	v.missed = append(append([]message(nil), v.heard[n:]...), v.missed...)
	v.heard = v.heard[:n]
}

// drop ends the link: what was on it is lost. seen is how long the router does not notice.
func (v *venue) drop(w *world, seen int64) {
	if !v.up {
		return
	}
	v.up = false
	v.gen++
	for i := range v.inbound {
		if m := &v.inbound[i]; m.typ == msgOrder {
			w.orders[m.number].forget(w)
		}
	}
	v.inbound = v.inbound[:0]
	if v.wire != nil {
		v.wire.drop(seen < 0)
	}
	if v.resend {
		v.missed = append(v.missed, v.outbound...)
	}
	v.outbound = v.outbound[:0]
	v.holding = false
	if v.cod != codNo {
		for _, o := range v.orders {
			if o.state == working && (v.cod == codAll || o.tif == market.TIFDay) {
				v.finish(w, o, market.ExecCanceled)
			}
		}
	}
	if seen < 0 {
		v.told = false // with the process
		return
	}
	w.agenda.add(item{at: w.now + seen, kind: dueSeen, venue: v.id, gen: v.gen})
}

// send takes a message of the router; false when it cannot leave.
func (v *venue) send(w *world, c *event.Command) bool {
	if !v.told {
		return false
	}
	if v.full > 0 && c.Kind == event.SendOrder && !w.healing {
		v.full--
		return false
	}
	if v.wire != nil {
		if !v.wire.ends.send(c) {
			return false
		}
		if o := w.orders[c.Child]; c.Kind == event.SendOrder && v.up && !v.wire.stream.cut {
			v.wire.flying = append(v.wire.flying, o)
		} else if c.Kind == event.SendOrder {
			o.forget(w)
		}
		return true
	}
	if !v.up { // into a dead connection
		if c.Kind == event.SendOrder {
			w.orders[c.Child].forget(w)
		}
		return true
	}
	at := max(v.lastIn, w.now+v.habits.out+v.random.below(v.jitter))
	v.lastIn = at
	v.inbound = append(v.inbound, w.msg)
	w.agenda.add(item{at: at, kind: dueToVenue, venue: v.id, gen: v.gen})
	return true
}

// due does what the agenda says.
func (v *venue) due(w *world, i *item) {
	switch i.kind {
	case dueToVenue:
		if v.wire != nil {
			v.wire.receive()
			return
		}
		m := v.inbound[0]
		v.inbound = v.inbound[:copy(v.inbound, v.inbound[1:])]
		v.receive(w, &m)
	case dueToRouter:
		if v.wire != nil {
			v.wire.deliver()
			return
		}
		m := v.outbound[0]
		v.outbound = v.outbound[:copy(v.outbound, v.outbound[1:])]
		v.tellRouter(w, &m)
	case dueSeen:
		if w.dead {
			return
		}
		if v.wire != nil {
			v.wire.stream.eof = true
			v.wire.work()
			return
		}
		v.told = false
		w.take(&event.Event{Kind: event.VenueSession, Venue: market.VenueID(v.id), Instrument: market.NoInstrument,
			Code: uint8(event.SessionDown), Reason: event.ReasonDisconnect})
	case dueConnect:
		if v.told && !v.up && v.wire == nil { // the router has not even noticed
			v.told = false
			w.take(&event.Event{Kind: event.VenueSession, Venue: market.VenueID(v.id), Instrument: market.NoInstrument,
				Code: uint8(event.SessionDown), Reason: event.ReasonDisconnect})
		}
		v.connect(w)
	case dueAnswer:
		v.answerRequest(w, i.n)
	case dueOrder:
		if i.n == 0 {
			v.release(w)
		} else if o := w.orders[i.n]; o != nil && o.state == working {
			v.act(w, o)
		}
	}
}

// heal ends all that is wrong with the venue.
func (v *venue) heal(w *world) {
	v.armed, v.full, v.flaps, v.halted = [faultCount]uint8{}, 0, 0, false
	v.release(w)
	if !v.up {
		if v.told && v.wire == nil {
			v.told = false
			w.take(&event.Event{Kind: event.VenueSession, Venue: market.VenueID(v.id), Instrument: market.NoInstrument,
				Code: uint8(event.SessionDown)})
		}
		v.connect(w)
	}
}

// say puts a message on its way to the router.
func (v *venue) say(w *world, m *message) {
	if v.holding && (v.held.number == m.number || len(v.outbound) > 8) {
		v.holding = false
		held := v.held
		v.put(w, m)
		v.put(w, &held)
		return
	}
	v.put(w, m)
}

// release lets a report go that was to be overtaken.
func (v *venue) release(w *world) {
	if v.holding {
		v.holding = false
		v.put(w, &v.held)
	}
}

func (v *venue) put(w *world, m *message) {
	if v.wire != nil {
		v.wire.ends.say(m)
		return
	}
	if !v.up {
		if v.resend {
			v.missed = append(v.missed, *m)
		}
		return
	}
	at := max(v.lastOut, w.now+v.random.below(v.think)+v.back+v.random.below(v.jitter))
	v.lastOut = at
	v.outbound = append(v.outbound, *m)
	w.agenda.add(item{at: at, kind: dueToRouter, venue: v.id, gen: v.gen})
}

// report starts an ExecutionReport(8) on o.
func (v *venue) report(o *order, why market.ExecType) message {
	v.execs++
	o.answered = true
	m := message{dir: fromVenue, typ: msgReport, venue: v.id, execType: byte(why), ordStatus: o.status(), side: o.mark.Code(o.side),
		instrument: o.instrument, number: o.number, qty: o.qty, cum: o.cum, price: o.price}
	m.id = textID('E', uint64(v.id)+1, v.execs)
	if v.ouch && why == market.ExecTrade {
		m.id = textNumber(0, v.execs) // MatchNumber
	}
	if o.state == working {
		m.leaves = o.qty - o.cum
	}
	return m
}

// textID makes an identifier of a letter and two numbers.
func textID(letter byte, a, b uint64) (id event.ID) {
	id[0] = letter
	at := 20
	for n := b; ; n /= 10 {
		at--
		id[at] = byte('0' + n%10)
		if n < 10 {
			break
		}
	}
	n := copy(id[2:], id[at:])
	id[1] = byte('A' + a%26)
	for i := 2 + n; i < len(id); i++ {
		id[i] = 0
	}
	return id
}
