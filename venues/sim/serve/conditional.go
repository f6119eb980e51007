package serve

import (
	"penstock/event"
	"penstock/fix"
	"penstock/market"
	"penstock/venues/sim"
)

// InviteShape is how a pool sends an invitation to firm up.
type InviteShape uint8

// Shapes.
const (
	InviteByReport InviteShape = iota // ExecutionReport(35=8) with 8005=5
	InviteByIOI                       // IOI(35=6)
)

// Tags of conditional orders, as Cboe MatchNow has them.
const (
	tagConditional    = 8002 // 0: conditional
	tagFirmUpRequest  = 8005
	firmOrderRequest  = 5
	conditionalOrder  = '0'
	ioiTransTypeNew   = 'N'
	ordStatusNotKnown = "I"
)

// readConditional finds out whether a midpoint peg is conditional, or answers an invitation.
func readConditional(f *fields, o *sim.Order) {
	if o.ExecInst != market.ExecInstMidPeg {
		return
	}
	if f.char(tagConditional, 0, true) == conditionalOrder {
		o.ExecInst = market.ExecInstConditional
		return
	}
	if o.Invitation = f.optionalID(fix.TagIOIID); o.Invitation != (event.ID{}) {
		o.ExecInst = market.ExecInstFirmUp
	}
}

// onInvite passes an invitation of the pool on to its client.
func (e *orderEntry) onInvite(i *sim.Invitation) {
	c, kept := e.owner(i.Owner), *i
	c.leave(i.Time, true, func(at int64) { c.sendInvitation(at, &kept) })
}

func (c *client) sendInvitation(now int64, i *sim.Invitation) {
	s := c.entry.server
	if c.session.State() != fix.Active {
		return // it would come too late
	}
	if s.cfg.Invites == InviteByIOI {
		w := c.session.Begin(now, fix.MsgIOI)
		w.Str(fix.TagIOIID, i.ID.String())
		w.Char(fix.TagIOITransType, ioiTransTypeNew)
		w.Str(fix.TagSymbol, s.cfg.Symbol)
		w.Char(fix.TagSide, byte(i.Side))
		w.Decimal(fix.TagIOIQty, int64(i.Qty), s.in.QtyDecimals)
		w.Time(fix.TagValidUntilTime, i.Until)
		w.Time(fix.TagTransactTime, i.Time)
		c.session.Send()
		return
	}
	o, ok := s.engine.Status(c.owner, i.ClOrdID)
	if !ok {
		return
	}
	w := c.session.Begin(now, fix.MsgExecutionReport)
	writeOrderID(w, o.OrderID)
	w.Uint(fix.TagExecID, s.engine.NextExecID())
	w.Str(fix.TagExecType, ordStatusNotKnown)
	w.Char(fix.TagOrdStatus, byte(o.OrdStatus))
	w.Str(fix.TagClOrdID, c.ids.text(i.ClOrdID))
	w.Str(fix.TagIOIID, i.ID.String())
	w.Int(tagFirmUpRequest, firmOrderRequest)
	w.Str(fix.TagSymbol, s.cfg.Symbol)
	w.Char(fix.TagSide, byte(i.Side))
	w.Decimal(fix.TagLeavesQty, int64(i.Qty), s.in.QtyDecimals)
	w.Decimal(fix.TagCumQty, 0, s.in.QtyDecimals)
	w.Decimal(fix.TagAvgPx, 0, s.in.PriceDecimals)
	w.Time(fix.TagValidUntilTime, i.Until)
	w.Time(fix.TagTransactTime, i.Time)
	c.session.Send()
}

// Interest brings hidden interest of somebody else to a pool, as sim.DarkPool.Interest does,
// for so many ns from now.
func (s *Server) Interest(side market.Side, qty market.Qty, nanos int64) {
	m := s.market
	m.mu.Lock()
	defer m.mu.Unlock()
	m.after(m.now(), true, func(at int64) { s.pool.Interest(at, side, qty, 0, at+nanos) })
}
