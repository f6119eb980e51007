package ems

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// term is a parameter that clients may give a strategy. The FIXatdl file describes the
// same ones; a test compares them.
type term struct {
	name string
	kind *termKind
	tag  int // field that may carry it instead, 0 none
	// alias is another field for the same, of a later version of FIX; 0 none.
	alias int
	in    []event.Strategy
	must  []event.Strategy // which cannot do without
	set   func(in *inbound, v int64) string
	get   func(e *event.Event) int64 // 0: not given
}

// termKind is a StrategyParameterType(959): how a value is written.
type termKind struct {
	number, name string
	// parse returns the value, or what it must be.
	parse  func(in *inbound, text []byte) (v int64, must string)
	format func(ins *market.Instrument, v int64) string
}

var (
	scheduled = []event.Strategy{event.StrategyTWAP, event.StrategyVWAP, event.StrategyPOV, event.StrategyIS,
		event.StrategySeek}
	sliced = []event.Strategy{event.StrategyTWAP, event.StrategyVWAP, event.StrategyPOV, event.StrategyIS}
	fixed  = []event.Strategy{event.StrategyTWAP, event.StrategyVWAP, event.StrategyIS}
	timely = []event.Strategy{event.StrategyIS, event.StrategySeek}
	byRate = []event.Strategy{event.StrategyPOV}
	hidden = []event.Strategy{event.StrategySeek}
	capped = []event.Strategy{event.StrategyTWAP, event.StrategyVWAP, event.StrategyIS, event.StrategySeek}
)

// sliceSecondsMax bounds SliceSeconds: one day.
const sliceSecondsMax = 86_400

// terms lists every strategy parameter.
var terms = [...]term{
	{name: "StartTime", kind: &kindTime, tag: tagEffectiveTime, in: scheduled,
		set: func(in *inbound, v int64) string { in.event.StartTime = v; return "" },
		get: func(e *event.Event) int64 { return e.StartTime }},
	{name: "EndTime", kind: &kindTime, tag: tagExpireTime, in: scheduled, must: scheduled,
		set: func(in *inbound, v int64) string { in.event.Until = v; return "" },
		get: func(e *event.Event) int64 { return e.Until }},
	{name: "SliceSeconds", kind: &kindInt, in: sliced,
		set: func(in *inbound, v int64) string {
			in.event.SliceNanos = v * 1e9
			return within(v, sliceSecondsMax)
		},
		get: func(e *event.Event) int64 { return e.SliceNanos / 1e9 }},
	{name: "ParticipationRate", kind: &kindPercentage, tag: tagParticipationRate, in: byRate, must: byRate,
		set: setRate, get: func(e *event.Event) int64 { return int64(e.CumQty) }},
	{name: "MaxParticipationRate", kind: &kindPercentage, in: capped,
		set: setRate, get: func(e *event.Event) int64 { return int64(e.CumQty) }},
	{name: "IWouldPrice", kind: &kindPrice, in: sliced,
		set: func(in *inbound, v int64) string {
			in.event.LastPx = market.Price(v)
			return positive(v, in.event.LastPx%in.of().Tick == 0, "tick")
		},
		get: func(e *event.Event) int64 { return int64(e.LastPx) }},
	{name: "MinSliceQty", kind: &kindQty, in: sliced,
		set: func(in *inbound, v int64) string { return in.lots(&in.event.MinQty, v) },
		get: func(e *event.Event) int64 { return int64(e.MinQty) }},
	{name: "MaxSliceQty", kind: &kindQty, in: scheduled,
		set: func(in *inbound, v int64) string { return in.lots(&in.event.LastQty, v) },
		get: func(e *event.Event) int64 { return int64(e.LastQty) }},
	{name: "DisplayQty", kind: &kindQty, tag: fix.TagMaxFloor, alias: tagDisplayQty, in: sliced,
		set: func(in *inbound, v int64) string { return in.display(v) },
		get: func(e *event.Event) int64 { return int64(e.Display()) }},
	{name: "BlockQty", kind: &kindQty, in: hidden,
		set: func(in *inbound, v int64) string { return in.lots(&in.event.LeavesQty, v) },
		get: func(e *event.Event) int64 { return int64(e.LeavesQty) }},
	{name: "Urgency", kind: &kindUrgency, tag: tagTargetStrategyParameters, in: timely,
		set: func(in *inbound, v int64) string { in.event.Code = uint8(v); return "" },
		get: func(e *event.Event) int64 { return int64(e.Code) }},
	{name: "CatchUp", kind: &kindBoolean, in: fixed,
		set: func(in *inbound, v int64) string {
			if v == no {
				in.event.Flags |= event.NoCatchUp
			}
			return ""
		},
		get: func(e *event.Event) int64 {
			if e.Flags&event.NoCatchUp != 0 {
				return no
			}
			return 0
		}},
}

// setRate takes a rate of participation, in 1/10,000.
func setRate(in *inbound, v int64) string {
	in.event.CumQty = market.Qty(v)
	if v <= 0 || v > 10_000 {
		return "must be above 0 and at most 1, a fraction: 0.1 is ten per cent"
	}
	return ""
}

func within(v, largest int64) string {
	if v < 1 || v > largest {
		return "must be 1 to " + strconv.FormatInt(largest, 10)
	}
	return ""
}

func positive(v int64, whole bool, unit string) string {
	if v <= 0 || !whole {
		return "must be positive and a multiple of the instrument's " + unit
	}
	return ""
}

func (in *inbound) lots(to *market.Qty, v int64) string {
	*to = market.Qty(v)
	return positive(v, *to%in.of().Lot == 0, "lot")
}

// Values of a Boolean parameter.
const (
	yes = 1
	no  = 2
)

// Kinds of parameters, with the numbers of StrategyParameterType(959) (FIX 5.0 SP2).
var (
	kindInt = termKind{"1", "Int",
		func(_ *inbound, text []byte) (int64, string) {
			v, err := fix.ParseInt(text)
			if err != nil {
				return 0, "must be a whole number"
			}
			return v, ""
		},
		func(_ *market.Instrument, v int64) string { return strconv.FormatInt(v, 10) }}
	kindQty = termKind{"7", "Qty",
		func(in *inbound, text []byte) (int64, string) { return decimalTerm(text, in.of().QtyDecimals) },
		func(ins *market.Instrument, v int64) string {
			return string(market.AppendTrimmed(nil, v, ins.QtyDecimals))
		}}
	kindPrice = termKind{"8", "Price",
		func(in *inbound, text []byte) (int64, string) { return decimalTerm(text, in.of().PriceDecimals) },
		func(ins *market.Instrument, v int64) string {
			return string(market.AppendTrimmed(nil, v, ins.PriceDecimals))
		}}
	kindPercentage = termKind{"11", "Percentage",
		func(_ *inbound, text []byte) (int64, string) { return decimalTerm(text, rateDecimals) },
		func(_ *market.Instrument, v int64) string { return string(market.AppendTrimmed(nil, v, rateDecimals)) }}
	kindBoolean = termKind{"13", "Boolean",
		func(_ *inbound, text []byte) (int64, string) {
			switch string(text) {
			case "Y":
				return yes, ""
			case "N":
				return no, ""
			}
			return 0, "must be Y or N"
		},
		func(_ *market.Instrument, v int64) string {
			if v == no {
				return "N"
			}
			return "Y"
		}}
	kindUrgency = termKind{"14", "String",
		func(_ *inbound, text []byte) (int64, string) {
			u, ok := event.ParseUrgency(string(text))
			if !ok {
				return 0, "must be LOW, MEDIUM or HIGH"
			}
			return int64(u), ""
		},
		func(_ *market.Instrument, v int64) string { return event.Urgency(v).String() }}
	kindTime = termKind{"19", "UTCTimestamp",
		func(_ *inbound, text []byte) (int64, string) {
			ns, err := fix.ParseTime(text)
			if err != nil || ns == 0 {
				return 0, "not a time (YYYYMMDD-HH:MM:SS.sss)"
			}
			return ns, ""
		},
		func(_ *market.Instrument, v int64) string {
			return time.Unix(0, v).UTC().Format("20060102-15:04:05.000")
		}}
)

// rateDecimals is the precision of a rate of participation.
const rateDecimals = 4

func decimalTerm(text []byte, decimals uint8) (v int64, must string) {
	v, err := market.ParseDecimal(text, decimals)
	if err != nil {
		return 0, "must be a number of at most " + strconv.Itoa(int(decimals)) + " decimals"
	}
	return v, ""
}

// read takes the value of t, which stands in field tag, or in the group when tag is 0.
func (t *term) read(in *inbound, what string, text []byte, tag int) *refusal {
	v, must := t.kind.parse(in, text)
	if must != "" && tag != 0 {
		return malformed(tag, fix.RejectFormat)
	}
	if must == "" {
		must = t.set(in, v)
	}
	if must != "" {
		return order(event.ReasonBadParameter, "%s=%s: %s", what, plain(text), must)
	}
	return nil
}

func (t *term) of(s event.Strategy) bool    { return slices.Contains(t.in, s) }
func (t *term) needs(s event.Strategy) bool { return slices.Contains(t.must, s) }

func (t *term) beside() string {
	if t.tag == 0 {
		return ""
	}
	return ", or beside " + describe(t.tag)
}

func (t *term) orField() string {
	if t.tag == 0 {
		return ""
	}
	return ", or " + describe(t.tag)
}

// termNamed returns the index of a term, -1 when there is none of the name.
func termNamed(name []byte) int {
	return slices.IndexFunc(terms[:], func(t term) bool { return t.name == string(name) })
}

// termNames lists the terms of a strategy for a person.
func termNames(s event.Strategy) string {
	var names []string
	for i := range terms {
		if terms[i].of(s) {
			names = append(names, terms[i].name)
		}
	}
	if names == nil {
		return "no parameters: it acts at once"
	}
	return strings.Join(names, ", ")
}
