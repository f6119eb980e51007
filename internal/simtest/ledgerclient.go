package simtest

import (
	"math/big"

	"penstock/event"
)

// tell checks what a client is told against what was executed.
func (l *ledger) tell(m *message) {
	if m.typ != msgReport {
		return
	}
	if m.parent == 0 {
		return // a refusal, or the state of an order that nobody knows
	}
	a := l.accounts[m.parent]
	if a == nil {
		a = l.asked[clientID{m.client, m.id}]
		if a == nil || m.execType != '0' || a.order != 0 {
			l.fail("first report on parent %d is %c for %v", m.parent, m.execType, m.id)
			return
		}
		a.order = m.parent
		l.accounts[m.parent] = a
		l.list = append(l.list, a)
	}
	if m.execType == '8' {
		// A second order with the ClOrdID is refused, and where the first one stands is said
		// with it: FIX 4.4 App. D, F.1.
		if m.cum != a.told {
			l.fail("parent %d: the refusal of its double says CumQty %d, its fills sum to %d", m.parent, m.cum, a.told)
		}
		return
	}
	l.touched = append(l.touched, a)
	switch m.execType {
	case 'F':
		a.told += m.last
		a.toldWorth.Add(a.toldWorth, new(big.Int).Mul(big.NewInt(m.last), big.NewInt(m.lastPx)))
		a.reports[m.ref] = true
		if m.last <= 0 {
			l.fail("parent %d is told a fill of %d", m.parent, m.last)
		}
	case 'H', 'G':
		l.tellCorrection(a, m)
	case 'D':
		if m.reason != event.ReasonDayBegins {
			a.toldWorth.SetInt64(m.notional)
		}
	case '5':
		a.qty, a.limit = m.qty, m.price
		if d := l.displays[clientID{m.client, m.id}]; d != 0 {
			if a.display = d; a.shown() > d {
				l.fail("parent %d is told that %d of it are shown at most, %d are", m.parent, d, a.shown())
			}
		}
		if m.side != a.side {
			l.fail("a replace changes the side of parent %d from %c to %c", m.parent, a.side, m.side)
		}
		a.held = max(min(a.held, a.qty-a.cum-a.open), 0)
	}
	// FIX 4.4 app. D, C.1.c: a filled order may be replaced. One that is taken back is filled
	// no longer.
	if (m.execType == '5' || m.execType == 'H' || m.execType == 'G') && a.ended && a.status == '2' {
		a.ended = false
	}
	a.status = m.ordStatus
	l.tellDay(a, m)
	terminal := m.ordStatus == '2' || m.ordStatus == '3' && !a.goodTill() || m.ordStatus == '4' || m.ordStatus == 'C'
	switch {
	case m.cum != a.told:
		l.fail("parent %d is told CumQty %d, its fills sum to %d", m.parent, m.cum, a.told)
	case a.toldWorth.Cmp(big.NewInt(m.notional)) != 0:
		l.fail("parent %d is told a worth of %d, its fills sum to %v", m.parent, m.notional, a.toldWorth)
	case m.leaves != 0 && m.leaves != m.qty-m.cum:
		l.fail("parent %d is told LeavesQty %d of %d with CumQty %d", m.parent, m.leaves, m.qty, m.cum)
	case a.ended && m.execType != 'I' && m.execType != 'F' && m.execType != 'D' && m.execType != 'H' && m.execType != 'G':
		l.fail("parent %d is told %c after its end", m.parent, m.execType)
	case terminal && !a.ended && m.ordStatus != '2' && a.open > 0:
		l.fail("parent %d ends as %c with %d at venues", m.parent, m.ordStatus, a.open)
	}
	a.ended = a.ended || terminal
}

// tellCorrection takes back what the client was told before, by the report that it names.
func (l *ledger) tellCorrection(a *account, m *message) {
	if !a.reports[m.execRef] {
		l.fail("parent %d is told %c of report %d, which it never got", a.order, m.execType, m.execRef)
	}
	a.reports[m.ref] = true
	a.corrected = true
	a.told = m.cum // compared with what was heard when the step is over
	a.toldWorth.SetInt64(m.notional)
}

// settle checks, at the end of a step, that everything heard was told.
func (l *ledger) settle() {
	for _, a := range l.touched {
		switch {
		case a.told != a.cum:
			l.fail("parent %d: venues executed %d, its client was told %d", a.order, a.cum, a.told)
		case a.open < 0 || a.cum < 0:
			l.fail("parent %d: %d executed, %d open", a.order, a.cum, a.open)
		case a.cum+a.open > a.qty+a.excess:
			l.fail("parent %d of %d: %d executed and %d open, %d of it beyond what was open", a.order, a.qty, a.cum, a.open, a.excess)
		}
		if over := a.cum+a.open > a.qty; over && !a.over {
			l.mustCancel(a, "more is executed and open than ordered")
		}
		a.over = a.cum+a.open > a.qty
	}
	l.touched = l.touched[:0]
}

// mustCancel demands that every open order of a has its cancel on the way, where one can be
// sent.
func (l *ledger) mustCancel(a *account, why string) {
	for _, e := range a.entries {
		if !e.dead && !e.canceled && l.up[e.venue] && (e.acked || !l.late[e.venue]) {
			l.fail("%s, and order %d of parent %d is not cancelled", why, e.number, a.order)
		}
	}
}

// obeyed demands that a kill has cancelled what it stops.
func (l *ledger) obeyed(k event.Scope) {
	for _, a := range l.list {
		for _, e := range a.entries {
			if stops(k, a, e.venue) && !e.dead && !e.canceled && l.up[e.venue] && (e.acked || !l.late[e.venue]) {
				l.fail("a kill has left order %d at venue %d", e.number, e.venue)
			}
		}
	}
}

// session follows the session of a venue as the router is told of it.
func (l *ledger) session(venue uint8, up bool) {
	l.up[venue] = up
	for _, a := range l.list {
		for _, e := range a.entries {
			if !up && e.venue == venue {
				e.canceled = false
			}
		}
	}
}

// restart is a new process: no session is up, and what became of open orders is not known.
func (l *ledger) restart() {
	l.held, l.up = false, [maxVenues]bool{}
	for i := range l.trading {
		l.trading[i].bands = [maxVenues + 1]bounds{} // feeds say them anew
	}
	for _, a := range l.list {
		for _, e := range a.entries {
			e.canceled, e.unsettled = false, true
		}
	}
}

// close checks what must hold at the end of the day.
func (l *ledger) close() {
	for _, a := range l.list {
		switch {
		case !a.ended:
			l.fail("parent %d of %d never ended: %d executed, %d at venues", a.order, a.qty, a.cum, a.open)
		case a.open != 0:
			l.fail("parent %d ended with %d at venues", a.order, a.open)
		}
		worth, whole := new(big.Int), true
		for _, e := range a.entries {
			whole = whole && e.executed == e.cum && !e.contested
			worth.Add(worth, e.worth)
		}
		if whole && worth.Cmp(a.toldWorth) != 0 {
			l.fail("parent %d: its executions are worth %v, its client was told %v", a.order, worth, a.toldWorth)
		}
	}
}
