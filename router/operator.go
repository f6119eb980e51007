package router

import (
	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// secondNanos is how long an act that needs two persons waits for the second.
const secondNanos = 10 * 60 * 1_000_000_000

// Acted is what became of the last act of a person.
type Acted struct {
	Seq    uint64 // of its event
	At     int64  // RecvTime of its event
	Done   bool
	Second bool         // it waits for another person to say the same
	Why    event.Reason // why it was refused
}

// Acted returns what became of the last act of a person.
func (c *Core) Acted() Acted { return c.acted }

// onOperator obeys a named person, or the loop. A kill blocks and cancels in the same
// step; a hold leaves what is in the market. What opens something that was shut takes two
// persons, where the configuration has them.
func (c *Core) onOperator(e *event.Event) {
	c.acted = Acted{Seq: e.Seq, At: e.RecvTime}
	if event.OperatorAct(e.Code) == event.OperatorLimit { // before another person is asked for
		c.acted.Why = c.gate.MaySet(event.LimitKind(e.Ref), e.Instrument, e.Client, int64(e.Qty), e.Until, c.now)
		if c.acted.Why != event.ReasonNone {
			return
		}
	}
	if c.needsTwo(e) && !c.seconded(e) {
		c.acted.Second = true
		return
	}
	if c.acted.Why = c.obey(e); c.acted.Why == event.ReasonNone {
		c.acted.Done = true
	}
}

// needsTwo reports whether an act takes two persons: the release of a kill, a higher limit,
// the word about an order whose state no venue tells, and a new policy without its caps.
func (c *Core) needsTwo(e *event.Event) bool {
	if !c.twoPersons {
		return false
	}
	switch event.OperatorAct(e.Code) {
	case event.OperatorResume, event.OperatorResolve, event.OperatorConfirmPolicy:
		return true
	case event.OperatorLimit:
		return c.gate.Raises(event.LimitKind(e.Ref), e.Instrument, e.Client, int64(e.Qty))
	}
	return false
}

// seconded reports whether another person has asked for the same before, not long ago.
func (c *Core) seconded(e *event.Event) bool {
	f := &c.first
	same := f.Seq != 0 && c.now-f.StepTime <= secondNanos && f.ID != e.ID && f.Code == e.Code &&
		f.GetScope() == e.GetScope() && f.Ref == e.Ref && f.Qty == e.Qty && f.CumQty == e.CumQty && f.Price == e.Price &&
		f.Instrument == e.Instrument && f.Client == e.Client && f.Until == e.Until
	if same {
		c.first = event.Event{}
		return true
	}
	c.first = *e
	return false
}

// obey does what an act says and returns why not, ReasonNone when it did.
func (c *Core) obey(e *event.Event) event.Reason {
	switch event.OperatorAct(e.Code) {
	case event.OperatorKill:
		scope := e.GetScope()
		if scope.Kind == event.ScopeVenue && int(scope.ID) >= len(c.venues) {
			scope = event.Scope{} // better everything than nothing
		}
		c.gate.KillScope(scope)
		c.cancelScope(scope)
	case event.OperatorStop:
		c.gate.Stop(true)
		c.cancelScope(event.Scope{})
	case event.OperatorHold:
		c.gate.Hold(true)
	case event.OperatorPauseParent, event.OperatorResumeParent, event.OperatorForceParent:
		return c.onParentAct(e)
	case event.OperatorResume:
		if s := e.GetScope(); s.Kind <= event.ScopeVenue {
			c.open(market.NoInstrument, e.Venue, RejectDisable)
		}
		c.gate.ReleaseScope(e.GetScope())
		c.workAll()
	case event.OperatorRelease:
		c.gate.Hold(false)
		c.workAll()
	case event.OperatorEnable:
		if !e.Strategy.Valid() {
			return event.ReasonUnknownStrategy
		}
		c.gate.Enable(e.Strategy)
		for _, slot := range c.agenda.all {
			c.parents[slot].told &^= toldDisabled // if it is disabled again that is news
		}
		c.workAll()
	case event.OperatorLimit:
		why := c.gate.SetLimit(event.LimitKind(e.Ref), e.Instrument, e.Client, int64(e.Qty), e.Until, c.now)
		if why == event.ReasonNone {
			c.workAll()
		}
		return why
	case event.OperatorResolve:
		return c.resolve(e)
	case event.OperatorConfirmPolicy:
		if !c.gate.ConfirmPolicy(e.Ref) {
			return event.ReasonBadParameter
		}
		c.workAll()
	default:
		return event.ReasonBadParameter
	}
	return event.ReasonNone
}

// comeDue does what must be done before the first event of its time: fills are marked out, raises of limits end.
func (c *Core) comeDue() {
	if c.now >= c.economics.marks.next {
		c.markOut()
	}
	if c.now >= c.gate.NextExpiry() {
		c.gate.Expire(c.now)
		c.facts++
	}
}

// workAll looks at every live parent again.
func (c *Core) workAll() {
	for i := 0; i < len(c.agenda.all); i++ {
		c.work(&c.parents[c.agenda.all[i]], false)
	}
}

// resolve ends a child whose state no venue tells, with what persons have settled. It takes
// nothing back that was executed.
func (c *Core) resolve(e *event.Event) event.Reason {
	ch := c.childOf(e.Ref)
	if ch == nil || ch.Released || !ch.unknown {
		return event.ReasonUnknownOrder
	}
	if e.CumQty < ch.Cum || e.CumQty > ch.Qty {
		return event.ReasonBadQty
	}
	said := event.Event{Kind: event.Exec, Seq: e.Seq, StepTime: e.StepTime, RecvTime: e.RecvTime, Venue: ch.Venue, Ref: e.Ref,
		Instrument: ch.Instrument, Side: ch.Side, Code: uint8(market.ExecOrderStatus), OrdStatus: market.StatusCanceled,
		CumQty: e.CumQty, LastPx: e.Price}
	c.onExec(&said)
	return event.ReasonNone
}

// covered reports whether a scope covers a child.
func (c *Core) covered(s event.Scope, ch *Child) bool {
	p := &c.parents[ch.Parent]
	return s.Covers(ch.Venue, ch.Instrument, p.Client, p.Strategy, ch.Policy)
}

// cancelScope cancels every open child that a scope covers.
func (c *Core) cancelScope(s event.Scope) {
	for i := range c.agenda.all {
		for k := c.parents[c.agenda.all[i]].first; k != none; k = c.children[k].next {
			if ch := &c.children[k]; c.covered(s, ch) {
				c.cancel(ch)
			}
		}
	}
}

// killed reports whether any kill covers a child: such a child is cancelled again whenever
// its venue comes back.
func (c *Core) killed(ch *Child) bool {
	if c.gate.Killed(ch.Venue) {
		return true
	}
	for _, s := range c.gate.Scopes() {
		if c.covered(s, ch) {
			return true
		}
	}
	return false
}

// exposure is what a child counts for its client.
func (c *Core) exposure(ch *Child) market.Money {
	qty := ch.Cum
	if !ch.Released && ch.Tactic != event.TacticOffer {
		qty = max(qty, ch.Qty)
	}
	return c.gate.Exposure(ch.Instrument, ch.Price, qty)
}

// exposed tells the gate what changed about a child, and that it was filled.
func (c *Core) exposed(p *Parent, ch *Child, was market.Money, wasCum market.Qty) {
	if now := c.exposure(ch); now != was {
		c.gate.Expose(p.Client, now-was)
	}
	if ch.Cum > wasCum && !c.gate.Filled(ch.Parent, p.Strategy, c.now) {
		c.alert(ch, event.ReasonDisabled)
	}
}

// refusedChild notes why the gate stopped a child. What switches something off until a
// person acts is told.
func (c *Core) refusedChild(p *Parent, v market.VenueID, why event.Reason) {
	c.Counters.Refused++
	c.walk.fails(v)
	c.verdict.of = nil // a control may have shut more than this order out
	switch {
	case why == event.ReasonDisabled && p.told&toldDisabled == 0:
		p.told |= toldDisabled
	case why == event.ReasonCanary && c.table.PolicyID() != 0:
		c.rollBack()
	default:
		return
	}
	c.standsStill(p, v, why)
}

// What a person was told of a parent.
const (
	toldDisabled = 1 << iota // its strategy is disabled
	toldMaxLife              // it has no order left
)

// standsStill tells a person why nothing is sent for p until somebody acts.
func (c *Core) standsStill(p *Parent, v market.VenueID, why event.Reason) {
	c.Counters.Alerts++
	cmd := c.command(event.Alert)
	cmd.Parent, cmd.Venue, cmd.Instrument, cmd.Side, cmd.Reason = p.Number, v, p.Instrument, p.Side, why
}

// outOfOrders says once that p has no order left, or nobody has.
func (c *Core) outOfOrders(p *Parent) {
	switch {
	case c.childCount == len(c.children):
		if !c.toldFull {
			c.toldFull = true
			c.standsStill(p, market.NoVenue, event.ReasonChildrenFull)
		}
	case int(p.ChildrenSent) >= c.tactics.MaxLife && p.told&toldMaxLife == 0:
		p.told |= toldMaxLife
		c.standsStill(p, market.NoVenue, event.ReasonMaxLife)
	}
}

// rollBack takes a new policy out: the compiled-in table is the last good one.
func (c *Core) rollBack() {
	c.decideBy(policy.StaticTable(), nil)
	c.rolledBack = true
}
