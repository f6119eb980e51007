package main

import (
	"penstock/event"
	"penstock/market"
	"penstock/router/loop"
)

// onSent records how long an order or cancel took from the bytes that caused it to the
// socket. I/O goroutine.
func (a *assembly) onSent(c *event.Command, sendTime int64) {
	if c.RecvTime == 0 {
		return
	}
	cause := causeOther
	switch {
	case c.CauseKind.Market():
		cause = causeTick
	case c.CauseKind == event.Exec || c.CauseKind == event.OrderCancelReject:
		cause = causeReply
	}
	a.latency[cause].Record(sendTime - c.RecvTime)
	a.times.record(cause, sendTime-c.RecvTime)
}

// dispatch hands a command to whoever it concerns. Core goroutine.
func (a *assembly) dispatch(c *event.Command) {
	switch c.Kind {
	case event.SendOrder, event.SendCancel, event.SendStatus, event.SendMassStatus, event.AskQuote, event.PassQuote:
		a.send(c)
	case event.Report, event.RejectCancel:
		a.numbered(c)
		a.later(c)
	case event.ResyncBook:
		for i := range a.feeds {
			if a.feeds[i].venue == c.Venue {
				a.io.Push(i, c)
			}
		}
	case event.BookMoved, event.Alert:
		if !a.moves.Push(c) {
			a.unshown.Add(1)
		}
	}
}

// send queues an order message for its gateway. When the gateway's ring is full,
// as in a kill of very many orders, cancels and status requests wait for room; a new
// order is returned, because a late order is a wrong order.
func (a *assembly) send(c *event.Command) {
	if !a.stopped && len(a.unsent) == 0 && a.io.Push(a.workers[c.Venue], c) {
		return
	}
	if !a.stopped && c.Kind != event.SendOrder {
		a.unsent = append(a.unsent, *c)
		a.full.late.Add(1)
	} else if e, ok := loop.Bounce(clock(), c); ok {
		a.bounced = append(a.bounced, e)
		a.full.orders.Add(1)
	}
}

// tellAtOnce is how many reports of a turn go behind its orders.
const tellAtOnce = 64

// later keeps a report until the orders of the turn have left: it waits for the disk anyway, and its way to the EMS is memory
// that no cache has.
func (a *assembly) later(c *event.Command) {
	if a.tells == tellAtOnce {
		a.giveReports()
	}
	a.tell[a.tells] = *c
	a.tells++
}

// giveReports gives the EMS what was kept.
func (a *assembly) giveReports() {
	for i := range a.tell[:a.tells] {
		a.report(&a.tell[i])
	}
	a.tells = 0
}

// report gives the EMS its report, after those that had to wait for room.
func (a *assembly) report(c *event.Command) {
	if len(a.waiting) > 0 || !a.ems.Report(c) {
		a.waiting = append(a.waiting, *c)
		a.full.reports.Add(1)
	}
}

// flush offers again what had to wait for room. Core goroutine, every turn.
func (a *assembly) flush() {
	a.giveReports()
	for len(a.unsent) > 0 && a.io.Push(a.workers[a.unsent[0].Venue], &a.unsent[0]) {
		a.unsent = a.unsent[1:]
	}
	for len(a.wall.late) > 0 && a.wall.accepted.Push(&a.wall.late[0]) {
		a.wall.late = a.wall.late[1:]
	}
	for len(a.bounced) > 0 && a.returned.Push(&a.bounced[0]) {
		a.bounced = a.bounced[1:]
	}
	for len(a.waiting) > 0 && a.ems.Report(&a.waiting[0]) {
		a.waiting = a.waiting[1:]
	}
}

// operate queues an operator's act.
func (a *assembly) operate(act event.OperatorAct, name, reason string) bool {
	e := operatorEvent(act, name, reason)
	return a.push(&e)
}

// operatorEvent is an act of the whole firm's, by a name of few characters.
func operatorEvent(act event.OperatorAct, name, reason string) event.Event {
	e := event.Event{Kind: event.Operator, Code: uint8(act), Venue: market.NoVenue, Instrument: market.NoInstrument, RecvTime: clock()}
	e.ID, _ = event.MakeID(name)
	e.OrigID, _ = event.MakeID(reason)
	return e
}

// push queues an operator's event. Any goroutine.
func (a *assembly) push(e *event.Event) bool {
	a.operatorMu.Lock()
	defer a.operatorMu.Unlock()
	ok := a.operator.Push(e)
	a.ring()
	return ok
}
