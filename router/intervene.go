package router

import "penstock/event"

// onParentAct obeys a named person about one parent; about one that is unknown or over
// there is nothing to obey.
func (c *Core) onParentAct(e *event.Event) event.Reason {
	slot := slotIn(e.Ref)
	if slot < 0 || int(slot) >= c.parentCount || c.parents[slot].Number != e.Ref || !c.parents[slot].Live() {
		c.Counters.UnknownParents++
		return event.ReasonUnknownOrder
	}
	p := &c.parents[slot]
	switch event.OperatorAct(e.Code) {
	case event.OperatorPauseParent:
		p.paused = true
		c.cancelAll(p)
	case event.OperatorResumeParent:
		p.paused = false
		c.work(p, true)
	case event.OperatorForceParent:
		c.force(p)
	}
	return event.ReasonNone
}

// force ends p's schedule now: what is left is taken within its limit, its rate of
// participation and every other bound, and then it is over.
func (c *Core) force(p *Parent) {
	if p.phase != phaseWorking {
		return
	}
	p.paused = false
	p.phase, p.start, p.end = phaseFinishing, min(p.start, c.now), c.now
	c.wake(p, c.now+c.tactics.RetryNanos)
	p.tried = 0
	c.recall(p)
	c.work(p, true)
}
