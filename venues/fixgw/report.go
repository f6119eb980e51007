package fixgw

import (
	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// report holds the fields of an ExecutionReport that can only be read once the
// symbol is known, which comes after them when a sender sorts by tag.
type report struct {
	clOrdID, origID, symbol, text                 []byte
	orderQty, price, lastPx, lastQty, cum, leaves []byte
	avgPx, transact                               []byte
	ordRej, quoteStatus, quoteRej                 []byte
	execTrans                                     byte
}

// onReport decodes ExecutionReport(35=8) in one pass.
func (g *Gateway) onReport(m *fix.Message, now int64) bool {
	e := g.start(event.Exec, now)
	var r report
	for i, n := 3, m.Len()-1; i < n; i++ {
		tag, v := m.Field(i)
		switch tag {
		case fix.TagClOrdID:
			r.clOrdID = v
		case fix.TagOrigClOrdID:
			r.origID = v
		case fix.TagOrderID:
			e.OrderRef = market.OrderRef(v)
		case fix.TagExecID:
			e.ID = shortID(v)
		case fix.TagExecType:
			e.Code = v[0]
		case fix.TagOrdStatus:
			e.OrdStatus = market.OrdStatus(v[0])
		case fix.TagSide:
			e.Side = market.Side(v[0])
		case fix.TagSymbol:
			r.symbol = v
		case fix.TagOrderQty:
			r.orderQty = v
		case fix.TagPrice:
			r.price = v
		case fix.TagLastPx:
			r.lastPx = v
		case fix.TagLastQty:
			r.lastQty = v
		case fix.TagAvgPx:
			r.avgPx = v
		case fix.TagCumQty:
			r.cum = v
		case fix.TagLeavesQty:
			r.leaves = v
		case fix.TagTransactTime:
			r.transact = v
		case fix.TagText:
			r.text = v
		case fix.TagOrdRejReason:
			r.ordRej = v
		case fix.TagQuoteStatus:
			r.quoteStatus = v
		case fix.TagQuoteRejectReason:
			r.quoteRej = v
		case fix.TagExecTransType:
			r.execTrans = v[0]
		case fix.TagPossDupFlag, fix.TagPossResend:
			if v[0] == 'Y' {
				e.Flags |= event.PossDup
			}
		default:
			if tag == g.cfg.Dialect.LiquidityTag {
				e.Liquidity = liquidity(tag, v[0])
			}
		}
	}
	if tag, reason := g.completeReport(&r, m); reason != fieldOK {
		return g.malformed(m, now, m.Bad(tag, fix.RejectReason(reason)))
	}
	if !g.emit() {
		return false
	}
	g.stats.Reports++
	if e.Ref == 0 {
		g.stats.NotOurs++
	}
	return true
}

// fieldOK stands for no error where a fix.RejectReason is expected.
const fieldOK = -1

// completeReport fills g.e from r; on trouble it names the tag and the reason.
func (g *Gateway) completeReport(r *report, m *fix.Message) (tag, reason int) {
	e := &g.e
	if tag := missingInReport(e, r); tag != 0 {
		return tag, int(fix.RejectMissingTag)
	}
	sym := g.symbols.find(r.symbol)
	if sym == nil {
		g.stats.UnknownSymbol++
		return fix.TagSymbol, int(fix.RejectValue)
	}
	e.Instrument = sym.ID
	e.Ref = g.cfg.Dialect.IDs.Parse(r.clOrdID)
	if r.origID != nil {
		e.Ref = g.cfg.Dialect.IDs.Parse(r.origID)
	}
	for _, q := range [...]struct {
		tag  int
		text []byte
		to   *market.Qty
	}{
		{fix.TagOrderQty, r.orderQty, &e.Qty}, {fix.TagLastQty, r.lastQty, &e.LastQty},
		{fix.TagCumQty, r.cum, &e.CumQty}, {fix.TagLeavesQty, r.leaves, &e.LeavesQty},
	} {
		if q.text == nil {
			continue
		}
		v, err := market.ParseDecimal(q.text, sym.QtyDecimals)
		if err != nil || v < 0 {
			return q.tag, int(fix.RejectFormat)
		}
		*q.to = market.Qty(v)
	}
	if tag := parsePrices(e, r, sym); tag != 0 {
		return tag, int(fix.RejectFormat)
	}
	if r.transact != nil {
		ns, err := fix.ParseTime(r.transact)
		if err != nil {
			return fix.TagTransactTime, int(fix.RejectFormat)
		}
		e.SrcTime = ns
	} else if ns, err := m.Time(fix.TagSendingTime); err == nil {
		e.SrcTime = ns
	}
	e.Code = execType(e.Code, r.execTrans)
	return g.checkReport(r)
}

// missingInReport returns the first tag without which a report says nothing.
func missingInReport(e *event.Event, r *report) (tag int) {
	switch {
	case e.Code == 0:
		return fix.TagExecType
	case e.OrdStatus == 0:
		return fix.TagOrdStatus
	case r.symbol == nil:
		return fix.TagSymbol
	case r.cum == nil:
		return fix.TagCumQty
	case r.leaves == nil:
		return fix.TagLeavesQty
	case e.ID.Len() == 0:
		return fix.TagExecID
	}
	return 0
}

func parsePrices(e *event.Event, r *report, sym *Symbol) (badTag int) {
	if r.price != nil {
		v, err := market.ParseDecimal(r.price, sym.PriceDecimals)
		if err != nil {
			return fix.TagPrice
		}
		e.Price = market.Price(v)
	}
	if r.lastPx != nil {
		v, err := market.ParseDecimal(r.lastPx, sym.PriceDecimals)
		if err != nil {
			return fix.TagLastPx
		}
		e.LastPx = market.Price(v)
	}
	if e.Code == uint8(market.ExecOrderStatus) && r.avgPx != nil {
		v, err := market.ParseDecimal(truncate(r.avgPx, sym.PriceDecimals), sym.PriceDecimals)
		if err != nil {
			return fix.TagAvgPx
		}
		e.LastPx = market.Price(v)
	}
	return 0
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
func (g *Gateway) checkReport(r *report) (tag, reason int) {
	e := &g.e
	switch {
	case !knownStatus(e.OrdStatus):
		return fix.TagOrdStatus, int(fix.RejectValue)
	case market.ExecType(e.Code).String() == "OrdStatus?":
		return fix.TagExecType, int(fix.RejectValue)
	case e.Side != 0 && !e.Side.Valid():
		return fix.TagSide, int(fix.RejectValue)
	case e.Code == uint8(market.ExecTrade) && e.LastQty == 0:
		return fix.TagLastQty, int(fix.RejectValue)
	case e.Code == uint8(market.ExecTrade) && r.lastPx == nil:
		return fix.TagLastPx, int(fix.RejectMissingTag)
	}
	if e.Code == uint8(market.ExecRejected) {
		e.Reason = g.classify(r)
	}
	if e.Code == uint8(market.ExecOrderStatus) && e.OrdStatus == market.StatusRejected {
		e.Reason = g.classify(r)
		if string(r.ordRej) == "5" { // unknown order, FIX 4.4 vol. 6, OrdRejReason
			e.Reason = event.ReasonUnknownOrder
		}
	}
	return 0, fieldOK
}

func knownStatus(s market.OrdStatus) bool { return s.String() != "OrdStatus?" }

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

// onCancelReject decodes OrderCancelReject(35=9).
func (g *Gateway) onCancelReject(m *fix.Message, now int64) bool {
	e := g.start(event.OrderCancelReject, now)
	e.Reason = event.ReasonVenueReject
	for i, n := 3, m.Len()-1; i < n; i++ {
		tag, v := m.Field(i)
		switch tag {
		case fix.TagClOrdID:
			e.ID = shortID(v)
		case fix.TagOrigClOrdID:
			e.Ref = g.cfg.Dialect.IDs.Parse(v)
		case fix.TagOrdStatus:
			e.OrdStatus = market.OrdStatus(v[0])
		case fix.TagCxlRejReason:
			e.Reason = cancelReason(v)
		case fix.TagTransactTime:
			ns, err := fix.ParseTime(v)
			if err != nil {
				return g.malformed(m, now, m.Bad(tag, fix.RejectFormat))
			}
			e.SrcTime = ns
		case fix.TagPossDupFlag, fix.TagPossResend:
			if v[0] == 'Y' {
				e.Flags |= event.PossDup
			}
		}
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
func liquidity(tag int, v byte) market.Liquidity {
	switch {
	case tag == fix.TagLastLiquidityInd:
		return market.Liquidity(v)
	case tag == fix.TagAggressorIndicator && v == 'Y', tag != fix.TagAggressorIndicator && v == 'R':
		return market.LiquidityRemoved
	case tag == fix.TagAggressorIndicator && v == 'N', tag != fix.TagAggressorIndicator && v == 'A':
		return market.LiquidityAdded
	}
	return 0
}
