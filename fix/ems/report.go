package ems

import (
	"strconv"
	"time"

	"github.com/quickfixgo/quickfix"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// noOrderID is OrderID(37) of an order that the router does not know.
const noOrderID = "NONE"

// undisclosed is Side(54) of a report on an order whose side is not known.
const undisclosed = "7"

// noSymbol is Symbol(55) of a report on an order whose instrument is not known.
const noSymbol = "[N/A]"

// encode returns the message that tells a session of the FIX version begin of cmd.
func (c *Config) encode(cmd *event.Command, begin string) *quickfix.Message {
	v := version(begin)
	if cmd.Kind == event.RejectCancel {
		return v.encodeCancelReject(cmd)
	}
	return c.encodeReport(cmd, v)
}

// encodeReport returns an ExecutionReport(8).
func (c *Config) encodeReport(cmd *event.Command, v version) *quickfix.Message {
	msg, b := newMessage(fix.MsgExecutionReport)
	b.SetString(fix.TagOrderID, orderID(cmd.Parent))
	b.SetString(fix.TagClOrdID, cmd.ID.String())
	switch {
	case cmd.OrigID == event.ID{}, cmd.LastQty != 0: // of a trade it is something else
	case cmd.ExecType == market.ExecOrderStatus:
		if !v.old() {
			b.SetString(tagOrdStatusReqID, cmd.OrigID.String())
		}
	default:
		b.SetString(fix.TagOrigClOrdID, cmd.OrigID.String())
	}
	b.SetString(fix.TagExecID, strconv.FormatUint(cmd.Ref, 10))
	if cmd.ExecRef != 0 {
		b.SetString(fix.TagExecRefID, strconv.FormatUint(cmd.ExecRef, 10))
	}
	v.setStates(b, cmd)
	setChar(b, fix.TagOrdType, byte(cmd.OrdType))
	setChar(b, fix.TagTimeInForce, byte(cmd.TIF))
	setChar(b, fix.TagExecInst, byte(cmd.ExecInst))
	if cmd.Side.Valid() {
		setChar(b, fix.TagSide, cmd.Mark.Code(cmd.Side))
	} else {
		b.SetString(fix.TagSide, undisclosed)
	}
	c.setNumbers(b, cmd, v)
	if cmd.LastQty != 0 {
		c.setTrade(b, cmd, v)
	}
	b.SetField(fix.TagTransactTime, timestamp(cmd.StepTime))
	if cmd.ExecType == market.ExecRejected || cmd.OrdStatus == market.StatusRejected {
		b.SetInt(fix.TagOrdRejReason, v.ordRejReason(cmd.Reason))
	}
	setText(b, cmd.Reason.String())
	return msg
}

// setNumbers sets symbol, prices and quantities, which need the instrument.
func (c *Config) setNumbers(b *quickfix.Body, cmd *event.Command, v version) {
	if int(cmd.Instrument) >= len(c.Instruments) {
		b.SetString(fix.TagSymbol, noSymbol)
		for _, tag := range []quickfix.Tag{fix.TagOrderQty, fix.TagCumQty, fix.TagLeavesQty,
			fix.TagAvgPx} {
			b.SetString(tag, "0")
		}
		return
	}
	ins := &c.Instruments[cmd.Instrument]
	b.SetString(fix.TagSymbol, ins.Symbol)
	b.SetString(fix.TagOrderQty, ins.FormatQty(cmd.Qty))
	b.SetString(fix.TagCumQty, ins.FormatQty(cmd.CumQty))
	b.SetString(fix.TagLeavesQty, ins.FormatQty(cmd.LeavesQty))
	avg, decimals := avgPx(cmd.Notional, cmd.CumQty, ins.PriceDecimals)
	b.SetBytes(fix.TagAvgPx, market.AppendTrimmed(nil, avg, decimals))
	if cmd.OrdType == market.OrdLimit {
		b.SetString(fix.TagPrice, ins.FormatPrice(cmd.Price))
	}
	if cmd.ExecType == market.ExecRestated {
		b.SetInt(tagExecRestatementReason, v.restatementReason(cmd.Reason))
	}
	if cmd.Days > 0 { // FIX 4.4 vol. 4: on the days after the first one
		cum, worth := cmd.Day()
		b.SetString(tagDayOrderQty, ins.FormatQty(cmd.Qty-(cmd.CumQty-cum)))
		b.SetString(tagDayCumQty, ins.FormatQty(cum))
		avg, decimals := avgPx(worth, cum, ins.PriceDecimals)
		b.SetBytes(tagDayAvgPx, market.AppendTrimmed(nil, avg, decimals))
	}
}

// setTrade sets what is executed, taken back or corrected, and where: LastMkt(30),
// LastLiquidityInd(851), and what the venue calls the trade. FIX 4.2 has a field for the
// first only.
func (c *Config) setTrade(b *quickfix.Body, cmd *event.Command, v version) {
	if int(cmd.Instrument) < len(c.Instruments) {
		ins := &c.Instruments[cmd.Instrument]
		b.SetString(fix.TagLastQty, ins.FormatQty(cmd.LastQty))
		b.SetString(fix.TagLastPx, ins.FormatPrice(cmd.LastPx))
	}
	if int(cmd.Venue) < len(c.Venues) {
		b.SetString(fix.TagLastMkt, c.Venues[cmd.Venue].MIC)
	}
	if v.old() {
		return
	}
	setChar(b, fix.TagLastLiquidityInd, byte(cmd.Liquidity))
	if cmd.OrigID.Len() > 0 {
		b.SetString(fix.TagSecondaryExecID, plain(cmd.OrigID[:cmd.OrigID.Len()]))
	}
}

// encodeCancelReject returns an OrderCancelReject(9).
func (v version) encodeCancelReject(cmd *event.Command) *quickfix.Message {
	msg, b := newMessage(fix.MsgCancelReject)
	b.SetString(fix.TagOrderID, orderID(cmd.Parent))
	b.SetString(fix.TagClOrdID, cmd.ID.String())
	b.SetString(fix.TagOrigClOrdID, cmd.OrigID.String())
	status := cmd.OrdStatus
	if status == 0 {
		status = market.StatusRejected // of an unknown order: FIX 4.4 vol. 4
	}
	setChar(b, fix.TagOrdStatus, byte(status))
	replace := cmd.ExecType == market.ExecPendingReplace
	b.SetString(fix.TagCxlRejResponseTo, cancelRejResponse(replace))
	v.setCxlRejReason(b, cmd.Reason)
	b.SetField(fix.TagTransactTime, timestamp(cmd.StepTime))
	setText(b, cmd.Reason.String())
	return msg
}

// refuseOrder returns the ExecutionReport(8) that refuses an order which the
// router has not seen. The order's own words are said back.
func (v version) refuseOrder(in *inbound, r *refusal, execID string, now int64) *quickfix.Message {
	msg, b := newMessage(fix.MsgExecutionReport)
	b.SetString(fix.TagOrderID, noOrderID)
	b.SetString(fix.TagExecID, execID)
	setChar(b, fix.TagExecType, byte(market.ExecRejected))
	setChar(b, fix.TagOrdStatus, byte(market.StatusRejected))
	if v.old() {
		setChar(b, fix.TagExecTransType, execTransNew)
	}
	for _, tag := range []int{fix.TagClOrdID, fix.TagSymbol, fix.TagSide, fix.TagOrderQty,
		fix.TagOrdType, fix.TagPrice, fix.TagTimeInForce} {
		if value, ok := in.msg.Get(tag); ok {
			b.SetString(quickfix.Tag(tag), plain(value))
		}
	}
	for _, tag := range []quickfix.Tag{fix.TagLeavesQty, fix.TagCumQty, fix.TagAvgPx} {
		b.SetString(tag, "0")
	}
	b.SetInt(fix.TagOrdRejReason, v.ordRejReason(r.reason))
	b.SetField(fix.TagTransactTime, timestamp(now))
	setText(b, r.text)
	return msg
}

// refuseCancel returns the OrderCancelReject(9) for a cancel or replace that does
// not reach the router; known is what the client knows of the order.
func (v version) refuseCancel(in *inbound, r *refusal, known orderView, now int64) *quickfix.Message {
	msg, b := newMessage(fix.MsgCancelReject)
	b.SetString(fix.TagOrderID, orderID(known.parent))
	b.SetString(fix.TagClOrdID, in.event.ID.String())
	b.SetString(fix.TagOrigClOrdID, in.event.OrigID.String())
	setChar(b, fix.TagOrdStatus, byte(known.status))
	b.SetString(fix.TagCxlRejResponseTo, cancelRejResponse(in.msgType == 'G'))
	v.setCxlRejReason(b, r.reason)
	b.SetField(fix.TagTransactTime, timestamp(now))
	setText(b, r.text)
	return msg
}

// cancelRejResponse is CxlRejResponseTo(434).
func cancelRejResponse(replace bool) string {
	if replace {
		return "2"
	}
	return "1"
}

func newMessage(msgType string) (*quickfix.Message, *quickfix.Body) {
	msg := quickfix.NewMessage()
	msg.Header.SetString(fix.TagMsgType, msgType)
	return msg, &msg.Body
}

func orderID(parent uint64) string {
	if parent == 0 {
		return noOrderID
	}
	return strconv.FormatUint(parent, 10)
}

func timestamp(ns int64) quickfix.FIXUTCTimestamp {
	return quickfix.FIXUTCTimestamp{Time: time.Unix(0, ns)}
}

// setChar sets a field of one character; 0 means absent.
func setChar(b *quickfix.Body, tag quickfix.Tag, c byte) {
	if c != 0 {
		b.SetBytes(tag, []byte{c})
	}
}

func setText(b *quickfix.Body, text string) {
	if text != "" {
		b.SetString(fix.TagText, text)
	}
}
