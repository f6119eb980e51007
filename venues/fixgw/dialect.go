package fixgw

import (
	"strings"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// Dialect is how one venue spells what FIX leaves open. It is data: two venues
// with the same Dialect need no code of their own.
type Dialect struct {
	Name             string
	BeginString      string // 8
	DefaultApplVerID string // 1137, FIXT.1.1 only
	IDs              fix.IDFormat
	ResetOnLogon     bool // 141=Y on every Logon: the venue keeps no numbers

	HandlInst    bool         // 21=1 in orders (required before FIX 4.4)
	TransactTime bool         // 60 in orders and cancels
	DayTIF       byte         // 59 of a resting order: 0 day, 1 until cancelled on 24-hour venues
	TIFs         string       // 59 that the venue takes
	MarketTIF    bool         // 59 in market orders too
	Plain        []fix.Static // in orders that are neither of the next two: routing, display
	ISO          []fix.Static // in an intermarket sweep order, nil: not offered
	PostOnly     []fix.Static // in an order that must not take, nil: not offered
	Peg          []fix.Static // how a midpoint peg is said, nil: not offered
	Conditional  []fix.Static // a midpoint peg that cannot trade before it is firmed up, nil: not offered
	FirmUp       []fix.Static // the firm order that answers an invitation, with its IOIID(23)
	InviteTag    int          // of a report that invites to firm up, with InviteValue; 0: an IOI(35=6) does
	InviteValue  string
	CapacityTag  int // of Account.Capacity: 47 or 528, 0: the venue has none
	SelfTradeTag int // of Account.SelfTrade, 0: the venue has none
	ReserveTag   int // of what may be displayed of an order, 111 or 1138; 0: the venue keeps no reserves
	// Shorts are the values of 54 beyond 1 and 2 that the venue takes, of sales that are short.
	// LocateReqd says 114=N in them: their stock has been located.
	// LocateTag says who located it, in orders that name no quote and no invitation; 0: not said.
	Shorts     string
	LocateReqd bool
	LocateTag  int
	ParentTag  int  // of the number of the parent order in an order, 0: the venue takes none
	SubIDs     bool // 50 and 57 in every header
	IDLimit    int  // most characters of a ClOrdID(11)
	// LiquidityTag says whether a fill added or removed: 851, 1057 or a tag of the
	// venue with A for added and R for removed.
	LiquidityTag int

	// TLS says that the venue refuses a plain connection, NoResend that it does not
	// serve ResendRequest.
	TLS, NoResend bool
	Signature     Signature
	LogonFields   []fix.Static // in every Logon

	CancelSide bool // 54 in cancels
	CancelQty  bool // 38 in cancels

	QuotedOrdType    byte // 40 of an order on a quote, 0: not offered
	QuoteReqID       bool // 131 in orders on a quote
	QuoteResponse    bool // 35=AJ says which quotes that were asked for are not dealt on
	EntryIDIsQuoteID bool // a MassQuote is dealt on by its 299, not its 117

	// MassStatus says that the venue answers OrderMassStatusRequest(35=AF).
	MassStatus bool

	// AckNew says that a report 150=0 follows every accepted order; without it
	// the first report may be a fill. AckPending says that 150=A comes first.
	AckNew, AckPending bool

	// Rejects classify a refusal; the first rule that matches counts, then those
	// that hold everywhere.
	Rejects []RejectRule
}

// RejectRule maps what a refusal says to a Reason.
type RejectRule struct {
	Tag    int    // 58, 103, 297 or 300
	Match  string // part of the text, ignoring case; the whole value of the others
	Reason event.Reason
}

// DialectByName returns a copy of a known dialect.
func DialectByName(name string) (Dialect, bool) {
	for _, d := range dialects {
		if d.Name == name {
			return d, true
		}
	}
	return Dialect{}, false
}

// style is one way to enter an order, as a command says it.
type style struct {
	ordType  market.OrdType
	tif      market.TimeInForce
	execInst market.ExecInst
}

// styles that have a template, when the dialect can say them.
var styles = [...]style{
	{market.OrdLimit, market.TIFIOC, market.ExecInstNone},
	{market.OrdLimit, market.TIFIOC, market.ExecInstISO},
	{market.OrdLimit, market.TIFDay, market.ExecInstPostOnly},
	{market.OrdLimit, market.TIFDay, market.ExecInstNone},
	{market.OrdPegged, market.TIFIOC, market.ExecInstMidPeg},
	{market.OrdPegged, market.TIFDay, market.ExecInstMidPeg},
	{market.OrdPreviouslyQuoted, market.TIFIOC, market.ExecInstNone},
	{market.OrdPreviouslyQuoted, market.TIFFOK, market.ExecInstNone},
	{market.OrdLimit, market.TIFFOK, market.ExecInstNone},
	{market.OrdMarket, market.TIFIOC, market.ExecInstNone},
	{market.OrdPegged, market.TIFDay, market.ExecInstConditional},
	{market.OrdPegged, market.TIFIOC, market.ExecInstFirmUp},
}

// styleIndex returns the index of a command's style in styles, -1 if none.
func styleIndex(c *event.Command) int {
	s := style{c.OrdType, c.TIF, c.ExecInst}
	for i := range styles {
		if styles[i] == s {
			return i
		}
	}
	return -1
}

// order returns the constant fields of an order; ok is false when the dialect has
// no such order.
func (d *Dialect) order(st style, sym *Symbol, side byte) (fields []fix.Static, ok bool) {
	add := func(tag int, value string) {
		fields = append(fields, fix.Static{Tag: tag, Value: value})
	}
	if d.HandlInst {
		add(fix.TagHandlInst, "1")
	}
	if sym.Currency != "" {
		add(fix.TagCurrency, sym.Currency)
	}
	ordType := byte(st.ordType)
	switch {
	case st.execInst == market.ExecInstISO:
		if d.ISO == nil {
			return nil, false
		}
		fields = append(fields, d.ISO...)
	case st.execInst == market.ExecInstPostOnly:
		if d.PostOnly == nil {
			return nil, false
		}
		fields = append(fields, d.PostOnly...)
	case st.execInst == market.ExecInstConditional:
		if d.Conditional == nil {
			return nil, false
		}
		fields = append(fields, d.Conditional...)
	case st.execInst == market.ExecInstFirmUp:
		if d.FirmUp == nil {
			return nil, false
		}
		fields = append(fields, d.FirmUp...)
	case st.ordType == market.OrdPegged:
		if d.Peg == nil {
			return nil, false
		}
		fields = append(fields, d.Peg...)
	case st.ordType == market.OrdPreviouslyQuoted:
		if d.QuotedOrdType == 0 {
			return nil, false
		}
		ordType = d.QuotedOrdType
	default:
		fields = append(fields, d.Plain...)
	}
	add(fix.TagOrdType, string(ordType))
	add(fix.TagSide, string(side))
	add(fix.TagSymbol, sym.Text)
	if d.LocateReqd && market.Mark(side).Valid(market.Sell) {
		add(tagLocateReqd, "N")
	}
	tif := byte(st.tif)
	if st.tif == market.TIFDay {
		tif = d.DayTIF
	}
	if strings.IndexByte(d.TIFs, tif) < 0 {
		return nil, false
	}
	if st.ordType != market.OrdMarket || d.MarketTIF {
		add(fix.TagTimeInForce, string(tif))
	}
	if st.ordType == market.OrdPreviouslyQuoted && d.QuoteReqID {
		add(fix.TagQuoteReqID, sym.quoteReqID())
	}
	return fields, true
}

// cancel returns the constant fields of a cancel request.
func (d *Dialect) cancel(sym *Symbol, side byte) (fields []fix.Static) {
	if d.CancelSide {
		fields = append(fields, fix.Static{Tag: fix.TagSide, Value: string(side)})
	}
	return append(fields, fix.Static{Tag: fix.TagSymbol, Value: sym.Text})
}

// status returns the constant fields of an OrderStatusRequest(35=H); FIX 4.4 wants
// both.
func (d *Dialect) status(sym *Symbol, side byte) []fix.Static {
	return []fix.Static{{Tag: fix.TagSide, Value: string(side)}, {Tag: fix.TagSymbol, Value: sym.Text}}
}

// sides are the values of Side(54) that have templates.
var sides = [...]byte{byte(market.Buy), byte(market.Sell), byte(market.Short), byte(market.ShortExempt)}

// sideIndex returns the index of a command's Side(54) in sides, -1 if none.
func sideIndex(c *event.Command) int {
	if !c.Side.Valid() || !c.Mark.Valid(c.Side) {
		return -1
	}
	switch c.Mark {
	case market.Short:
		return 2
	case market.ShortExempt:
		return 3
	}
	return c.Side.Index()
}

// takes reports whether the venue knows a value of Side(54).
func (d *Dialect) takes(side byte) bool {
	return market.Side(side).Valid() || d.Takes(market.Mark(side))
}

// Takes reports whether the venue takes sales with a mark.
func (d *Dialect) Takes(m market.Mark) bool {
	return m == market.Long || strings.IndexByte(d.Shorts, byte(m)) >= 0
}
