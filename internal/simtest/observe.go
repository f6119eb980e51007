package simtest

import (
	"penstock/event"
	"penstock/market"
)

// observe shows the ledger what the router is about to take.
func (w *world) observe(e *event.Event) {
	switch e.Kind {
	case event.ParentNew, event.ParentCancel, event.ParentReplace:
		if e.Kind != event.ParentCancel {
			w.ordered(e)
		}
		m := message{dir: fromClient, client: e.Client, id: e.ID, orig: e.OrigID, side: e.Mark.Code(e.Side), qty: int64(e.Qty), price: int64(e.Price),
			show: int64(e.Display()),
			rate: int64(e.CumQty), tif: byte(e.TIF), instrument: uint16(e.Instrument), renewed: e.Strategy != 0, strategy: uint16(e.Strategy),
			typ: map[event.Kind]byte{event.ParentNew: msgOrder, event.ParentCancel: msgCancel, event.ParentReplace: msgReplace}[e.Kind]}
		w.show(&m)
	case event.Exec:
		if e.Reason == event.ReasonVenueDown || e.Reason == event.ReasonLateFill { // the firewall may hear of one first
			m := message{dir: neverLeft, number: e.Ref}
			w.show(&m)
		}
	case event.MarketTrade, event.OrderExecuted:
		if int(e.Instrument) < len(w.ledger.printed) && w.swarm.at[e.Venue].kind == market.Lit {
			w.ledger.printed[e.Instrument] += int64(e.Qty)
			w.markStale(e)
		}
	case event.BookStatus, event.MarketStatus, event.PriceBand, event.ShortRestriction:
		w.ledger.feedSays(e)
	case event.SessionStart, event.Operator, event.VenueSession, event.TradingDay:
		w.follow(e)
	}
}

// markStale notes a print that the router must not count, while somebody's participation
// depends on what is printed.
func (w *world) markStale(e *event.Event) {
	if b := w.core.Composite(e.Instrument).Books[e.Venue]; b == nil || b.Live() {
		return
	}
	for _, a := range w.ledger.list {
		if a.rate > 0 && !a.ended && a.instrument == uint16(e.Instrument) {
			w.hit(fm87)
			return
		}
	}
}

// follow tells the ledger of what is no message and changes what may leave.
func (w *world) follow(e *event.Event) {
	if w.swarm.weights[chHostCrash] > 0 {
		w.journal.seen = append(w.journal.seen, sight{seq: w.seq, fact: true, kind: e.Kind, code: e.Code, m: message{venue: uint8(e.Venue), parent: e.Ref},
			scope: e.GetScope()})
	}
	w.ledger.fact(e.Kind, e.Code, uint8(e.Venue), e.Ref, e.GetScope())
}

// fact follows a start, a session or what a person orders.
func (l *ledger) fact(kind event.Kind, code, venue uint8, parent uint64, s event.Scope) {
	switch kind {
	case event.SessionStart:
		l.restart()
	case event.TradingDay:
		l.tradingDay(code == event.TradingDayOpen, parent)
	case event.VenueSession:
		l.session(venue, event.SessionState(code) == event.SessionUp)
	case event.Operator:
		if a := l.accounts[parent]; a != nil {
			a.paused = event.OperatorAct(code) == event.OperatorPauseParent
			return
		}
		l.operate(event.OperatorAct(code), s)
	}
}

// show gives the ledger a message, and keeps it where a crash may take it back.
func (w *world) show(m *message) {
	if w.swarm.weights[chHostCrash] > 0 {
		w.journal.seen = append(w.journal.seen, sight{seq: w.upcoming(m), now: w.step, m: *m})
	}
	w.ledger.event = w.upcoming(m)
	w.ledger.see(m, w.step)
}

// upcoming returns the number of the event that m belongs to: what venues say is shown
// before its event is numbered.
func (w *world) upcoming(m *message) uint64 {
	if m.dir == fromVenue || m.dir == fromCopy {
		return w.seq + 1
	}
	return w.seq
}

// operate follows what a person orders.
func (l *ledger) operate(act event.OperatorAct, s event.Scope) {
	switch on := act == event.OperatorKill; act {
	case event.OperatorKill, event.OperatorResume:
		if s.Kind == event.ScopeVenue && !on {
			l.quarantined[s.ID] = false
		}
		kept := l.kills[:0]
		for _, k := range l.kills {
			if k != s {
				kept = append(kept, k)
			}
		}
		if l.kills = kept; on {
			l.kills = append(l.kills, s)
		}
	case event.OperatorHold:
		l.held = true
	case event.OperatorRelease:
		l.held = false
	}
}

// stops reports whether a kill covers an order of a at a venue.
func stops(k event.Scope, a *account, venue uint8) bool {
	switch k.Kind {
	case event.ScopeFirm:
		return true
	case event.ScopeVenue:
		return k.ID == uint64(venue)
	case event.ScopeSymbol:
		return k.ID == uint64(a.instrument)
	case event.ScopeClient:
		return k.ID == uint64(a.client)
	case event.ScopeStrategy:
		return k.ID == uint64(a.strategy)
	}
	return false
}

// operate is a named person's act about a scope.
func (w *world) operate(act event.OperatorAct, s event.Scope) {
	if !w.dead {
		e := event.Event{Kind: event.Operator, Code: uint8(act)}
		e.SetScope(s)
		w.take(&e)
	}
}

// hear lets a message of a venue reach the router.
func (w *world) hear(m *message) {
	if m.typ == msgInvite {
		w.hearInvite(m)
		return
	}
	w.mark(m)
	if o := w.orders[m.number]; o != nil && o.underway == m.id {
		o.underway = event.ID{}
	}
	w.show(m)
	e := w.eventOf(m)
	e.SetMsgSeqNum(uint64(len(w.venues[m.venue].heard)))
	w.take(&e)
}

// eventOf is what a gateway makes of a message of a venue.
func (w *world) eventOf(m *message) event.Event {
	e := event.Event{Kind: event.Exec, Venue: market.VenueID(m.venue), Instrument: market.InstrumentID(m.instrument),
		Ref: m.number, OrdStatus: market.OrdStatus(m.ordStatus), Reason: m.reason}
	e.Side, e.Mark, _ = market.ParseSide(m.side)
	if m.possDup {
		e.Flags = event.PossDup
	}
	if m.typ == msgCancelReject {
		e.Kind = event.OrderCancelReject
		return e
	}
	e.Code, e.ID, e.OrigID, e.Qty, e.Price = m.execType, m.id, m.orig, market.Qty(m.qty), market.Price(m.price)
	e.LastPx, e.LastQty, e.CumQty, e.LeavesQty = market.Price(m.lastPx), market.Qty(m.last), market.Qty(m.cum), market.Qty(m.leaves)
	e.Liquidity = market.LiquidityRemoved
	return e
}

// mark notes which failure modes a message of a venue is, as things stand.
func (w *world) mark(m *message) {
	ch, o := w.child(m.number), w.orders[m.number]
	if ch == nil || o == nil {
		w.hit(fm41)
		return
	}
	ouch := w.swarm.at[m.venue].ouch
	if again := ouch && m.possDup; !o.copied && !again { // it is told the whole day again
		w.markCell(ch, m)
	}
	if m.possDup {
		w.hit(fm23)
	}
	if m.typ == msgCancelReject {
		if m.reason == event.ReasonTooLate {
			w.hit(fm10)
		} else {
			w.hit(fm11)
		}
		return
	}
	cum := int64(ch.Cum)
	switch m.execType {
	case 'F':
		if before, known := w.ledger.execs[execKey{m.venue, m.id}]; known {
			if ouch {
				w.hit(fm109)
			}
			if before == (execution{m.number, uint64(m.last), uint64(m.lastPx), uint64(m.cum)}) {
				w.hit(fm01)
			} else {
				w.hit(fm02)
			}
			return
		}
		switch {
		case m.cum <= cum:
			w.hit(fm03)
			return
		case m.cum-cum != m.last && m.cum < 1<<48:
			w.hit(fm04)
		}
		if ch.Status == market.StatusPendingNew {
			w.hit(fm05)
		}
		if ch.Released {
			w.hit(fm06)
		}
		if m.cum > int64(ch.Qty) && m.cum < 1<<48 {
			w.hit(fm07)
		}
	case 'H', 'G':
		_, known := w.ledger.execs[execKey{m.venue, m.orig}]
		switch a := w.ledger.accounts[o.parent]; {
		case !known:
			w.hit(fm16)
		case a != nil && a.ended:
			w.hit(fm17)
		case m.execType == 'H':
			w.hit(fm14)
		default:
			w.hit(fm15)
		}
	case 'D':
		w.hit(fm13)
	case '3', '4', 'C':
		switch {
		case ch.Released:
		case m.cum > cum:
			w.hit(fm08)
		case m.cum < cum:
			w.hit(fm09)
		case o.resting() && !o.canceling:
			w.hit(fm12)
		}
	}
}
