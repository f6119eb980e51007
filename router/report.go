package router

import (
	"penstock/event"
	"penstock/market"
)

// report tells the client of p why, and where its order stands.
func (c *Core) report(p *Parent, why market.ExecType) *event.Command {
	cmd := c.command(event.Report)
	cmd.Parent, cmd.Client, cmd.Ref = p.Number, p.Client, c.nextExec()
	cmd.Venue, cmd.Instrument, cmd.Side = market.NoVenue, p.Instrument, p.Side
	cmd.Mark = p.Mark
	cmd.OrdType, cmd.TIF, cmd.Price, cmd.Qty = p.OrdType, p.TIF, p.Limit, p.OrderQty
	cmd.CumQty, cmd.LeavesQty, cmd.Notional = p.Cum, p.LeavesQty(), p.Notional
	cmd.ExecType, cmd.ID = why, p.ClOrdID
	c.setDay(cmd, p)
	switch why {
	case market.ExecPendingCancel, market.ExecPendingReplace:
		cmd.OrdStatus = market.OrdStatus(why) // the same letter says both
		cmd.ID, cmd.OrigID = p.pending.id, p.ClOrdID
	default:
		cmd.OrdStatus = p.reportedStatus()
	}
	return cmd
}

// reportedStatus is OrdStatus(39): an unanswered request shows before the fills
// (FIX 4.4 vol. 4, order state precedence).
func (p *Parent) reportedStatus() market.OrdStatus {
	switch {
	case p.Status.Terminal():
		return p.Status
	case p.Cum >= p.OrderQty:
		return market.StatusFilled
	case p.pending.kind == event.ParentCancel:
		return market.StatusPendingCancel
	case p.pending.kind == event.ParentReplace:
		return market.StatusPendingReplace
	case p.doneForDay:
		return market.StatusDoneForDay
	case p.Cum > 0:
		return market.StatusPartiallyFilled
	}
	return market.StatusNew
}

// reportFill reports one execution.
func (c *Core) reportFill(p *Parent, ch *Child, qty market.Qty, price market.Price,
	l market.Liquidity) *event.Command {
	cmd := c.report(p, market.ExecTrade)
	cmd.Child, cmd.Venue, cmd.Liquidity = ch.Number, ch.Venue, l
	cmd.LastQty, cmd.LastPx = qty, price
	return cmd
}

// refuse answers an order that was never accepted.
func (c *Core) refuse(e *event.Event, reason event.Reason) {
	cmd := c.command(event.Report)
	cmd.Client, cmd.ID, cmd.Ref, cmd.Venue = e.Client, e.ID, c.nextExec(), market.NoVenue
	cmd.Instrument, cmd.Side, cmd.OrdType, cmd.TIF = e.Instrument, e.Side, e.OrdType, e.TIF
	cmd.Price, cmd.Qty, cmd.Mark = e.Price, e.Qty, e.Mark
	cmd.ExecType, cmd.OrdStatus, cmd.Reason = market.ExecRejected, market.StatusRejected, reason
}

// rejectCancel answers a cancel or replace that cannot be done. p is nil when
// the order is unknown.
func (c *Core) rejectCancel(e *event.Event, p *Parent, reason event.Reason) {
	cmd := c.command(event.RejectCancel)
	cmd.Client, cmd.ID, cmd.OrigID, cmd.Venue = e.Client, e.ID, e.OrigID, market.NoVenue
	cmd.Instrument, cmd.Side = e.Instrument, e.Side
	cmd.Reason, cmd.ExecType = reason, requestExecType(e.Kind)
	cmd.OrdStatus = market.StatusRejected
	if p != nil {
		cmd.Parent, cmd.OrdStatus = p.Number, p.reportedStatus()
	}
}

// nextExec returns a new ExecID(17) towards clients.
func (c *Core) nextExec() uint64 {
	c.reports++
	return c.epoch*numberBase + c.reports
}
