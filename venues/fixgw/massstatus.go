package fixgw

import (
	"penstock/event"
	"penstock/fix"
)

// Fields of OrderMassStatusRequest(35=AF) and of its answers (FIX 4.4 vol. 4).
const (
	tagMassStatusReqID   = 584
	tagMassStatusReqType = 585
	tagTotNumReports     = 911
	tagLastRptRequested  = 912
	allOrders            = '7'
)

// askAll sends OrderMassStatusRequest(35=AF) for all orders of the session.
func (g *Gateway) askAll(now int64, c *event.Command) bool {
	if !g.cfg.Dialect.MassStatus || g.cfg.DropCopy != nil || c.Ref == 0 || !g.Up() || !g.session.CanSend() || g.unsent.Full() ||
		!g.pace.Allows(now, false) || g.lane.Len() > 0 {
		return false
	}
	start := len(g.session.Out())
	w := g.session.Begin(now, fix.MsgMassStatusRequest)
	w.Uint(tagMassStatusReqID, c.Ref)
	w.Char(tagMassStatusReqType, allOrders)
	g.session.Send()
	if !g.admitted(now, start, c) {
		return false
	}
	g.countSent(now)
	g.stats.StatusRequests++
	return g.transmit(now, c)
}

// noOrders reports whether a report says that there is no order to tell of.
func noOrders(m *fix.Message) bool {
	n, ok := m.Get(tagTotNumReports)
	return ok && string(n) == "0"
}

// lastOfAll reports whether a report is the last answer to a mass status request.
func lastOfAll(m *fix.Message) bool {
	_, ok := m.Get(tagMassStatusReqID)
	return ok && m.Flag(tagLastRptRequested)
}
