package simtest

import (
	"penstock/event"
	"penstock/market"
)

// night is when the trading day closes and the next one opens; at the same time in a market
// that never sleeps.
type night struct{ close, open int64 }

// drawNights gives one world in four days that end within it. They have a stream of their own:
// other worlds are as they were.
func (s *swarm) drawNights(seed uint64) {
	r := &stream{seed: seed, id: 7}
	if !r.once(4) {
		return
	}
	at := firstDay
	for range r.between(1, 3) {
		n := night{close: at + r.between(300, 6000)*milli}
		n.open = n.close + r.between(5, 1500)*milli
		if r.once(5) {
			n.open = n.close
		}
		s.nights = append(s.nights, n)
		at = n.open
	}
}

// dayNumber is that of the first trading day.
const dayNumber = 20_833

// trading returns the trading day at a time, and whether it is open.
func (s *swarm) trading(now int64) (number int, open bool) {
	for i, n := range s.nights {
		if now < n.close {
			return dayNumber + i, true
		}
		if now < n.open {
			return dayNumber + i + 1, false
		}
	}
	return dayNumber + len(s.nights), true
}

// sayDay tells the router of the trading day, also when it comes back.
func (w *world) sayDay() {
	if len(w.swarm.nights) == 0 || w.dead {
		return
	}
	number, open := w.swarm.trading(w.now)
	e := event.Event{Kind: event.TradingDay, Venue: market.NoVenue, Instrument: market.NoInstrument, Ref: uint64(number)}
	if i := number - dayNumber; open {
		e.Code = event.TradingDayOpen
		e.StartTime = firstDay
	} else {
		e.StartTime = w.swarm.nights[i-1].open
	}
	e.Until = e.StartTime + 3600*second
	if !open && !w.ledger.day.shut && w.ledger.open() {
		w.hit(fm90)
	}
	w.take(&e)
	w.ledger.dayObeyed()
}

// open reports whether anything may be executed at venues.
func (l *ledger) open() bool {
	for _, a := range l.list {
		if a.open > 0 {
			return true
		}
	}
	return false
}

// countDays notes what only worlds with nights have.
func (w *world) countDays(c *event.Command) {
	if c.ExecType != market.ExecTrade {
		return
	}
	if c.Days > 0 {
		w.hit(fm89)
	}
	if w.ledger.day.shut {
		w.hit(fm91)
	}
}

// planDays plans what the calendar says.
func (w *world) planDays() {
	for _, n := range w.swarm.nights {
		w.agenda.add(item{at: n.close, kind: dueDay})
		w.agenda.add(item{at: n.open, kind: dueDay})
	}
}

// goodTill lets some orders live for longer than their day.
func (w *world) goodTill(r *stream, e *event.Event) {
	if len(w.swarm.nights) == 0 || r.once(3) {
		return
	}
	sweep := e.Strategy == event.StrategySweep
	number, _ := w.swarm.trading(w.now)
	switch k := r.below(3); {
	case k == 0 || e.Strategy == event.StrategyPOV || e.Strategy == event.StrategySeek:
		if e.TIF = market.TIFGTD; sweep {
			e.Until = w.step + r.between(200, 8000)*milli
		}
	case k == 1:
		e.TIF, e.ExpireDate = market.TIFGTD, int32(number+int(r.below(2)))
	default:
		e.TIF = market.TIFGTC
	}
}

// goodbye lets clients cancel what would go on for ever.
func (w *world) goodbye(n uint64) {
	for i := range w.core.Parents() {
		if p := w.core.Parents()[i]; p.Live() && p.TIF.GoodTill() {
			w.clients[p.Client].say(w, &event.Event{Kind: event.ParentCancel, ID: textID('G', n, uint64(i)), OrigID: p.ClOrdID, Side: p.Side, Mark: p.Mark,
				Instrument: p.Instrument, Client: p.Client})
		}
	}
	if n < 12 {
		w.agenda.add(item{at: w.now + 2*second, kind: dueGoodbye, n: n + 1})
	}
}

// calendar is the trading day as the ledger knows it.
type calendar struct {
	shut          bool
	over          bool // one has just ended
	number, begun uint64
}

// tradingDay follows the days.
func (l *ledger) tradingDay(open bool, number uint64) {
	l.day.over = number > l.day.number && l.day.number > 0
	l.day.shut, l.day.number = !open, number
	if open && number > l.day.begun {
		l.day.begun = number
		for _, a := range l.list {
			a.before = a.told
		}
	}
}

// dayObeyed demands that a close has cancelled what it ends: everything, or where the next day
// is open already what does not outlive its own.
func (l *ledger) dayObeyed() {
	for _, a := range l.list {
		if l.day.over && !a.ended && (l.day.shut || !a.goodTill() && a.day < l.day.number) {
			l.mustCancel(a, "the trading day is over")
		}
	}
}

func (a *account) goodTill() bool { return market.TimeInForce(a.tif).GoodTill() }

// tellDay checks what a client is told of the day of its order.
func (l *ledger) tellDay(a *account, m *message) {
	later := a.goodTill() && a.day > 0 && a.day < l.day.begun
	renewed := m.execType == 'D' && m.reason == event.ReasonDayBegins
	switch {
	case m.execType == '0':
		a.day = l.day.number
	case m.execType == '3' && (!a.goodTill() || !l.day.shut || a.open > 0):
		l.fail("parent %d is done for the day, %d at venues", m.parent, a.open)
	case m.reason == event.ReasonDayOver: // told in the step that may open the next one
	case renewed && (!later || l.day.shut):
		l.fail("parent %d is renewed, its day is %d, it is %d", m.parent, a.day, l.day.begun)
	case (m.days > 0) != later && !a.ended && !a.corrected:
		l.fail("parent %d is told of day %d, its day is %d, it is %d", m.parent, m.days, a.day, l.day.begun)
	case m.days > 0 && uint64(m.days) != l.day.begun-a.day:
		l.fail("parent %d is told of day %d, its day is %d, it is %d", m.parent, m.days, a.day, l.day.begun)
	case m.days > 0 && !a.corrected && m.dayCum != a.told-a.before:
		l.fail("parent %d is told a DayCumQty of %d, it had %d before the day and has %d", m.parent, m.dayCum, a.before, a.told)
	}
}
