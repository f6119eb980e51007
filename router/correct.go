package router

import (
	"penstock/event"
	"penstock/market"
)

// onCorrection takes ExecType H or G: the venue takes an execution back or changes it
// (FM-14, FM-15). The client is told, with the report that it takes back; nothing is routed
// in its place.
func (c *Core) onCorrection(p *Parent, ch *Child, e *event.Event) {
	if !c.remember(ch, e) {
		return
	}
	c.Counters.Corrections++
	x, _ := c.execs.find(e.Venue, e.OrigID)
	switch {
	case x == nil || x.by&byOrders == 0 || x.Child != int32(c.slotOf(ch)) || x.ID == e.ID:
		c.quarantine(ch, event.ReasonUnknownExec) // FM-16
		return
	case x.Undone:
		c.Counters.Duplicates++
		return
	}
	cancel := market.ExecType(e.Code) == market.ExecTradeCancel
	var qty market.Qty
	var price market.Price
	if !cancel {
		qty, price = e.LastQty, e.LastPx
		if !c.plausible(p, ch, ch.Cum+qty, price) {
			return
		}
	}
	x.Undone = true
	ch.most = max(ch.most-x.Qty+qty, 0)
	before := c.venueFee(ch.Venue, x.Liquidity, x.Price, x.Qty)
	cum, worth := p.Cum, p.Notional
	p.undo(ch, min(x.Qty, ch.Cum), before.notional, before.fee)
	if cancel {
		p.Venues[ch.Venue].Fills -= min(p.Venues[ch.Venue].Fills, 1)
		c.alert(ch, event.ReasonTradeCancelled)
	} else {
		p.fill(ch, ch.Cum+qty, price, &c.venues[ch.Venue], x.Liquidity)
		p.Venues[ch.Venue].Fills -= min(p.Venues[ch.Venue].Fills, 1) // it was counted before
		c.alert(ch, event.ReasonTradeCorrected)
	}
	day := c.day.begun
	if x.day < day && p.day < day { // of a day before: today's executions are what they were
		p.before, p.beforeWorth, day = p.before+p.Cum-cum, p.beforeWorth+p.Notional-worth, x.day
	}
	if y, _ := c.execs.find(e.Venue, e.ID); y != nil {
		y.day = day // what corrects it again is of the same day
	}
	c.tellCorrection(p, ch, x, e, qty, price)
	c.afterCorrection(p, ch, e, price)
}

// worth is what a fill is worth and costs.
type worth struct{ notional, fee market.Notional }

func (c *Core) venueFee(v market.VenueID, l market.Liquidity, price market.Price, qty market.Qty) (w worth) {
	w.notional, _ = price.Notional(qty) // it was booked, so it fits
	schedule := c.venues[v].TakeFee
	if l == market.LiquidityAdded {
		schedule = c.venues[v].MakeFee
	}
	w.fee = schedule.Of(w.notional, qty)
	return w
}

// tellCorrection reports to the client that x is not what it was. A filled order that has
// ended is not filled any more; since nobody works the rest, it ends as canceled.
func (c *Core) tellCorrection(p *Parent, ch *Child, x *Execution, e *event.Event, qty market.Qty,
	price market.Price) {
	short := p.Status == market.StatusFilled && p.Cum < p.OrderQty
	if short && p.Live() {
		p.Status = market.StatusNew // it was taken for filled already
	}
	cmd := c.report(p, market.ExecType(e.Code))
	cmd.Child, cmd.Venue, cmd.Liquidity = ch.Number, ch.Venue, x.Liquidity
	cmd.LastQty, cmd.LastPx, cmd.ExecRef, cmd.OrigID = x.Qty, x.Price, x.Told, tradeOf(x, e)
	if market.ExecType(e.Code) == market.ExecTradeCorrect {
		cmd.LastQty, cmd.LastPx = qty, price
		if y, _ := c.execs.find(e.Venue, e.ID); y != nil {
			y.Told, y.Liquidity = cmd.Ref, x.Liquidity // what corrects it again names this one
		}
	}
	if !short || p.Live() {
		return
	}
	cmd.LeavesQty, cmd.OrdStatus = p.OrderQty-p.Cum, market.StatusPartiallyFilled
	if p.Cum == 0 {
		cmd.OrdStatus = market.StatusNew
	}
	p.Status = market.StatusCanceled
	c.report(p, market.ExecCanceled).Reason = event.ReasonTakenBack
}

// tradeOf returns what the venue calls the trade that x was.
func tradeOf(x *Execution, e *event.Event) event.ID {
	if x.Trade.Len() > 0 {
		return x.Trade
	}
	return e.OrigID
}

// afterCorrection checks what is left: the limit, the quantity ordered, and whether the
// venue counts as we do.
func (c *Core) afterCorrection(p *Parent, ch *Child, e *event.Event, price market.Price) {
	if price != 0 && p.Limit != 0 && p.Side.Better(p.Limit, price) {
		c.alert(ch, event.ReasonBeyondLimit)
	}
	if ch.Cum > ch.Qty || p.Cum > p.OrderQty {
		c.Counters.Overfills++
		p.Frozen = true
		c.alert(ch, event.ReasonOverExecuted)
	}
	if !ch.Released && !ch.beyond && ch.Cum >= ch.Qty {
		c.end(p, ch)
	}
	if e.CumQty != ch.Cum {
		c.Counters.Gaps++
		c.doubt(ch, event.ReasonCumQtyDiffers)
	}
}

// onRestated takes ExecType D: the venue says that an order is not what we think. Within
// what is reserved for it, and within the limit, that is adopted; anything else stops the
// parent, and a person decides (FM-13).
func (c *Core) onRestated(p *Parent, ch *Child, e *event.Event) {
	ch.acked = true
	price, worse := ch.Price, false
	if e.Price > 0 && e.Price != ch.Price {
		price, worse = e.Price, p.Limit != 0 && p.Side.Better(p.Limit, e.Price)
	}
	qty := ch.Qty
	if e.Qty > 0 {
		qty = e.Qty
	}
	switch {
	case ch.Released:
		c.Counters.Duplicates++
	case e.OrdStatus.Terminal():
		c.onTerminal(p, ch, e)
	case e.CumQty != ch.Cum:
		c.Counters.Gaps++
		c.doubt(ch, event.ReasonCumQtyDiffers)
	case qty > ch.Qty || worse:
		c.Counters.Corrections++
		p.Frozen = true
		c.alert(ch, event.ReasonRestated)
	default:
		if qty != ch.Qty || price != ch.Price {
			c.leaveQueue(ch)
			p.restate(ch, max(qty, ch.Cum))
			ch.Price = price
		}
		ch.Status, ch.unknown = e.OrdStatus, false
		if ch.Cum >= ch.Qty {
			c.end(p, ch)
		}
	}
}
