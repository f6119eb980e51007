package router

import (
	"math"

	"penstock/event"
	"penstock/market"
)

// tradingDay is what the core knows of the day that orders live by. It comes with events; a
// core that hears of none has no day, and its orders end by their strategies alone.
type tradingDay struct {
	known  bool
	shut   bool  // no day is open: nothing is sent
	number int32 // of the day that is open, or opens next, days since 1970
	begun  int32 // of the day that opened last, likewise; 0: none has
	open   int64 // when day number opens or opened, as its event says, ns since epoch
	close  int64 // and closes
}

// onTradingDay opens or closes a day. At the close its day orders, and those whose last day
// it was, end; orders that are good for longer leave their venues. What venues still have of
// them comes back by their word alone, as ever. At the opening those orders go on.
func (c *Core) onTradingDay(e *event.Event) {
	was := c.day
	now := tradingDay{known: true, shut: e.Code != event.TradingDayOpen, number: int32(e.Ref), begun: was.begun, open: e.StartTime,
		close: e.Until}
	if now.open < 0 || now.close <= now.open || now.close-now.open > dayNanos+dayNanos/24 || e.Ref == 0 || e.Ref > math.MaxInt32 ||
		now.number < was.number || now.shut && was.begun == now.number {
		c.Counters.BadDays++
		c.alertVenue(market.NoVenue, event.ReasonAbsurd)
		return
	}
	c.day = now
	clear(c.paces) // they follow from the hours
	if was.known && now.number > was.number {
		c.endDay(was.number)
	}
	if !now.shut && now.number > was.begun {
		c.day.begun = now.number
		c.beginDay()
	}
}

// endDay ends the orders of which day over was the last one, and takes the others out of the
// market, unless the next day is open already.
func (c *Core) endDay(over int32) {
	for i := 0; i < len(c.agenda.all); i++ {
		p := &c.parents[c.agenda.all[i]]
		switch {
		case p.phase > phaseFinishing:
			c.cancelAll(p)
		case !p.TIF.GoodTill(), p.terms.ExpireDate != 0 && p.terms.ExpireDate <= over:
			c.expire(p, event.ReasonDayOver)
		case c.day.shut:
			p.overnight = true
			c.cancelAll(p)
			c.wake(p, min(c.day.open, p.until()))
			c.after(p)
		}
	}
}

// beginDay lets the orders that are good for longer than a day go on. Their clients are told,
// with what is left for the day (FIX 4.4 App. D, H.1).
func (c *Core) beginDay() {
	c.invitations.heard = [maxInvitations]heard{} // a venue may number its own anew
	for _, slot := range c.agenda.all {
		p := &c.parents[slot]
		p.overnight, p.doneForDay = false, false
		p.before, p.beforeWorth = p.Cum, p.Notional
		if p.phase > phaseFinishing {
			continue
		}
		if p.TIF.GoodTill() && p.day > 0 && p.day < c.day.begun {
			c.report(p, market.ExecRestated).Reason = event.ReasonDayBegins
		}
		switch {
		case p.start <= c.now:
			c.wake(p, c.now)
		case p.terms.Start <= c.now:
			c.schedule(p) // it has waited for the opening, which was to come later
			c.wake(p, c.now)
		}
	}
}

// judgeTime returns why an order cannot have its time in force. What is worked over time may
// be good till its end and not a moment longer; for what has to outlive a day, a day must be
// known.
func (c *Core) judgeTime(e *event.Event) event.Reason {
	sweep := e.Strategy == event.StrategySweep
	if e.ExpireDate != 0 && e.TIF != market.TIFGTD {
		return event.ReasonBadParameter
	}
	switch e.TIF {
	case market.TIFDay:
		return event.ReasonNone
	case market.TIFIOC, market.TIFFOK:
		if !sweep {
			return event.ReasonUnsupportedType
		}
		if c.day.shut {
			return event.ReasonClosed
		}
		return event.ReasonNone
	case market.TIFGTC, market.TIFGTD:
		if e.TIF == market.TIFGTD && e.ExpireDate == 0 {
			if sweep && e.Until <= c.now {
				return event.ReasonExpired
			}
			return event.ReasonNone
		}
		switch {
		case !c.day.known, e.Strategy == event.StrategyPOV, e.Strategy == event.StrategySeek:
			return event.ReasonUnsupportedType
		case e.TIF == market.TIFGTD && sweep && e.Until != 0:
			return event.ReasonBadParameter // two ends
		case e.TIF == market.TIFGTD && c.past(e.ExpireDate):
			return event.ReasonDayOver
		}
		return event.ReasonNone
	}
	return event.ReasonUnsupportedType
}

// past reports whether a date's trading day is over.
func (c *Core) past(date int32) bool { return date < c.day.number }

// rest tells the client of p, once, that it is done for the day: venues have nothing of it
// any more.
func (c *Core) rest(p *Parent) {
	if !p.overnight || p.doneForDay || p.Reserved > 0 || p.offers > 0 || p.beyond > 0 || p.phase > phaseFinishing {
		return
	}
	p.doneForDay = true
	c.report(p, market.ExecDoneForDay)
}

// Day returns the trading day that is open or opens next, days since 1970; 0: none is known.
func (c *Core) Day() int64 { return int64(c.day.number) }

// setDay adds to a report on p what its day is, from its second on.
func (c *Core) setDay(cmd *event.Command, p *Parent) {
	if p.TIF.GoodTill() && p.day > 0 && p.day < c.day.begun && (p.Live() || p.lastDay == c.day.begun) {
		days := min(c.day.begun-p.day, math.MaxUint16)
		cmd.SetDay(uint16(days), p.Cum-p.before, p.Notional-p.beforeWorth)
	}
}

// until returns when p expires by its time in force, math.MaxInt64 when no time is set:
// dates end with their day.
func (p *Parent) until() int64 {
	if p.TIF == market.TIFGTD && p.terms.ExpireDate == 0 && p.terms.End != 0 {
		return p.terms.End
	}
	return math.MaxInt64
}

// patient reports whether p goes on after its schedule for as long as it is good.
func (p *Parent) patient() bool {
	return p.TIF == market.TIFGTC || p.TIF == market.TIFGTD && (p.terms.ExpireDate != 0 || p.Strategy == event.StrategySweep)
}

// patientRetryNanos is how often an order that waits for days looks again when no touch moves.
const patientRetryNanos = 1_000_000_000

// retry returns how soon p looks again for what it can take.
func (c *Core) retry(p *Parent) int64 {
	if p.patient() {
		return max(c.tactics.RetryNanos, patientRetryNanos)
	}
	return c.tactics.RetryNanos
}

// length returns how long a day is open; one on which clocks are set back has 24 hours, too.
func (d *tradingDay) length() int64 { return min(d.close-d.open, dayNanos) }

// elapsed returns how long days have been open from a fixed time until t, if every day has
// the hours of this one.
func (d *tradingDay) elapsed(t int64) int64 {
	t -= d.open % dayNanos
	return t/dayNanos*d.length() + min(t%dayNanos, d.length())
}

// after returns when days have been open for span longer than they have at t.
func (d *tradingDay) after(t, span int64) int64 {
	if span <= 0 {
		return t
	}
	want := d.elapsed(t) + span
	day := (want - 1) / d.length()
	return d.open%dayNanos + day*dayNanos + want - day*d.length()
}

// tradingTime returns how much time p has for its schedule: nights do not count for one that
// outlives its day.
func (c *Core) tradingTime(p *Parent) int64 {
	if c.day.known && p.TIF.GoodTill() {
		return max(c.day.elapsed(p.end)-c.day.elapsed(p.start), 0)
	}
	return p.end - p.start
}

// sliceStart returns when slice i of p begins.
func (c *Core) sliceStart(p *Parent, i int64) int64 {
	if c.day.known && p.TIF.GoodTill() && i < p.slices {
		return min(c.day.after(p.start, mulDiv(c.tradingTime(p), i, p.slices)), p.end)
	}
	return p.start + mulDiv(p.end-p.start, i, p.slices)
}
