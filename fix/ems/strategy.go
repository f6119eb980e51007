package ems

import (
	"penstock/event"
	"penstock/fix"
)

// parameter is one entry of the StrategyParametersGrp (FIX 5.0 SP2).
type parameter struct{ name, kind, value []byte }

// StrategyParameterType(959) of the parameters that are served.
const (
	paramInt          = "1"
	paramUTCTimestamp = "19"
)

// maxParameters bounds NoStrategyParameters(957).
const maxParameters = 16

const knownStrategies = "1000 SWEEP, 1001 TWAP"

func known(s event.Strategy) bool { return s == event.StrategySweep || s == event.StrategyTWAP }

// sliceSecondsMax bounds SliceSeconds: one day.
const sliceSecondsMax = 86_400

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
		if chosen = event.Strategy(v); int64(chosen) != v || !known(chosen) {
			return order(event.ReasonUnknownStrategy, "TargetStrategy(847)=%d is not known: %s",
				v, knownStrategies)
		}
	}
	in.event.Strategy = chosen
	switch chosen {
	case 0:
		return order(event.ReasonUnknownStrategy, "TargetStrategy(847) is required: %s",
			knownStrategies)
	case event.StrategyTWAP:
		return in.twap()
	}
	return in.sweep()
}

// sweep refuses whatever only a schedule could use.
func (in *inbound) sweep() *refusal {
	if len(in.params) > 0 {
		return order(event.ReasonBadParameter, "strategy parameter %s: SWEEP has no parameters",
			plain(in.params[0].name))
	}
	for _, tag := range []int{tagEffectiveTime, tagExpireTime} {
		if _, ok := in.msg.Get(tag); ok {
			return order(event.ReasonBadParameter, "%s: SWEEP acts at once", describe(tag))
		}
	}
	return nil
}

// twap reads the parameters of StrategyTWAP: StartTime, EndTime, SliceSeconds.
func (in *inbound) twap() *refusal {
	for _, field := range []struct {
		tag int
		to  *int64
	}{{tagEffectiveTime, &in.event.StartTime}, {tagExpireTime, &in.event.Until}} {
		if value, ok := in.msg.Get(field.tag); ok {
			ns, err := fix.ParseTime(value)
			if err != nil {
				return malformed(field.tag, fix.RejectFormat)
			}
			*field.to = ns
		}
	}
	for i := range in.params {
		if r := in.twapParameter(&in.params[i]); r != nil {
			return r
		}
	}
	switch e := &in.event; {
	case e.Until == 0:
		return order(event.ReasonBadParameter,
			"TWAP needs EndTime, a strategy parameter, or ExpireTime(126)")
	case e.Until <= e.StartTime:
		return order(event.ReasonBadParameter, "EndTime is not after StartTime")
	}
	return nil
}

func (in *inbound) twapParameter(p *parameter) *refusal {
	name := string(p.name)
	switch name {
	case "StartTime":
		return p.time(&in.event.StartTime, tagEffectiveTime)
	case "EndTime":
		return p.time(&in.event.Until, tagExpireTime)
	case "SliceSeconds":
	default:
		return order(event.ReasonBadParameter,
			"strategy parameter %s: TWAP knows StartTime, EndTime, SliceSeconds", plain(p.name))
	}
	if string(p.kind) != paramInt {
		return p.wrongType(paramInt, "Int")
	}
	v, err := fix.ParseInt(p.value)
	switch {
	case err != nil || v < 1 || v > sliceSecondsMax:
		return order(event.ReasonBadParameter,
			"strategy parameter SliceSeconds=%s: must be 1 to %d", plain(p.value), sliceSecondsMax)
	case in.event.SliceNanos != 0:
		return order(event.ReasonBadParameter, "strategy parameter SliceSeconds is given twice")
	}
	in.event.SliceNanos = v * 1e9
	return nil
}

// time reads a UTCTimestamp parameter, which may come in field tag instead.
func (p *parameter) time(to *int64, tag int) *refusal {
	if string(p.kind) != paramUTCTimestamp {
		return p.wrongType(paramUTCTimestamp, "UTCTimestamp")
	}
	ns, err := fix.ParseTime(p.value)
	switch {
	case err != nil || ns == 0:
		return order(event.ReasonBadParameter,
			"strategy parameter %s=%s: not a time (YYYYMMDD-HH:MM:SS.sss)",
			plain(p.name), plain(p.value))
	case *to != 0:
		return order(event.ReasonBadParameter, "strategy parameter %s is given twice, or beside %s",
			plain(p.name), describe(tag))
	}
	*to = ns
	return nil
}

func (p *parameter) wrongType(want, name string) *refusal {
	return order(event.ReasonBadParameter,
		"strategy parameter %s: StrategyParameterType(959)=%s, must be %s (%s)",
		plain(p.name), plain(p.kind), want, name)
}
