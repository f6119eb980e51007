package router

import (
	"math"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// A conditional order is interest that cannot trade: several pools may hold one for the
// same shares, and none of them is reserved. When a pool finds somebody it invites to firm
// up. The firm order is an ordinary child: it takes what of its parent is free at that
// instant and is in the ledger before it leaves. What rests elsewhere is cancelled first,
// and is free when its venue has said so. Of two invitations for the same shares the first
// is answered; the other waits, until its window is nearly over, for the first to come back.

// maxInvitations is how many invitations may be unanswered at once; more are left to lapse.
const maxInvitations = 64

// invitation is one that is not answered yet.
type invitation struct {
	id    event.ID
	child int32 // the conditional order
	asked bool  // what rests elsewhere was cancelled for it
	qty   market.Qty
	until int64 // ns since epoch: when it is answered or left to lapse
}

// invitations are the unanswered ones in order of arrival.
type invitations struct {
	list  [maxInvitations]invitation
	count int
	next  int64 // when the first has to be answered; math.MaxInt64: none
	heard [maxInvitations]heard
	last  int // of heard, the one to forget next
}

// heard is an invitation that came: a message that comes again is not another one, for another
// order.
type heard struct {
	id    event.ID
	venue market.VenueID
}

// again reports whether an invitation came before, and remembers it.
func (n *invitations) again(e *event.Event) bool {
	h := heard{e.ID, e.Venue}
	for i := range n.heard {
		if n.heard[i] == h {
			return true
		}
	}
	n.heard[n.last] = h
	n.last = (n.last + 1) % len(n.heard)
	return false
}

// open reports whether an invitation of a conditional order is unanswered.
func (n *invitations) open(child int32) bool {
	for i := range n.list[:n.count] {
		if n.list[i].child == child {
			return true
		}
	}
	return false
}

func (n *invitations) remove(i int) {
	copy(n.list[i:n.count], n.list[i+1:n.count])
	n.count--
	n.list[n.count] = invitation{}
	n.wait()
}

func (n *invitations) wait() {
	n.next = math.MaxInt64
	for i := range n.list[:n.count] {
		n.next = min(n.next, n.list[i].until)
	}
}

// onInvitation takes an invitation, or that it is taken back. Each conditional order gets
// one: its venue ends the order with it, whatever comes of it.
func (c *Core) onInvitation(e *event.Event) {
	if int(e.Venue) >= len(c.venues) || int(e.Instrument) >= len(c.instruments) {
		return
	}
	if e.Code == event.InvitationWithdrawn {
		c.uninvite(e)
		return
	}
	if c.invitations.again(e) {
		c.Counters.Duplicates++
		return
	}
	ch := c.invited(e)
	switch {
	case ch == nil:
		c.Counters.Uninvited++
		return
	case ch.invited && e.Ref != 0, ch.Released:
		c.Counters.Duplicates++
		return
	}
	ch.invited = true
	ch.acked = ch.acked || e.Ref != 0 // by its instrument alone it may mean another order
	c.card(ch.Venue).Invites++
	n := &c.invitations
	if n.count == len(n.list) {
		return
	}
	at := &c.venues[e.Venue].Conditional
	until := c.now + at.WindowNanos
	if e.Until > 0 {
		until = min(until, e.Until)
	}
	qty := ch.Qty
	if e.Qty > 0 {
		qty = min(qty, e.Qty)
	}
	// The answer has to get there: a quarter of the window is left for that.
	n.list[n.count] = invitation{id: e.ID, child: int32(c.slotOf(ch)), qty: qty, until: until - (until-c.now)/4}
	n.count++
	n.wait()
	c.work(&c.parents[ch.Parent], false)
}

// invited finds the conditional order that an invitation means, nil when there is none. One
// without its number is taken for the first that it may mean: of those that got none yet, because
// each gets one, and else of those whose invitation, which may have meant another, was answered.
func (c *Core) invited(e *event.Event) *Child {
	if e.Ref != 0 {
		if ch := c.childOf(e.Ref); ch != nil && ch.Venue == e.Venue && ch.Tactic == event.TacticOffer {
			return ch
		}
		return nil
	}
	var first, spent *Child
	for _, slot := range c.agenda.all {
		p := &c.parents[slot]
		if p.Instrument != e.Instrument || p.Side != e.Side || p.offers == 0 {
			continue
		}
		ch := c.offerAt(p, e.Venue)
		switch {
		case ch == nil:
		case !ch.invited && first == nil:
			first = ch
		case !ch.invited:
			c.Counters.Ambiguous++
			return first
		case spent == nil && !c.invitations.open(int32(c.slotOf(ch))):
			spent = ch
		}
	}
	if first == nil {
		return spent
	}
	return first
}

// offerAt returns p's working conditional order at a venue, nil when there is none.
func (c *Core) offerAt(p *Parent, v market.VenueID) *Child {
	for s := p.first; s != none; s = c.children[s].next {
		if ch := &c.children[s]; ch.Tactic == event.TacticOffer && ch.Venue == v {
			return ch
		}
	}
	return nil
}

// uninvite forgets an invitation that its venue takes back.
func (c *Core) uninvite(e *event.Event) {
	for i := range c.invitations.list[:c.invitations.count] {
		n := &c.invitations.list[i]
		if n.id == e.ID && c.children[n.child].Venue == e.Venue {
			p := &c.parents[c.children[n.child].Parent]
			c.invitations.remove(i)
			c.work(p, false)
			return
		}
	}
}

// lapse answers what has to be answered now with what is free, or leaves it.
func (c *Core) lapse() {
	for i := 0; i < c.invitations.count; {
		n := c.invitations.list[i]
		if n.until > c.now {
			i++
			continue
		}
		p := &c.parents[c.children[n.child].Parent]
		if !c.mayWork(p) || !c.answer(p, &n, c.firmRoom(p)) {
			c.Counters.Lapsed++
		}
		c.invitations.remove(i)
		c.work(p, false) // what was kept for it
		i = 0
	}
}

// firmUp answers the invitations of p that can be answered, oldest first. waiting says that
// one is left that waits for shares: nothing else gets them meanwhile.
func (c *Core) firmUp(p *Parent) (waiting bool) {
	for i := 0; i < c.invitations.count; {
		n := &c.invitations.list[i]
		if &c.parents[c.children[n.child].Parent] != p {
			i++
			continue
		}
		free := c.firmRoom(p)
		want := min(n.qty, p.Unplaced()+c.movable(p)).FloorTo(c.instruments[p.Instrument].Lot)
		switch {
		case want < c.leastFirm(n) && p.Reserved == 0:
			c.Counters.Lapsed++ // there is no more to free
			c.invitations.remove(i)
		case free >= want && want >= c.leastFirm(n):
			if !c.answer(p, n, free) {
				c.Counters.Lapsed++
			}
			c.invitations.remove(i)
		default:
			if !n.asked {
				n.asked = true
				c.makeRoom(p, want-free)
			}
			waiting = true
			i++
		}
	}
	return waiting
}

// leastFirm is the least size of the firm order that answers n.
func (c *Core) leastFirm(n *invitation) market.Qty {
	ch := &c.children[n.child]
	return c.venues[ch.Venue].Conditional.Least(ch.Qty)
}

// firmRoom returns what of p may be firm now: free, and no more than its schedule wants
// where it is one that keeps a pace.
func (c *Core) firmRoom(p *Parent) market.Qty {
	room := c.room(p)
	if p.Strategy != event.StrategySeek && p.Strategy != event.StrategyIS {
		room = min(room, c.target(p)-p.Cum-p.Reserved)
	}
	return room
}

// movable returns what of p rests and may be cancelled for a block.
func (c *Core) movable(p *Parent) (qty market.Qty) {
	for s := p.first; s != none; s = c.children[s].next {
		if ch := &c.children[s]; ch.rests() {
			qty += ch.reserved()
		}
	}
	return qty
}

// makeRoom cancels resting orders of p for qty, the youngest first.
func (c *Core) makeRoom(p *Parent, qty market.Qty) {
	for s := p.first; s != none && qty > 0; s = c.children[s].next {
		if ch := &c.children[s]; ch.rests() {
			qty -= ch.reserved()
			c.cancel(ch)
		}
	}
}

// answer sends the firm order for n, of at most free; false when there is not enough, or a
// control is against it.
func (c *Core) answer(p *Parent, n *invitation, free market.Qty) bool {
	ch := &c.children[n.child]
	lot := c.instruments[p.Instrument].Lot
	qty := min(n.qty, free).FloorTo(lot)
	price, ok := c.pegCap(p)
	if qty < max(c.leastFirm(n), lot) || !ok || ch.Released || c.blocked(p, ch.Venue) != event.WhyFilled ||
		c.posted[p.Instrument][ch.Venue][p.Side.Contra().Index()] > 0 {
		return false
	}
	if p.Side.Better(ch.Price, price) { // no less aggressive than what was offered
		if p.Limit != 0 && p.Side.Better(p.Limit, ch.Price) {
			return false
		}
		price = ch.Price
	}
	c.scratch = allocation{}
	c.weigh(p)
	mid := c.composites[p.Instrument].Bid.Price
	t := c.appraise(int(ch.Venue), policy.WayPing, 0, c.takeFee(int(ch.Venue)).AtMilli(mid), policy.One)
	pl := placement{venue: ch.Venue, tactic: event.TacticFirm, qty: qty, price: price, minQty: c.leastFirm(n), quote: n.id,
		score: improvement(t)}
	c.scratch.shares[ch.Venue].Why = event.WhyFilled
	placed := c.place(p, &pl) > 0
	if placed {
		c.card(ch.Venue).FirmUps++
	}
	d := c.record(p, qty)
	d.Action, d.Chosen, d.Flags = policy.ActionDarkRest, policy.ActionDarkRest, event.DecisionForced
	c.tell(d)
	return placed
}

// pegCap is the price that a midpoint order of p may not trade beyond: the far touch, the
// limit or the collar; ok is false on a market without a midpoint.
func (c *Core) pegCap(p *Parent) (price market.Price, ok bool) {
	m := c.composites[p.Instrument]
	price, ok = c.bound(p)
	if !ok || !m.Normal() {
		return 0, false
	}
	if far := m.Touch(p.Side.Contra()).Price; p.Side.Better(far, price) {
		price = far
	}
	return price, true
}

// Contested reports whether two invitations for shares of one parent are unanswered.
func (c *Core) Contested() bool {
	n := &c.invitations
	for i := range n.list[:n.count] {
		for k := range n.list[:i] {
			if c.children[n.list[i].child].Parent == c.children[n.list[k].child].Parent {
				return true
			}
		}
	}
	return false
}

// offer shows total of p to every pool that takes conditional orders, the same shares to
// all of them. One that is larger than what is left is taken away and shown anew.
func (c *Core) offer(p *Parent, total market.Qty) {
	if c.tactics.Off&OffDark != 0 || c.tactics.Rule != RuleBrain || p.TIF == market.TIFIOC || p.TIF == market.TIFFOK {
		return
	}
	total = min(total, p.OrderQty-p.Cum-p.Held, c.gate.ChildMaxQty(p.Instrument))
	if p.terms.MaxSlice > 0 {
		total = min(total, p.terms.MaxSlice)
	}
	total = total.FloorTo(c.instruments[p.Instrument].Lot)
	for v := range c.venues {
		at := &c.venues[v].Conditional
		if !at.Offered() || c.venues[v].Kind != market.Dark || c.composites[p.Instrument].Books[v] == nil {
			continue
		}
		id := market.VenueID(v)
		if ch := c.offerAt(p, id); ch != nil {
			if ch.Qty > total && !ch.invited {
				c.cancel(ch)
			}
			continue
		}
		price, ok := c.pegCap(p)
		if !ok || total < at.MinQty || c.blocked(p, id) != event.WhyFilled ||
			c.posted[p.Instrument][v][p.Side.Contra().Index()] > 0 {
			continue
		}
		c.place(p, &placement{venue: id, tactic: event.TacticOffer, qty: total, price: price, minQty: at.MinQty})
	}
}

// offerable returns how much of p conditional orders may show: all that is not filled where
// the strategy may trade at once what costs no spread, else what the slice wants.
func (c *Core) offerable(p *Parent) market.Qty {
	if p.Strategy == event.StrategySeek || p.Strategy == event.StrategyIS {
		return p.OrderQty - p.Cum
	}
	return c.target(p) - p.Cum
}

// offerAhead shows what p may trade in a block in an epoch in which its slice wants nothing.
func (c *Core) offerAhead(p *Parent) {
	if want := c.offerable(p); want > 0 {
		c.scratch = allocation{}
		c.offer(p, want)
	}
}

// endOffers takes back p's conditional orders: it is over, or on its way out.
func (c *Core) endOffers(p *Parent) {
	for s := p.first; s != none; s = c.children[s].next {
		if ch := &c.children[s]; ch.Tactic == event.TacticOffer {
			c.cancel(ch)
		}
	}
}
