package ems

import (
	"slices"
	"strconv"
	"strings"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// inbound is one application message of a client while it is read and checked.
type inbound struct {
	msg     *fix.Message
	msgType byte
	config  *Config
	params  []parameter
	unfit   *refusal // the first field that refuses the order; form errors come first
	event   event.Event
}

// kinds of event by MsgType(35).
var kinds = map[string]event.Kind{
	fix.MsgNewOrderSingle: event.ParentNew,
	fix.MsgCancelRequest:  event.ParentCancel,
	fix.MsgCancelReplace:  event.ParentReplace,
	fix.MsgStatusRequest:  event.ParentStatus,
	fix.MsgDontKnowTrade:  event.ParentDontKnow,
}

// read turns a message into in.event. The steps go from the outside in: syntax,
// then which fields there are, then what they say.
func (in *inbound) read() *refusal {
	kind, ok := kinds[string(in.msg.Type())]
	if !ok {
		return &refusal{form: businessReject, code: businessUnsupportedType,
			text: "MsgType(35)=" + string(in.msg.Type()) + " is not supported: only D, F, G, H and Q"}
	}
	in.msgType = in.msg.Type()[0]
	in.event = event.Event{Kind: kind, Venue: market.NoVenue, Instrument: market.NoInstrument}
	if in.msg.Flag(fix.TagPossDupFlag) || in.msg.Flag(fix.TagPossResend) {
		in.event.Flags |= event.PossDup
	}
	if in.msgType == 'Q' {
		return in.dontKnow()
	}
	for _, step := range []func() *refusal{in.walk, in.required, in.ids, in.times} {
		if r := step(); r != nil {
			return r
		}
	}
	if in.unfit != nil {
		return in.unfit
	}
	for _, step := range in.terms() {
		if r := step(); r != nil {
			return r
		}
	}
	return nil
}

// terms are the checks of what a message of the type asks for.
func (in *inbound) terms() []func() *refusal {
	switch in.msgType {
	case 'D':
		return []func() *refusal{in.instrument, in.side, in.orderType, in.quantity, in.price,
			in.strategy}
	case 'G':
		return []func() *refusal{in.instrument, in.side, in.orderType, in.quantity, in.price,
			in.newStrategyTerms}
	}
	return []func() *refusal{in.instrument, in.side}
}

// dontKnow reads DontKnowTrade(Q): which execution of which order, and why. What else it
// says is the client's description of it.
func (in *inbound) dontKnow() *refusal {
	for _, tag := range []int{fix.TagExecID, fix.TagOrderID, fix.TagDKReason} {
		if _, ok := in.msg.Get(tag); !ok {
			return malformed(tag, fix.RejectMissingTag)
		}
	}
	execID, _ := in.msg.Get(fix.TagExecID)
	id, fits := event.MakeID(execID)
	if !fits || !id.Valid() {
		return malformed(fix.TagExecID, fix.RejectValue)
	}
	reason, _ := in.msg.Get(fix.TagDKReason)
	if len(reason) != 1 || (reason[0] < 'A' || reason[0] > 'F') && reason[0] != 'Z' {
		return malformed(fix.TagDKReason, fix.RejectValue)
	}
	order, _ := in.msg.Get(fix.TagOrderID)
	number, err := strconv.ParseUint(string(order), 10, 63)
	if err != nil || number == 0 {
		return malformed(fix.TagOrderID, fix.RejectValue)
	}
	in.event.ID, in.event.Code, in.event.OrderRef = id, reason[0], number
	return nil
}

// walk looks at every field once: whether it is known, stands alone and has a
// value that is served. It collects the strategy parameters.
func (in *inbound) walk() *refusal {
	seen := make(map[int]bool, in.msg.Len())
	for i := 0; i < in.msg.Len(); i++ {
		tag, value := in.msg.Field(i)
		if sessionTag(tag) {
			continue
		}
		r := rules[tag]
		if seen[tag] && (r == nil || !r.repeats) {
			return malformed(tag, fix.RejectDuplicate)
		}
		seen[tag] = true
		switch {
		case r == nil || r.of(in.msgType) == refused:
			in.refuse(order(event.ReasonUnsupportedType, "%s is not supported here", describe(tag)))
		case r.only != nil && !slices.Contains(r.only, string(value)):
			in.refuse(order(event.ReasonUnsupportedType, "%s=%s is not supported: only %s",
				describe(tag), plain(value), strings.Join(r.only, ", ")))
		case tag == tagNoStrategyParameters:
			next, err := in.parameters(i)
			if err != nil {
				return err
			}
			i = next
		case tag == tagStrategyParameterName || tag == tagStrategyParameterType ||
			tag == tagStrategyParameterValue:
			return malformed(tag, fix.RejectOrder)
		}
	}
	return nil
}

// refuse keeps the first reason to refuse the order.
func (in *inbound) refuse(r *refusal) {
	if in.unfit == nil {
		in.unfit = r
	}
}

// required finds the field that is missing, lowest tag first.
func (in *inbound) required() *refusal {
	missing := 0
	for tag, r := range rules {
		if r.of(in.msgType) != required || missing != 0 && missing < tag {
			continue
		}
		if _, ok := in.msg.Get(tag); !ok {
			missing = tag
		}
	}
	if missing != 0 {
		return malformed(missing, fix.RejectMissingTag)
	}
	return nil
}

// ids reads the identifiers. One that cannot be used cannot be echoed either, so
// it refuses the message and not the order.
func (in *inbound) ids() *refusal {
	for _, field := range []struct {
		tag int
		to  *event.ID
	}{
		{fix.TagClOrdID, &in.event.ID},
		{fix.TagOrigClOrdID, &in.event.OrigID},
		{tagOrdStatusReqID, &in.event.OrigID},
	} {
		value, ok := in.msg.Get(field.tag)
		if !ok || rules[field.tag].of(in.msgType) < optional {
			continue
		}
		id, fits := event.MakeID(value)
		if !fits || !id.Valid() {
			r := malformed(field.tag, fix.RejectValue)
			r.text += ": 1 to 20 characters of A-Z a-z 0-9 _ -"
			return r
		}
		*field.to = id
	}
	return nil
}

// times reads TransactTime(60).
func (in *inbound) times() *refusal {
	value, ok := in.msg.Get(fix.TagTransactTime)
	if !ok {
		return nil
	}
	ns, err := fix.ParseTime(value)
	if err != nil {
		return malformed(fix.TagTransactTime, fix.RejectFormat)
	}
	in.event.SrcTime = ns
	return nil
}

func (in *inbound) instrument() *refusal {
	symbol, _ := in.msg.Get(fix.TagSymbol)
	for i := range in.config.Instruments {
		if in.config.Instruments[i].Symbol == string(symbol) {
			in.event.Instrument = market.InstrumentID(i)
			return nil
		}
	}
	return order(event.ReasonUnknownInstrument, "Symbol(55)=%s is not traded here", plain(symbol))
}

func (in *inbound) side() *refusal {
	value, _ := in.msg.Get(fix.TagSide)
	in.event.Side, in.event.Mark, _ = market.ParseSide(value[0])
	return in.locate()
}

// plain returns text from a client so that it can be said back to it.
func plain(value []byte) string {
	if len(value) > 64 {
		value = value[:64]
	}
	return string(appendPlain(nil, value))
}
