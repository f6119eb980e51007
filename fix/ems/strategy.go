package ems

import (
	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// parameter is one entry of the StrategyParametersGrp (FIX 5.0 SP2).
type parameter struct{ name, kind, value []byte }

// maxParameters bounds NoStrategyParameters(957).
const maxParameters = 16

// standardStrategies are the values of TargetStrategy(847) that FIX itself defines.
var standardStrategies = map[int64]event.Strategy{
	1: event.StrategyVWAP, 2: event.StrategyPOV, 3: event.StrategyIS,
}

const knownStrategies = "1000 SWEEP, 1001 TWAP, 1002 (or 1) VWAP, 1003 (or 2) POV, 1004 (or 3) IS, 1005 SEEK"

// strategyOf returns the strategy of a TargetStrategy(847).
func strategyOf(number int64) (s event.Strategy, ok bool) {
	if s, ok = standardStrategies[number]; ok {
		return s, true
	}
	s = event.Strategy(number)
	return s, int64(s) == number && s.Valid()
}

// parameters reads the group whose NoStrategyParameters(957) is field i, and
// returns the index of its last field.
func (in *inbound) parameters(i int) (last int, r *refusal) {
	_, value := in.msg.Field(i)
	count, err := fix.ParseInt(value)
	if err != nil || count < 0 {
		return 0, malformed(tagNoStrategyParameters, fix.RejectFormat)
	}
	if count > maxParameters {
		return 0, malformed(tagNoStrategyParameters, fix.RejectValue)
	}
	for last = i; last+1 < in.msg.Len(); last++ {
		tag, value := in.msg.Field(last + 1)
		if tag == tagStrategyParameterName {
			in.params = append(in.params, parameter{name: value})
			continue
		}
		if tag != tagStrategyParameterType && tag != tagStrategyParameterValue {
			break
		}
		if len(in.params) == 0 {
			return 0, malformed(tag, fix.RejectOrder)
		}
		p := &in.params[len(in.params)-1]
		field := &p.kind
		if tag == tagStrategyParameterValue {
			field = &p.value
		}
		if *field != nil {
			return 0, malformed(tag, fix.RejectDuplicate)
		}
		*field = value
	}
	if int64(len(in.params)) != count {
		return 0, malformed(tagNoStrategyParameters, fix.RejectGroupCount)
	}
	for _, p := range in.params {
		if p.kind == nil {
			return 0, malformed(tagStrategyParameterType, fix.RejectMissingTag)
		}
		if p.value == nil {
			return 0, malformed(tagStrategyParameterValue, fix.RejectMissingTag)
		}
	}
	return last, nil
}

// strategy reads TargetStrategy(847) and its parameters.
func (in *inbound) strategy() *refusal {
	chosen := in.config.DefaultStrategy
	if value, ok := in.msg.Get(tagTargetStrategy); ok {
		v, err := fix.ParseInt(value)
		if err != nil {
			return malformed(tagTargetStrategy, fix.RejectFormat)
		}
		if chosen, ok = strategyOf(v); !ok {
			return order(event.ReasonUnknownStrategy, "TargetStrategy(847)=%d is not known: %s",
				v, knownStrategies)
		}
	} else if chosen == 0 {
		return order(event.ReasonUnknownStrategy, "TargetStrategy(847) is required: %s",
			knownStrategies)
	}
	in.event.Strategy = chosen
	return in.strategyTerms()
}

// newStrategyTerms reads the parameters of a replace that changes how an order is
// worked. They stand for all of the order's parameters: one that is left out is not
// kept. Without TargetStrategy(847) the order is worked as before.
func (in *inbound) newStrategyTerms() *refusal {
	if _, ok := in.msg.Get(tagTargetStrategy); ok {
		return in.strategy()
	}
	if r := in.expireDate(); r != nil {
		return r
	}
	if r := in.newDisplay(); r != nil {
		return r
	}
	for _, tag := range []int{tagEffectiveTime, tagExpireTime, tagTargetStrategyParameters, tagParticipationRate,
		tagNoStrategyParameters} {
		if _, ok := in.msg.Get(tag); ok {
			return order(event.ReasonBadParameter,
				"%s: a replace that changes the strategy's parameters names TargetStrategy(847) and all of them",
				describe(tag))
		}
	}
	return nil
}

// strategyTerms reads the parameters of in.event.Strategy, from fields and from the group.
func (in *inbound) strategyTerms() *refusal {
	var given [len(terms)]bool
	for i := range terms {
		t := &terms[i]
		if t.tag == 0 {
			continue
		}
		tag := t.tag
		if t.alias != 0 {
			var r *refusal
			if tag, r = in.displayField(); r != nil {
				return r
			}
		}
		value, ok := in.msg.Get(tag)
		if !ok {
			continue
		}
		if t.tag == tagExpireTime && in.event.TIF == market.TIFGTD && !in.event.Strategy.Scheduled() {
			continue // it is that of the order: see expiry
		}
		if !t.of(in.event.Strategy) {
			return order(event.ReasonBadParameter, "%s: %v has no such parameter", describe(tag), in.event.Strategy)
		}
		given[i] = true
		if r := t.read(in, describe(tag), value, tag); r != nil {
			return r
		}
	}
	for i := range in.params {
		p := &in.params[i]
		n := termNamed(p.name)
		if n < 0 || !terms[n].of(in.event.Strategy) {
			return order(event.ReasonBadParameter, "strategy parameter %s: %v knows %s", plain(p.name),
				in.event.Strategy, termNames(in.event.Strategy))
		}
		t := &terms[n]
		if given[n] {
			return order(event.ReasonBadParameter, "strategy parameter %s is given twice%s", t.name, t.beside())
		}
		given[n] = true
		if string(p.kind) != t.kind.number {
			return order(event.ReasonBadParameter,
				"strategy parameter %s: StrategyParameterType(959)=%s, must be %s (%s)",
				t.name, plain(p.kind), t.kind.number, t.kind.name)
		}
		if r := t.read(in, "strategy parameter "+t.name, p.value, 0); r != nil {
			return r
		}
	}
	for i := range terms {
		if t := &terms[i]; t.needs(in.event.Strategy) && !given[i] {
			return order(event.ReasonBadParameter, "%v needs %s, a strategy parameter%s", in.event.Strategy, t.name, t.orField())
		}
	}
	if r := in.termsTogether(); r != nil {
		return r
	}
	return in.expiry()
}

// termsTogether checks parameters against each other.
func (in *inbound) termsTogether() *refusal {
	e := &in.event
	switch {
	case e.Until != 0 && e.Until <= e.StartTime:
		return order(event.ReasonBadParameter, "EndTime is not after StartTime")
	case e.LastQty != 0 && e.MinQty > e.LastQty:
		return order(event.ReasonBadParameter, "MinSliceQty is above MaxSliceQty")
	}
	return nil
}
