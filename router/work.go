package router

import (
	"math/bits"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
	"penstock/router/risk"
)

// allocation is the scratch space of one decision.
type allocation struct {
	shares [market.MaxVenues]event.Share
	placed market.Qty
	termed [2]uint16 // venues whose Core.terms are of this decision
	// weighed says that Core.situation is of this decision.
	weighed    bool
	first      uint16 // the venue that takeFirst took, whose score is to come
	alone      bool   // it only takes: see takeAlone
	firstPrice market.Price
}

// resting is what a parent has in the market already, by class.
type resting struct {
	dark, post market.Qty
	ping       bool // an immediate dark order is unanswered
	quote      bool // a dealer is looking
}

// work gives the unplaced quantity of p to venues, as the policy says. epoch
// marks the start of a decision epoch: only then are resting children cancelled
// to make room, and a decision recorded even if nothing was sent.
func (c *Core) work(p *Parent, epoch bool) {
	c.consider(p, epoch)
	c.recordMade()
}

// consider is work but for the record of the cell's decision.
func (c *Core) consider(p *Parent, epoch bool) {
	if !c.mayWork(p) {
		return
	}
	m := c.composites[p.Instrument]
	if m.Partial != 0 {
		m.Owed = true // a message is half applied; its end comes back here
		return
	}
	m.Refresh(c.now) // quotes expire without an event
	if c.invitations.count > 0 && c.firmUp(p) {
		return
	}
	if c.requests.count > 0 && c.inRound(p) {
		return
	}
	switch p.phase {
	case phaseWorking:
		switch {
		case c.now >= p.end: // its timer is due
		case c.takeWould(p):
		case p.Strategy == event.StrategySeek:
			c.seek(p, epoch)
		case !epoch && c.rests(p):
			return
		default:
			c.decide(p, epoch)
		}
	case phaseFinishing:
		c.takeRest(p)
	}
	if s := &c.stances[slotIn(p.Number)]; s.ok {
		s.forget()
	}
}

// mayWork reports whether anything may be sent for p now.
func (c *Core) mayWork(p *Parent) bool {
	return p.phase <= phaseFinishing && !p.Frozen && !p.paused && !c.day.shut && !p.Over() && !c.unsettled(p) && p.pending.kind == 0 && c.now >= p.start &&
		!c.gate.Killed(market.NoVenue) && !c.gate.Held()
}

// decide looks up the cell of p's state and places what its action allots.
func (c *Core) decide(p *Parent, epoch bool) {
	remaining := c.target(p) - p.Cum
	c.unbook(p, remaining, epoch)
	free := min(remaining-p.Reserved, c.room(p))
	if remaining <= 0 || free <= 0 && !epoch || p.small(remaining) {
		if epoch {
			c.offerAhead(p)
		}
		return
	}
	if c.tactics.Rule != RuleBrain && c.tactics.Rule != RuleLitOnly {
		c.decideByRule(p, remaining, free, epoch)
		return
	}
	c.judgeVenues(p)
	c.choose(p, remaining, free, epoch)
	c.verdict.of = nil
}

// choose is the decision itself: by the cell of p's state.
func (c *Core) choose(p *Parent, remaining, free market.Qty, epoch bool) {
	d := &c.made
	inputs := &d.inputs
	c.measure(inputs, p, remaining)
	page := c.page(p.Instrument)
	cell := c.table.Find(page, inputs)
	available := c.available(p)
	mask := policy.MaskWithout(available)
	action, flags := policy.Resolve(cell, mask)
	action, flags, drawn := c.explore(p, page, cell.Index, action, flags, mask, epoch)
	template := policy.Template(action)
	var own policy.Action
	if action == policy.ActionBaseline { // no other one may need what is not available
		own = policy.Baseline(inputs)
		if own.Needs()&^available != 0 {
			own = own.Within(available)
		}
		template = &own
	}
	c.scratch = allocation{}
	if !epoch && action != policy.ActionBaseline && template.Needs() == policy.Set(policy.Take) {
		c.takeAlone(p, template, remaining, free)
	} else {
		c.distribute(p, template, remaining, free, epoch)
	}
	if epoch || c.scratch.placed > 0 {
		d.of, d.remaining, d.page, d.cell = p, remaining, page, cell
		d.action, d.flags, d.drawn = action, flags, drawn
	}
}

// takeAlone is distribute where a template only takes, no dealer can be better, and nothing is
// trimmed. What the order does not need is left for its record: see recordMade.
func (c *Core) takeAlone(p *Parent, template *policy.Action, remaining, free market.Qty) {
	_, _, _, take := policy.Split(template, remaining, c.instruments[p.Instrument].Lot)
	c.scratch.alone = true
	c.take(p, template, min(take, free))
}

// distribute gives each class of the template its share.
func (c *Core) distribute(p *Parent, template *policy.Action, remaining, free market.Qty, epoch bool) {
	c.weigh(p)
	have := c.resting(p)
	dark, sdp, post, take := policy.Split(template, remaining, c.instruments[p.Instrument].Lot)
	if template.ID == policy.ActionBaseline {
		c.fitted(p, &post, &take)
		c.rebalance(p, &dark, &post, &take, &sdp)
	}
	if epoch {
		c.trim(p, have, dark, c.mayPost(p, post))
	}
	if !epoch || !c.askQuotes(p, free) {
		free -= c.take(p, template, min(take, free))
		c.scoreFirst(p)
		free -= c.hitQuote(p, template, have, sdp, free)
		free -= c.goDark(p, template, have, dark, free)
		c.post(p, template, have, sdp, post, free)
	}
	if epoch {
		c.offer(p, c.offerable(p))
	}
}

// takeRest is the end of a schedule, and all of a sweep: take what is there on
// every lit venue and from every dealer.
func (c *Core) takeRest(p *Parent) {
	free := c.room(p)
	if p.TIF == market.TIFIOC || p.TIF == market.TIFFOK {
		c.takeOnce(p, free)
		return
	}
	if free <= 0 || p.tried&triedTake != 0 {
		return // once a retry time, and when the touch moves
	}
	c.scratch = allocation{}
	c.judgeVenues(p)
	c.weigh(p)
	c.sweep(p, free, true)
	c.verdict.of = nil
	if c.scratch.placed > 0 {
		p.tried |= triedTake
		d := c.record(p, free)
		d.Action, d.Chosen, d.Flags = policy.ActionTakeAll, policy.ActionTakeAll, event.DecisionForced
		c.tell(d)
		return
	}
	held := c.scratch.stopped() || c.reference(p.Instrument) == 0
	if p.Strategy == event.StrategySweep && p.Reserved == 0 && !held && !p.patient() {
		c.expire(p, event.ReasonNoLiquidity)
	}
}

// stopped reports whether a pre-trade control or a missing session held back an
// order that could have been sent.
func (a *allocation) stopped() bool {
	for v := range a.shares {
		if w := a.shares[v].Why; w == event.WhyRisk || w == event.WhyDown || w == event.WhyNotLive || w == event.WhyHalted || w == event.WhyBand {
			return true
		}
	}
	return false
}

// record starts the decision record of the running allocation.
func (c *Core) record(p *Parent, remaining market.Qty) *event.Decision {
	p.DecisionsTaken++
	d := c.out.Decision()
	d.Cause, d.StepTime, d.Parent, d.Policy = c.seq, c.now, p.Number, c.table.PolicyID()
	d.Slice, d.Epoch, d.Instrument = uint32(p.slice), uint32(p.decision), p.Instrument
	d.PropensityBps = 10_000
	d.VenueCount = uint8(len(c.venues))
	d.Mid2, _ = c.composites[p.Instrument].Mid2()
	d.Remaining = remaining
	d.Venues = c.scratch.shares
	return d
}

// made is a decision that has been taken and not recorded: its orders leave first.
type made struct {
	of            *Parent // nil: there is none
	sent          *Child  // of its orders, that which is not entered yet, nil: all are
	remaining     market.Qty
	order         *risk.Sealed // by takeNow: of sent, which is not described yet; all below is to come. nil: all is there
	mid2          int64        // that it was sent at
	open          uint16       // venues that it could take from
	all           bool         // it took all that there is within the limit
	from          int32        // by sweepNow: the first of its orders, none: it was another
	batched       int          // how many there are
	iso           bool         // they go beyond the touch
	inputs        policy.Inputs
	page          int
	cell          policy.Cell
	action, flags uint8
	drawn         propensity
}

// recordMade records the decision that was taken last, if it is not yet.
func (c *Core) recordMade() {
	m := &c.made
	if m.of == nil {
		return
	}
	c.composites[m.of.Instrument].Tally()
	c.weighLate(m)
	d := c.record(m.of, m.remaining)
	d.Cell, d.Codes, d.Page = m.cell.Index, m.inputs.Codes(), uint8(m.page)
	d.Action, d.Chosen, d.Confidence, d.Flags = m.action, m.cell.Action, m.cell.Confidence(), m.flags
	d.PropensityBps, d.BaselineBps = m.drawn.action, m.drawn.baseline
	m.of = nil
	c.tell(d)
	c.makeNear()
}

// makeNear touches the memory that the next order is the first to use, off its way.
func (c *Core) makeNear() {
	if n := c.childCount; n > 0 && n < len(c.children) {
		c.children[n], c.blank = Child{}, int32(n)
	}
}

// weighLate makes up for what takeAlone, or takeNow, left out.
func (c *Core) weighLate(m *made) {
	p, now := m.of, m.order != nil
	if now {
		c.gate.Book(c.now)
		c.describe(p, m.sent, m.order, m.mid2)
		c.reconstruct(m) // of a market of which the order has taken nothing yet: see entered
	}
	if m.sent != nil {
		c.entered(p, m.sent)
	}
	m.sent, m.order = nil, nil
	if m.from != none {
		c.sweptLate(m)
	}
	if !c.scratch.weighed {
		c.weigh(p)
	}
	c.scoreFirst(p)
}

// reconstruct makes what takeNow did not need of its decision.
func (c *Core) reconstruct(m *made) {
	p, ch, a := m.of, m.sent, &c.scratch
	*a = allocation{}
	a.first, a.firstPrice, a.placed = 1<<(ch.Venue&(market.MaxVenues-1)), ch.Price, ch.Qty
	share := &a.shares[ch.Venue&(market.MaxVenues-1)]
	share.Tactic, share.Qty = ch.Tactic, ch.Qty
	c.decided(m, p)
	c.judgeVenues(p)
	shown := c.composites[p.Instrument]
	n := c.openings(shown, p.Side)
	c.tellOthers(p, shown.LiveLit()&c.verdict.usable, n.empty&m.open)
	if m.all {
		beyond, _ := c.stances[slotIn(p.Number)].behind(shown, n, int(ch.Venue), m.open)
		for set := beyond; set != 0; set &= set - 1 {
			i := bits.TrailingZeros16(set) & (market.MaxVenues - 1)
			price := n.first[i].price
			if market.VenueID(i) == ch.Venue {
				price = shown.Books[i].Ladder(p.Side.Contra()).At(int(n.first[i].level)).Price
			}
			if a.shares[i].Why = event.WhyOutsideLim; !c.inBand(p.Instrument, market.VenueID(i), price) {
				a.shares[i].Why = event.WhyBand
			}
		}
	}
	c.verdict.of = nil
}

// resting sums up p's working children.
func (c *Core) resting(p *Parent) (r resting) {
	for s := p.first; s != none; s = c.children[s].next {
		ch := &c.children[s]
		switch ch.Tactic {
		case event.TacticRest:
			r.dark += ch.reserved()
		case event.TacticPost:
			r.post += ch.reserved()
		case event.TacticPing:
			r.ping = true
		case event.TacticQuote, event.TacticRequest:
			r.quote = true
		}
	}
	return r
}

// trim cancels resting children beyond what the action wants of their class. The
// quantity comes back when the venue confirms.
func (c *Core) trim(p *Parent, have resting, dark, post market.Qty) {
	if !c.tradesSomewhere(p.Instrument) {
		return
	}
	excessDark, excessPost := have.dark-dark, have.post-post
	for s := p.first; s != none; s = c.children[s].next {
		ch := &c.children[s]
		excess := &excessPost
		switch ch.Tactic {
		case event.TacticRest:
			excess = &excessDark
		case event.TacticPost:
		default:
			continue
		}
		if *excess > 0 {
			*excess -= ch.reserved()
			c.cancel(ch)
		}
	}
}

// repeg cancels posted children that the touch has left behind and that are worth moving.
// Their quantity is posted anew when the venue confirms.
func (c *Core) repeg(p *Parent) {
	if p.phase != phaseWorking {
		return
	}
	own := c.composites[p.Instrument].Touch(p.Side)
	if !own.OK {
		return
	}
	weighed := false
	for s := p.first; s != none; s = c.children[s].next {
		ch := &c.children[s]
		behind := p.Side.Better(ch.Price, own.Price) && (p.Limit == 0 || p.Side.Better(ch.Price, p.Limit))
		if ch.Tactic != event.TacticPost || !behind || c.atBand(ch) || c.now-ch.SentTime < c.tactics.RepegNanos {
			continue
		}
		if !weighed {
			if !c.tradesSomewhere(p.Instrument) {
				return
			}
			c.weigh(p)
			weighed = true
		}
		if c.worthMoving(p, ch) {
			c.cancel(ch)
		}
	}
}

// available returns the classes that can be used for p now.
func (c *Core) available(p *Parent) (set policy.ClassSet) {
	m, l := c.composites[p.Instrument], &c.listed[p.Instrument]
	usable := c.usable(p)
	if l.kinds[market.Dark]&usable != 0 && m.Normal() && c.tactics.Off&OffDark == 0 && c.tactics.Rule != RuleLitOnly {
		set |= policy.Set(policy.Dark)
	}
	if c.tactics.Off&OffSDP == 0 && c.tactics.Rule != RuleLitOnly {
		for dealers := l.kinds[market.SDP] & usable; dealers != 0; dealers &= dealers - 1 {
			if _, _, ok := c.quoteOf(p, market.VenueID(bits.TrailingZeros16(dealers))); ok {
				set |= policy.Set(policy.SDP)
			}
		}
	}
	lit := m.LiveLit() & usable
	if lit != 0 && m.Touch(p.Side).OK && c.tactics.Off&OffPost == 0 {
		set |= policy.Set(policy.Post)
	}
	if contra := m.Touch(p.Side.Contra()); contra.OK && contra.Venues&lit != 0 {
		set |= policy.Set(policy.Take)
	}
	return set
}

// reference returns twice the composite mid that prices are judged against, 0 when
// there is none: a side is missing, or the composite is crossed, so that one of its
// legs must be wrong. Nothing new is sent then.
func (c *Core) reference(id market.InstrumentID) int64 {
	m := c.composites[id]
	mid2, ok := m.Mid2()
	if !ok || m.Spread() < 0 {
		return 0
	}
	return mid2
}

// bound returns the worst price that a child of p may carry: the limit or the
// collar, whichever is tighter; ok is false without a reference.
func (c *Core) bound(p *Parent) (bound market.Price, ok bool) {
	mid2 := c.reference(p.Instrument)
	if mid2 == 0 {
		return 0, false
	}
	bound = c.gate.Collar(p.Instrument, p.Side, mid2)
	if p.Limit != 0 && p.Side.Better(p.Limit, bound) {
		bound = p.Limit
	}
	if bid := c.shortBid(p); bid != 0 && bound <= bid {
		bound = bid + c.instruments[p.Instrument].Tick
	}
	return bound, true
}
