package fixgw

import (
	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// Conditional orders in FIX, in two shapes. A conditional order is flagged by a tag of the
// venue. The invitation comes as an ExecutionReport(35=8) with another tag of the venue, or
// as an IOI(35=6). Both name it by IOIID(23), which the firm order carries.

// invites reports whether a report is an invitation to firm up.
func (d *Dialect) invites(m *fix.Message) bool {
	if d.InviteTag == 0 {
		return false
	}
	v, ok := m.Get(d.InviteTag)
	return ok && string(v) == d.InviteValue
}

// onInvitation decodes an ExecutionReport(35=8) that invites, or an IOI(35=6).
func (g *Gateway) onInvitation(m *fix.Message, now int64) bool {
	e := g.start(event.Invitation, now)
	if tag, reason := g.readInvitation(m, e); reason != fieldOK {
		return g.malformed(m, now, m.Bad(tag, fix.RejectReason(reason)))
	}
	if !g.emit() {
		return false
	}
	g.stats.Invitations++
	return true
}

func (g *Gateway) readInvitation(m *fix.Message, e *event.Event) (tag, reason int) {
	id, ok := m.Get(fix.TagIOIID)
	if !ok {
		return fix.TagIOIID, int(fix.RejectMissingTag)
	}
	if e.ID, ok = event.MakeID(id); !ok { // it must come back whole
		return fix.TagIOIID, int(fix.RejectValue)
	}
	sym := g.symbols.find(m.At(fix.SlotSymbol))
	if sym == nil {
		g.stats.UnknownSymbol++
		return fix.TagSymbol, int(fix.RejectValue)
	}
	e.Instrument, e.Ref = sym.ID, m.IDAt(fix.SlotClOrdID, g.cfg.Dialect.IDs)
	e.Side = market.Side(char(m.At(fix.SlotSide)))
	if e.Side != 0 && !e.Side.Valid() {
		return fix.TagSide, int(fix.RejectValue)
	}
	if e.Ref == 0 && e.Side == 0 {
		return fix.TagSide, int(fix.RejectMissingTag)
	}
	qtyTag := fix.TagLeavesQty
	if m.Type()[0] == '6' {
		qtyTag = fix.TagIOIQty
		if kind, _ := m.Get(fix.TagIOITransType); string(kind) == "C" {
			e.Code = event.InvitationWithdrawn
		}
	}
	// IOIQty(27) may be S, M or L: then it says nothing, and the order's own size counts.
	if v, ok := m.Get(qtyTag); ok && (qtyTag == fix.TagLeavesQty || v[0] >= '0' && v[0] <= '9') {
		qty, err := market.ParseDecimal(v, sym.QtyDecimals)
		if err != nil || qty < 0 || qty > int64(market.MaxQty) {
			return qtyTag, int(fix.RejectFormat)
		}
		e.Qty = market.Qty(qty)
	}
	if e.Until, ok = m.TimeAt(fix.SlotValidUntilTime); !ok && len(m.At(fix.SlotValidUntilTime)) > 0 {
		return fix.TagValidUntilTime, int(fix.RejectFormat)
	}
	if m.Flag(fix.TagPossDupFlag) || m.Flag(fix.TagPossResend) {
		e.Flags = event.PossDup
	}
	return 0, fieldOK
}

// ConditionalTag returns the tag that flags a conditional order with the value 0, or 0: the
// firewall must know which orders cannot trade.
func (d *Dialect) ConditionalTag() int {
	if d.Conditional == nil {
		return 0
	}
	return tagConditional
}
