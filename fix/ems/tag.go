package ems

import "penstock/fix"

// Tags beyond those of package fix, as FIX 4.4 and 5.0 SP2 name them.
const (
	tagOrdStatusReqID           = 790
	tagExecRestatementReason    = 378
	tagTargetStrategy           = 847
	tagTargetStrategyParameters = 848
	tagParticipationRate        = 849
	tagEffectiveTime            = 168
	tagExpireTime               = 126
	tagExpireDate               = 432
	tagDayOrderQty              = 424
	tagDayCumQty                = 425
	tagDayAvgPx                 = 426
	tagLocateReqd               = 114
	tagDisplayQty               = 1138
	tagNoStrategyParameters     = 957
	tagStrategyParameterName    = 958
	tagStrategyParameterType    = 959
	tagStrategyParameterValue   = 960
	tagHandlInst                = 21
	tagSettlType                = 63
)

// use says what a tag is to one type of message.
type use uint8

const (
	refused use = iota // changes what is asked for in a way that is not served
	ignored            // carries no meaning for the router
	optional
	required
)

// rule is what is known of one body tag. A tag without a rule is refused.
type rule struct {
	name       string
	d, f, g, h use
	only       []string // values served, nil for any
	repeats    bool     // may stand in a repeating group
}

// of returns the use of the tag in a message of the type.
func (r *rule) of(msgType byte) use {
	switch msgType {
	case 'D':
		return r.d
	case 'F':
		return r.f
	case 'G':
		return r.g
	case 'H':
		return r.h
	}
	return refused
}

// info is the rule of a tag that only informs.
func info(name string) rule {
	return rule{name: name, d: ignored, f: ignored, g: ignored, h: ignored}
}

// party is the rule of a tag of the Parties group.
func party(name string) rule {
	r := info(name)
	r.repeats = true
	return r
}

// Values served of OrdType(40) and HandlInst(21), of TimeInForce(59): day, good
// till cancel, immediate or cancel, fill or kill, good till date.
var oneOrTwo, timesInForce, sides = []string{"1", "2"}, []string{"0", "1", "3", "4", "6"}, []string{"1", "2", "5", "6"}

// rules lists every body tag that is known, of NewOrderSingle(D),
// OrderCancelRequest(F), OrderCancelReplaceRequest(G) and OrderStatusRequest(H).
var rules = map[int]*rule{}

func init() {
	for tag, r := range map[int]rule{
		fix.TagClOrdID:     {name: "ClOrdID", d: required, f: required, g: required, h: required},
		fix.TagOrigClOrdID: {name: "OrigClOrdID", f: required, g: required},
		fix.TagSymbol:      {name: "Symbol", d: required, f: required, g: required, h: required},
		fix.TagSide: {name: "Side", d: required, f: required, g: required, h: required,
			only: sides},
		fix.TagTransactTime: {name: "TransactTime", d: required, f: required, g: required,
			h: optional},
		fix.TagOrderQty:    {name: "OrderQty", d: required, f: ignored, g: required},
		fix.TagOrdType:     {name: "OrdType", d: required, g: required, only: oneOrTwo},
		fix.TagPrice:       {name: "Price", d: optional, g: optional},
		fix.TagTimeInForce: {name: "TimeInForce", d: optional, g: optional, only: timesInForce},
		fix.TagCurrency:    {name: "Currency", d: optional, g: optional},
		tagHandlInst:       {name: "HandlInst", d: optional, g: optional, only: oneOrTwo},
		tagSettlType:       {name: "SettlType", d: optional, g: optional, only: []string{"0"}},
		fix.TagOrderID:     {name: "OrderID", f: ignored, g: ignored, h: ignored},
		fix.TagExecID:      {name: "ExecID"},
		fix.TagDKReason:    {name: "DKReason"},
		tagOrdStatusReqID:  {name: "OrdStatusReqID", h: optional},

		tagTargetStrategy:           {name: "TargetStrategy", d: optional, g: optional},
		tagTargetStrategyParameters: {name: "TargetStrategyParameters", d: optional, g: optional},
		tagParticipationRate:        {name: "ParticipationRate", d: optional, g: optional},
		tagEffectiveTime:            {name: "EffectiveTime", d: optional, g: optional},
		tagExpireTime:               {name: "ExpireTime", d: optional, g: optional},
		tagExpireDate:               {name: "ExpireDate", d: optional, g: optional},
		fix.TagMaxFloor:             {name: "MaxFloor", d: optional, g: optional},
		tagDisplayQty:               {name: "DisplayQty", d: optional, g: optional},
		tagLocateReqd:               {name: "LocateReqd", d: optional, g: optional},
		fix.TagLocateBroker:         {name: "LocateBroker", d: optional, g: optional},
		tagNoStrategyParameters:     {name: "NoStrategyParameters", d: optional, g: optional},
		tagStrategyParameterName:    {name: "StrategyParameterName", d: optional, g: optional, repeats: true},
		tagStrategyParameterType:    {name: "StrategyParameterType", d: optional, g: optional, repeats: true},
		tagStrategyParameterValue:   {name: "StrategyParameterValue", d: optional, g: optional, repeats: true},

		1: info("Account"), 47: info("OrderCapacity (4.2)"), 58: info("Text"), 70: info("AllocID"),
		109: info("ClientID"), 526: info("SecondaryClOrdID"), 528: info("OrderCapacity"),
		581: info("AccountType"), 583: info("ClOrdLinkID"), 660: info("AcctIDSource"),
		447: party("PartyIDSource"), 448: party("PartyID"), 452: party("PartyRole"),
		453: info("NoPartyIDs"), 523: party("PartySubID"), 802: party("NoPartySubIDs"),
		803: party("PartySubIDType"),

		// Known, and refused by name because they would change the order.
		fix.TagExecInst: {name: "ExecInst"}, fix.TagMinQty: {name: "MinQty"},
		fix.TagQuoteID: {name: "QuoteID"},
		22:             {name: "SecurityIDSource"}, 23: {name: "IOIID"}, 48: {name: "SecurityID"},
		64: {name: "SettlDate"}, 65: {name: "SymbolSfx"}, 78: {name: "NoAllocs"},
		99: {name: "StopPx"}, 100: {name: "ExDestination"},
		152: {name: "CashOrderQty"}, 167: {name: "SecurityType"}, 192: {name: "OrderQty2"},
		207: {name: "SecurityExchange"}, 210: {name: "MaxShow"}, 211: {name: "PegOffsetValue"},
		388: {name: "DiscretionInst"}, 389: {name: "DiscretionOffsetValue"},
		423: {name: "PriceType"}, 529: {name: "OrderRestrictions"},
		640: {name: "Price2"}, 1082: {name: "SecondaryDisplayQty"}, 1083: {name: "DisplayWhen"},
		1084: {name: "DisplayMethod"}, 1085: {name: "DisplayLowQty"}, 1086: {name: "DisplayHighQty"},
		1087: {name: "DisplayMinIncr"}, 1088: {name: "RefreshQty"},
	} {
		rules[tag] = &r
	}
}

// sessionTag reports whether tag belongs to the standard header or trailer, of
// which the FIX session takes care.
func sessionTag(tag int) bool {
	switch tag {
	case fix.TagBeginString, fix.TagBodyLength, fix.TagMsgType, fix.TagSenderCompID,
		fix.TagTargetCompID, fix.TagMsgSeqNum, fix.TagPossDupFlag, fix.TagPossResend,
		fix.TagSendingTime, fix.TagOrigSendingTime, fix.TagCheckSum,
		50, 57, 142, 143, 347, 369:
		return true
	}
	return false
}
