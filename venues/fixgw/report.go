package fixgw

import (
	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// onceInReport are the fields of which a second one makes a report contradict itself.
const onceInReport = 1<<fix.SlotClOrdID | 1<<fix.SlotOrigClOrdID | 1<<fix.SlotOrderID | 1<<fix.SlotExecID |
	1<<fix.SlotExecType | 1<<fix.SlotOrdStatus | 1<<fix.SlotExecTransType | 1<<fix.SlotOrderQty |
	1<<fix.SlotPrice | 1<<fix.SlotLastPx | 1<<fix.SlotLastQty | 1<<fix.SlotCumQty | 1<<fix.SlotLeavesQty

// onReport decodes ExecutionReport(35=8).
func (g *Gateway) onReport(m *fix.Message, now int64) bool {
	if g.cfg.Dialect.MassStatus && char(m.At(fix.SlotExecType)) == byte(market.ExecOrderStatus) && noOrders(m) {
		g.start(event.MassStatus, now)
		return g.emit()
	}
	e := g.start(event.Exec, now)
	if tag, reason := g.readReport(m, e); reason != fieldOK {
		return g.malformed(m, now, m.Bad(tag, fix.RejectReason(reason)))
	}
	if g.cfg.DropCopy != nil && !g.copied(e) {
		return true
	}
	if !g.emit() {
		return false
	}
	g.stats.Reports++
	if e.Ref == 0 {
		g.stats.NotOurs++
	}
	g.ended(e)
	if e.Code == uint8(market.ExecOrderStatus) && lastOfAll(m) {
		g.start(event.MassStatus, now)
		return g.emit()
	}
	return true
}

// fieldOK stands for no error where a fix.RejectReason is expected.
const fieldOK = -1

// readReport fills e from m; on trouble it names the tag and the reason.
func (g *Gateway) readReport(m *fix.Message, e *event.Event) (tag, reason int) {
	e.Code, e.OrdStatus = char(m.At(fix.SlotExecType)), market.OrdStatus(char(m.At(fix.SlotOrdStatus)))
	e.Side, e.Mark, _ = market.ParseSide(char(m.At(fix.SlotSide)))
	execID, symbol := m.At(fix.SlotExecID), m.At(fix.SlotSymbol)
	switch {
	case m.Twice(onceInReport) != 0:
		return fix.SlotTag(m.Twice(onceInReport)), int(fix.RejectDuplicate)
	case e.Code == 0:
		return fix.TagExecType, int(fix.RejectMissingTag)
	case e.OrdStatus == 0:
		return fix.TagOrdStatus, int(fix.RejectMissingTag)
	case len(symbol) == 0:
		return fix.TagSymbol, int(fix.RejectMissingTag)
	case len(execID) == 0:
		return fix.TagExecID, int(fix.RejectMissingTag)
	}
	sym := g.symbols.find(symbol)
	if sym == nil {
		g.stats.UnknownSymbol++
		return fix.TagSymbol, int(fix.RejectValue)
	}
	e.Instrument, e.ID = sym.ID, shortID(execID)
	e.Ref = g.orderNumber(m, fix.SlotClOrdID)
	if len(m.At(fix.SlotOrigClOrdID)) > 0 {
		e.Ref = g.orderNumber(m, fix.SlotOrigClOrdID)
	}
	e.OrderRef = orderRef(m)
	if v := m.At(fix.SlotPossDupFlag); len(v) > 0 && v[0] == 'Y' {
		e.Flags = event.PossDup
	}
	if v := m.At(fix.SlotPossResend); len(v) > 0 && v[0] == 'Y' {
		e.Flags = event.PossDup
	}
	e.Liquidity = g.liquidity(m)
	if tag, reason := readNumbers(m, e, sym); reason != fieldOK {
		return tag, reason
	}
	e.Code = execType(e.Code, char(m.At(fix.SlotExecTransType)))
	e.OrigID = tradeOrRef(m, market.ExecType(e.Code))
	if e.Code == uint8(market.ExecOrderStatus) && len(m.At(fix.SlotAvgPx)) > 0 {
		v, err := market.ParseDecimal(truncate(m.At(fix.SlotAvgPx), sym.PriceDecimals), sym.PriceDecimals)
		if err != nil {
			return fix.TagAvgPx, int(fix.RejectFormat)
		}
		e.LastPx = market.Price(v)
	}
	return g.checkReport(m)
}

// tradeOrRef returns what the venue calls the trade, or what a report that is no trade refers
// to: ExecRefID(19).
func tradeOrRef(m *fix.Message, t market.ExecType) event.ID {
	if t != market.ExecTrade {
		return shortID(m.At(fix.SlotExecRefID))
	}
	for _, s := range [...]fix.Slot{fix.SlotTrdMatchID, fix.SlotTradeID, fix.SlotSecondaryExecID} {
		if v := m.At(s); len(v) > 0 {
			return shortID(v)
		}
	}
	return event.ID{}
}

// readNumbers reads quantities, prices and the time of e. CumQty and LeavesQty must be there.
func readNumbers(m *fix.Message, e *event.Event, sym *Symbol) (tag, reason int) {
	cum, ok := m.DecimalAt(fix.SlotCumQty, sym.QtyDecimals)
	if !ok {
		return unread(m, fix.SlotCumQty, fix.TagCumQty)
	}
	leaves, ok := m.DecimalAt(fix.SlotLeavesQty, sym.QtyDecimals)
	if !ok {
		return unread(m, fix.SlotLeavesQty, fix.TagLeavesQty)
	}
	e.CumQty, e.LeavesQty = market.Qty(cum), market.Qty(leaves)
	if v, ok := m.DecimalAt(fix.SlotOrderQty, sym.QtyDecimals); ok {
		e.Qty = market.Qty(v)
	} else if len(m.At(fix.SlotOrderQty)) > 0 {
		return fix.TagOrderQty, int(fix.RejectFormat)
	}
	if v, ok := m.DecimalAt(fix.SlotLastQty, sym.QtyDecimals); ok {
		e.LastQty = market.Qty(v)
	} else if len(m.At(fix.SlotLastQty)) > 0 {
		return fix.TagLastQty, int(fix.RejectFormat)
	}
	if v, ok := price(m, fix.SlotPrice, sym); ok {
		e.Price = v
	} else {
		return fix.TagPrice, int(fix.RejectFormat)
	}
	if v, ok := price(m, fix.SlotLastPx, sym); ok {
		e.LastPx = v
	} else {
		return fix.TagLastPx, int(fix.RejectFormat)
	}
	if ns, ok := m.TimeAt(fix.SlotTransactTime); ok {
		e.SrcTime = ns
	} else if len(m.At(fix.SlotTransactTime)) > 0 {
		return fix.TagTransactTime, int(fix.RejectFormat)
	} else {
		e.SrcTime, _ = m.TimeAt(fix.SlotSendingTime)
	}
	return 0, fieldOK
}

// unread says why a field that must be there could not be read.
func unread(m *fix.Message, s fix.Slot, tag int) (_, reason int) {
	if len(m.At(s)) == 0 {
		return tag, int(fix.RejectMissingTag)
	}
	return tag, int(fix.RejectFormat)
}

// price reads a price, 0 when there is none. It may be negative: of a spread.
func price(m *fix.Message, s fix.Slot, sym *Symbol) (market.Price, bool) {
	if v, ok := m.DecimalAt(s, sym.PriceDecimals); ok {
		return market.Price(v), true
	}
	text := m.At(s)
	if len(text) == 0 {
		return 0, true
	}
	v, err := market.ParseDecimal(text, sym.PriceDecimals)
	return market.Price(v), err == nil
}

// char is the value of a field of one character, 0 of one that is not there. A longer one
// is none that we know.
func char(v []byte) byte {
	switch len(v) {
	case 0:
		return 0
	case 1:
		return v[0]
	}
	return 0xff
}

// orderRef is what the venue's own feed calls its OrderID(37).
func orderRef(m *fix.Message) uint64 {
	if len(m.At(fix.SlotOrderID)) < 20 {
		if id, ok := m.UintAt(fix.SlotOrderID); ok {
			return id
		}
	}
	return market.OrderRef(m.At(fix.SlotOrderID))
}

// truncate cuts decimal text to a number of decimals. A status report carries no
// price of a single fill; the average, which has more decimals than a price,
// stands in for the fills that were missed.
func truncate(text []byte, decimals uint8) []byte {
	for i, c := range text {
		if c == '.' && len(text)-i-1 > int(decimals) {
			return text[:i+1+int(decimals)]
		}
	}
	return text
}

// checkReport refuses values that contradict each other or that this build does
// not know: a report half understood is worse than one refused.
func (g *Gateway) checkReport(m *fix.Message) (tag, reason int) {
	e := &g.e
	switch {
	case !knownStatus(e.OrdStatus):
		return fix.TagOrdStatus, int(fix.RejectValue)
	case !knownExecType(market.ExecType(e.Code)):
		return fix.TagExecType, int(fix.RejectValue)
	case e.Side != 0 && !e.Side.Valid():
		return fix.TagSide, int(fix.RejectValue)
	case e.Code == uint8(market.ExecTrade) && e.LastQty == 0:
		return fix.TagLastQty, int(fix.RejectValue)
	case e.Code == uint8(market.ExecTrade) && len(m.At(fix.SlotLastPx)) == 0:
		return fix.TagLastPx, int(fix.RejectMissingTag)
	}
	if e.Code == uint8(market.ExecRejected) {
		e.Reason = g.classify(m)
	}
	if e.Code == uint8(market.ExecOrderStatus) && e.OrdStatus == market.StatusRejected {
		e.Reason = g.classify(m)
		if string(m.At(fix.SlotOrdRejReason)) == "5" { // unknown order, FIX 4.4 vol. 6, OrdRejReason
			e.Reason = event.ReasonUnknownOrder
		}
	}
	return 0, fieldOK
}

func knownStatus(s market.OrdStatus) bool { return s.String() != "OrdStatus?" }

func knownExecType(t market.ExecType) bool { return t.String() != "OrdStatus?" }

// execType translates the FIX 4.2 spelling: 150=1 and 2 are trades, and
// ExecTransType(20) says cancel, correct or status.
func execType(code, execTrans byte) uint8 {
	switch execTrans {
	case '1':
		return uint8(market.ExecTradeCancel)
	case '2':
		return uint8(market.ExecTradeCorrect)
	case '3':
		return uint8(market.ExecOrderStatus)
	}
	if code == '1' || code == '2' {
		return uint8(market.ExecTrade)
	}
	return code
}

// shortID keeps the last 20 bytes of an identifier: those of a longer one, a UUID
// of 36 characters, hold 72 random bits.
func shortID(text []byte) event.ID {
	var id event.ID
	copy(id[:], text[max(0, len(text)-len(id)):])
	return id
}

// onceInCancelReject are the fields that an OrderCancelReject has once.
const onceInCancelReject = 1<<fix.SlotClOrdID | 1<<fix.SlotOrigClOrdID | 1<<fix.SlotOrdStatus | 1<<fix.SlotCxlRejReason

// onCancelReject decodes OrderCancelReject(35=9).
func (g *Gateway) onCancelReject(m *fix.Message, now int64) bool {
	e := g.start(event.OrderCancelReject, now)
	e.ID = shortID(m.At(fix.SlotClOrdID))
	e.Ref = m.IDAt(fix.SlotOrigClOrdID, g.cfg.Dialect.IDs)
	e.OrdStatus = market.OrdStatus(char(m.At(fix.SlotOrdStatus)))
	e.Reason = cancelReason(m.At(fix.SlotCxlRejReason))
	if m.Flag(fix.TagPossDupFlag) || m.Flag(fix.TagPossResend) {
		e.Flags = event.PossDup
	}
	var ok bool
	if e.SrcTime, ok = m.TimeAt(fix.SlotTransactTime); !ok && len(m.At(fix.SlotTransactTime)) > 0 {
		return g.malformed(m, now, m.Bad(fix.TagTransactTime, fix.RejectFormat))
	}
	if twice := m.Twice(onceInCancelReject); twice != 0 {
		return g.malformed(m, now, m.Bad(fix.SlotTag(twice), fix.RejectDuplicate))
	}
	if e.OrdStatus != 0 && !knownStatus(e.OrdStatus) {
		return g.malformed(m, now, m.Bad(fix.TagOrdStatus, fix.RejectValue))
	}
	if e.Ref == 0 {
		g.stats.NotOurs++
	}
	return g.emit()
}

// cancelReason maps CxlRejReason(102).
func cancelReason(v []byte) event.Reason {
	switch string(v) {
	case "0":
		return event.ReasonTooLate
	case "1":
		return event.ReasonUnknownOrder
	case "3":
		return event.ReasonPending
	case "6":
		return event.ReasonDuplicateClOrdID
	}
	return event.ReasonVenueReject
}

// liquidity says whether a fill added or removed; 0 is what is not known.
func (g *Gateway) liquidity(m *fix.Message) market.Liquidity {
	tag := g.cfg.Dialect.LiquidityTag
	if tag == fix.TagLastLiquidityInd {
		return market.Liquidity(first(m.At(fix.SlotLastLiquidityInd)))
	}
	if tag == 0 {
		return 0
	}
	v, _ := m.Get(tag)
	c := first(v)
	switch {
	case tag == fix.TagAggressorIndicator && c == 'Y', tag != fix.TagAggressorIndicator && c == 'R':
		return market.LiquidityRemoved
	case tag == fix.TagAggressorIndicator && c == 'N', tag != fix.TagAggressorIndicator && c == 'A':
		return market.LiquidityAdded
	}
	return 0
}

// first is the first character of a code, 0 without.
func first(v []byte) byte {
	if len(v) == 0 {
		return 0
	}
	return v[0]
}
