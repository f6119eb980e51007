package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/router/loop"
)

// actOf makes the event of a request.
func (a *assembly) actOf(r *actRequest) (e event.Event, err error) {
	act := map[string]event.OperatorAct{"kill": event.OperatorKill, "release": event.OperatorResume,
		"pause": event.OperatorPauseParent, "resume": event.OperatorResumeParent, "force": event.OperatorForceParent,
		"enable": event.OperatorEnable, "limit": event.OperatorLimit, "resolve": event.OperatorResolve,
		"confirm-policy": event.OperatorConfirmPolicy}[r.Act]
	e = operatorEvent(act, r.Who, shorten(r.Reason))
	switch act {
	case 0:
		return e, fmt.Errorf("act %q is not known", r.Act)
	case event.OperatorKill, event.OperatorResume:
		s, err := a.scopeOf(r.Scope, r.ID)
		e.SetScope(s)
		return e, err
	case event.OperatorEnable:
		s, err := a.scopeOf("strategy", r.ID)
		e.SetScope(s)
		return e, err
	case event.OperatorConfirmPolicy:
		s, err := a.scopeOf("policy", r.ID)
		e.SetScope(s)
		return e, err
	case event.OperatorLimit:
		return e, a.limitOf(r, &e)
	}
	if e.Ref, err = strconv.ParseUint(r.ID, 10, 64); err != nil {
		return e, fmt.Errorf("%q is not the number of an order", r.ID)
	}
	if act == event.OperatorResolve {
		return e, a.resolutionOf(r, &e)
	}
	return e, nil
}

// shorten cuts a reason to what an event holds; the whole is in the journal beside it.
func shorten(text string) string {
	return text[:min(len(text), len(event.ID{}))]
}

// scopeOf reads what a kill covers.
func (a *assembly) scopeOf(kind, id string) (event.Scope, error) {
	k, ok := event.ParseScopeKind(kind)
	if !ok && kind != "" {
		return event.Scope{}, fmt.Errorf("scope %q is not one of firm, venue, symbol, client, strategy, policy", kind)
	}
	s := event.Scope{Kind: k}
	find := func(names []string) error {
		i := slices.Index(names, id)
		s.ID = uint64(max(i, 0))
		if i < 0 {
			return fmt.Errorf("%s %q is not one of %q", k, id, names)
		}
		return nil
	}
	var err error
	switch k {
	case event.ScopeVenue:
		err = find(a.cfg.venueNames())
	case event.ScopeSymbol:
		err = find(a.cfg.symbolNames())
	case event.ScopeClient:
		var clients []string
		for i := range a.cfg.Client {
			clients = append(clients, a.cfg.Client[i].CompID)
		}
		err = find(clients)
	case event.ScopeStrategy:
		var st event.Strategy
		st, err = strategyOf(id)
		s.ID = uint64(st)
	case event.ScopePolicy:
		s.ID, err = policyID(id)
	default:
		if id != "" {
			err = fmt.Errorf("%q is named, but not what it is: a venue, symbol, client, strategy or policy", id)
		}
	}
	return s, err
}

// strategyOf reads a strategy by its name or its TargetStrategy(847).
func strategyOf(text string) (event.Strategy, error) {
	if s, ok := event.ParseStrategy(strings.ToUpper(text)); ok {
		return s, nil
	}
	if n, err := strconv.ParseUint(text, 10, 16); err == nil && event.Strategy(n).Valid() {
		return event.Strategy(n), nil
	}
	var all []string
	for s := event.StrategySweep; s.Valid(); s++ {
		all = append(all, fmt.Sprintf("%v (%d)", s, s))
	}
	return 0, fmt.Errorf("strategy %q is not one of %s", text, strings.Join(all, ", "))
}

// refusalText says why the core refused an act.
func refusalText(e *event.Event, why event.Reason) string {
	switch act := event.OperatorAct(e.Code); {
	case act == event.OperatorLimit && why == event.ReasonBadParameter:
		return "a lower limit is for good and has no --until; a higher one needs an --until that is to come"
	case act == event.OperatorLimit && why == event.ReasonMaxQty:
		return "it is above what the configuration lets nobody exceed (hard_max_qty, hard_max_notional, the client's credit)"
	case act == event.OperatorConfirmPolicy:
		return "it is not the policy that trades with caps"
	case why == event.ReasonUnknownOrder:
		return fmt.Sprintf("%d is not the number of a live order", e.Ref)
	}
	return why.String()
}

func (a *assembly) scopeText(s event.Scope) string {
	switch s.Kind {
	case event.ScopeFirm:
		return "firm"
	case event.ScopeVenue:
		return "venue " + a.cfg.venueNames()[s.ID]
	case event.ScopeSymbol:
		return "symbol " + a.cfg.symbolNames()[s.ID]
	case event.ScopeClient:
		return "client " + a.cfg.Client[s.ID].CompID
	case event.ScopePolicy:
		return "policy " + strconv.FormatUint(s.ID, 16)
	}
	return fmt.Sprint(s.Kind, " ", s.ID)
}

// limitOf reads which limit, how much and until when.
func (a *assembly) limitOf(r *actRequest, e *event.Event) error {
	kind, ok := event.ParseLimitKind(r.Limit)
	if !ok {
		return fmt.Errorf("limit %q is not known", r.Limit)
	}
	e.Ref = uint64(kind)
	decimals := uint8(market.MoneyDecimals)
	switch {
	case kind == event.LimitCredit:
		s, err := a.scopeOf("client", r.ID)
		if err != nil {
			return err
		}
		e.SetScope(s)
		e.Ref = uint64(kind)
	case kind != event.LimitFirmCredit:
		s, err := a.scopeOf("symbol", r.ID)
		if err != nil {
			return err
		}
		e.SetScope(s)
		in := &a.cfg.Router.Instruments[s.ID]
		decimals = map[event.LimitKind]uint8{event.LimitParentMaxQty: in.QtyDecimals, event.LimitChildMaxQty: in.QtyDecimals,
			event.LimitParentMaxNotional: in.PriceDecimals + in.QtyDecimals,
			event.LimitChildMaxNotional:  in.PriceDecimals + in.QtyDecimals}[kind]
	}
	v, err := market.ParseDecimal([]byte(r.Value), decimals)
	if err != nil || v <= 0 {
		return fmt.Errorf("value %q: a positive decimal with at most %d decimals is needed", r.Value, decimals)
	}
	e.Qty = market.Qty(v)
	if r.Until != "" {
		t, err := time.Parse(time.RFC3339, r.Until)
		if err != nil {
			return fmt.Errorf("until %q is not a time like 2026-11-28T16:00:00Z", r.Until)
		}
		e.Until = t.UnixNano()
	}
	return nil
}

// resolutionOf reads how much an order executed, in the decimals of its instrument.
func (a *assembly) resolutionOf(r *actRequest, e *event.Event) error {
	err := fmt.Errorf("order %d is not one of ours", e.Ref)
	if !a.loop.Inspect(func(s *loop.Sequencer) {
		ch := s.Core().Child(e.Ref)
		if ch == nil {
			return
		}
		var v int64
		v, err = market.ParseDecimal([]byte(r.Value), a.cfg.Router.Instruments[ch.Instrument].QtyDecimals)
		e.CumQty = market.Qty(v)
	}) {
		return errors.New("the router has ended")
	}
	return err
}
