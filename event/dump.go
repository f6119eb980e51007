package event

import (
	"encoding/hex"
	"strconv"
	"time"

	"penstock/market"
)

// Names holds the reference data that turns numbers into text. It may be nil or
// incomplete: what it does not know is written as its number.
type Names struct {
	Instruments []market.Instrument // by InstrumentID
	Venues      []market.Venue      // by VenueID
}

// AppendEvent appends one line of text, without a newline, that says what e says:
//
//	#1042 09:30:00.123456789 level KRKN DEMO bid 100.25 x 300 more
//
// Times are StepTime and UTC; "*" stands for every venue or instrument.
func AppendEvent(dst []byte, e *Event, names *Names) []byte {
	l := names.line(dst, e.Instrument, e.StepTime)
	l.uint("#", e.Seq)
	l.time(" ", e.StepTime)
	l.word(e.Kind.String())
	switch {
	case e.Kind.Market():
		l.market(e)
	case e.Kind >= ParentNew && e.Kind <= ParentDontKnow:
		l.parent(e)
	default:
		l.session(e)
	}
	if e.Flags&More != 0 {
		l.word("more")
	}
	if e.Flags&PossDup != 0 {
		l.word("possdup")
	}
	return l.b
}

// market appends an event of a feed.
func (l *line) market(e *Event) {
	l.venue(e.Venue)
	l.symbol(e.Instrument)
	switch e.Kind {
	case BookLevel:
		l.level(e.Side, e.Price, e.Qty)
	case OrderAdd:
		l.uint(" ref ", e.Ref)
		l.level(e.Side, e.Price, e.Qty)
	case OrderExecuted:
		l.uint(" ref ", e.Ref)
		l.qty(" ", e.Qty)
		if e.LastPx != 0 {
			l.price(" @", e.LastPx)
		}
	case OrderReduced:
		l.uint(" ref ", e.Ref)
		l.qty(" ", e.Qty)
	case OrderDeleted:
		l.uint(" ref ", e.Ref)
	case OrderReplaced:
		l.uint(" ref ", e.Ref)
		l.uint(" by ", e.OrderRef)
		l.qty(" ", e.Qty)
		l.price(" @", e.Price)
	case ShortRestriction:
		l.word(map[bool]string{true: "restricted", false: "free"}[e.Code == ShortsRestricted])
	case BookStatus, MarketStatus:
		l.word(BookState(e.Code).String())
	case PriceBand:
		if e.Price != 0 {
			l.price(" from ", e.Price)
		}
		if e.LastPx != 0 {
			l.price(" to ", e.LastPx)
		}
	case MarketTrade:
		if e.Side != 0 {
			l.word(e.Side.String())
		}
		l.qty(" ", e.Qty)
		l.price(" @", e.Price)
	case Quote:
		l.level(market.Buy, e.Price, e.Qty)
		l.level(market.Sell, e.LastPx, e.LastQty)
		l.id(" QuoteID ", e.ID)
		l.timeIf(" until ", e.Until)
	}
	if e.Kind.Size() > 64 || e.Kind == BookStatus {
		l.reason(e.Reason)
	}
}

// parent appends a client's order or request.
func (l *line) parent(e *Event) {
	l.uint(" client ", uint64(e.Client))
	l.id(" ", e.ID)
	if e.Kind == ParentNew {
		l.id(" located by ", e.OrigID)
	} else {
		l.id(" orig ", e.OrigID)
	}
	if e.Kind == ParentDontKnow {
		l.uint(" P", e.OrderRef)
		l.id(" DKReason ", ID{e.Code})
	}
	if e.Kind == ParentNew || e.Kind == ParentReplace {
		l.symbol(e.Instrument)
		l.order(e.Side, e.Qty, e.Price)
		l.word(e.Mark.String())
		l.terms(e.OrdType, e.TIF, e.ExecInst)
		l.qtyIf(" MinQty ", e.MinQty)
		l.qtyIf(" display ", e.Display())
		if e.Strategy != 0 {
			l.word(e.Strategy.String())
		}
		l.timeIf(" from ", e.StartTime)
		l.timeIf(" until ", e.Until)
		if e.ExpireDate != 0 {
			l.date(" last day ", int64(e.ExpireDate))
		}
		if e.SliceNanos != 0 {
			l.b = append(l.b, " slice "...)
			l.b = append(market.AppendTrimmed(l.b, e.SliceNanos, 9), 's')
		}
		l.strategyTerms(e)
	}
	l.reason(e.Reason)
}

// strategyTerms appends the parameters of a strategy that ParentNew keeps in fields of
// other kinds.
func (l *line) strategyTerms(e *Event) {
	l.qtyIf(" MaxQty ", e.LastQty)
	l.qtyIf(" block ", e.LeavesQty)
	if e.LastPx != 0 {
		l.price(" would @", e.LastPx)
	}
	if e.CumQty != 0 {
		l.uint(" participation bps ", uint64(e.CumQty))
	}
	if e.Code != 0 {
		l.word(Urgency(e.Code).String())
	}
	if e.Flags&NoCatchUp != 0 {
		l.word("no-catch-up")
	}
}

// session appends a venue's report, a change of a session or an operator's act.
func (l *line) session(e *Event) {
	switch e.Kind {
	case SessionStart:
		l.uint(" epoch ", e.Ref)
		l.b = time.Unix(0, e.StepTime).UTC().AppendFormat(append(l.b, ' '), time.DateOnly)
	case Exec, DropCopy:
		l.venue(e.Venue)
		l.symbol(e.Instrument)
		l.uint(" C", e.Ref)
		l.word(market.ExecType(e.Code).String())
		l.word(e.OrdStatus.String())
		if e.LastQty != 0 {
			l.qty(" last ", e.LastQty)
			l.price(" @", e.LastPx)
		}
		l.qty(" cum ", e.CumQty)
		l.qty(" leaves ", e.LeavesQty)
		l.liquidity(e.Liquidity)
		l.id(" ExecID ", e.ID)
		l.id(" of ", e.OrigID)
		if e.OrderRef != 0 {
			l.uint(" ref ", e.OrderRef)
		}
		l.reason(e.Reason)
	case Invitation:
		l.venue(e.Venue)
		l.symbol(e.Instrument)
		if e.Side != 0 {
			l.word(e.Side.String())
		}
		l.uint(" C", e.Ref)
		l.qtyIf(" ", e.Qty)
		l.id(" IOIID ", e.ID)
		l.timeIf(" until ", e.Until)
		if e.Code == InvitationWithdrawn {
			l.word("withdrawn")
		}
	case QuoteAnswer:
		l.venue(e.Venue)
		l.symbol(e.Instrument)
		l.uint(" R", e.Ref)
		if e.Code == QuoteRefused {
			l.word("none")
		} else {
			l.id(" ", e.ID)
			l.level(market.Buy, e.Price, e.Qty)
			l.level(market.Sell, e.LastPx, e.LastQty)
			l.timeIf(" until ", e.Until)
		}
		l.reason(e.Reason)
	case OrderCancelReject:
		l.venue(e.Venue)
		l.uint(" C", e.Ref)
		l.word(e.OrdStatus.String())
		l.reason(e.Reason)
	case VenueSession, DropCopySession:
		l.venue(e.Venue)
		l.word(SessionState(e.Code).String())
		l.reason(e.Reason)
	case MassStatus:
		l.venue(e.Venue)
	case ClientSession:
		l.uint(" client ", uint64(e.Client))
		l.word(SessionState(e.Code).String())
	case PolicySwap:
		sum := e.PolicyHash()
		l.b = append(l.b, ' ')
		l.b = hex.AppendEncode(l.b, sum[:])
	case Operator:
		l.word(OperatorAct(e.Code).String())
		l.scope(e)
		l.id(" by ", e.ID)
		l.id(": ", e.OrigID)
	case Clock:
		l.word(map[bool]string{true: "disciplined", false: "free"}[e.Code == 1])
		l.nanos(" set by ", e.Until)
		l.nanos(" off by ", e.StartTime)
		l.nanos(" within ", e.SliceNanos)
	case TradingDay:
		l.date(" ", int64(e.Ref))
		l.word(map[bool]string{true: "open", false: "next"}[e.Code == TradingDayOpen])
		l.time(" from ", e.StartTime)
		l.time(" until ", e.Until)
	case VenueParams:
		l.uint(" set ", e.Ref)
		l.uint(" part ", uint64(e.Qty))
	}
}

// AppendCommand appends one line of text, without a newline, that says what c asks
// for:
//
//	send C17 LITA DEMO buy 300 @100.25 IOC for P3 after #1042
func AppendCommand(dst []byte, c *Command, names *Names) []byte {
	l := names.line(dst, c.Instrument, c.StepTime)
	l.b = append(l.b, c.Kind.String()...)
	switch c.Kind {
	case SendOrder:
		l.uint(" C", c.Child)
		l.venue(c.Venue)
		l.symbol(c.Instrument)
		l.order(c.Side, c.Qty, c.Price)
		l.word(c.Mark.String())
		l.terms(c.OrdType, c.TIF, c.ExecInst)
		l.qtyIf(" MinQty ", c.MinQty)
		l.qtyIf(" show ", c.Show())
		l.id(" QuoteID ", c.ID)
		l.id(" located by ", c.OrigID)
	case SendCancel:
		l.uint(" C", c.Child)
		l.venue(c.Venue)
		l.symbol(c.Instrument)
		l.uint(" as C", c.Ref)
	case AskQuote:
		l.uint(" R", c.Ref)
		l.venue(c.Venue)
		l.symbol(c.Instrument)
		l.order(c.Side, c.Qty, 0)
	case PassQuote:
		l.uint(" R", c.Ref)
		l.venue(c.Venue)
		l.symbol(c.Instrument)
		l.id(" QuoteID ", c.ID)
	case SendMassStatus:
		l.venue(c.Venue)
		l.uint(" as C", c.Ref)
	case SendStatus:
		l.uint(" C", c.Child)
		l.venue(c.Venue)
		l.symbol(c.Instrument)
	case Report:
		l.report(c)
	case RejectCancel:
		l.uint(" client ", uint64(c.Client))
		l.id(" ", c.ID)
		l.id(" orig ", c.OrigID)
		l.word(c.ExecType.String())
		l.word(c.OrdStatus.String())
	case ResyncBook:
		l.venue(c.Venue)
		l.symbol(c.Instrument)
	case BookMoved:
		l.venue(c.Venue)
		l.symbol(c.Instrument)
		l.word(c.From.String())
		l.word("to")
		l.word(c.To.String())
	case StateHash:
		l.uint(" ", c.Ref)
	case ProtectedQuote:
		l.venue(c.Venue)
		l.symbol(c.Instrument)
		l.level(c.Side, c.Price, c.Qty)
	case Alert:
		l.venue(c.Venue)
		if c.Child != 0 {
			l.uint(" C", c.Child)
		}
	}
	l.reason(c.Reason)
	if c.Parent != 0 {
		l.uint(" for P", c.Parent)
	}
	l.uint(" after #", c.Cause)
	return l.b
}

// report appends an execution report to a client.
func (l *line) report(c *Command) {
	l.uint(" client ", uint64(c.Client))
	l.id(" ", c.ID)
	if c.LastQty == 0 {
		l.id(" orig ", c.OrigID)
	}
	l.symbol(c.Instrument)
	l.word(c.ExecType.String())
	l.word(c.OrdStatus.String())
	l.order(c.Side, c.Qty, c.Price)
	l.word(c.Mark.String())
	if c.LastQty != 0 {
		l.qty(" last ", c.LastQty)
		l.price(" @", c.LastPx)
		l.venue(c.Venue)
		l.liquidity(c.Liquidity)
		l.id(" of ", c.OrigID)
	}
	l.qty(" cum ", c.CumQty)
	l.qty(" leaves ", c.LeavesQty)
	if c.Days > 0 {
		cum, _ := c.Day()
		l.uint(" day ", uint64(c.Days)+1)
		l.qty(" cum ", cum)
	}
	l.uint(" ExecID ", c.Ref)
	if c.ExecRef != 0 {
		l.uint(" instead of ", c.ExecRef)
	}
}

// AppendDecision appends one line of text, without a newline, that says what was
// decided and why, with one part for each venue that was looked at:
//
//	decide P3 DEMO slice 2.0 remaining 500 mid 100.255 cell 812 action 3 …; LITA 300 take 12
//
// The number behind a tactic is the score, in thousandths of a price increment against the mid.
func AppendDecision(dst []byte, d *Decision, names *Names) []byte {
	l := names.line(dst, d.Instrument, d.StepTime)
	l.uint("decide P", d.Parent)
	l.symbol(d.Instrument)
	l.uint(" slice ", uint64(d.Slice))
	l.uint(".", uint64(d.Epoch))
	l.qty(" remaining ", d.Remaining)
	l.mid(d.Mid2)
	l.uint(" cell ", uint64(d.Cell))
	l.b = append(l.b, " ["...)
	for i, code := range d.Codes {
		if i > 0 {
			l.b = append(l.b, ' ')
		}
		l.b = strconv.AppendUint(l.b, uint64(code), 10)
	}
	l.b = append(l.b, ']')
	if d.Page != 0 {
		l.uint(" page ", uint64(d.Page))
	}
	l.uint(" action ", uint64(d.Action))
	if d.Chosen != d.Action {
		l.uint(" instead of ", uint64(d.Chosen))
	}
	l.uint(" propensity ", uint64(d.PropensityBps))
	l.uint(" baseline ", uint64(d.BaselineBps))
	l.uint("bps confidence ", uint64(d.Confidence))
	for i, name := range [...]string{"baseline", "masked", "forced", "low-support", "explored"} {
		if d.Flags>>i&1 != 0 {
			l.word(name)
		}
	}
	if d.Policy != 0 {
		l.b = strconv.AppendUint(append(l.b, " policy "...), d.Policy, 16)
	}
	for i := range d.Venues[:min(int(d.VenueCount), len(d.Venues))] {
		l.share(market.VenueID(i), &d.Venues[i])
	}
	l.uint(" after #", d.Cause)
	return l.b
}

// mid appends half of mid2, which takes one more decimal.
func (l *line) mid(mid2 int64) {
	l.b = append(l.b, " mid "...)
	if l.instrument == nil {
		l.b = append(strconv.AppendInt(l.b, mid2, 10), "/2"...)
		return
	}
	l.b = market.AppendDecimal(l.b, mid2*5, l.instrument.PriceDecimals+1)
}

// share appends what one venue got.
func (l *line) share(id market.VenueID, s *Share) {
	l.b = append(l.b, ';')
	l.venue(id)
	l.qty(" ", s.Qty)
	if s.Tactic != TacticNone {
		l.word(s.Tactic.String())
		l.b = strconv.AppendInt(append(l.b, ' '), int64(s.Score), 10)
	}
	if s.WaitMicros > 0 {
		l.uint(" waits ", uint64(s.WaitMicros))
		l.b = append(l.b, "µs"...)
	}
	l.word(s.Why.String())
}
