package router

import (
	"penstock/event"
	"penstock/market"
	"penstock/router/risk"
)

// onParentNew accepts or refuses a client's order.
func (c *Core) onParentNew(e *event.Event) {
	entry := c.ids.find(e.Client, e.ID)
	if entry.used {
		if e.Flags&event.PossDup != 0 && entry.parent != none {
			c.report(&c.parents[entry.parent], market.ExecOrderStatus)
			return
		}
		c.Counters.DoubleOrders++
		if entry.parent != none {
			// The refusal of the second order says where the first one stands: FIX 4.4 App. D, F.1.
			c.report(&c.parents[entry.parent], market.ExecRejected).Reason = event.ReasonDuplicateClOrdID
			return
		}
		c.refuse(e, event.ReasonDuplicateClOrdID)
		return
	}
	if c.ids.full() {
		c.refuse(e, event.ReasonParentsFull)
		return
	}
	if reason := c.judge(e); reason != event.ReasonNone {
		if c.ids.roomForRefused() {
			c.ids.add(entry, e.Client, e.ID, none)
		}
		c.refuse(e, reason)
		return
	}
	slot := int32(c.parentCount)
	c.parentCount++
	c.ids.add(entry, e.Client, e.ID, slot)
	p := &c.parents[slot]
	*p = Parent{
		Number: c.epoch*numberBase + uint64(slot) + 1, ClOrdID: e.ID, Client: e.Client,
		Instrument: e.Instrument, Side: e.Side, Mark: e.Mark, OrdType: e.OrdType, TIF: e.TIF, Strategy: e.Strategy,
		Status: market.StatusNew, Limit: e.Price, OrderQty: e.Qty, Accepted: c.now, first: none,
		terms: termsOf(e), day: c.day.number,
	}
	if p.Mark != market.Long {
		p.locate = e.OrigID
	}
	if mid2, ok := c.composites[e.Instrument].Mid2(); ok {
		p.ArrivalMid2 = mid2
	}
	c.agenda.enter(slot, int(e.Instrument), c.now)
	c.schedule(p)
	c.report(p, market.ExecNew)
	if p.start <= c.now {
		c.work(p, true)
	}
}

// judge returns why a new order cannot be accepted.
func (c *Core) judge(e *event.Event) event.Reason {
	if c.epoch == 0 {
		return event.ReasonNotReady
	}
	if int(e.Instrument) >= len(c.instruments) {
		return event.ReasonUnknownInstrument
	}
	in := &c.instruments[e.Instrument]
	limit := e.OrdType == market.OrdLimit
	switch {
	case !e.Side.Valid(), !e.Mark.Valid(e.Side), !limit && e.OrdType != market.OrdMarket:
		return event.ReasonUnsupportedType
	case e.Qty <= 0 || e.Qty%in.Lot != 0:
		return event.ReasonBadQty
	case limit && (e.Price <= 0 || e.Price%in.Tick != 0), !limit && e.Price != 0:
		return event.ReasonBadPrice
	case c.parentCount == len(c.parents):
		return event.ReasonParentsFull
	case c.childCount == len(c.children):
		return event.ReasonChildrenFull
	}
	if reason := c.judgeTime(e); reason != event.ReasonNone {
		return reason
	}
	if reason := c.judgeStrategy(e, false); reason != event.ReasonNone {
		return reason
	}
	if reason := c.judgeTerms(e.Instrument, e.Side, e.Qty, e.Price); reason != event.ReasonNone {
		return reason
	}
	return c.gate.Client(&risk.Request{Client: e.Client, Strategy: e.Strategy, Instrument: e.Instrument, Side: e.Side,
		Mark: e.Mark, Located: e.OrigID != event.ID{}, Qty: e.Qty, Limit: e.Price}, c.now)
}

// judgeTerms asks the gate about a parent's quantity and limit.
func (c *Core) judgeTerms(id market.InstrumentID, side market.Side, qty market.Qty,
	limit market.Price) event.Reason {
	m := c.composites[id]
	m.Refresh(c.now)
	mid2, ok := m.Mid2()
	if !ok {
		mid2 = 0
	}
	return c.gate.Parent(id, side, qty, limit, mid2)
}

// onParentCancel starts to take a parent out of the market. It is confirmed when
// nothing is reserved any more.
func (c *Core) onParentCancel(e *event.Event) {
	p := c.request(e)
	if p == nil {
		return
	}
	p.pending = pendingRequest{kind: event.ParentCancel, id: e.ID}
	c.report(p, market.ExecPendingCancel)
	p.phase = phaseCanceling
	c.wake(p, c.now+checkNanos)
	c.cancelAll(p)
	c.after(p)
}

// onParentReplace changes quantity and limit, and the strategy's parameters where the
// client names them. What is filled or reserved beyond
// the new terms is cancelled first; the answer waits for it (FIX 4.4 App. D, C).
func (c *Core) onParentReplace(e *event.Event) {
	p := c.request(e)
	if p == nil {
		return
	}
	if reason := c.judgeReplace(p, e); reason != event.ReasonNone {
		c.rejectCancel(e, p, reason)
		return
	}
	p.pending = pendingRequest{kind: event.ParentReplace, id: e.ID, qty: e.Qty, limit: e.Price}
	p.pending.expireDate = p.terms.ExpireDate
	if e.ExpireDate != 0 {
		p.pending.expireDate = e.ExpireDate
	}
	if p.pending.display = p.terms.Display; e.Display() != 0 {
		p.pending.display = e.Display()
	}
	if e.Strategy != 0 {
		p.pending.terms, p.pending.renew = termsOf(e), true
	}
	c.report(p, market.ExecPendingReplace)
	if p.violates(&p.pending, c.children) {
		c.cancelAll(p)
	}
	c.after(p)
}

func (c *Core) judgeReplace(p *Parent, e *event.Event) event.Reason {
	in := &c.instruments[p.Instrument]
	switch {
	case e.Side != 0 && e.Side != p.Side, e.Mark != p.Mark:
		return event.ReasonSideChanged
	case e.TIF != 0 && e.TIF != p.TIF, e.OrdType != 0 && e.OrdType != p.OrdType:
		return event.ReasonUnsupportedType
	case e.Qty <= 0 || e.Qty%in.Lot != 0:
		return event.ReasonBadQty
	case p.OrdType == market.OrdLimit && (e.Price <= 0 || e.Price%in.Tick != 0),
		p.OrdType == market.OrdMarket && e.Price != 0:
		return event.ReasonBadPrice
	}
	if !displays(e.Display(), e.Qty, in.Lot, p.Strategy) {
		return event.ReasonDisplay
	}
	if e.ExpireDate != 0 && (p.terms.ExpireDate == 0 || c.past(e.ExpireDate)) {
		return event.ReasonBadParameter
	}
	if e.Strategy != 0 {
		// A replace changes how an order is worked, not into what.
		if e.Strategy != p.Strategy {
			return event.ReasonUnknownStrategy
		}
		asked := *e
		asked.Instrument = p.Instrument
		asked.TIF = p.TIF
		if asked.ExpireDate == 0 {
			asked.ExpireDate = p.terms.ExpireDate
		}
		if reason := c.judgeTime(&asked); reason != event.ReasonNone {
			return reason
		}
		if reason := c.judgeStrategy(&asked, p.start <= c.now); reason != event.ReasonNone {
			return reason
		}
	}
	return c.judgeTerms(p.Instrument, p.Side, e.Qty, e.Price)
}

// violates reports whether p stands outside new terms: more filled, reserved and held
// than is ordered, a working child beyond the limit, or more displayed than may be. What is held of the new quantity must have room
// beside what is reserved: it would be routed again when that comes back.
func (p *Parent) violates(r *pendingRequest, children []Child) bool {
	qty, limit := r.qty, r.limit
	held := min(p.Held, max(qty-p.Cum, 0))
	if p.Cum+p.Reserved+held > qty && p.Reserved > 0 {
		return true
	}
	if r.display != 0 && p.shown(children) > r.display {
		return true
	}
	for s := p.first; s != none; s = children[s].next {
		if limit != 0 && p.Side.Better(limit, children[s].Price) {
			return true
		}
	}
	return false
}

// request finds the parent that a cancel or replace names and checks that it may
// be asked for; otherwise it answers the client and returns nil.
func (c *Core) request(e *event.Event) *Parent {
	entry := c.ids.find(e.Client, e.OrigID)
	if !entry.used || entry.parent == none {
		c.rejectCancel(e, nil, event.ReasonUnknownOrder)
		return nil
	}
	p := &c.parents[entry.parent]
	own := c.ids.find(e.Client, e.ID)
	switch {
	case own.used:
		c.rejectCancel(e, p, event.ReasonDuplicateClOrdID)
		return nil
	case !c.ids.full():
		c.ids.add(own, e.Client, e.ID, entry.parent)
	case e.Kind == event.ParentReplace: // nobody could name the order afterwards
		c.rejectCancel(e, p, event.ReasonParentsFull)
		return nil
	}
	reason := event.ReasonNone
	switch {
	case !p.Live(), p.Cum >= p.OrderQty && p.pending.qty <= p.Cum: // overfilled, and not all is back yet
		reason = event.ReasonTooLate
	case p.ClOrdID != e.OrigID:
		reason = event.ReasonUnknownOrder // replaced since
	case e.Instrument != market.NoInstrument && e.Instrument != p.Instrument:
		reason = event.ReasonOtherSymbol
	case e.Kind == event.ParentCancel && !p.sameSide(e):
		reason = event.ReasonOtherSide
	case e.Kind == event.ParentCancel && p.pending.kind == event.ParentReplace:
		c.tooLate(p, p.pending) // leaving comes before changing
		p.pending = pendingRequest{}
		return p
	case p.pending.kind != 0 || p.phase == phaseExpiring:
		reason = event.ReasonPending
	default:
		return p
	}
	c.rejectCancel(e, p, reason)
	return nil
}

// sameSide reports whether a cancel means the order that it names: Side(54) is required in it (FIX 4.4
// vol. 4), and with another one it was meant for another order. One from within names none.
func (p *Parent) sameSide(e *event.Event) bool {
	return e.Side == 0 || e.Side == p.Side && e.Mark == p.Mark
}

// onParentStatus answers with the order's own side, whatever side was asked for: to refuse
// (39=8) would read as the end of the order, and nothing is done to it.
func (c *Core) onParentStatus(e *event.Event) {
	entry := c.ids.find(e.Client, e.ID)
	if !entry.used || entry.parent == none {
		cmd := c.command(event.Report)
		cmd.Client, cmd.ID, cmd.Instrument, cmd.Side = e.Client, e.ID, e.Instrument, e.Side
		cmd.ExecType, cmd.OrdStatus = market.ExecOrderStatus, market.StatusRejected
		cmd.Reason, cmd.Venue = event.ReasonUnknownOrder, market.NoVenue
		cmd.OrigID = e.OrigID
		return
	}
	c.report(&c.parents[entry.parent], market.ExecOrderStatus).OrigID = e.OrigID // OrdStatusReqID(790)
}

// after settles what a changed quantity makes possible: the end of the parent,
// the answer to a pending request, or more work.
func (c *Core) after(p *Parent) {
	if !p.Live() {
		return
	}
	if p.pending.kind == event.ParentReplace && !p.violates(&p.pending, c.children) {
		c.replaced(p)
	}
	if p.offers > 0 && (p.Cum >= p.OrderQty || p.phase == phaseCanceling || p.phase == phaseExpiring) {
		if c.endOffers(p); p.Reserved == 0 {
			return // it ends when the pools have said that they hold nothing of it
		}
	}
	switch closed := p.Reserved == 0 && p.beyond == 0; {
	case closed && p.Cum >= p.OrderQty:
		c.finish(p, market.ExecTrade, market.StatusFilled)
	case closed && p.phase == phaseCanceling:
		c.finish(p, market.ExecCanceled, market.StatusCanceled)
	case closed && p.phase == phaseExpiring:
		if p.Strategy == event.StrategySweep && p.endReason != event.ReasonDayOver && p.endReason != event.ReasonExpired {
			c.finish(p, market.ExecCanceled, market.StatusCanceled)
		} else {
			c.finish(p, market.ExecExpired, market.StatusExpired)
		}
	default:
		c.work(p, false)
		c.rest(p)
	}
}

// replaced applies a pending replace. A quantity below what is filled becomes
// what is filled.
func (c *Core) replaced(p *Parent) {
	r := p.pending
	p.pending = pendingRequest{}
	orig := p.ClOrdID
	p.ClOrdID, p.OrderQty, p.Limit = r.id, max(r.qty, p.Cum), r.limit
	p.Held = max(min(p.Held, p.Unplaced()+p.Held), 0)
	p.check()
	p.terms.Display = r.display
	if r.renew {
		c.renew(p, r.terms)
	} else {
		c.aim(p)
	}
	if p.terms.ExpireDate = r.expireDate; p.phase <= phaseFinishing && r.expireDate != 0 && c.past(r.expireDate) {
		p.phase, p.endReason = phaseExpiring, event.ReasonDayOver // it waited for its venues beyond its last day
		c.wake(p, c.now+checkNanos)
		c.cancelAll(p)
	}
	if p.Cum >= p.OrderQty {
		p.Status = market.StatusFilled
	}
	cmd := c.report(p, market.ExecReplaced)
	cmd.OrigID = orig
}

// finish ends a parent and says so to its client. Fills were reported as they
// came, so a filled parent needs no further report.
func (c *Core) finish(p *Parent, why market.ExecType, status market.OrdStatus) {
	pending := p.pending
	p.pending = pendingRequest{}
	p.phase, p.Status, p.Ended, p.lastDay = phaseDone, status, c.now, c.day.begun
	c.agenda.over = append(c.agenda.over, slotIn(p.Number))
	if why == market.ExecTrade {
		if pending.kind != 0 {
			c.tooLate(p, pending)
		}
		return
	}
	if pending.kind == event.ParentReplace {
		c.tooLate(p, pending)
	}
	orig := p.ClOrdID
	cmd := c.report(p, why)
	cmd.Reason = p.endReason
	if pending.kind == event.ParentCancel {
		cmd.ID, cmd.OrigID = pending.id, orig
	}
}

// tooLate answers a request that the end of the order overtook.
func (c *Core) tooLate(p *Parent, r pendingRequest) {
	cmd := c.command(event.RejectCancel)
	cmd.Parent, cmd.Client, cmd.Venue = p.Number, p.Client, market.NoVenue
	cmd.ID, cmd.OrigID = r.id, p.ClOrdID
	cmd.OrdStatus, cmd.Reason = p.Status, event.ReasonTooLate
	cmd.ExecType = requestExecType(r.kind)
}

func requestExecType(kind event.Kind) market.ExecType {
	if kind == event.ParentReplace {
		return market.ExecPendingReplace
	}
	return market.ExecPendingCancel
}
