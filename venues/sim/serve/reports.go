package serve

import (
	"math/bits"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
	"penstock/venues/sim"
)

// leave runs when a message of the venue reaches the client; it may send. urgent
// is for answers to orders.
func (c *client) leave(now int64, urgent bool, run func(at int64)) {
	s := c.entry.server
	s.market.after(now+s.cfg.LatencyNanos, urgent, func(int64) {
		// SendingTime(52) is the clock's: the schedule may run a little late.
		run(s.market.now())
		c.flush()
	})
}

func (e *orderEntry) onReport(r *sim.Report) {
	c, kept := e.owner(r.Owner), *r
	c.leave(r.Time, true, func(at int64) { c.sendReport(at, &kept, "", c.ids.text) })
}

func (e *orderEntry) onCancelReject(r *sim.CancelReject) {
	c, kept := e.owner(r.Owner), *r
	c.leave(r.Time, true, func(at int64) { c.sendCancelReject(at, &kept) })
}

// sendReport writes ExecutionReport(35=8). statusReq is OrdStatusReqID(790) of
// the request it answers, if any.
// text spells the identifiers of the order's owner.
func (c *client) sendReport(now int64, r *sim.Report, statusReq string, text func(event.ID) string) {
	w := c.beginReport(now, r, text)
	if statusReq != "" {
		w.Str(tagOrdStatusReqID, statusReq)
	}
	c.endReport(w, r)
}

// beginReport writes what every report has.
func (c *client) beginReport(now int64, r *sim.Report, text func(event.ID) string) *fix.Writer {
	in := c.entry.server.in
	w := c.session.Begin(now, fix.MsgExecutionReport)
	writeOrderID(w, r.OrderID)
	w.Uint(fix.TagExecID, r.ExecID)
	style := &c.entry.server.cfg.Style
	w.Char(fix.TagExecType, style.execType(r))
	if style.old {
		w.Char(fix.TagExecTransType, map[bool]byte{true: '3', false: '0'}[r.ExecType == market.ExecOrderStatus])
	}
	w.Char(fix.TagOrdStatus, byte(r.OrdStatus))
	w.Str(fix.TagClOrdID, text(r.ClOrdID))
	if r.OrigClOrdID != (event.ID{}) {
		w.Str(fix.TagOrigClOrdID, text(r.OrigClOrdID))
	}
	w.Str(fix.TagSymbol, c.entry.server.cfg.Symbol)
	w.Char(fix.TagSide, r.Mark.Code(r.Side))
	w.Decimal(fix.TagOrderQty, int64(r.OrderQty), in.QtyDecimals)
	if r.OrdType != 0 {
		w.Char(fix.TagOrdType, byte(r.OrdType))
		w.Char(fix.TagTimeInForce, byte(r.TIF))
	}
	if r.Price != 0 {
		w.Decimal(fix.TagPrice, int64(r.Price), in.PriceDecimals)
	}
	if r.ExecType == market.ExecTrade {
		w.Decimal(fix.TagLastPx, int64(r.LastPx), in.PriceDecimals)
		w.Decimal(fix.TagLastQty, int64(r.LastQty), in.QtyDecimals)
		w.Str(fix.TagLastMkt, c.entry.server.cfg.MIC)
		if style.report == nil {
			w.Char(fix.TagLastLiquidityInd, byte(r.Liquidity))
		}
	}
	if style.report != nil {
		style.report(w, r)
	}
	w.Decimal(fix.TagLeavesQty, int64(r.LeavesQty), in.QtyDecimals)
	w.Decimal(fix.TagCumQty, int64(r.CumQty), in.QtyDecimals)
	w.Decimal(fix.TagAvgPx, averagePrice(r), in.PriceDecimals+avgPxDecimals)
	w.Time(fix.TagTransactTime, r.Time)
	if r.QuoteID != (event.ID{}) {
		w.Str(fix.TagQuoteID, r.QuoteID.String())
	}
	return w
}

func (c *client) endReport(w *fix.Writer, r *sim.Report) {
	if r.Reason != event.ReasonNone {
		w.Int(fix.TagOrdRejReason, int64(r.Reason.OrdRejReason()))
	}
	if r.Text != "" {
		w.Str(fix.TagText, r.Text)
	}
	c.session.Send()
}

// avgPxDecimals is how many decimals AvgPx(6) has beyond a price.
const avgPxDecimals = 4

// averagePrice returns Notional / CumQty with avgPxDecimals more decimals than a
// price, rounded down.
func averagePrice(r *sim.Report) int64 {
	if r.CumQty == 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(r.Notional), uint64(market.Pow10(avgPxDecimals)))
	q, _ := bits.Div64(hi, lo, uint64(r.CumQty))
	return int64(q)
}

func writeOrderID(w *fix.Writer, id uint64) {
	if id == 0 {
		w.Str(fix.TagOrderID, "NONE")
		return
	}
	w.Uint(fix.TagOrderID, id)
}

// sendCancelReject writes OrderCancelReject(35=9).
func (c *client) sendCancelReject(now int64, r *sim.CancelReject) {
	w := c.session.Begin(now, fix.MsgCancelReject)
	writeOrderID(w, r.OrderID)
	w.Str(fix.TagClOrdID, c.ids.text(r.ClOrdID))
	w.Str(fix.TagOrigClOrdID, c.ids.text(r.OrigClOrdID))
	w.Char(fix.TagOrdStatus, byte(r.OrdStatus))
	w.Char(fix.TagCxlRejResponseTo, '1') // to OrderCancelRequest
	w.Int(fix.TagCxlRejReason, int64(r.Reason.CxlRejReason()))
	w.Time(fix.TagTransactTime, r.Time)
	if r.Text != "" {
		w.Str(fix.TagText, r.Text)
	}
	c.session.Send()
}

// execType spells ExecType(150); before FIX 4.4 a trade is a partial fill or a fill, and an
// answer to a status request says the order's state.
func (s *Style) execType(r *sim.Report) byte {
	switch {
	case s.old && r.ExecType == market.ExecTrade, s.old && r.ExecType == market.ExecOrderStatus:
		return byte(r.OrdStatus)
	}
	return byte(r.ExecType)
}
