package router

import (
	"math"
	"slices"

	"penstock/event"
	"penstock/internal/state"
	"penstock/market"
)

// MoveState moves the whole state of the core between two events: what a core of the same build
// and configuration needs to go on as if it had taken all events itself. Caches and what only
// a Step uses are left out. A field of Core that has no line here fails TestStateHasEveryField;
// fields of Parent, Child and other structs without pointers are taken along.
//
// After a load that failed the core is not usable.
func (c *Core) MoveState(s *state.Codec) {
	state.Layout[Parent](s)
	state.Layout[Child](s)
	state.Layout[event.Event](s)
	state.Fixed(s, &c.acted)
	state.Fixed(s, &c.toldFull)
	state.Fixed(s, &c.first)
	state.Fixed(s, &c.epoch)
	state.Fixed(s, &c.cancels)
	state.Fixed(s, &c.reports)
	state.Fixed(s, &c.seq)
	state.Fixed(s, &c.now)
	state.Fixed(s, &c.nextCheck)
	state.Fixed(s, &c.checked)
	state.Fixed(s, &c.nextAge)
	state.Fixed(s, &c.ages)
	if s.Loading() && (c.ages.at < 0 || c.ages.at >= int64(max(len(c.composites), 1))) {
		s.Fail("the ages of books from instrument %d on", c.ages.at)
		c.ages.at = 0
	}
	state.Fixed(s, &c.nextAway)
	state.Fixed(s, &c.chain)
	state.Fixed(s, &c.policy)
	state.Fixed(s, &c.rolledBack)
	state.Fixed(s, &c.Counters)
	state.Fixed(s, &c.sessions)
	state.Fixed(s, &c.economics)
	state.Fixed(s, &c.venueStates)
	state.Fixed(s, &c.wall)
	state.Fixed(s, &c.day)
	state.Fixed(s, &c.massOut)
	state.Fixed(s, &c.dropCopies)
	state.Fixed(s, &c.dropWaiting)
	state.Fixed(s, &c.orphans)
	state.Fixed(s, &c.orphanCount)
	state.Fixed(s, &c.invitations)
	state.Fixed(s, &c.requests)
	state.Fixed(s, &c.waiting)
	c.startsState(s)
	c.ordersState(s)
	c.gate.MoveState(s)
	c.sized(s, len(c.composites), "instruments")
	c.sized(s, len(c.clients), "clients")
	state.Slice(s, c.awayUntil)
	state.Slice(s, c.usedQuote)
	state.Slice(s, c.standings)
	state.Slice(s, c.posted)
	state.Slice(s, c.inflight)
	state.Slice(s, c.tapes)
	state.Slice(s, c.trading)
	state.Slice(s, c.regimes)
	c.booksState(s)
	if s.Loading() {
		c.afterLoad(s)
	}
}

// sized demands that both sides have the same number of something.
func (c *Core) sized(s *state.Codec, n int, what string) {
	there := n
	state.Fixed(s, &there)
	if there != n {
		s.Fail("%d %s, this configuration has %d", there, what, n)
	}
}

func (c *Core) startsState(s *state.Codec) {
	n := len(c.starts)
	state.Fixed(s, &n)
	if n < 0 || n > 1<<20 {
		s.Fail("%d starts of one run", n)
		return
	}
	for len(c.starts) < n {
		c.starts = append(c.starts, start{})
	}
	c.starts = c.starts[:n]
	state.Slice(s, c.starts)
}

// ordersState moves parents, children and what finds them.
func (c *Core) ordersState(s *state.Codec) {
	state.Fixed(s, &c.parentCount)
	state.Fixed(s, &c.childCount)
	if s.Loading() && (c.parentCount < 0 || c.parentCount > len(c.parents) || c.childCount < 0 || c.childCount > len(c.children)) {
		s.Fail("%d parents and %d children, there is room for %d and %d", c.parentCount, c.childCount, len(c.parents), len(c.children))
		c.parentCount, c.childCount = 0, 0
	}
	state.Slice(s, c.parents[:c.parentCount])
	state.Slice(s, c.children[:c.childCount])
	c.agendaState(s)
	c.ids.state(s)
	c.execs.state(s)
}

func (c *Core) booksState(s *state.Codec) {
	var shared [market.MaxVenues]bool
	for _, m := range c.composites {
		for v, b := range m.Books {
			if b != nil && !shared[v] {
				shared[v] = true // books of a venue share one index, or have none
				b.MoveShared(s)
			}
		}
	}
	for _, m := range c.composites {
		m.MoveState(s)
	}
}

// agendaState moves who is live and when; how they are linked follows.
func (c *Core) agendaState(s *state.Codec) {
	a := &c.agenda
	state.List(s, &a.all)
	state.List(s, &a.heap)
	if !s.Loading() {
		return
	}
	s.Check(len(a.all) == len(a.heap), "not every live parent has its time")
	all, heap := slices.Clone(a.all), slices.Clone(a.heap)
	for i, slot := range all {
		if slot < 0 || int(slot) >= c.parentCount || i > 0 && slot <= all[i-1] ||
			int(c.parents[slot].Instrument) >= len(a.of) || !c.parents[slot].Live() {
			s.Fail("live parent %d of %d", slot, c.parentCount)
		}
	}
	if s.Err() != nil {
		a.all, a.heap = a.all[:0], a.heap[:0]
		return
	}
	for i := range a.of {
		a.of[i] = chain{none, none}
	}
	for i := range a.links {
		a.links[i] = link{none, none, none}
	}
	a.all, a.heap = a.all[:0], a.heap[:0]
	for _, slot := range all {
		a.enter(slot, int(c.parents[slot].Instrument), math.MaxInt64)
	}
	a.heap = append(a.heap[:0], heap...)
	for at, d := range heap {
		if d.slot < 0 || int(d.slot) >= c.parentCount || !c.parents[d.slot].Live() || at > 0 && d.before(heap[(at-1)/2]) {
			s.Fail("parent %d is not due", d.slot)
			return
		}
		a.links[d.slot].at = int32(at)
	}
}

// state moves the entries with their places.
func (t *clOrdIDs) state(s *state.Codec) {
	state.Fixed(s, &t.n)
	if s.Loading() && (t.n < 0 || t.n > len(t.slots)) {
		s.Fail("%d ClOrdIDs, there is room for %d", t.n, len(t.slots))
		t.n = 0
	}
	if s.Loading() {
		clear(t.slots)
		for range t.n {
			var at uint32
			state.Fixed(s, &at)
			if s.Err() != nil || int(at) >= len(t.slots) {
				s.Fail("a ClOrdID at %d of %d", at, len(t.slots))
				return
			}
			state.Fixed(s, &t.slots[at])
		}
		return
	}
	for i := range t.slots {
		if at := uint32(i); t.slots[i].used {
			state.Fixed(s, &at)
			state.Fixed(s, &t.slots[i])
		}
	}
}

// state moves the executions; where they are found follows from their order.
func (t *execs) state(s *state.Codec) {
	state.List(s, &t.list)
	if !s.Loading() || s.Err() != nil {
		return
	}
	clear(t.index)
	for i := range t.list {
		x := &t.list[i]
		known, place := t.find(x.Venue, x.ID)
		if known != nil {
			s.Fail("execution %s twice", x.ID)
			return
		}
		t.index[place] = int32(i + 1)
	}
}

// afterLoad checks what would lead out of the tables, and empties caches.
func (c *Core) afterLoad(s *state.Codec) {
	clear(c.stances)
	c.forgetOpenings()
	for i := range c.posted {
		for v := range c.posted[i] {
			for side, qty := range c.posted[i][v] {
				setBit(&c.listed[i].posted[side], market.VenueID(v), qty != 0)
			}
		}
	}
	for i := range c.standings {
		c.listed[i].barred = 0
		for v := range c.standings[i] {
			if c.standings[i][v] != (standing{}) {
				c.bar(market.InstrumentID(i), market.VenueID(v))
			}
		}
	}
	c.blank = none
	switch {
	case c.rolledBack:
		c.rollBack()
	case c.policy != ([32]byte{}):
		c.table = nil // it comes with Offer
	}
	if s.Err() != nil {
		return
	}
	c.countBooks()
	c.takeFees()
	if c.gate.CanaryOut() {
		c.rollBack()
	}
	for i := range c.parents[:c.parentCount] {
		p := &c.parents[i]
		s.Check(c.isChild(p.first) && int(p.Instrument) < len(c.instruments) && p.Side.Valid(), "a parent of nothing")
	}
	for i := range c.children[:c.childCount] {
		ch := &c.children[i]
		s.Check(ch.Parent >= 0 && int(ch.Parent) < c.parentCount && int(ch.Venue) < len(c.venues) &&
			int(ch.Instrument) < len(c.instruments) && ch.Side.Valid() && c.isChild(ch.next) && c.isChild(ch.prev) &&
			ch.Number%numberBase == uint64(i+1), "a child of nothing")
	}
	for i := range c.ids.slots {
		id := &c.ids.slots[i]
		s.Check(!id.used || id.parent >= none && int(id.parent) < c.parentCount, "a ClOrdID of no parent")
	}
	s.Check(c.invitations.count >= 0 && c.invitations.count <= maxInvitations, "more invitations than there is room for")
	for i := range c.invitations.list {
		s.Check(i >= c.invitations.count || c.invitations.list[i].child >= 0 && c.isChild(c.invitations.list[i].child), "an invitation of no child")
	}
	s.Check(c.requests.count >= 0 && c.requests.count <= maxRequests, "more requests for quotes than there is room for")
	for i := range c.requests.list {
		r := &c.requests.list[i]
		s.Check(i >= c.requests.count || r.parent >= 0 && int(r.parent) < c.parentCount && int(r.venue) < len(c.venues), "a request of no parent")
	}
	s.Check(c.orphanCount >= 0 && c.orphanCount <= maxOrphans, "more orphans than there is room for")
	for i := range c.execs.list {
		x := &c.execs.list[i]
		s.Check(c.isChild(x.Child) && c.isExec(x.next), "an execution of no child")
	}
	for v := range c.dropCopies {
		for _, w := range c.dropCopies[v].waits {
			s.Check(c.isExec(w.first) && c.isExec(w.last), "an execution waits that is not there")
		}
	}
	s.Check(c.waiting.count >= 0 && c.waiting.count <= maxWaiting, "more orders wait to arrive with others than there is room for")
	for i := range c.waiting.list {
		s.Check(i >= c.waiting.count || c.waiting.list[i].child >= 0 && c.isChild(c.waiting.list[i].child), "an order waits that is not there")
	}
	if s.Err() == nil {
		if trouble := c.Audit(); trouble != "" {
			s.Fail("%s", trouble)
		}
	}
}

func (c *Core) isChild(slot int32) bool { return slot >= none && int(slot) < c.childCount }

func (c *Core) isExec(slot int32) bool { return slot >= none && int(slot) < len(c.execs.list) }

// Hash returns the hash of the whole state. It reads all of it: not for the path of an order.
func (c *Core) Hash() uint64 {
	s := state.Hasher()
	c.MoveState(s)
	h, _, _ := s.Finish()
	return h
}
