package router

import (
	"math"

	"penstock/event"
	"penstock/internal/assert"
	"penstock/market"
)

// Latency-equalised sends: the orders of one sweep that go to nearer venues wait, so that all
// of them arrive together and nobody who sees the first hit has time to take his quotes away
// elsewhere. What waits is reserved from its decision on; it leaves with the event of its time
// at the earliest, or not at all when it is not wanted any more.

// maxWaiting bounds the orders that wait at once: with no room an order leaves at once.
const maxWaiting = 256

// MaxEqualiseNanos bounds Tactics.EqualiseNanos: what a decision record can say.
const MaxEqualiseNanos = math.MaxUint16 * 1000

// waiting are the children that wait, in the order of their decisions.
type waiting struct {
	next  int64 // when something is to be done, ns since epoch; math.MaxInt64: never
	count int
	list  [maxWaiting]waitingChild
}

type waitingChild struct {
	due   int64 // ns since epoch
	child int32
}

func (w *waiting) remove(i int) {
	copy(w.list[i:w.count-1], w.list[i+1:w.count])
	w.count--
	w.list[w.count] = waitingChild{}
}

// plan finds out when something is to be done next.
func (w *waiting) plan() {
	w.next = math.MaxInt64
	for i := range w.list[:w.count] {
		w.next = min(w.next, w.list[i].due)
	}
}

// latency returns how long an order takes to a venue, ns, as decisions know it.
func (c *Core) latency(v market.VenueID) int64 {
	return int64(c.economics.now.Venues[v&(market.MaxVenues-1)].LatencyMicros) * 1000
}

// together returns the latency that the orders of a walk are brought to: that of the farthest
// venue which is not farther than the nearest by more than the maximum. One beyond that is not
// waited for. 0: nothing waits.
func (c *Core) together(w *walk) (latest int64) {
	most := c.tactics.EqualiseNanos
	if most <= 0 {
		return 0
	}
	nearest := int64(math.MaxInt64)
	for i := range w.at[:w.count] {
		if at := &w.at[i]; at.got > 0 {
			nearest = min(nearest, c.latency(market.VenueID(at.venue)))
		}
	}
	for i := range w.at[:w.count] {
		if at := &w.at[i]; at.got > 0 {
			if l := c.latency(market.VenueID(at.venue)); l-nearest <= most {
				latest = max(latest, l)
			}
		}
	}
	return latest
}

// putOff lets a child that was just made wait; false when there is no room.
func (c *Core) putOff(ch *Child, wait int64) bool {
	w := &c.waiting
	if w.count == maxWaiting {
		return false
	}
	ch.waits = true
	w.list[w.count] = waitingChild{c.now + wait, int32(c.slotOf(ch))}
	w.count++
	w.next = min(w.next, c.now+wait)
	c.Counters.Waited++
	return true
}

// unwant says that a child that waits shall not leave. It is dropped at the end of the step.
func (c *Core) unwant(ch *Child) {
	ch.wantCancel = true
	c.waiting.next = c.now
}

// letGo sends the children whose time has come, and drops those that are not wanted any more.
func (c *Core) letGo() {
	w := &c.waiting
	for i := 0; i < w.count; {
		ch, due := &c.children[w.list[i].child], w.list[i].due <= c.now
		if !due && ch.waits && !ch.wantCancel {
			i++
			continue
		}
		w.remove(i)
		switch {
		case !ch.waits: // a report of its venue overtook it
		case ch.wantCancel || !c.wanted(ch):
			c.drop(ch)
			i = 0 // which may have made others unwanted
		default:
			c.depart(ch)
		}
	}
	w.plan()
}

// heldBack returns how much of what is under way to a venue for p's side of its instrument has not left, and is of other
// parents: it may be dropped, so nothing is taken by it. What waits of p itself is of p's sweep.
func (c *Core) heldBack(p *Parent, v market.VenueID) (qty market.Qty) {
	for i := range c.waiting.list[:c.waiting.count] {
		ch := &c.children[c.waiting.list[i].child]
		if ch.waits && ch.Venue == v && ch.Instrument == p.Instrument && ch.Side == p.Side && ch.Tactic == event.TacticTake &&
			ch.Parent != slotIn(p.Number) {
			qty += ch.reserved()
		}
	}
	return qty
}

// wanted reports whether a child that waited may leave now, by all that a decision would ask.
func (c *Core) wanted(ch *Child) bool {
	p, m, v := &c.parents[ch.Parent], c.composites[ch.Instrument], ch.Venue
	b := m.Books[v]
	bound, ok := c.bound(p)
	if !ok || m.Partial != 0 || ch.Policy != c.table.PolicyID() || !c.mayWork(p) || c.blocked(p, v) != event.WhyFilled || b == nil || !b.Live() ||
		p.Side.Better(bound, ch.Price) || !c.inBand(ch.Instrument, v, ch.Price) {
		return false
	}
	if o := c.asked(p, v, ch.Price, ch.Qty); !c.gate.Still(&o, c.reference(ch.Instrument)) {
		return false
	}
	if ch.Tactic == event.TacticQuote {
		return b.Quote.ID == ch.QuoteID && b.Quote.Alive(c.now+c.tactics.QuoteNanos)
	}
	if price, own := c.ownResting(p, v); own && !p.Side.Better(ch.Price, price) {
		return false
	}
	c.walk.start(p.Side) // no sweep runs: nothing of another venue is taken with this one
	return ch.Tactic != event.TacticTake || !c.tradesThrough(p, v, ch.Price)
}

// depart sends a child that waited.
func (c *Core) depart(ch *Child) {
	ch.waits = false
	c.gate.Late(ch.Venue, c.parents[ch.Parent].Strategy, ch.SentTime, c.now)
	ch.SentTime, ch.sentMid2 = c.now, c.reference(ch.Instrument)
	c.scoreSent(ch)
	cmd := c.command(event.SendOrder)
	c.address(cmd, ch)
	cmd.Policy, cmd.ID, cmd.OrigID, cmd.OrdType = ch.Policy, ch.QuoteID, c.parents[ch.Parent].locate, market.OrdLimit
	if ch.Tactic == event.TacticQuote {
		cmd.OrdType = market.OrdPreviouslyQuoted
	}
}

// drop ends a child that never left. Here alone quantity comes back without a word of its venue:
// no command was ever made for it.
func (c *Core) drop(ch *Child) {
	assert.That(ch.waits && ch.Cum == 0 && !ch.acked, "what is dropped never left")
	p := &c.parents[ch.Parent]
	c.stances[ch.Parent].forget()
	wasReserved, wasExposed := ch.reserved(), c.exposure(ch)
	ch.waits, ch.Status = false, market.StatusCanceled
	c.end(p, ch)
	c.untrack(ch, wasReserved)
	c.traded(ch, wasReserved, 0)
	c.exposed(p, ch, wasExposed, 0)
	c.Counters.Dropped++
	c.after(p)
}

// overtaken takes the word of a venue on a child that waits here: then it must have left, for all
// that we know. It is never sent, and stays reserved until the venue has said its end.
func (c *Core) overtaken(ch *Child) {
	ch.waits, ch.wantCancel = false, false
	c.lose(ch)
	c.alert(ch, event.ReasonForeignOrder)
}

// leftBefore takes every child that waits for one that left: after a restart the event of its time
// may be what the journal lacks. The venues are asked for them as for all others.
func (c *Core) leftBefore() {
	for i := range c.waiting.list[:c.waiting.count] {
		ch := &c.children[c.waiting.list[i].child]
		ch.waits, ch.wantCancel = false, false
	}
	c.waiting = waiting{next: math.MaxInt64}
}

// Waiting returns how many orders wait to arrive with others, for reading on the core's own
// thread.
func (c *Core) Waiting() int { return c.waiting.count }
