package event

import "penstock/market"

// Command is one intent of the core: an order message to a venue, a report to a
// client, or a request to a feed. It is never edited after Step returns.
type Command struct {
	Cause    uint64 // Seq of the event that led to it
	StepTime int64  // StepTime of that event, ns since epoch
	RecvTime int64  // RecvTime of that event: tick-to-order counts from here
	Child    uint64 // child order number; its decimal text is the ClOrdID at the venue
	Ref      uint64 // SendCancel: number of the cancel request itself; reports: ExecID
	Parent   uint64 // parent order number

	Price     market.Price
	Qty       market.Qty
	MinQty    market.Qty // SendOrder: MinQty(110); reports: see Day
	LastPx    market.Price
	LastQty   market.Qty // SendOrder: see Show
	CumQty    market.Qty
	LeavesQty market.Qty
	Notional  market.Notional // Σ LastPx × LastQty; AvgPx(6) = Notional / CumQty

	Kind       CommandKind
	Venue      market.VenueID
	Instrument market.InstrumentID
	Side       market.Side
	OrdType    market.OrdType
	TIF        market.TimeInForce
	ExecInst   market.ExecInst
	ExecType   market.ExecType
	OrdStatus  market.OrdStatus
	Liquidity  market.Liquidity
	CauseKind  Kind
	Client     uint16
	Reason     Reason
	From, To   BookState // BookMoved only

	ID     ID     // reports: ClOrdID(11); SendOrder to a dealer: QuoteID(117)
	OrigID ID     // reports: OrigClOrdID(41); of a trade, its cancel or correction: the venue's trade id
	Days   uint16 // reports: trading days that a good-till order has behind it; see Day
	Mark   market.Mark
	// ExecRef is the ExecID(17) of the report that a TradeCancel or TradeCorrect takes back
	// or changes: ExecRefID(19). 0 is none.
	ExecRef uint64
	Policy  uint64 // SendOrder: PolicyID of the table that decided, 0 for the compiled-in one; reports: see Day
}

// SetDay says in a report of a good-till order that it has days behind it, and what was
// executed today.
func (c *Command) SetDay(days uint16, cum market.Qty, worth market.Notional) {
	c.Days, c.MinQty, c.Policy = days, cum, uint64(worth)
}

// Day returns what was executed today of the order of a report with Days.
func (c *Command) Day() (cum market.Qty, worth market.Notional) {
	return c.MinQty, market.Notional(c.Policy)
}

// Show returns the most of a SendOrder that its venue may show, 0 for all of it.
func (c *Command) Show() market.Qty { return c.LastQty }

// SetShow sets Show.
func (c *Command) SetShow(q market.Qty) { c.LastQty = q }

// CommandSize is the size of a Command in bytes.
const CommandSize = 192

// CommandKind says what a Command asks for.
type CommandKind uint8

// Kinds of command. Numbers are part of the journal format: never reused.
const (
	// SendOrder sends NewOrderSingle(35=D) for Child to Venue. OrigID says who located the stock of
	// a short sale, as its client did.
	SendOrder CommandKind = 1
	// SendCancel sends OrderCancelRequest(35=F) for Child to Venue.
	SendCancel CommandKind = 2
	// SendStatus sends OrderStatusRequest(35=H) for Child to Venue.
	SendStatus CommandKind = 3
	// SendMassStatus sends OrderMassStatusRequest(35=AF) for all orders to Venue; Ref is its
	// MassStatusReqID(584).
	SendMassStatus CommandKind = 4
	// AskQuote sends QuoteRequest(35=R) for Qty on Side to Venue; Ref is its QuoteReqID(131). It
	// commits nothing.
	AskQuote CommandKind = 5
	// PassQuote sends QuoteResponse(35=AJ) to Venue: its quote ID, the answer to request Ref, is not
	// dealt on. Reason is ReasonQuoteExpired when it expired before it could be.
	PassQuote CommandKind = 6
	// Report sends ExecutionReport(35=8) for Parent to Client.
	Report CommandKind = 10
	// RejectCancel sends OrderCancelReject(35=9) to Client; ExecType is
	// ExecPendingReplace when it answers a replace, ExecPendingCancel otherwise.
	RejectCancel CommandKind = 11
	// ResyncBook asks the feed of (Venue, Instrument) for a new snapshot.
	ResyncBook CommandKind = 20
	// BookMoved tells that the book of (Venue, Instrument) went From one state To
	// another, for Reason. Nothing has to be done.
	BookMoved CommandKind = 21
	// StateHash says in Ref the chained hash of the core's state after its Cause: cores that
	// took the same events say the same. Nothing has to be done.
	StateHash CommandKind = 23
	// Alert tells a person that Venue did what it must not, with Child of Parent if it
	// concerns one, for Reason. What had to be done at once is done.
	Alert CommandKind = 22
	// ProtectedQuote is evidence: the best displayed level of Venue, on Side of its book,
	// when Parent swept beyond the best price. Nothing has to be done.
	ProtectedQuote CommandKind = 24
)

func (k CommandKind) String() string {
	switch k {
	case SendOrder:
		return "send"
	case SendCancel:
		return "cancel"
	case SendStatus:
		return "ask-status"
	case SendMassStatus:
		return "ask-all"
	case AskQuote:
		return "ask-quote"
	case PassQuote:
		return "pass-quote"
	case Report:
		return "report"
	case RejectCancel:
		return "reject-cancel"
	case ResyncBook:
		return "resync"
	case BookMoved:
		return "book"
	case StateHash:
		return "state-hash"
	case ProtectedQuote:
		return "protected"
	case Alert:
		return "alert"
	}
	return "command?"
}

// ToVenue reports whether the command is an order message to a venue.
func (k CommandKind) ToVenue() bool { return k >= SendOrder && k <= PassQuote }
