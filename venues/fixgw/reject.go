package fixgw

import (
	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// commonRejects hold for every venue, after those of its dialect. The codes of
// 297 and 300 follow the Investment Association's use for last look.
var commonRejects = []RejectRule{
	{fix.TagText, "price moved", event.ReasonLastLookPrice},
	{fix.TagText, "last look", event.ReasonLastLookPrice},
	{fix.TagText, "quote expired", event.ReasonQuoteExpired},
	{fix.TagText, "invitation expired", event.ReasonQuoteExpired},
	{fix.TagText, "unknown quote", event.ReasonQuoteExpired},
	{fix.TagText, "superseded", event.ReasonQuoteExpired},
	{fix.TagText, "throttle", event.ReasonVenueThrottle},
	{fix.TagText, "rate limit", event.ReasonVenueThrottle},
	{fix.TagText, "halted", event.ReasonVenueHalted},
	{fix.TagText, "price band", event.ReasonPriceBand},
	{fix.TagText, "limit up", event.ReasonPriceBand},
	{fix.TagText, "limit down", event.ReasonPriceBand},
	{fix.TagText, "price collar", event.ReasonPriceBand},
	{fix.TagText, "would take", event.ReasonWouldTake},
	{fix.TagText, "would cross", event.ReasonWouldTake},
	{fix.TagText, "post only", event.ReasonWouldTake},
	{fix.TagText, "post-only", event.ReasonWouldTake},
	{fix.TagQuoteStatus, "7", event.ReasonQuoteExpired},
	{fix.TagQuoteStatus, "9", event.ReasonQuoteExpired},
	{fix.TagQuoteStatus, "11", event.ReasonLastLookPrice},
	{fix.TagQuoteRejectReason, "4", event.ReasonQuoteExpired},
	{fix.TagQuoteRejectReason, "5", event.ReasonQuoteExpired},
	{fix.TagQuoteRejectReason, "8", event.ReasonLastLookPrice},
	{fix.TagOrdRejReason, "1", event.ReasonUnknownInstrument},
	{fix.TagOrdRejReason, "2", event.ReasonVenueHalted},
	{fix.TagOrdRejReason, "4", event.ReasonTooLate},
	{fix.TagOrdRejReason, "6", event.ReasonDuplicateClOrdID},
	{fix.TagOrdRejReason, "11", event.ReasonUnsupportedType},
	{fix.TagOrdRejReason, "13", event.ReasonBadQty},
}

// classify says why the venue refused an order.
func (g *Gateway) classify(m *fix.Message) event.Reason {
	for _, rules := range [...][]RejectRule{g.cfg.Dialect.Rejects, commonRejects} {
		for i := range rules {
			rule := &rules[i]
			switch rule.Tag {
			case fix.TagText:
				if containsFold(m.At(fix.SlotText), rule.Match) {
					return rule.Reason
				}
			case fix.TagQuoteStatus:
				if string(m.At(fix.SlotQuoteStatus)) == rule.Match {
					return rule.Reason
				}
			case fix.TagQuoteRejectReason:
				if string(m.At(fix.SlotQuoteRejectReason)) == rule.Match {
					return rule.Reason
				}
			case fix.TagOrdRejReason:
				if string(m.At(fix.SlotOrdRejReason)) == rule.Match {
					return rule.Reason
				}
			}
		}
	}
	return event.ReasonVenueReject
}

// containsFold reports whether part occurs in text, ignoring ASCII case.
func containsFold(text []byte, part string) bool {
	for i := 0; i+len(part) <= len(text); i++ {
		j := 0
		for j < len(part) && lower(text[i+j]) == lower(part[j]) {
			j++
		}
		if j == len(part) {
			return true
		}
	}
	return false
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// onReject handles Reject(35=3) and BusinessMessageReject(35=j): the venue could
// not read, or not use, a message of ours. When it was an order, the order does
// not exist there, which the core hears as a rejected order.
func (g *Gateway) onReject(m *fix.Message, now int64) bool {
	seq, err := m.Int(fix.TagRefSeqNum)
	var o *recentOrder
	if err == nil && seq > 0 {
		o = g.recent.get(uint64(seq))
	}
	id, named := m.Get(fix.TagBusinessRejectRefID)
	if o == nil || named && g.cfg.Dialect.IDs.Parse(id) != o.id() {
		g.stats.Unknown++
		return true
	}
	e := g.start(event.Exec, now)
	e.Ref = o.child
	e.Instrument, e.Side = market.InstrumentID(o.instrument), market.Side(o.side)
	e.Price, e.Qty = market.Price(o.price), market.Qty(o.qty)
	e.SrcTime, _ = m.Time(fix.TagSendingTime)
	if e.Reason = g.classify(m); o.kind == event.SendCancel {
		e.SetSent(0)
		e.Kind = event.OrderCancelReject
		return g.emit()
	}
	e.Code = uint8(market.ExecRejected)
	e.OrdStatus = market.StatusRejected
	return g.emit()
}

// id is the ClOrdID(11) that the message had.
func (o *recentOrder) id() uint64 {
	if o.kind == event.SendCancel {
		return o.ref
	}
	return o.child
}
