package router

import (
	"penstock/event"
	"penstock/internal/assert"
	"penstock/market"
)

// A drop copy is a second witness (C12): a session of its own on which a venue repeats its
// reports. Every execution must come from both witnesses, with the same quantity, price and
// order, within the venue's window. A break is alerted, and the venue gets nothing new until a
// person resumes it. Quantities are the order session's: a drop copy never books. Where it
// tells of more than is reserved, the parent is frozen; and it may say that an order ended
// whose state nobody else tells.

// witness says who told of an execution.
type witness uint8

const (
	byOrders witness = 1 << iota
	byDropCopy
	both = byOrders | byDropCopy
)

// maxDropCopyNanos is within which a break has to be told.
const maxDropCopyNanos = 5_000_000_000

// alone are the two that may be first; index of dropCopy.waits.
var alone = [2]witness{byOrders, byDropCopy}

// dropCopy is what is known of a venue's drop copy session.
type dropCopy struct {
	up    bool
	told  bool     // a person knows that it is down
	waits [2]waits // executions that have one witness, by which
	from  [2]int64 // since when the other one could have spoken, ns since epoch
}

// waits are executions in the order in which they were first told: chained slots of execs.
type waits struct{ first, last int32 }

func newDropCopies() (d [market.MaxVenues]dropCopy) {
	for v := range d {
		d[v].waits = [2]waits{{none, none}, {none, none}}
	}
	return d
}

// witnessed notes that who told of x, which is the newest execution or was told by the other
// one before.
func (c *Core) witnessed(x *Execution, who witness) {
	first := x.by == 0
	x.by |= who
	if !first || c.venues[x.Venue].DropCopyNanos == 0 {
		return
	}
	slot := int32(len(c.execs.list) - 1)
	assert.That(&c.execs.list[slot] == x, "an execution is first told when it is new")
	x.seen, x.next = c.now, none
	w := &c.dropCopies[x.Venue].waits[who/byDropCopy]
	if w.last == none {
		w.first = slot
	} else {
		c.execs.list[w.last].next = slot
	}
	w.last = slot
	c.dropWaiting++
}

// onDropCopy takes a report of a venue's drop copy session.
func (c *Core) onDropCopy(e *event.Event) {
	if int(e.Venue) >= len(c.venues) || c.venues[e.Venue].DropCopyNanos == 0 {
		return
	}
	c.Counters.DropCopies++
	ch := c.childOf(e.Ref)
	if ch == nil || ch.Venue != e.Venue {
		if e.Ref != 0 && len(c.starts) > 0 && e.Ref/numberBase < c.starts[0].epoch {
			return // of a run before: it was missed when that ended
		}
		c.onOrphan(e)
		return
	}
	switch market.ExecType(e.Code) {
	case market.ExecTrade, market.ExecTradeCancel, market.ExecTradeCorrect:
		c.compare(ch, e)
	case market.ExecCanceled, market.ExecExpired, market.ExecDoneForDay, market.ExecRejected:
		if !ch.Released && ch.dropEnd == 0 {
			ch.dropEnd, ch.dropCum = c.now, e.CumQty
			ch.most = max(ch.most, e.CumQty)
		}
		if ch.unknown {
			c.endByDropCopy(ch)
		}
	}
	c.after(&c.parents[ch.Parent])
}

// compare holds an execution of the drop copy against what the order session said.
func (c *Core) compare(ch *Child, e *event.Event) {
	slot := int32(c.slotOf(ch))
	x, place := c.execs.find(e.Venue, e.ID)
	switch {
	case e.ID.Len() == 0:
		c.dropBreak(ch, event.ReasonDropCopyExecID, 0)
	case x == nil:
		x := Execution{ID: e.ID, Child: slot, Venue: e.Venue, Liquidity: e.Liquidity, Code: e.Code, Price: e.LastPx,
			Qty: e.LastQty, Cum: e.CumQty}
		if !c.execs.add(place, x) {
			c.forget(ch)
			return
		}
		c.witnessed(&c.execs.list[len(c.execs.list)-1], byDropCopy)
	default:
		if x.by&byDropCopy != 0 && e.Flags&event.PossDup != 0 {
			c.Counters.Duplicates++
			return
		}
		c.witnessed(x, byDropCopy)
		if why := x.differs(slot, e); why != event.ReasonNone {
			c.dropBreak(ch, why, e.LastQty-x.Qty)
		}
	}
}

// differs says in what a report of an execution differs from x, ReasonNone in nothing.
func (x *Execution) differs(child int32, e *event.Event) event.Reason {
	switch {
	case x.Child != child || x.Code != e.Code:
		return event.ReasonDropCopyExecID
	case x.Qty != e.LastQty:
		return event.ReasonDropCopyQty
	case x.Price != e.LastPx:
		return event.ReasonDropCopyPrice
	}
	return event.ReasonNone
}

// dropBreak is what a contradiction of the witnesses leads to. more is what the drop copy says
// was executed beyond our account: where nothing is reserved for that, what looks free is not.
func (c *Core) dropBreak(ch *Child, why event.Reason, more market.Qty) {
	c.Counters.DropBreaks++
	c.quarantine(ch, why)
	c.askStatus(ch)
	if p := &c.parents[ch.Parent]; more > ch.reserved() && p.Live() {
		p.Frozen = true
		c.cancelAll(p)
	}
}

// endByDropCopy ends a child whose state is unknown, when the drop copy says that it ended with
// the CumQty that we have. With another one an execution is missing, and it stays reserved.
func (c *Core) endByDropCopy(ch *Child) {
	if ch.dropEnd == 0 || ch.Released || ch.Cum != ch.dropCum {
		return
	}
	said := event.Event{Kind: event.Exec, Seq: c.cause.Seq, StepTime: c.cause.StepTime, RecvTime: c.cause.RecvTime, Venue: ch.Venue,
		Ref: ch.Number, Instrument: ch.Instrument, Side: ch.Side, Code: uint8(market.ExecOrderStatus),
		OrdStatus: market.StatusCanceled, CumQty: ch.dropCum}
	c.onExec(&said)
}

// onDropCopySession follows a drop copy session. While it is away executions wait for it.
func (c *Core) onDropCopySession(e *event.Event) {
	if int(e.Venue) >= len(c.venues) || c.venues[e.Venue].DropCopyNanos == 0 {
		return
	}
	d := &c.dropCopies[e.Venue]
	switch d.up = event.SessionState(e.Code) == event.SessionUp; {
	case d.up:
		d.told, d.from[0] = false, c.now
		if e.Reason == event.ReasonGap {
			c.forgo(d)
		}
	case event.SessionState(e.Code) == event.SessionDown:
		d.told = true
		c.alertVenue(e.Venue, event.ReasonDropCopyDown)
	}
}

// forgo lets executions be of which a drop copy that repeats nothing cannot tell any more.
func (c *Core) forgo(d *dropCopy) {
	for s := d.waits[0].first; s != none; s = c.execs.list[s].next {
		if x := &c.execs.list[s]; x.by != both {
			x.by = both
			c.Counters.DropUnchecked++
		}
	}
}

// DropCopyUp reports whether the drop copy session of a venue is up.
func (c *Core) DropCopyUp(v market.VenueID) bool { return c.dropCopies[v].up }

// checkDropCopies looks for executions that the other witness should have told by now. A
// witness that is away, or has not said yet what it missed, is waited for.
func (c *Core) checkDropCopies() {
	for v := range c.venues {
		d, window := &c.dropCopies[v], c.venues[v].DropCopyNanos
		if window == 0 {
			continue
		}
		if !d.up {
			d.from[0] = c.now
			if w := d.waits[0].first; w != none && !d.told && c.now-c.execs.list[w].seen >= escalateNanos {
				d.told = true
				c.alertVenue(market.VenueID(v), event.ReasonDropCopyDown)
			}
		}
		if c.closed(market.VenueID(v)) {
			d.from[1] = c.now
		}
		for i := range d.waits {
			c.overdue(d, i, window)
		}
	}
}

// overdue takes the executions that have waited long enough for their other witness.
func (c *Core) overdue(d *dropCopy, i int, window int64) {
	w := &d.waits[i]
	for w.first != none {
		slot := w.first
		x := &c.execs.list[slot]
		if x.by != both && c.now-max(x.seen, d.from[i]) < window {
			return
		}
		if w.first = x.next; w.first == none {
			w.last = none
		}
		x.next = none
		c.dropWaiting--
		if x.by != both {
			c.unmatched(x, alone[i])
		}
	}
}

// unmatched judges an execution that only one witness has told.
func (c *Core) unmatched(x *Execution, who witness) {
	ch := &c.children[x.Child]
	p := &c.parents[ch.Parent]
	trade := market.ExecType(x.Code) == market.ExecTrade
	switch {
	case who == byOrders:
		c.dropBreak(ch, event.ReasonDropCopyExecID, 0)
	case trade && ch.missing >= x.Qty:
		// A status told of its quantity before: here is its price.
		x.priced = true
		c.fillIn(p, ch, &event.Event{Venue: x.Venue, ID: x.ID, Liquidity: x.Liquidity, LastPx: x.Price, LastQty: x.Qty})
	case trade:
		c.dropBreak(ch, event.ReasonDropCopyExecID, x.Qty)
	default:
		c.dropBreak(ch, event.ReasonDropCopyExecID, 0)
	}
	c.after(p)
}

// checkEnds looks for orders that ended by the drop copy's word, and should have by the order
// session's: they are asked for, and end by the former when no execution is missing.
func (c *Core) checkEnds(parents []int32) {
	for _, slot := range parents {
		p := &c.parents[slot]
		for s := p.first; s != none; {
			ch := &c.children[s]
			s = ch.next
			if ch.dropEnd == 0 || c.now-ch.dropEnd <= c.venues[ch.Venue].DropCopyNanos {
				continue
			}
			c.lose(ch)
			c.askStatus(ch)
			if c.endByDropCopy(ch); ch.Released {
				s = p.first // what ended may have led to new orders
			}
		}
	}
}
