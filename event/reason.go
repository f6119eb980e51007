package event

// Reason says why something was refused, withdrawn or taken out of use.
// Numbers are part of the journal format: never reused.
type Reason uint16

// Reasons.
const (
	ReasonNone Reason = 0

	// Refusals of a client's order, cancel or replace.
	ReasonUnknownInstrument Reason = 1
	ReasonUnknownStrategy   Reason = 2
	ReasonBadParameter      Reason = 3
	ReasonDuplicateClOrdID  Reason = 4
	ReasonParentsFull       Reason = 5
	ReasonMaxQty            Reason = 6
	ReasonMaxNotional       Reason = 7
	ReasonCollar            Reason = 8
	ReasonMsgRate           Reason = 9
	ReasonKilled            Reason = 10
	ReasonNoReference       Reason = 11
	ReasonUnknownOrder      Reason = 12
	ReasonTooLate           Reason = 13
	ReasonPending           Reason = 14
	ReasonBadQty            Reason = 15
	ReasonBadPrice          Reason = 16
	ReasonUnsupportedType   Reason = 17
	ReasonChildrenFull      Reason = 18
	ReasonVenueDown         Reason = 19
	ReasonLimit             Reason = 20 // outside the parent's limit price
	ReasonClientDown        Reason = 21
	ReasonExpired           Reason = 22 // the horizon ended
	ReasonNotReady          Reason = 23 // no session start yet
	ReasonNoLiquidity       Reason = 24 // nothing left to take within the limit
	ReasonNoVolumeCurve     Reason = 25 // VWAP without a curve for the instrument
	ReasonDontKnowTrade     Reason = 27 // the client does not know an execution
	ReasonTakenBack         Reason = 28 // what the venue took back is not routed again
	ReasonJournalLag        Reason = 30 // nothing new while the journal lags

	// What a person is told of a venue, or of a parameter set.
	ReasonBadParams Reason = 31
	ReasonToxic     Reason = 32 // what follows its fills costs more than they save
	ReasonStaleMid  Reason = 33 // it fills outside the touch
	ReasonRejects   Reason = 34 // refusal after refusal

	// The trading day.
	ReasonDayOver   Reason = 35 // a day order, or one whose last day it was
	ReasonDayBegins Reason = 36 // a good-till order goes on
	ReasonClosed    Reason = 37 // what cannot wait, while no day is open

	// Controls of our own, core and firewall.
	ReasonFirewall       Reason = 100 // the firewall stopped the message
	ReasonCredit         Reason = 101 // above what a client may have open and executed
	ReasonNotPermitted   Reason = 102 // this client, this instrument, this venue
	ReasonRestricted     Reason = 103 // the instrument is on the restricted list
	ReasonRepeatedOrder  Reason = 104 // the same order again and again within the window
	ReasonDisabled       Reason = 105 // a strategy executed too often: disabled until a named person enables it
	ReasonCanary         Reason = 106 // beyond the caps of a new policy
	ReasonTradeThrough   Reason = 107 // a better protected quote would be traded through
	ReasonShortSale      Reason = 108 // a short sale without its marks
	ReasonStrategyRate   Reason = 109 // message rate of the strategy at the venue
	ReasonDropCopyQty    Reason = 110 // a drop copy says another quantity
	ReasonDropCopyPrice  Reason = 111 // a drop copy says another price
	ReasonDropCopyExecID Reason = 112 // a drop copy has an execution that we do not, or the other way round
	ReasonClock          Reason = 113 // the clock is not where it should be
	ReasonDropCopyDown   Reason = 114 // nobody witnesses what the order session says
	ReasonNoShorts       Reason = 115 // the client may not sell short, or not exempt
	ReasonLocate         Reason = 116 // nobody says where the stock of a short sale is
	ReasonShortBid       Reason = 117 // short sales are restricted: not at the best bid or below
	ReasonSideChanged    Reason = 118 // a replace with another side or short mark
	ReasonDisplay        Reason = 119 // what an order shows cannot be bounded so
	ReasonOtherSide      Reason = 120 // a cancel names another side or short mark than the order's
	ReasonOtherSymbol    Reason = 121 // a cancel or replace names another symbol than the order's

	// Verdicts of a venue.
	ReasonVenueReject   Reason = 40 // not further specified
	ReasonLastLookPrice Reason = 41 // dealer: price moved
	ReasonQuoteExpired  Reason = 42 // dealer: quote expired or unknown
	ReasonVenueThrottle Reason = 43
	ReasonVenueHalted   Reason = 44

	ReasonTradeCancelled Reason = 45 // the venue took an execution back
	ReasonTradeCorrected Reason = 46 // the venue changed an execution
	ReasonUnknownExec    Reason = 47 // it takes back or changes an execution that is not known
	ReasonBeyondLimit    Reason = 48 // corrected to a price beyond the parent's limit
	ReasonRestated       Reason = 49 // it restated an order in a way that cannot be adopted

	// Troubles of a feed.
	ReasonGap        Reason = 60
	ReasonChecksum   Reason = 61
	ReasonAbsurd     Reason = 62 // impossible value: negative, crossed within a venue, unknown order
	ReasonStale      Reason = 63
	ReasonDisconnect Reason = 64
	ReasonMalformed  Reason = 65
	ReasonBookFull   Reason = 66
	ReasonVenueState Reason = 67 // the venue announced it
	ReasonSnapshot   Reason = 68 // a complete snapshot was taken

	// Broken promises of a venue, told by Alert.
	ReasonExecConflict  Reason = 80 // an ExecID that said something else before
	ReasonOverExecuted  Reason = 81 // more than the order that we sent
	ReasonLateFill      Reason = 82 // of an order that it had ended
	ReasonExecGap       Reason = 83 // CumQty moved by more or less than LastQty
	ReasonCumQtyDiffers Reason = 84 // an end whose CumQty is not the sum of its fills
	ReasonAbsurdFill    Reason = 85 // a fill whose numbers cannot be
	ReasonDenied        Reason = 86 // it denies an order that it had confirmed
	ReasonExecsFull     Reason = 87 // ours: further ExecIDs are not remembered

	// An order session, and what a venue refuses.
	ReasonSeqTooLow    Reason = 140 // its sequence numbers went back
	ReasonResends      Reason = 141 // missing messages do not come, or are asked for again and again
	ReasonFlapping     Reason = 142 // it comes and goes
	ReasonResetRefused Reason = 143 // it wants to start its numbers again within the day
	ReasonNoStatus     Reason = 144 // it does not say what became of open orders
	ReasonOrphan       Reason = 145 // an order of this run that the journal lacks: it is cancelled
	ReasonForeignOrder Reason = 146 // a report on an order that is not ours
	ReasonPriceBand    Reason = 147 // outside the venue's price band
	ReasonWouldTake    Reason = 148 // a post-only order that would have taken
	ReasonRefusedAgain Reason = 149 // refused again and again: left alone until a person resumes the venue

	ReasonMaxLife Reason = 150 // ours: a parent has had all the orders that one may have

	reasonsEnd = 151
)

var reasonTexts = map[Reason]string{
	ReasonNone:              "",
	ReasonUnknownInstrument: "unknown instrument",
	ReasonUnknownStrategy:   "unknown TargetStrategy",
	ReasonBadParameter:      "bad strategy parameter",
	ReasonDuplicateClOrdID:  "duplicate ClOrdID",
	ReasonParentsFull:       "too many live parent orders",
	ReasonMaxQty:            "above the maximum order quantity",
	ReasonMaxNotional:       "above the maximum order notional",
	ReasonCollar:            "outside the price collar",
	ReasonMsgRate:           "message rate limit",
	ReasonKilled:            "trading is stopped by the kill switch",
	ReasonNoReference:       "no reference price",
	ReasonUnknownOrder:      "unknown order",
	ReasonTooLate:           "too late",
	ReasonPending:           "a cancel or replace is pending",
	ReasonBadQty:            "bad quantity",
	ReasonBadPrice:          "bad price",
	ReasonUnsupportedType:   "order type or time in force not supported",
	ReasonChildrenFull:      "too many child orders",
	ReasonVenueDown:         "venue session is down",
	ReasonLimit:             "outside the limit price",
	ReasonClientDown:        "client session is down",
	ReasonExpired:           "horizon ended",
	ReasonNotReady:          "router is starting",
	ReasonNoLiquidity:       "no liquidity within the limit",
	ReasonNoVolumeCurve:     "no volume curve for the instrument",
	ReasonDontKnowTrade:     "the client does not know the trade",
	ReasonTakenBack:         "an execution was taken back and is not routed again",
	ReasonJournalLag:        "the journal lags",
	ReasonBadParams:         "a parameter set that cannot be used",
	ReasonToxic:             "prices turn against its fills",
	ReasonStaleMid:          "fills at a stale midpoint",
	ReasonRejects:           "refusal after refusal",
	ReasonDayOver:           "the trading day is over",
	ReasonDayBegins:         "a new trading day begins",
	ReasonClosed:            "the trading day is closed",
	ReasonFirewall:          "stopped by the firewall",
	ReasonCredit:            "above the credit of the client or the firm",
	ReasonNotPermitted:      "client, instrument and venue are not permitted together",
	ReasonRestricted:        "the instrument is on the restricted list",
	ReasonRepeatedOrder:     "the same order again within the window",
	ReasonDisabled:          "strategy is disabled: it sent too often",
	ReasonCanary:            "beyond the caps of a new policy",
	ReasonTradeThrough:      "would trade through a better protected quote",
	ReasonShortSale:         "short sale without its marks",
	ReasonStrategyRate:      "message rate limit of the strategy",
	ReasonDropCopyQty:       "drop copy says another quantity",
	ReasonDropCopyPrice:     "drop copy says another price",
	ReasonDropCopyExecID:    "an execution that only one of order session and drop copy has",
	ReasonClock:             "clock offset",
	ReasonDropCopyDown:      "drop copy is down: executions have one witness",
	ReasonNoShorts:          "no permission to sell short",
	ReasonLocate:            "short sale without a locate",
	ReasonShortBid:          "short sales are restricted: not at the bid or below",
	ReasonSideChanged:       "a replace cannot change the side",
	ReasonDisplay:           "display quantity does not fit the order",
	ReasonOtherSide:         "the order has another side",
	ReasonOtherSymbol:       "the order is in another symbol",
	ReasonVenueReject:       "rejected by the venue",
	ReasonLastLookPrice:     "last look: price moved",
	ReasonQuoteExpired:      "quote expired or unknown",
	ReasonVenueThrottle:     "venue throttle",
	ReasonVenueHalted:       "venue halted",
	ReasonTradeCancelled:    "trade cancelled by the venue",
	ReasonTradeCorrected:    "trade corrected by the venue",
	ReasonUnknownExec:       "cancel or correction of an unknown execution",
	ReasonBeyondLimit:       "corrected to a price beyond the limit",
	ReasonRestated:          "order restated by the venue",
	ReasonGap:               "sequence gap",
	ReasonChecksum:          "checksum mismatch",
	ReasonAbsurd:            "absurd value",
	ReasonStale:             "no data within the limit",
	ReasonDisconnect:        "disconnected",
	ReasonMalformed:         "malformed message",
	ReasonBookFull:          "book capacity reached",
	ReasonVenueState:        "venue state",
	ReasonSnapshot:          "snapshot complete",
	ReasonExecConflict:      "ExecID with other content than before",
	ReasonOverExecuted:      "more executed than ordered",
	ReasonLateFill:          "fill after the end of its order",
	ReasonExecGap:           "executions are missing",
	ReasonCumQtyDiffers:     "CumQty is not the sum of the fills",
	ReasonAbsurdFill:        "impossible fill",
	ReasonDenied:            "venue denies an order that it confirmed",
	ReasonExecsFull:         "no room to remember further executions",
	ReasonSeqTooLow:         "sequence number too low",
	ReasonResends:           "missing messages were not sent again",
	ReasonFlapping:          "session comes and goes",
	ReasonResetRefused:      "reset of sequence numbers within the day refused",
	ReasonNoStatus:          "venue does not say what became of open orders",
	ReasonOrphan:            "an order of this run that the journal lacks",
	ReasonForeignOrder:      "an order at the venue that is not ours",
	ReasonPriceBand:         "outside the venue's price band",
	ReasonWouldTake:         "post-only order would take",
	ReasonRefusedAgain:      "refused again and again",
	ReasonMaxLife:           "as many child orders as a parent may have",
}

// ReasonCount is above every Reason: arrays by reason have so many places.
const ReasonCount = int(reasonsEnd)

func (r Reason) String() string {
	if text, ok := reasonTexts[r]; ok {
		return text
	}
	return "reason?"
}

// OrdRejReason returns OrdRejReason(103) for a refused order (FIX 4.4 vol. 6).
func (r Reason) OrdRejReason() int {
	switch r {
	case ReasonUnknownInstrument:
		return 1 // unknown symbol
	case ReasonVenueDown, ReasonVenueHalted, ReasonNotReady, ReasonClosed:
		return 2 // exchange closed
	case ReasonMaxQty, ReasonMaxNotional:
		return 3 // order exceeds limit
	case ReasonTooLate, ReasonExpired, ReasonDayOver:
		return 4 // too late to enter
	case ReasonUnknownOrder:
		return 5
	case ReasonDuplicateClOrdID:
		return 6
	case ReasonUnsupportedType, ReasonUnknownStrategy:
		return 11 // unsupported order characteristic
	case ReasonBadQty:
		return 13 // incorrect quantity
	case ReasonCollar, ReasonLimit, ReasonBadPrice:
		return 16 // price exceeds current price band
	}
	return 99 // other
}

// CxlRejReason returns CxlRejReason(102) for a refused cancel or replace.
func (r Reason) CxlRejReason() int {
	switch r {
	case ReasonTooLate:
		return 0
	case ReasonUnknownOrder:
		return 1
	case ReasonPending:
		return 3
	case ReasonDuplicateClOrdID:
		return 6
	}
	return 99
}
