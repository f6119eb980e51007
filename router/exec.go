package router

import (
	"penstock/event"
	"penstock/market"
)

// onExec takes a venue's execution report. Fills are applied by the difference
// of CumQty, so that a repeated or late report cannot count twice.
func (c *Core) onExec(e *event.Event) {
	ch := c.childOf(e.Ref)
	if ch == nil || ch.Venue != e.Venue {
		c.onOrphan(e)
		return
	}
	if ch.waits {
		c.overtaken(ch)
	}
	p := &c.parents[ch.Parent]
	c.stances[ch.Parent].forget()
	c.owed = ch.Parent
	wasReserved, wasCum, wasExposed := ch.reserved(), ch.Cum, c.exposure(ch)
	switch market.ExecType(e.Code) {
	case market.ExecNew, market.ExecPendingNew, market.ExecPendingCancel, market.ExecPendingReplace:
		c.onAck(ch, e)
	case market.ExecTrade:
		c.onTrade(p, ch, e)
	case market.ExecCanceled, market.ExecExpired, market.ExecDoneForDay, market.ExecRejected:
		c.onTerminal(p, ch, e)
	case market.ExecOrderStatus:
		c.onStatus(p, ch, e)
	case market.ExecTradeCancel, market.ExecTradeCorrect:
		c.onCorrection(p, ch, e)
	case market.ExecRestated:
		c.onRestated(p, ch, e)
	default:
		c.Counters.Duplicates++
	}
	c.untrack(ch, wasReserved)
	c.traded(ch, wasReserved, ch.Cum-wasCum)
	c.exposed(p, ch, wasExposed, wasCum)
	if ch.wantCancel && ch.acked {
		ch.wantCancel = false
		c.cancel(ch)
	}
	if p.Frozen || p.Over() {
		c.cancelAll(p)
	}
	c.after(p)
	c.opened(ch.Venue)
}

func (c *Core) onAck(ch *Child, e *event.Event) {
	c.scoreAnswer(ch)
	if market.ExecType(e.Code) == market.ExecNew {
		c.joinQueue(ch, e)
		c.acceptedBy(ch)
	}
	ch.acked, ch.unknown = true, false
	ch.most = max(ch.most, e.CumQty)
	if !ch.Released && !ch.Status.Terminal() {
		ch.Status = e.OrdStatus
	}
}

// onTrade books a fill. A report that says the order is over as well, and whose
// CumQty is ours, releases the rest.
func (c *Core) onTrade(p *Parent, ch *Child, e *event.Event) {
	if !c.remember(ch, e) {
		return
	}
	c.scoreAnswer(ch)
	ch.acked, ch.unknown = true, false
	if e.CumQty <= ch.Cum {
		c.fillIn(p, ch, e)
		return
	}
	delta := e.CumQty - ch.Cum
	if !c.plausible(p, ch, e.CumQty, e.LastPx) {
		return
	}
	told := c.book(p, ch, e)
	if x, _ := c.execs.find(e.Venue, e.ID); x != nil {
		x.Told, x.Trade = told, tradeID(e)
	}
	if delta != e.LastQty {
		c.miss(p, ch, max(delta-e.LastQty, 0), e.LastPx, told)
	}
	if ch.Released {
		return // a late fill of an order that was already over
	}
	ch.Status = e.OrdStatus
	switch {
	case ch.Cum >= ch.Qty && opens(e):
		c.keepBeyond(p, ch)
	case ch.Cum >= ch.Qty:
		ch.Status = market.StatusFilled
		c.end(p, ch)
	case e.OrdStatus == market.StatusFilled, e.OrdStatus.Terminal() && ch.Cum < ch.most:
		// Filled, it says, at less than the order, or over at less than it told of before: it contradicts itself.
		c.Counters.Gaps++
		c.doubt(ch, event.ReasonCumQtyDiffers)
	case e.OrdStatus.Terminal():
		c.end(p, ch)
	}
}

// opens reports whether the venue says that something of an order is open.
func opens(e *event.Event) bool { return !e.OrdStatus.Terminal() && e.LeavesQty > 0 }

// keepBeyond is for a child of which all is executed that was sent, while the venue has more of it open,
// which it added by itself. Nothing of it is reserved, and it must not be executed: it is cancelled, the
// parent stops until a person decides, and neither is over before the venue says so (FM-13).
func (c *Core) keepBeyond(p *Parent, ch *Child) {
	if !ch.beyond {
		ch.beyond = true
		p.beyond++
		p.Frozen = true
		c.Counters.Corrections++
		c.alert(ch, event.ReasonRestated)
	}
	c.cancel(ch)
}

// remember keeps the execution that e reports. false means that e must not be booked:
// its ExecID is known. With other content than before the first word counts (FM-02).
func (c *Core) remember(ch *Child, e *event.Event) bool {
	if e.ID.Len() == 0 {
		return true // CumQty alone decides
	}
	x, place := c.execs.find(e.Venue, e.ID)
	switch slot := int32(c.slotOf(ch)); {
	case x == nil:
		x := Execution{ID: e.ID, Child: slot, Venue: e.Venue, Liquidity: e.Liquidity, Code: e.Code, Price: e.LastPx,
			Qty: e.LastQty, Cum: e.CumQty, day: c.day.begun}
		if !c.execs.add(place, x) {
			c.forget(ch)
			return true
		}
		c.witnessed(&c.execs.list[len(c.execs.list)-1], byOrders)
		return true
	case x.by&byOrders == 0:
		return c.confirm(ch, x, e)
	case x.same(slot, e):
		c.Counters.Duplicates++
	default:
		c.Counters.Conflicts++
		c.quarantine(ch, event.ReasonExecConflict)
	}
	return false
}

// confirm takes the order session's word of an execution that the drop copy told first. The
// order session's counts; false when it is counted already.
func (c *Core) confirm(ch *Child, x *Execution, e *event.Event) bool {
	why, told := x.differs(int32(c.slotOf(ch)), e), market.Qty(0)
	if x.Qty > e.LastQty {
		told = x.Qty
	}
	c.witnessed(x, byOrders)
	x.Child, x.Code, x.Price, x.Qty, x.Cum, x.Liquidity = int32(c.slotOf(ch)), e.Code, e.LastPx, e.LastQty, e.CumQty, e.Liquidity
	x.day = c.day.begun
	if why != event.ReasonNone {
		c.dropBreak(ch, why, told)
	}
	if x.priced {
		c.Counters.Duplicates++
	}
	return !x.priced
}

// forget counts an execution that there is no room to remember.
func (c *Core) forget(ch *Child) {
	if c.Counters.Forgotten++; c.Counters.Forgotten == 1 {
		c.alert(ch, event.ReasonExecsFull)
	}
}

// fillIn takes an execution whose quantity is booked already: it was overtaken by a later
// one or told by a status before. It says the price of what was missing (FM-03).
func (c *Core) fillIn(p *Parent, ch *Child, e *event.Event) {
	qty := min(e.LastQty, ch.missing)
	price, ok := e.LastPx.Notional(qty)
	if e.ID.Len() == 0 || qty == 0 || !ok || e.LastPx <= 0 || e.LastPx > market.MaxPrice {
		c.Counters.Duplicates++
		return
	}
	if x, _ := c.execs.find(e.Venue, e.ID); x != nil {
		x.Told = ch.missedAs
	}
	assumed := market.Notional(int64(ch.missingNotional) / int64(ch.missing) * int64(qty))
	if qty == ch.missing {
		assumed = ch.missingNotional
	}
	ch.missing -= qty
	ch.missingNotional -= assumed
	if price != assumed {
		schedule := c.venues[ch.Venue].TakeFee
		if e.Liquidity == market.LiquidityAdded {
			schedule = c.venues[ch.Venue].MakeFee
		}
		p.pay(ch, price-assumed, schedule.Of(price, 0)-schedule.Of(assumed, 0))
		c.report(p, market.ExecRestated)
	}
	if ch.missing == 0 {
		c.closeGap(p, ch)
	}
}

// miss notes that qty of what was just booked at price came without its execution: the
// venue is asked, and gets nothing new of the parent until it has answered (FM-04).
func (c *Core) miss(p *Parent, ch *Child, qty market.Qty, price market.Price, told uint64) {
	c.Counters.Gaps++
	if notional, ok := price.Notional(qty); ok {
		ch.missing += qty
		ch.missingNotional += notional
		ch.missedAs = told
	}
	if !ch.Released && ch.Cum < ch.Qty {
		ch.gap = true
		p.gaps |= 1 << ch.Venue
		c.alert(ch, event.ReasonExecGap)
		c.askStatus(ch)
	}
}

// closeGap ends what miss began, unless another child of p has a gap at the venue.
func (c *Core) closeGap(p *Parent, ch *Child) {
	if !ch.gap {
		return
	}
	ch.gap = false
	for s := p.first; s != none; s = c.children[s].next {
		if other := &c.children[s]; other.Venue == ch.Venue && other.gap {
			return
		}
	}
	p.gaps &^= 1 << ch.Venue
}

// plausible reports whether a fill can be booked at all. One whose numbers cannot be
// freezes the parent and keeps the reservation: a person decides.
func (c *Core) plausible(p *Parent, ch *Child, cum market.Qty, price market.Price) bool {
	notional, ok := price.Notional(cum - ch.Cum)
	if ok && cum <= market.MaxQty && price > 0 && price <= market.MaxPrice &&
		p.Cum <= market.MaxQty && notional <= 1<<61 && p.Notional <= 1<<61 {
		return true
	}
	c.Counters.Absurd++
	p.Frozen = true
	c.doubt(ch, event.ReasonAbsurdFill)
	return false
}

// book applies the fill that e tells of to the ledger and reports it to the client. What
// was executed without a reservation is booked too: reality wins (FM-06, FM-07). It returns
// the ExecID of the report.
func (c *Core) book(p *Parent, ch *Child, e *event.Event) (told uint64) {
	return c.bookAt(p, ch, e, e.LastPx)
}

// bookAt is book at another price than that of e.
func (c *Core) bookAt(p *Parent, ch *Child, e *event.Event, price market.Price) (told uint64) {
	delta := p.fill(ch, e.CumQty, price, &c.venues[ch.Venue], e.Liquidity)
	c.moveQueue(ch, delta)
	c.scoreFill(ch, delta, price, e.Liquidity)
	c.acceptedBy(ch)
	if c.venues[ch.Venue].Kind == market.Dark {
		p.darkFilled += delta
	}
	cmd := c.reportFill(p, ch, delta, price, e.Liquidity)
	if told = cmd.Ref; market.ExecType(e.Code) == market.ExecTrade {
		cmd.OrigID = tradeID(e)
	}
	if ch.Released {
		c.Counters.LateFills++
		c.alert(ch, event.ReasonLateFill)
	}
	if ch.Cum > ch.Qty || p.Cum > p.OrderQty || ch.Tactic == event.TacticOffer {
		c.Counters.Overfills++
		p.Frozen = true
		c.alert(ch, event.ReasonOverExecuted)
	}
	return told
}

// tradeID returns what the venue calls the trade: its number where it has one, or else the
// ExecID.
func tradeID(e *event.Event) event.ID {
	if e.OrigID.Len() > 0 {
		return e.OrigID
	}
	return e.ID
}

// onTerminal ends a child when the venue's CumQty is ours. When it is not, or when the venue or its drop copy has told
// of more before, an execution is missing on one side: the reservation stays and we ask.
func (c *Core) onTerminal(p *Parent, ch *Child, e *event.Event) {
	if ch.Released && e.CumQty <= ch.Cum {
		c.Counters.Duplicates++
		return
	}
	c.scoreAnswer(ch)
	ch.acked = true
	if e.CumQty != ch.Cum || e.CumQty < ch.most {
		c.Counters.Gaps++
		c.doubt(ch, event.ReasonCumQtyDiffers)
		return
	}
	ch.Status = e.OrdStatus
	if market.ExecType(e.Code) == market.ExecRejected {
		c.Counters.VenueRejects++
		p.Venues[ch.Venue].Rejects++
		p.avoid |= 1 << ch.Venue
		c.scoreRefusal(ch)
		c.refusedBy(ch, e.Reason)
	}
	c.end(p, ch)
}

// onStatus takes the venue's answer to a status request, which is authoritative. It may
// even tell of executions of an order that had ended.
func (c *Core) onStatus(p *Parent, ch *Child, e *event.Event) {
	unknownOrder := e.OrdStatus == market.StatusRejected && e.Reason == event.ReasonUnknownOrder
	switch {
	case unknownOrder && (ch.acked || ch.Cum > 0):
		// The venue denies an order that it confirmed before: stay reserved.
		c.Counters.Gaps++
		if !ch.Released {
			c.alert(ch, event.ReasonDenied)
		}
		return
	case e.CumQty < ch.Cum:
		c.Counters.Gaps++
		return
	case ch.Released && e.CumQty == ch.Cum:
		c.Counters.Duplicates++
		return
	}
	if e.CumQty > ch.Cum {
		c.Counters.Gaps++
		price, delta := ch.missedPrice(e), e.CumQty-ch.Cum
		if !c.plausible(p, ch, e.CumQty, price) {
			return
		}
		ch.missedAs = c.bookAt(p, ch, e, price)
		if notional, ok := price.Notional(delta); ok {
			ch.missing += delta
			ch.missingNotional += notional
		}
		if ch.Released {
			return
		}
	}
	ch.acked, ch.unknown, ch.Status = !unknownOrder, false, e.OrdStatus
	c.closeGap(p, ch)
	switch {
	case ch.Cum >= ch.Qty && opens(e):
		ch.canceling = false // one that was sent before got lost, or comes too late
		c.keepBeyond(p, ch)
		return
	case e.OrdStatus.Terminal(), ch.Cum >= ch.Qty:
		c.end(p, ch)
		return
	}
	// It works on: a cancel that was sent before got lost.
	ch.canceling = e.OrdStatus == market.StatusPendingCancel
}

// missedPrice returns the price of the fills that a status report tells of and we
// never saw: what is left of its average (LastPx of the event) after ours, or the
// order's own price when it tells none.
func (ch *Child) missedPrice(e *event.Event) market.Price {
	if e.LastPx <= 0 {
		return ch.Price
	}
	if total, ok := e.LastPx.Notional(e.CumQty); ok {
		if price := int64(total-ch.Notional) / int64(e.CumQty-ch.Cum); price > 0 {
			return market.Price(price)
		}
	}
	return e.LastPx
}

// onCancelReject puts the child back to work, or asks what became of it. A
// filled order answers "too late" and its fill is on the way, or got lost.
func (c *Core) onCancelReject(e *event.Event) {
	ch := c.childOf(e.Ref)
	if ch == nil || ch.Venue != e.Venue {
		c.Counters.Orphans++
		return
	}
	if ch.waits {
		c.overtaken(ch)
	}
	c.Counters.CancelRejects++
	ch.canceling = false
	switch {
	case ch.Released:
	case e.Reason == event.ReasonUnknownOrder:
		c.lose(ch)
		c.askStatus(ch)
	case e.OrdStatus.Terminal():
		c.lose(ch) // what ended it is due: asked for when it does not come
	case e.OrdStatus != 0 && ch.acked:
		ch.Status = e.OrdStatus
	}
}

// end releases a child and takes it from its parent's list.
func (c *Core) end(p *Parent, ch *Child) {
	if c.venues[ch.Venue].Kind == market.Dark && ch.immediate() && ch.Tactic != event.TacticFirm {
		c.observePool(ch.Venue, ch.Instrument, ch.Qty, ch.Cum)
	}
	switch ch.Tactic {
	case event.TacticPost:
		c.scorePost(ch)
	case event.TacticQuote:
		if ch.Cum >= ch.Qty {
			p.tried &^= triedQuote // who accepted may be asked again, by the next quote
		}
	}
	p.release(ch)
	c.leaveQueue(ch)
	ch.unknown, ch.canceling, ch.wantCancel = false, false, false
	slot := int32(c.slotOf(ch))
	if ch.prev != none {
		c.children[ch.prev].next = ch.next
	} else if p.first == slot {
		p.first = ch.next
	}
	if ch.next != none {
		c.children[ch.next].prev = ch.prev
	}
	ch.next, ch.prev = none, none
	c.closeGap(p, ch)
}

// untrack keeps the in-flight taking quantity in step with the child.
func (c *Core) untrack(ch *Child, before market.Qty) {
	if ch.Tactic == event.TacticTake {
		c.near[ch.Instrument][ch.Side.Index()].stale = true
		c.listed[ch.Instrument].moved(ch.Venue)
		f := &c.inflight[ch.Instrument][ch.Venue][ch.Side.Index()]
		*f -= before - ch.reserved()
	}
}

// setSession marks what a session that came or went does to the children at its venue.
func (c *Core) setSession(v market.VenueID, up bool) {
	setBit(&c.sessions.up, v, up)
	for i := 0; i < len(c.agenda.all); i++ {
		p := &c.parents[c.agenda.all[i]]
		for s := p.first; s != none; s = c.children[s].next {
			ch := &c.children[s]
			if ch.Venue != v {
				continue
			}
			if !up {
				c.lose(ch)
				ch.canceling = false
				continue
			}
			if ch.askTime = 0; c.venues[v].MassStatus {
				ch.askTime = c.now // with all others, at once
			}
			c.askStatus(ch)
			if c.killed(ch) {
				c.cancel(ch)
			}
		}
		if up {
			c.after(p)
		}
	}
	if up {
		c.cancelOrphans(v)
	}
}
