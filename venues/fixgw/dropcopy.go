package fixgw

import (
	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// DropCopy makes a Gateway the reader of a venue's drop copy: a session that sends nothing, on
// which the venue repeats the reports of other sessions. They become events of kind DropCopy.
type DropCopy struct {
	// Shared says that the venue repeats reports of others' orders as well: those whose
	// ClOrdID(11) is none of ours are counted and not told.
	Shared bool
	// Child reads ClOrdID(11) where the orders are not entered in the dialect; nil: as it does.
	Child func(text []byte) uint64
	// Ended is told that an order of ours is over, with its CumQty, after the Sink has it.
	Ended func(child uint64, cum market.Qty)
}

// kindOf returns the kind of event that stands for what the order session would tell as kind.
func (g *Gateway) kindOf(kind event.Kind) event.Kind {
	switch {
	case g.cfg.DropCopy == nil:
	case kind == event.Exec:
		return event.DropCopy
	case kind == event.VenueSession:
		return event.DropCopySession
	}
	return kind
}

// onCopy decodes a message of a drop copy session. Only executions and ends of orders are told:
// acceptances and answers change nothing that can be compared.
func (g *Gateway) onCopy(m *fix.Message, now int64) bool {
	if string(m.Type()) != fix.MsgExecutionReport {
		g.stats.Unknown++
		return true
	}
	if symbol := m.At(fix.SlotSymbol); len(symbol) > 0 && g.symbols.find(symbol) == nil {
		g.stats.UnknownSymbol++ // of somebody else's business: a Reject would be wrong
		return true
	}
	return g.onReport(m, now)
}

// copied reports whether a report that was read is to be told.
func (g *Gateway) copied(e *event.Event) bool {
	if e.Ref == 0 && g.cfg.DropCopy.Shared {
		g.stats.NotOurs++
		return false
	}
	switch market.ExecType(e.Code) {
	case market.ExecTrade, market.ExecTradeCancel, market.ExecTradeCorrect, market.ExecCanceled, market.ExecExpired,
		market.ExecDoneForDay, market.ExecRejected:
		return true
	}
	return e.Ref == 0 // an order that is not ours is news of any kind
}

// ended passes the end of an order on.
func (g *Gateway) ended(e *event.Event) {
	d := g.cfg.DropCopy
	if d == nil || d.Ended == nil || e.Ref == 0 || !e.OrdStatus.Terminal() || market.ExecType(e.Code) == market.ExecTradeCancel ||
		market.ExecType(e.Code) == market.ExecTradeCorrect {
		return
	}
	d.Ended(e.Ref, e.CumQty)
}

// orderNumber reads an order's number from an identifier of a report.
func (g *Gateway) orderNumber(m *fix.Message, s fix.Slot) uint64 {
	if d := g.cfg.DropCopy; d != nil && d.Child != nil {
		return d.Child(m.At(s))
	}
	return m.IDAt(s, g.cfg.Dialect.IDs)
}
