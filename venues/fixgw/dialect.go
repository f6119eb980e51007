package fixgw

import (
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
	PostOnly     byte         // 18 of an order that must not take, 0: not offered
	Peg          []fix.Static // how a midpoint peg is said, nil: not offered

	CancelSide bool // 54 in cancels
	CancelQty  bool // 38 in cancels

	QuotedOrdType    byte // 40 of an order on a quote, 0: not offered
	QuoteReqID       bool // 131 in orders on a quote
	EntryIDIsQuoteID bool // a MassQuote is dealt on by its 299, not its 117

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

var midPeg44 = []fix.Static{{Tag: fix.TagExecInst, Value: "M"}}

// Dialects that the gateway knows, by name. "sim" is what venues/sim/serve speaks.
var dialects = []Dialect{
	{
		Name: "sim", BeginString: "FIX.4.4", TransactTime: true,
		DayTIF: '0', PostOnly: '6', Peg: midPeg44, CancelSide: true, CancelQty: true,
		QuotedOrdType: 'D', AckNew: true,
	},
	{
		// post-only is 18=A, ids are UUIDs, resting orders are
		// GTC, tag 60 is not in the table.
		Name: "coinbase", BeginString: "FIXT.1.1", DefaultApplVerID: "9",
		IDs: fix.IDUUID, ResetOnLogon: true, DayTIF: '1', PostOnly: 'A', AckNew: true,
	},
	{
		// ResendRequest is unsupported and 141=Y mandatory.
		Name: "binance", BeginString: "FIX.4.4", ResetOnLogon: true,
		DayTIF: '1', PostOnly: '6', AckNew: true,
		Rejects: []RejectRule{{fix.TagText, "too many", event.ReasonVenueThrottle}},
	},
	{
		// 60 required, post-only is 18=P, business errors in 58.
		Name: "kraken", BeginString: "FIX.4.4", TransactTime: true,
		DayTIF: '1', PostOnly: 'P', AckNew: true, AckPending: true,
		Rejects: []RejectRule{
			{fix.TagText, "EOrder:Rate limit", event.ReasonVenueThrottle},
			{fix.TagText, "EService:Market in", event.ReasonVenueHalted},
		},
	},
	{
		// dealers that quote ladders and deal on the entry.
		Name: "fx-dealer", BeginString: "FIX.4.4", TransactTime: true,
		DayTIF: '0', QuotedOrdType: 'D', QuoteReqID: true, EntryIDIsQuoteID: true,
		CancelSide: true, CancelQty: true, AckPending: true,
	},
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
	{market.OrdLimit, market.TIFDay, market.ExecInstPostOnly},
	{market.OrdLimit, market.TIFDay, market.ExecInstNone},
	{market.OrdPegged, market.TIFIOC, market.ExecInstMidPeg},
	{market.OrdPegged, market.TIFDay, market.ExecInstMidPeg},
	{market.OrdPreviouslyQuoted, market.TIFIOC, market.ExecInstNone},
	{market.OrdPreviouslyQuoted, market.TIFFOK, market.ExecInstNone},
	{market.OrdLimit, market.TIFFOK, market.ExecInstNone},
	{market.OrdMarket, market.TIFIOC, market.ExecInstNone},
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
func (d *Dialect) order(st style, sym *Symbol, side market.Side) (fields []fix.Static, ok bool) {
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
	case st.execInst == market.ExecInstPostOnly:
		if d.PostOnly == 0 {
			return nil, false
		}
		add(fix.TagExecInst, string(d.PostOnly))
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
	}
	add(fix.TagOrdType, string(ordType))
	add(fix.TagSide, string(byte(side)))
	add(fix.TagSymbol, sym.Text)
	tif := byte(st.tif)
	if st.tif == market.TIFDay {
		tif = d.DayTIF
	}
	add(fix.TagTimeInForce, string(tif))
	if st.ordType == market.OrdPreviouslyQuoted && d.QuoteReqID {
		add(fix.TagQuoteReqID, sym.quoteReqID())
	}
	return fields, true
}

// cancel returns the constant fields of a cancel request.
func (d *Dialect) cancel(sym *Symbol, side market.Side) (fields []fix.Static) {
	if d.CancelSide {
		fields = append(fields, fix.Static{Tag: fix.TagSide, Value: string(byte(side))})
	}
	return append(fields, fix.Static{Tag: fix.TagSymbol, Value: sym.Text})
}

// status returns the constant fields of an OrderStatusRequest(35=H); FIX 4.4 wants
// both.
func (d *Dialect) status(sym *Symbol, side market.Side) []fix.Static {
	return []fix.Static{{Tag: fix.TagSide, Value: string(byte(side))}, {Tag: fix.TagSymbol, Value: sym.Text}}
}
