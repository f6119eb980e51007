package sim

import (
	"penstock/event"
	"penstock/market"
)

// blotter keeps what a venue knows about the orders of named owners: their
// states, their fills, the ClOrdIDs used, and the counters of OrderID, ExecID
// and trade numbers.
type blotter struct {
	venue     Venue
	lastOrder uint64
	lastExec  uint64
	lastMatch uint64
	byID      map[ownedID]*OrderState // nil value: the id of a cancel request
	orders    []*OrderState           // in order of entry
	fills     []Fill
}

type ownedID struct {
	owner uint32
	id    event.ID
}

func newBlotter(v Venue) blotter {
	return blotter{
		venue: v, lastOrder: v.IDBase, lastExec: v.IDBase,
		byID: make(map[ownedID]*OrderState),
	}
}

// Trades returns a copy of the fills of owner in order of time.
func (b *blotter) Trades(owner uint32) []Fill {
	var out []Fill
	for i := range b.fills {
		if b.fills[i].Owner == owner {
			out = append(out, b.fills[i])
		}
	}
	return out
}

// Orders returns a copy of the states of all orders of owner, in order of entry.
func (b *blotter) Orders(owner uint32) []OrderState {
	var out []OrderState
	for _, o := range b.orders {
		if o.Owner == owner {
			out = append(out, *o)
		}
	}
	return out
}

// Status returns the state of one order.
func (b *blotter) Status(owner uint32, clOrdID event.ID) (OrderState, bool) {
	if o := b.byID[ownedID{owner, clOrdID}]; o != nil {
		return *o, true
	}
	return OrderState{}, false
}

// NextExecID returns a fresh ExecID, for reports that the server makes itself.
func (b *blotter) NextExecID() uint64 {
	b.lastExec++
	return b.lastExec
}

func (b *blotter) nextOrder() uint64 {
	b.lastOrder++
	return b.lastOrder
}

func (b *blotter) nextMatch() uint64 {
	b.lastMatch++
	return b.lastMatch
}

// register books a new order and its ClOrdID; false when the id was used before.
func (b *blotter) register(now int64, o *Order) (*OrderState, bool) {
	key := ownedID{o.Owner, o.ClOrdID}
	if _, used := b.byID[key]; used {
		return nil, false
	}
	s := &OrderState{
		Owner: o.Owner, ClOrdID: o.ClOrdID, OrderID: b.nextOrder(), Side: o.Side, Mark: o.Mark, Locate: o.Locate, MaxFloor: o.MaxFloor,
		OrdType: o.OrdType, TIF: o.TIF, OrdStatus: market.StatusPendingNew,
		Price: o.Price, OrderQty: o.Qty, MinQty: o.MinQty, LeavesQty: o.Qty,
		QuoteID: o.QuoteID, SelfMatch: o.SelfMatch, Updated: now,
	}
	b.byID[key] = s
	b.orders = append(b.orders, s)
	return s, true
}

// admit registers an order that passed validation, or rejects it.
func (b *blotter) admit(now int64, o *Order, reason event.Reason, text string) *OrderState {
	if !o.ClOrdID.Valid() {
		b.refuse(now, o, event.ReasonBadParameter, "ClOrdID missing or malformed")
		return nil
	}
	s, fresh := b.register(now, o)
	if !fresh {
		b.refuse(now, o, event.ReasonDuplicateClOrdID, "duplicate ClOrdID")
		return nil
	}
	if reason != event.ReasonNone {
		b.reject(now, s, reason, text)
		return nil
	}
	return s
}

// refuse rejects an order that gets no record: its ClOrdID belongs to another.
func (b *blotter) refuse(now int64, o *Order, reason event.Reason, text string) {
	if b.venue.Replies.Report == nil {
		return
	}
	b.venue.Replies.Report(&Report{
		Time: now, Owner: o.Owner, ClOrdID: o.ClOrdID, ExecID: b.NextExecID(), Side: o.Side, Mark: o.Mark,
		OrdType: o.OrdType, TIF: o.TIF, ExecType: market.ExecRejected,
		OrdStatus: market.StatusRejected, Price: o.Price, OrderQty: o.Qty,
		QuoteID: o.QuoteID, Reason: reason, Text: text,
	})
}

// state moves s to status and reports it with the ExecType of the same letter.
func (b *blotter) state(now int64, s *OrderState, status market.OrdStatus) {
	s.OrdStatus, s.Updated = status, now
	b.report(now, s, &Report{ExecType: market.ExecType(status)})
}

func (b *blotter) reject(now int64, s *OrderState, reason event.Reason, text string) {
	s.OrdStatus, s.LeavesQty, s.Updated = market.StatusRejected, 0, now
	b.report(now, s, &Report{ExecType: market.ExecRejected, Reason: reason, Text: text})
}

// cancel ends s; request is the ClOrdID of the cancel request, zero when the
// venue cancels by itself.
func (b *blotter) cancel(now int64, s *OrderState, request event.ID, text string) {
	s.OrdStatus, s.LeavesQty, s.Updated = market.StatusCanceled, 0, now
	b.report(now, s, &Report{ExecType: market.ExecCanceled, ClOrdID: request, Text: text})
}

// fill books an execution of s and reports it.
func (b *blotter) fill(now int64, s *OrderState, f Fill) {
	notional, ok := f.Price.Notional(f.Qty)
	if !ok || f.Qty <= 0 || f.Qty > s.LeavesQty {
		panic("sim: fill outside the order's LeavesQty or number range")
	}
	fee := b.venue.TakeFee
	if f.Liquidity == market.LiquidityAdded {
		fee = b.venue.MakeFee
	}
	s.CumQty += f.Qty
	s.LeavesQty -= f.Qty
	s.Notional += notional
	s.OrdStatus, s.Updated = market.StatusPartiallyFilled, now
	if s.LeavesQty == 0 {
		s.OrdStatus = market.StatusFilled
	}
	f.Time, f.Owner, f.ClOrdID, f.OrderID = now, s.Owner, s.ClOrdID, s.OrderID
	f.Side, f.ExecID, f.Fee = s.Side, b.NextExecID(), fee.Of(notional, f.Qty)
	b.fills = append(b.fills, f)
	b.report(now, s, &Report{
		ExecType: market.ExecTrade, ExecID: f.ExecID, LastPx: f.Price, LastQty: f.Qty,
		Liquidity: f.Liquidity,
	})
}

// report completes r from s and sends it.
func (b *blotter) report(now int64, s *OrderState, r *Report) {
	if r.ExecID == 0 {
		r.ExecID = b.NextExecID()
	}
	if r.ClOrdID == (event.ID{}) {
		r.ClOrdID = s.ClOrdID
	} else {
		r.OrigClOrdID = s.ClOrdID
	}
	r.Time, r.Owner, r.OrderID, r.Side = now, s.Owner, s.OrderID, s.Side
	r.OrdType, r.TIF, r.OrdStatus = s.OrdType, s.TIF, s.OrdStatus
	r.Mark = s.Mark
	r.Price, r.OrderQty, r.Notional = s.Price, s.OrderQty, s.Notional
	r.CumQty, r.LeavesQty, r.QuoteID = s.CumQty, s.LeavesQty, s.QuoteID
	if b.venue.Replies.Report != nil {
		b.venue.Replies.Report(r)
	}
}

// findCancel resolves a cancel request to a live order, or rejects the request.
func (b *blotter) findCancel(now int64, owner uint32, request, orig event.ID) *OrderState {
	r := CancelReject{
		Time: now, Owner: owner, ClOrdID: request, OrigClOrdID: orig,
		OrdStatus: market.StatusRejected,
	}
	s := b.byID[ownedID{owner, orig}]
	if s != nil {
		r.OrderID, r.OrdStatus = s.OrderID, s.OrdStatus
	}
	_, used := b.byID[ownedID{owner, request}]
	switch {
	case !request.Valid():
		r.Reason, r.Text = event.ReasonBadParameter, "ClOrdID missing or malformed"
	case used:
		r.Reason, r.Text = event.ReasonDuplicateClOrdID, "duplicate ClOrdID"
	case s == nil:
		r.Reason, r.Text = event.ReasonUnknownOrder, "unknown order"
	case s.OrdStatus.Terminal():
		r.Reason, r.Text = event.ReasonTooLate, "too late to cancel"
	}
	if r.Reason == event.ReasonNone || r.Reason == event.ReasonTooLate ||
		r.Reason == event.ReasonUnknownOrder {
		b.byID[ownedID{owner, request}] = nil
	}
	if r.Reason != event.ReasonNone {
		b.rejectCancel(&r)
		return nil
	}
	return s
}

func (b *blotter) rejectCancel(r *CancelReject) {
	if b.venue.Replies.Reject != nil {
		b.venue.Replies.Reject(r)
	}
}
