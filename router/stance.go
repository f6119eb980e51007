package router

import (
	"math"
	"math/bits"

	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/policy"
	"penstock/router/risk"
)

// A stance is what a decision of a parent follows from beside the touch. It is made behind an event, so that the
// next one that moves the touch finds it, and tells in a few compares a parent for which nothing can
// be sent from one that may take at once. All else asks consider, which needs no stance.
//
// It holds until its time, or until something happens that it follows from. Data of a feed changes
// none of it but where Core.facts is raised; a report of a venue drops that of its parent; after any
// other event none holds. What moves with the touch is read when it is used.
type stance struct {
	facts uint64 // Core.facts when it was made, 0: it was dropped
	until int64  // ns since epoch: from then on it is to be made anew
	reach int64  // price × Side.Sign: beyond it the parent's limit forbids to take
	post  int64  // see Core.worstPost
	// remaining and want are what the slice still wants, and what TAKE_ALL would take of it in
	// whole lots.
	remaining, want market.Qty
	rest            uint32 // policy.Table.Rest
	usable          uint16 // venues where nothing is in the way
	of              uint32 // rest of which takes and mayTake are
	takes           bool   // its cells say nothing but HOLD or TAKE_ALL
	mayTake         bool   // one of them says TAKE_ALL
	sure            bool   // all of them do, and none is thin: the touch has no say
	plain           bool   // nothing stands between permit and its order
	protected       bool   // better quotes are, so that a sweep goes by price
	side            market.Side
	still           bool        // there is nothing to send
	spent           bool        // it took since the touch moved
	ok              bool        // it is of use
	permit          risk.Permit // of want, as far as one child may be as large
	// What it is of: the parent, the touch that it takes from, and what is kept of the instrument.
	parent   *Parent
	far      *book.Touch
	posted   *uint16 // venues where we show orders at that side
	inflight *inflight
	trading  *trading
}

// steady are the kinds of events that change no stance but where they say so.
const steady = 1<<event.BookClear | 1<<event.BookLevel | 1<<event.OrderAdd | 1<<event.OrderExecuted | 1<<event.OrderReduced |
	1<<event.OrderDeleted | 1<<event.OrderReplaced | 1<<event.MarketTrade | 1<<event.Quote | 1<<event.QuoteCancel | 1<<event.Exec

// stance returns that of the parent in a slot, made now if it does not hold.
func (c *Core) stance(slot int32) *stance {
	s := &c.stances[slot]
	if !c.holds(s) {
		c.stand(&c.parents[slot], s)
	}
	return s
}

// holds reports whether nothing that s follows from has changed.
func (c *Core) holds(s *stance) bool { return s.facts == c.facts && c.now < s.until }

// stand makes s, that of p.
func (c *Core) stand(p *Parent, s *stance) {
	s.facts, s.until, s.side, s.ok = c.facts, math.MaxInt64, p.Side, false
	s.parent, s.far = p, c.composites[p.Instrument].Touch(p.Side.Contra())
	s.posted, s.inflight, s.trading = &c.listed[p.Instrument].posted[p.Side.Contra().Index()], &c.inflight[p.Instrument], &c.trading[p.Instrument]
	if !c.steadfast(p) {
		return
	}
	s.until, s.spent, s.post = p.end, p.tried&triedTake != 0, c.worstPost(p)
	remaining := p.goal - p.Cum
	free := min(remaining-p.Reserved, c.room(p))
	if s.still = free <= 0 || p.small(remaining); s.still {
		s.ok = true
		return
	}
	var in policy.Inputs
	c.gauge(&in, p, remaining)
	rest, ok := c.table.Rest(&in)
	if !ok {
		return
	}
	if s.of != rest+1 {
		all := c.table.Reach(0, rest)
		s.of, s.takes, s.mayTake = rest+1, all&^(1<<policy.ActionHold|1<<policy.ActionTakeAll) == 0, all.Blocks(policy.ActionTakeAll)
		s.sure = all == 1<<policy.ActionTakeAll
	}
	lot := c.instruments[p.Instrument].Lot
	_, _, _, take := policy.Split(policy.Template(policy.ActionTakeAll), remaining, lot)
	s.rest, s.remaining, s.want = rest, remaining, min(take, free).FloorTo(lot)
	s.ok = s.mayTake && s.want > 0
	c.gate.Permit(&s.permit, &risk.Order{Instrument: p.Instrument, Side: p.Side, Mark: p.Mark, Qty: min(s.want, c.gate.ChildMaxQty(p.Instrument)).FloorTo(lot),
		Limit: p.Limit, Client: p.Client, Strategy: p.Strategy, Policy: c.table.PolicyID(), Slot: slotIn(p.Number)})
	s.plain = s.permit.OK() && !c.braked(p, 1)
	s.usable = c.everyVenue &^ c.hindered(p)
	protected, until := c.protection(p.Instrument)
	s.protected, s.until = protected, min(s.until, c.composites[p.Instrument].Features.Until(), c.gapHolds(p, &in), until, c.barredUntil(p.Instrument))
	s.reach = math.MaxInt64
	if p.Limit != 0 {
		s.reach = p.Side.Sign() * int64(p.Limit)
	}
}

// steadfast reports whether a decision of p follows from nothing that no stance knows: it may work, without
// a rate of participation, regimes or an action drawn by chance.
func (c *Core) steadfast(p *Parent) bool {
	if p.phase != phaseWorking || p.settling || c.now >= p.end || !c.mayWork(p) { // which would end settling
		return false
	}
	if p.ArrivalMid2 == 0 || p.overbooked || p.terms.Would != 0 || p.terms.Participation > 0 || p.Strategy == event.StrategyPOV || p.Strategy == event.StrategySeek {
		return false
	}
	return c.tactics.Rule == RuleBrain && !p.draw.on && c.table.Pages() == 1
}

// worstPost returns the worst price, × Side.Sign, of the posts of p that could follow the touch: where that is better, repeg
// may move them. math.MaxInt64: there are none.
func (c *Core) worstPost(p *Parent) int64 {
	worst := int64(math.MaxInt64)
	for s := p.first; s != none; s = c.children[s].next {
		if ch := &c.children[s]; ch.Tactic == event.TacticPost && (p.Limit == 0 || p.Side.Better(ch.Price, p.Limit)) {
			worst = min(worst, p.Side.Sign()*int64(ch.Price))
		}
	}
	return worst
}

// gapHolds returns the time before which what p is behind its schedule stays in its bin.
func (c *Core) gapHolds(p *Parent, in *policy.Inputs) int64 {
	from, to := c.pace(p)
	next, ok := c.table.NextGap(in)
	passed := next + p.Cum - p.base // of the slice, when the gap is so large
	if !ok || to <= from || passed > in.Slice {
		return math.MaxInt64
	}
	return from + mulDiv(to-from, int64(max(passed, 0)), int64(in.Slice))
}

// forget drops what is known of a parent: it has changed, or is about to.
func (s *stance) forget() { s.facts, s.ok = 0, false }

// ready makes what the next event that moves the touch needs of the parent in a slot.
func (c *Core) ready(slot int32) {
	p := &c.parents[slot]
	if m := c.composites[p.Instrument]; m.Partial|m.Dirty == 0 {
		m.Foresee()
		c.openings(m, p.Side).foresee(m.LiveLit())
		c.stance(slot)
	}
}

// ordinary reports whether nothing of an instrument is as no stance knows it.
func (c *Core) ordinary(m *book.Composite) bool {
	return c.steady && m.Normal() && m.Partial == 0 && c.invitations.count == 0 && c.requests.count == 0
}

// idle reports whether nothing can come of a decision of p at the touch of m, whatever its cell: there is nothing
// to send, or it could only take, and must not.
func (s *stance) idle(m *book.Composite, tried tried) bool {
	return s.still || s.takes && s.far.Venues&m.LiveLit()&s.usable != 0 && (tried&triedTake != 0 || s.beyond(s.far.Price))
}

// rests reports whether nothing can come of a decision of p within an epoch.
func (c *Core) rests(p *Parent) bool {
	m := c.composites[p.Instrument]
	if !c.ordinary(m) {
		return false
	}
	s := c.stance(slotIn(p.Number))
	return s.ok && s.idle(m, p.tried)
}

// glance lets the parents of m that have not looked do so as long as their stances are enough: nothing can come of it, or
// they may take at once. It ends after the first that did.
func (c *Core) glance(m *book.Composite) (sent bool) {
	slot := c.looking
	for slot != none {
		s := &c.stances[slot]
		if !c.holds(s) {
			m.Tally()
			c.stand(&c.parents[slot], s)
		}
		if !s.ok {
			break
		}
		if s.post != math.MaxInt64 && s.post < s.side.Sign()*int64(m.Touch(s.side).Price) {
			break
		}
		if s.spent {
			s.spent = false
			s.parent.tried &^= triedTake
		}
		if !s.idle(m, 0) {
			if sent = s.plain && (c.takeNow(slot, s, m) || c.sweepNow(slot, s, m)); !sent {
				break
			}
		}
		if slot = c.agenda.links[slot].next; sent {
			break
		}
	}
	c.looking = slot
	return sent
}

// takeNow is what consider does for a parent with a plain stance where its cell says TAKE_ALL, the first level of one
// venue holds what the slice still wants, or is all that is within the limit, and nothing stops the order; where it is
// not so, nothing was done. What the order does not need is left for its record: see recordMade.
func (c *Core) takeNow(slot int32, s *stance, m *book.Composite) (done bool) {
	p, open := s.parent, m.LiveLit()&s.usable
	v, best, ok := s.loneAtTouch(m, open)
	if !ok || best.Qty < s.want && !s.endsAt(m, v) {
		n := c.openings(m, s.side)
		if v, ok = c.begins(m, n, s.side, open, s.protected); !ok || s.far.Venues&open == 0 { // no level is better than the touch
			return false
		}
		best = book.Level{Price: n.first[v].price, Qty: n.first[v].left}
		if best.Qty < s.want {
			if _, ok = s.behind(m, n, v, open); !ok {
				return false
			}
		}
	}
	if s.trading.banded != 0 && !c.inBand(p.Instrument, market.VenueID(v), best.Price) {
		return false // a walk knows how far each venue may go
	}
	qty := s.permit.Most()
	if best.Qty < s.want {
		qty = min(qty, best.Qty.FloorTo(c.instruments[p.Instrument].Lot))
	}
	if !s.sure && !c.takesAll(s, m) {
		return false
	}
	mid2, _ := m.Mid2()
	if c.childCount == len(c.children) || !c.orderNow(p, &s.permit, market.VenueID(v), best.Price, qty, mid2) {
		return false
	}
	d := &c.made
	d.of, d.remaining, d.open, d.all = p, s.remaining, open, best.Qty < s.want
	p.tried |= triedTake
	c.owed = slot
	return true
}

// loneAtTouch returns the venue that is alone at the touch, if it is of open, where a sweep by price begins, and its best
// level less what our unanswered orders will take there: what its opening would say, which may be made later. ok is false
// where there are more, or it takes more to know.
func (s *stance) loneAtTouch(m *book.Composite, open uint16) (v int, best book.Level, ok bool) {
	v, ok = m.Alone(s.far)
	if !ok || open>>v&1 == 0 || !s.protected || *s.posted != 0 {
		return 0, best, false
	}
	best = book.Level{Price: s.far.Price, Qty: s.far.Qty - max(s.inflight[v][s.side.Index()], 0)}
	return v, best, best.Qty > 0
}

// endsAt reports whether the first level of v, who is alone at the touch, is all that is within the limit, as far as that
// is known.
func (s *stance) endsAt(m *book.Composite, v int) bool {
	behind, known := m.Behind(s.side.Contra())
	ladder := m.Books[v].Ladder(s.side.Contra())
	return known && s.beyond(behind) && (ladder.Len() == 1 || s.beyond(ladder.At(1).Price))
}

// beyond reports whether the parent's limit forbids to take at a price.
func (s *stance) beyond(price market.Price) bool { return s.side.Sign()*int64(price) > s.reach }

// behind returns the venues of open that show more than the first level of v, which n has. ok is false where some of that
// is within the limit.
func (s *stance) behind(m *book.Composite, n *nearLevels, v int, open uint16) (beyond uint16, ok bool) {
	bit := uint16(1) << v
	for set := open &^ n.empty &^ bit; set != 0; set &= set - 1 {
		if !s.beyond(n.first[bits.TrailingZeros16(set)&(market.MaxVenues-1)].price) {
			return 0, false
		}
	}
	beyond = open &^ n.empty
	ladder, next := m.Books[v].Ladder(s.side.Contra()), int(n.first[v].level)
	if next >= ladder.Len() {
		return beyond &^ bit, true
	}
	return beyond, s.beyond(ladder.At(next).Price)
}

// Poised returns how many live parents have a stance that would let them take at once. Between two steps,
// on their thread.
func (c *Core) Poised() (n int) {
	for _, slot := range c.agenda.all {
		if s := &c.stances[slot]; c.holds(s) && s.ok && s.plain && !s.still {
			n++
		}
	}
	return n
}

// auditStances makes every stance that holds anew and reports the first that differs, or "". That one is
// not of use may be out of date.
func (c *Core) auditStances() string {
	for _, slot := range c.agenda.all {
		p, s := &c.parents[slot], &c.stances[slot]
		if !c.holds(s) || !s.ok {
			continue
		}
		var now stance
		c.stand(p, &now)
		if s.still && now.still {
			continue
		}
		if now != *s {
			return "what is kept of a parent is not what its decision follows from"
		}
	}
	return ""
}
