package ems

import (
	"github.com/quickfixgo/quickfix"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// version is the BeginString(8) of a session. FIX 4.4 is the language of the router; what
// FIX 4.2 says differently is translated here.
type version string

// old reports whether the session speaks FIX 4.2.
func (v version) old() bool { return v == quickfix.BeginStringFIX42 }

// Values of ExecTransType(20), FIX 4.2.
const (
	execTransNew     = '0'
	execTransCancel  = '1'
	execTransCorrect = '2'
	execTransStatus  = '3'
)

// setStates sets ExecType(150) and OrdStatus(39), and before FIX 4.3 ExecTransType(20).
// There an execution is a PartialFill or a Fill; what takes one back, corrects it or answers
// a status request has the state of the order as its ExecType; and an order without
// executions that was replaced is Replaced.
func (v version) setStates(b *quickfix.Body, cmd *event.Command) {
	execType, status := byte(cmd.ExecType), byte(cmd.OrdStatus)
	if v.old() {
		trans := byte(execTransNew)
		switch cmd.ExecType {
		case market.ExecTrade:
			if execType = '1'; cmd.LeavesQty == 0 && cmd.CumQty >= cmd.Qty {
				execType = '2'
			}
		case market.ExecTradeCancel:
			execType, trans = status, execTransCancel
		case market.ExecTradeCorrect:
			execType, trans = status, execTransCorrect
		case market.ExecOrderStatus:
			execType, trans = status, execTransStatus
		case market.ExecReplaced:
			if cmd.OrdStatus == market.StatusNew {
				status = byte(market.StatusReplaced)
			}
		}
		setChar(b, fix.TagExecTransType, trans)
	}
	setChar(b, fix.TagExecType, execType)
	setChar(b, fix.TagOrdStatus, status)
}

// restatementReason is ExecRestatementReason(378): of an order that goes on with a new day its
// renewal; of a report that says what a missed execution was worth other, which FIX 4.2 does
// not have.
func (v version) restatementReason(r event.Reason) int {
	switch {
	case r == event.ReasonDayBegins:
		return 1
	case v.old():
		return 4 // broker option
	}
	return 99
}

// ordRejReason is OrdRejReason(103), which ends at 8 in FIX 4.2.
func (v version) ordRejReason(r event.Reason) int {
	n := r.OrdRejReason()
	if v.old() && n > 8 {
		return 0 // broker option
	}
	return n
}

// setCxlRejReason sets CxlRejReason(102), which ends at 3 in FIX 4.2.
func (v version) setCxlRejReason(b *quickfix.Body, r event.Reason) {
	n := r.CxlRejReason()
	if v.old() && n > 3 {
		n = 2 // broker option
	}
	b.SetInt(fix.TagCxlRejReason, n)
}
