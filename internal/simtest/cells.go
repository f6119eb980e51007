package simtest

import (
	"strings"

	"penstock/router"
)

// A cell is an OrdStatus(39) that the router believes of an order, and a report that it gets
// then: ExecType(150) of an ExecutionReport, or 9 for an OrderCancelReject.
const (
	cellStates  = "A0123468C"
	cellReports = "A0F3468CDGHI9"
)

// cells counts how often each was met.
type cells [len(cellStates)][len(cellReports)]uint32

func (w *world) markCell(ch *router.Child, m *message) {
	why := m.execType
	if m.typ == msgCancelReject {
		why = '9'
	}
	state, report := strings.IndexByte(cellStates, byte(ch.Status)), strings.IndexByte(cellReports, why)
	if state < 0 || report < 0 {
		w.fail("order %d in state %c gets a report %c: neither belongs here", m.number, ch.Status, why)
	}
	w.cells[state][report]++
}

// rare reports whether a cell takes so much to happen that a full run may do without: what was
// executed of an order that was refused or done for the day is taken back, or a bust or a correction
// comes where the answer to a cancel is lost or late; or the venue repeats that a cancel is under way after a restart, of an
// order that a status or the drop copy has said is filled, or its end.
func rare(state, report byte) bool {
	return strings.IndexByte("38", state) >= 0 && strings.IndexByte("GHI", report) >= 0 || state == '6' && (report == 'H' || report == 'G') ||
		state == '2' && (report == '6' || report == '4')
}

// impossible says why a cell cannot be met, or "": a session delivers in order, and a venue
// that says one thing at a time says it once.
func impossible(state, report byte) string {
	over := strings.IndexByte("2348C", state) >= 0
	acknowledges := report == 'A' || report == '0'
	switch {
	case report == 'A' && state != 'A':
		return "PendingNew is the first word about an order"
	case acknowledges && over:
		return "an order is acknowledged before its end"
	case acknowledges && (state == '6' || state == '0'):
		return "an order is acknowledged once"
	case report == '6' && (over && state != '2' || state == '6'):
		return "PendingCancel is said of an order at work, once"
	case over && strings.IndexByte("348C", report) >= 0 && report != state && !(state == '2' && report == '4'):
		return "an order ends once"
	case over && report == 'D':
		return "an order at work is restated"
	case state == '8' && strings.IndexByte("F8", report) >= 0:
		return "a refused order is over, and is refused once"
	case state == '6' && strings.IndexByte("38CD", report) >= 0:
		return "a venue answers a cancel before anything else happens"
	case strings.IndexByte("A0", state) >= 0 && strings.IndexByte("GH", report) >= 0:
		return "an execution that is taken back has made the order PartiallyFilled"
	}
	return ""
}
