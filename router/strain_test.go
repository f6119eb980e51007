package router

import (
	"fmt"

	"penstock/event"
	"penstock/market"
	"penstock/router/risk"
)

// strain gives cfg limits that are reached: few messages a second, few orders of a parent, for some seeds a canary, for
// others no controls.
func strain(cfg *Config, seed uint64) {
	cfg.Tactics.MaxChildren = 1 + int(seed%5)
	c := cfg.Controls
	cfg.Limits[0].HardMaxQty, cfg.Limits[0].HardMaxNotional = 1e6, 1e13
	c.Clients[0].Short, c.Clients[0].Unlocated = true, true
	for v := range cfg.Venues {
		cfg.Venues[v].MsgRate = 10 + 10*int64(seed%4)
	}
	c.StrategyRate, c.RepeatOrders, c.RepeatNanos = 5+5*int64(seed%5), 3+int(seed%3)*5, 2e9
	if seed%3 == 1 {
		c.Canary = &risk.Canary{Policy: cfg.Table.PolicyID(), Orders: 20, Notional: 1 << 50, Instruments: []bool{true}, Venues: []bool{true, seed%2 == 0, true, true}}
	}
	if seed%7 == 3 {
		cfg.Controls = nil
	}
}

func (w *world) operator(act event.OperatorAct, change func(*event.Event)) {
	e := event.Event{Kind: event.Operator, Code: uint8(act), Venue: market.NoVenue}
	change(&e)
	w.step(e)
}

func (w *world) limit(kind event.LimitKind, value, until int64) {
	w.operator(event.OperatorLimit, func(e *event.Event) { e.Ref, e.Qty, e.Until = uint64(kind), market.Qty(value), until })
}

// strained are what a person changes, and where they begin.
var strained = []struct {
	kind event.LimitKind
	most int64
}{{event.LimitChildMaxQty, 20_000}, {event.LimitChildMaxNotional, 1e10}, {event.LimitCollarBps, 200}, {event.LimitCredit, 1 << 60}, {event.LimitFirmCredit, 1 << 60}}

// disturbed lets a person, a feed or a client change something that the gate, the trading state or a parent says of
// orders to come.
func (w *world) disturbed() {
	r := w.rng
	switch r.IntN(24) {
	case 0:
		s := event.Scope{Kind: event.ScopeKind(1 + r.IntN(5))}
		switch s.Kind {
		case event.ScopeVenue:
			s.ID = uint64(r.IntN(4))
		case event.ScopeStrategy:
			s.ID = uint64(event.StrategyTWAP)
		case event.ScopePolicy:
			s.ID = w.core.table.PolicyID()
		}
		w.operator(event.OperatorKill, func(e *event.Event) { e.SetScope(s) })
	case 1, 2, 3:
		w.release()
	case 4, 5:
		l := strained[r.IntN(len(strained))]
		value := 1 + r.Int64N(l.most)>>r.IntN(30)
		if l.kind == event.LimitCollarBps {
			value = 1 + r.Int64N(6)
		}
		w.limit(l.kind, value, w.now+1+r.Int64N(1e9))
	case 6:
		l := strained[r.IntN(len(strained))]
		w.limit(l.kind, l.most, w.now+1+r.Int64N(1e9))
	case 7:
		w.band(4)
	case 8:
		w.unband()
	case 9:
		w.step(event.Event{Kind: event.MarketStatus, Venue: market.VenueID(r.IntN(2)), Code: uint8(event.BookHalted)})
	case 10:
		w.unhalt()
	case 11:
		w.step(event.Event{Kind: event.ShortRestriction, Venue: market.VenueID(r.IntN(2)), Code: uint8(r.IntN(2))})
	case 12:
		w.operator(event.OperatorHold, func(*event.Event) {})
	case 13:
		w.operator(event.OperatorRelease, func(*event.Event) {})
	case 14:
		w.operator(event.OperatorEnable, func(e *event.Event) { e.Strategy = event.StrategyTWAP })
	case 15:
		if n := len(w.core.agenda.all); n > 0 {
			p := &w.core.parents[w.core.agenda.all[r.IntN(n)]]
			act := event.OperatorPauseParent
			if p.paused {
				act = event.OperatorResumeParent
			}
			w.operator(act, func(e *event.Event) { e.Ref = p.Number })
		}
	default:
		if len(w.core.agenda.all) < 12 && w.core.parentCount < 60 {
			w.small()
		}
	}
}

// small is a client's order that one level holds.
func (w *world) small() {
	id, _ := event.MakeID(fmt.Sprintf("S%d", w.seq))
	cl := &client{id: id, qty: market.Qty(w.rng.IntN(900) + 1), side: market.Buy + market.Side(w.rng.IntN(2))}
	e := event.Event{Kind: event.ParentNew, ID: id, Side: cl.side, Qty: cl.qty, OrdType: market.OrdLimit,
		TIF: market.TIFDay, Strategy: event.StrategyTWAP, Until: w.now + 4e9, SliceNanos: 2e9}
	e.Price = w.mid + market.Price(cl.side.Sign())*100*market.Price(w.rng.IntN(5)-1)
	cl.limit = e.Price
	if cl.side == market.Sell && w.rng.IntN(3) == 0 {
		e.Mark = market.Short
	}
	w.byID[id] = cl
	w.step(e)
}

func (w *world) release() {
	for v := range 4 {
		w.operator(event.OperatorResume, func(e *event.Event) { e.SetScope(event.Scope{Kind: event.ScopeVenue, ID: uint64(v)}) })
	}
	w.operator(event.OperatorResume, func(*event.Event) {})
	for len(w.core.gate.Scopes()) > 0 {
		s := w.core.gate.Scopes()[0]
		w.operator(event.OperatorResume, func(e *event.Event) { e.SetScope(s) })
	}
}

func (w *world) unband() {
	for v := range 3 {
		e := event.Event{Kind: event.PriceBand, Venue: market.VenueID(v)}
		if v == 2 {
			e.Venue = market.NoVenue
		}
		w.step(e)
	}
}

func (w *world) unhalt() {
	for v := range 2 {
		w.step(event.Event{Kind: event.MarketStatus, Venue: market.VenueID(v), Code: uint8(event.BookLive)})
	}
}

// calm takes back all that disturbed did.
func (w *world) calm() {
	w.release()
	w.unband()
	w.unhalt()
	w.operator(event.OperatorRelease, func(*event.Event) {})
	w.now += 2e9
	w.step(event.Event{Kind: event.Timer})
	for _, l := range strained {
		w.limit(l.kind, l.most, 1<<62)
	}
	w.operator(event.OperatorEnable, func(e *event.Event) { e.Strategy = event.StrategyTWAP })
	for i := 0; i < len(w.core.agenda.all); i++ {
		if p := &w.core.parents[w.core.agenda.all[i]]; p.paused {
			w.operator(event.OperatorResumeParent, func(e *event.Event) { e.Ref = p.Number })
		}
	}
}
