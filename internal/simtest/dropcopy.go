package simtest

import (
	"penstock/event"
	"penstock/market"
)

// copies is the drop copy of a venue: the truth about its executions, on a session of its own
// that loses nothing, in order, later. Now and then it lies.
type copies struct {
	window, lag int64 // 0: the venue has none
	odds        int64 // it lies once in so many executions; 0: never
	random      stream
	up          bool
	said        []event.Event
	heard       int // of said, that the router has
	lies        []lie
	extra       uint64
}

// lie is what a drop copy said wrongly: an alert has to tell of it.
type lie struct {
	at     int64
	child  uint64
	reason event.Reason
	found  bool
}

// newCopies draws what a venue's drop copy is like, from a stream of its own.
func newCopies(w *world, v int) (c copies) {
	r := stream{seed: w.seed, id: 200 + uint64(v)}
	if !w.opt.Copies && w.seed%4 != 1 {
		return copies{}
	}
	c.window, c.lag, c.random = r.between(100, 3000)*milli, r.between(0, 80)*milli, r
	if w.opt.Copies || r.once(2) {
		c.odds = r.between(4, 60)
	}
	return c
}

// copy lets the drop copy repeat what the venue says of an order, m being the truth.
func (v *venue) copy(w *world, m *message) {
	c := &v.copies
	if c.window == 0 {
		return
	}
	e := w.eventOf(m)
	e.Kind, e.Flags = event.DropCopy, 0
	if trade := m.execType == byte(market.ExecTrade); trade && c.odds > 0 && !w.healing && c.random.once(c.odds) {
		why := event.ReasonDropCopyExecID
		switch c.random.below(4) {
		case 0:
			why = event.ReasonDropCopyQty
			e.LastQty++
		case 1:
			why = event.ReasonDropCopyPrice
			e.LastPx += 100
		case 2:
			c.lies = append(c.lies, lie{w.now, m.number, why, false})
			return
		default:
			c.extra++
			other := e
			other.ID = textID('I', uint64(v.id), c.extra)
			v.tell(w, &other)
		}
		c.lies = append(c.lies, lie{w.now, m.number, why, false})
	}
	v.tell(w, &e)
}

func (v *venue) tell(w *world, e *event.Event) {
	c := &v.copies
	c.said = append(c.said, *e)
	c.said[len(c.said)-1].SetMsgSeqNum(uint64(len(c.said)))
	w.agenda.add(item{at: w.now + c.lag, kind: dueCopy, venue: v.id, n: uint64(len(c.said))})
}

// deliver lets the router hear what the drop copy has said up to a message.
func (c *copies) deliver(w *world, upTo int) {
	for c.up && !w.dead && c.heard < upTo {
		e := c.said[c.heard]
		c.heard++
		w.witness(&e)
	}
}

// witness lets the router hear a drop copy, after the ledger, which its word about the end of an
// order concerns as well.
func (w *world) witness(e *event.Event) {
	if market.ExecType(e.Code) == market.ExecTrade {
		w.show(&message{dir: fromCopy, execType: 'F', venue: uint8(e.Venue), number: e.Ref, id: e.ID, last: int64(e.LastQty)})
	}
	if t := market.ExecType(e.Code); e.OrdStatus.Terminal() && t != market.ExecTradeCancel && t != market.ExecTradeCorrect {
		if o := w.orders[e.Ref]; o != nil {
			o.copied = true
		}
		if t != market.ExecTrade {
			w.show(&message{dir: fromCopy, venue: uint8(e.Venue), number: e.Ref, cum: int64(e.CumQty)})
		}
		if w.wall != nil {
			w.wall.Ended(e.Ref, e.CumQty)
		}
	}
	w.take(e)
}

// begin opens the session of a process that has started. What is repeated comes first.
func (c *copies) begin(w *world, v int) {
	if c.window == 0 {
		return
	}
	upTo := len(c.said)
	n, _ := w.journal.heard(uint8(v), event.DropCopy)
	for c.heard = int(n); c.heard < upTo; c.heard++ {
		e := c.said[c.heard]
		e.Flags = event.PossDup
		w.witness(&e)
	}
	c.up = true
	w.take(&event.Event{Kind: event.DropCopySession, Venue: market.VenueID(v), Instrument: market.NoInstrument,
		Code: uint8(event.SessionUp)})
}

// alerted notes that the router told of a break.
func (w *world) alerted(c *event.Command) {
	switch c.Reason {
	case event.ReasonDropCopyQty, event.ReasonDropCopyPrice, event.ReasonDropCopyExecID:
	default:
		return
	}
	v := &w.venues[c.Venue]
	for i := range v.copies.lies {
		l := &v.copies.lies[i]
		if !l.found && l.child == c.Child && l.reason == c.Reason {
			if late := w.now - l.at - v.copies.window - v.copies.lag; w.opt.Copies && late > second+2*v.copies.late(v) {
				w.fail("venue %d: %v of order %d was told %d ms late", v.id, l.reason, l.child, late/milli)
			}
			l.found = true
			return
		}
	}
	if w.opt.Copies {
		w.fail("venue %d: %v of order %d, and the drop copy did not lie", v.id, c.Reason, c.Child)
	}
}

// late is how long the order session may take to say what the drop copy has said.
func (c *copies) late(v *venue) int64 { return v.back + v.jitter }

// checkCopies demands that every lie was told, in a world whose only faults they are.
func (w *world) checkCopies() {
	for v := range w.venues {
		for _, l := range w.venues[v].copies.lies {
			if w.opt.Copies && !l.found {
				w.fail("venue %d: nobody told of %v of order %d", v, l.reason, l.child)
			}
		}
	}
}
