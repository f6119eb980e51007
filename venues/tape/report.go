package tape

import (
	"strconv"

	"penstock/event"
	"penstock/market"
)

// state moves o to a status and reports it with the ExecType of the same letter.
func (m *Market) state(now int64, o *order, status market.OrdStatus) {
	o.status = status
	m.report(now, o, event.Event{Code: uint8(status)})
}

func (m *Market) reject(now int64, o *order, reason event.Reason) {
	o.status = market.StatusRejected
	m.report(now, o, event.Event{Code: uint8(market.ExecRejected), Reason: reason})
}

// done ends o without a fill.
func (m *Market) done(now int64, o *order, status market.OrdStatus) { m.state(now, o, status) }

// fill books an execution of o and reports it.
func (m *Market) fill(
	now int64, o *order, price market.Price, qty market.Qty, liquidity market.Liquidity,
) {
	notional, ok := price.Notional(qty)
	if qty <= 0 || qty > o.leaves() || !ok {
		panic("tape: fill outside the order's LeavesQty or the number range")
	}
	venue := &m.plan.Venues[o.Venue]
	fee := venue.TakeFee
	if liquidity == market.LiquidityAdded {
		fee = venue.MakeFee
	}
	o.cum += qty
	o.status = market.StatusPartiallyFilled
	if o.cum == o.Qty {
		o.status = market.StatusFilled
	}
	m.trades = append(m.trades, Trade{
		Time: now, Venue: o.Venue, Instrument: o.Instrument, Child: o.Child, Side: o.Side,
		Liquidity: liquidity, Price: price, Qty: qty, Fee: fee.Of(notional, qty),
	})
	m.report(now, o, event.Event{
		Code: uint8(market.ExecTrade), LastPx: price, LastQty: qty, Liquidity: liquidity,
	})
}

// report completes e from o and sends it on its way to us.
func (m *Market) report(now int64, o *order, e event.Event) {
	e.Kind, e.Ref, e.Side, e.Price, e.Qty = event.Exec, o.Child, o.Side, o.Price, o.Qty
	e.Venue, e.Instrument, e.OrdStatus = o.Venue, o.Instrument, o.status
	e.CumQty, e.LeavesQty = o.cum, o.leaves()
	m.reply(now, &e)
}

func (m *Market) rejectCancel(
	now int64, c *event.Command, status market.OrdStatus, reason event.Reason,
) {
	m.reply(now, &event.Event{
		Kind: event.OrderCancelReject, Ref: c.Child, Side: c.Side, OrdStatus: status,
		Venue: c.Venue, Instrument: c.Instrument, Reason: reason,
	})
}

// reply sends e, which its venue made at now, on its way to us.
func (m *Market) reply(now int64, e *event.Event) {
	m.execs++
	e.SrcTime = now
	e.RecvTime = now + m.rules.LatencyNanos
	if e.Kind == event.Exec {
		strconv.AppendUint(append(e.ID[:0], 'T'), m.execs, 10)
	}
	m.post(e.RecvTime, message{event: e})
}
