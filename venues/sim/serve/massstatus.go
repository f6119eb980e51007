package serve

import (
	"penstock/fix"
	"penstock/market"
	"penstock/venues/sim"
)

// Fields of OrderMassStatusRequest(35=AF) and of its answers.
const (
	tagMassStatusReqID   = 584
	tagMassStatusReqType = 585
	tagTotNumReports     = 911
	tagLastRptRequested  = 912
	massOfAllOrders      = '7'
)

// state is the report of an order's state.
func (s *Server) state(o *sim.OrderState, at int64, execID uint64) sim.Report {
	return sim.Report{Time: at, Owner: o.Owner, ClOrdID: o.ClOrdID, ExecID: execID, ExecType: market.ExecOrderStatus, OrderID: o.OrderID,
		Side: o.Side, Mark: o.Mark, OrdType: o.OrdType, TIF: o.TIF, OrdStatus: o.OrdStatus, Price: o.Price, OrderQty: o.OrderQty, CumQty: o.CumQty,
		LeavesQty: o.LeavesQty, Notional: o.Notional}
}

// onMassStatus answers with the state of every open order of the client: one report for each,
// the last of them marked, or one that says that there is none.
func (c *client) onMassStatus(m *fix.Message, now int64) error {
	s := c.entry.server
	if s.cfg.Style.Name != "" {
		c.session.BusinessReject(now, m, nil, unsupportedMessageType, "message type not supported")
		return nil
	}
	f := c.fields(m)
	reqID := f.id(tagMassStatusReqID).String()
	if f.char(tagMassStatusReqType, 0, false) != massOfAllOrders {
		f.fail(m.Bad(tagMassStatusReqType, fix.RejectValue))
	}
	if f.err != nil {
		return f.err
	}
	c.arrive(now, func(at int64) {
		var open []sim.Report
		for _, o := range s.engine.Orders(c.owner) {
			if !o.OrdStatus.Terminal() {
				open = append(open, s.state(&o, at, s.engine.NextExecID()))
			}
		}
		none := s.engine.NextExecID()
		c.leave(at, true, func(at int64) {
			for i := range open {
				w := c.beginReport(at, &open[i], c.ids.text)
				massFields(w, reqID, len(open), i == len(open)-1)
				c.endReport(w, &open[i])
			}
			if len(open) == 0 {
				c.sendNoOrders(at, none, reqID)
			}
		})
	})
	return nil
}

func massFields(w *fix.Writer, reqID string, n int, last bool) {
	w.Str(tagMassStatusReqID, reqID)
	w.Int(tagTotNumReports, int64(n))
	w.Char(tagLastRptRequested, map[bool]byte{true: 'Y', false: 'N'}[last])
}

// sendNoOrders writes the answer about no order at all.
func (c *client) sendNoOrders(now int64, execID uint64, reqID string) {
	w := c.session.Begin(now, fix.MsgExecutionReport)
	writeOrderID(w, 0)
	w.Uint(fix.TagExecID, execID)
	w.Char(fix.TagExecType, byte(market.ExecOrderStatus))
	w.Char(fix.TagOrdStatus, byte(market.StatusRejected))
	w.Str(fix.TagSymbol, "[N/A]")
	w.Char(fix.TagSide, byte(market.Buy))
	massFields(w, reqID, 0, true)
	w.Int(fix.TagLeavesQty, 0)
	w.Int(fix.TagCumQty, 0)
	w.Int(fix.TagAvgPx, 0)
	w.Str(fix.TagText, "no open orders")
	c.session.Send()
}
