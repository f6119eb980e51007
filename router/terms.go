package router

import (
	"penstock/event"
	"penstock/market"
)

// Terms are the strategy parameters of a parent; a zero value is one that the client
// did not name.
type Terms struct {
	Start         int64 // ns since epoch
	End           int64 // ns since epoch
	SliceNanos    int64
	Would         market.Price // at this price or better everything is taken at once
	MinSlice      market.Qty   // less is not worth an order, unless it is all that is left
	MaxSlice      market.Qty   // no more is in the market at once
	Block         market.Qty   // SEEK: displayed size that is worth taking
	Display       market.Qty   // lit venues show no more of the order, together
	Participation uint16       // of what others trade, in 1/10,000
	Urgency       event.Urgency
	NoCatchUp     bool  // what a slice misses is spread over the rest
	ExpireDate    int32 // last trading day, days since 1970, of an order that is good till a date
}

// termsOf reads the terms of a ParentNew or ParentReplace.
func termsOf(e *event.Event) Terms {
	return Terms{
		Start: e.StartTime, End: e.Until, SliceNanos: e.SliceNanos,
		Would: e.LastPx, MinSlice: e.MinQty, MaxSlice: e.LastQty, Block: e.LeavesQty, Display: e.Display(),
		Participation: uint16(min(max(e.CumQty, 0), 1<<16-1)), Urgency: event.Urgency(e.Code),
		NoCatchUp: e.Flags&event.NoCatchUp != 0, ExpireDate: e.ExpireDate,
	}
}

// judgeStrategy returns why an order's strategy and terms cannot be served. started
// says that the order works already: its start lies behind.
func (c *Core) judgeStrategy(e *event.Event, started bool) event.Reason {
	in := &c.instruments[e.Instrument]
	if !e.Strategy.Valid() {
		return event.ReasonUnknownStrategy
	}
	t := termsOf(e)
	if !displays(t.Display, e.Qty, in.Lot, e.Strategy) {
		return event.ReasonDisplay
	}
	if !e.Strategy.Scheduled() {
		t.ExpireDate = 0
		if e.TIF == market.TIFGTD {
			t.End = 0
		}
		if t != (Terms{}) {
			return event.ReasonBadParameter
		}
		return event.ReasonNone
	}
	start := c.now
	if c.day.shut && !e.TIF.GoodTill() {
		start = max(start, c.day.open)
	}
	if !started {
		start = max(start, t.Start)
	}
	switch {
	case t.End <= start, t.SliceNanos < 0,
		t.Would < 0, t.Would%in.Tick != 0,
		t.MinSlice < 0, t.MinSlice%in.Lot != 0, t.MaxSlice < 0, t.MaxSlice%in.Lot != 0,
		t.MaxSlice != 0 && t.MinSlice > t.MaxSlice,
		t.Block < 0, t.Block%in.Lot != 0,
		t.Urgency > event.UrgencyHigh,
		e.CumQty < 0, e.CumQty > basisPoints,
		e.Strategy == event.StrategyPOV && t.Participation == 0:
		return event.ReasonBadParameter
	case e.Strategy == event.StrategyVWAP:
		if v := c.curves[e.Instrument]; v == nil || v.between(start, t.End) <= 0 {
			return event.ReasonNoVolumeCurve
		}
	}
	return event.ReasonNone
}

// Asked returns p's strategy and terms as a ParentNew would have asked for them.
func (p *Parent) Asked() event.Event {
	e := event.Event{Kind: event.ParentNew, Client: p.Client, ID: p.ClOrdID, Instrument: p.Instrument, TIF: p.TIF, ExpireDate: p.terms.ExpireDate,
		Strategy: p.Strategy, StartTime: p.terms.Start, Until: p.terms.End, SliceNanos: p.terms.SliceNanos,
		LastPx: p.terms.Would, MinQty: p.terms.MinSlice, LastQty: p.terms.MaxSlice, LeavesQty: p.terms.Block,
		CumQty: market.Qty(p.terms.Participation), Code: uint8(p.terms.Urgency)}
	e.SetDisplay(p.terms.Display)
	if p.terms.NoCatchUp {
		e.Flags = event.NoCatchUp
	}
	return e
}

// kappas are the trajectories of StrategyIS: half-lives of the whole horizon, a half
// and a fifth of it.
var kappas = [...]kappa{0: 2 * kappaUnit, event.UrgencyLow: kappaUnit,
	event.UrgencyMedium: 2 * kappaUnit, event.UrgencyHigh: 5 * kappaUnit}

// renew makes p work by new terms from now on. What it has traded counts towards its
// rate of participation as before; a start that lies behind stays.
func (c *Core) renew(p *Parent, t Terms) {
	begun := p.start <= c.now
	if begun {
		t.Start = p.terms.Start
	}
	t.Display = p.terms.Display // it has been set
	p.terms = t
	if p.phase != phaseWorking {
		return
	}
	p.start = max(t.Start, c.now)
	c.layOut(p)
}
