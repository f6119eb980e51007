// Package event defines the facts that enter the core (Event), the intents that
// leave it (Command), and the record of why (Decision).
//
// All three are fixed-size and pointer-free: their bytes are the journal record,
// the ring slot and the input of replay. An Event is laid out so that kinds with
// few fields use only a prefix of it:
//
//	  0 ┌────────────────────────────────────────────┐
//	    │ Seq StepTime RecvTime SrcTime Ref Price Qty│ every kind
//	 64 ├────────────────────────────────────────────┤
//	    │ LastPx LastQty CumQty LeavesQty Until ID … │ + quotes, reports, sessions, operators
//	128 ├────────────────────────────────────────────┤
//	    │ StartTime … Strategy OrdType … OrigID OrderRef│ + parent orders, executions
//	192 └────────────────────────────────────────────┘
//
// Kind.Size gives the prefix of a kind. Integers are in host order; the journal
// header records the byte order.
package event

import "penstock/market"

// Size is the size of a whole Event in bytes.
const Size = 192

// Event is one fact. Time enters the core only through it. Which fields carry
// meaning depends on Kind; see the constants.
type Event struct {
	Seq      uint64 // total order, assigned by the loop, +1 each
	StepTime int64  // when the loop took the event, ns since epoch
	RecvTime int64  // when its bytes were received, ns since epoch
	SrcTime  int64  // when the sender says it happened, ns since epoch; 0 unknown
	Ref      uint64 // order reference, child or parent number: see Kind
	Price    market.Price
	Qty      market.Qty

	Kind       Kind
	Venue      market.VenueID
	Instrument market.InstrumentID
	Side       market.Side
	Flags      Flags
	Code       uint8            // BookState, SessionState, market.ExecType or OperatorAct
	OrdStatus  market.OrdStatus // of Exec and OrderCancelReject

	LastPx    market.Price
	LastQty   market.Qty
	CumQty    market.Qty
	LeavesQty market.Qty
	Until     int64 // ValidUntilTime of a quote, end of a parent's horizon; ns since epoch. Venue's sessions: see MsgSeqNum
	ID        ID    // ExecID, QuoteID, ClOrdID of a parent, name of an operator
	Reason    Reason
	Liquidity market.Liquidity
	Scope     ScopeKind // Operator: what the act covers

	StartTime  int64 // parent: EffectiveTime(168), ns since epoch; 0 at once
	MinQty     market.Qty
	SliceNanos int64  // parent: length of one TWAP slice; 0 for the default
	Client     uint16 // index of the client session
	Strategy   Strategy
	OrdType    market.OrdType
	TIF        market.TimeInForce
	ExecInst   market.ExecInst
	Mark       market.Mark
	OrigID     ID     // OrigClOrdID of a cancel or replace, reason of an operator; ParentNew, Exec: see there
	ExpireDate int32  // parent: last trading day of a good-till-date order, days since 1970; 0 it has none
	OrderRef   uint64 // Exec: number under which the venue's feed shows the order, 0 unknown; OrderReplaced: the new one's; parent: see Display
}

// Flags qualify an event.
type Flags uint8

// Event flags.
const (
	// More says that further events of the same message follow: the book is
	// between two consistent states and nothing routes on it yet.
	More Flags = 1 << iota
	// PossDup says that the sender marked the message as possibly repeated.
	PossDup
	// NoCatchUp, of a parent, spreads what a slice missed over the slices to come
	// instead of working it at once.
	NoCatchUp
)

// Kind says what an Event tells.
type Kind uint8

// Kinds of event. Numbers are part of the journal format: never reused.
const (
	// SessionStart opens a run: Ref is the epoch from which child ClOrdIDs are
	// made (unique per start), StepTime the wall time of the start.
	SessionStart Kind = 1
	// Timer says that StepTime has come; nothing else happened.
	Timer Kind = 2

	// BookClear empties the book of (Venue, Instrument); it is not live until
	// a BookStatus says so.
	BookClear Kind = 10
	// BookLevel sets the displayed size at Side, Price to Qty; 0 deletes.
	BookLevel Kind = 11
	// OrderAdd adds a displayed order Ref with Side, Price, Qty.
	OrderAdd Kind = 12
	// OrderExecuted takes Qty from order Ref by a trade; LastPx is set when the
	// trade's price differs from the order's.
	OrderExecuted Kind = 13
	// OrderReduced takes Qty from order Ref by a partial cancel.
	OrderReduced Kind = 14
	// OrderDeleted removes order Ref.
	OrderDeleted Kind = 15
	// BookStatus moves the book of (Venue, Instrument) to Code, a BookState,
	// for Reason. Instrument NoInstrument means every instrument of the venue.
	BookStatus Kind = 16
	// MarketTrade reports a trade of others: Price, Qty, Side of the aggressor
	// (0 unknown). It does not change the book.
	MarketTrade Kind = 17
	// Quote replaces the dealer's quote: Price and Qty are the bid, LastPx and
	// LastQty the offer (quantity 0: not quoted on that side), ID the QuoteID,
	// Until its expiry (0: until replaced), Code the size band, 0 being the best.
	Quote Kind = 18
	// QuoteCancel withdraws the dealer's quotes of Instrument.
	QuoteCancel Kind = 19
	// OrderReplaced takes order Ref away and adds order OrderRef on the same side
	// with Price and Qty, behind the others there.
	OrderReplaced Kind = 20
	// PriceBand says that Venue, or every venue (NoVenue), trades Instrument at Price at the
	// least and LastPx at the most; 0 is no bound. It holds until the next one.
	PriceBand Kind = 21
	// MarketStatus says, by the feed of Venue, that the whole market and not only Venue is in
	// Code, a BookState, with Instrument: BookHalted, BookAuction, or BookLive when it trades.
	// A BookStatus of Venue that says BookLive ends it as well.
	MarketStatus Kind = 22
	// ShortRestriction says, by the feed of Venue, that short sales of Instrument are restricted
	// on every market (Code ShortsRestricted): none at the best bid or below, but for exempt ones.
	ShortRestriction Kind = 23

	// ParentNew is NewOrderSingle(35=D) from client session Client: ID is its
	// ClOrdID, Price its limit (0 for a market order). Ref is MsgSeqNum(34) in every
	// event of a client's message. Strategy parameters: StartTime, Until, SliceNanos;
	// MinQty and LastQty bound what is worked at once, LastPx is the I-would price,
	// CumQty the rate of participation in 1/10,000, Code the Urgency, LeavesQty the
	// size of a block worth taking, Display the most that lit venues may show; OrigID is who
	// located the stock of a short sale, LocateBroker(5700). 0 means that the client named none. Until is the end of
	// a sweep that is good till a time.
	ParentNew Kind = 30
	// ParentCancel is OrderCancelRequest(35=F): OrigID names the order, ID the request.
	ParentCancel Kind = 31
	// ParentReplace is OrderCancelReplaceRequest(35=G): new Qty and Price. With a
	// Strategy, which must be the order's, all strategy parameters are new as well.
	ParentReplace Kind = 32
	// ParentStatus is OrderStatusRequest(35=H) for order ID.
	ParentStatus Kind = 33
	// ParentDontKnow is DontKnowTrade(35=Q): ID is the ExecID of the report that the client
	// does not know, OrderRef its OrderID(37), Code its DKReason(127).
	ParentDontKnow Kind = 34

	// Exec is a venue's ExecutionReport(35=8) for child Ref (0: a ClOrdID that
	// is not ours); Code is its ExecType, ID its ExecID, OrderRef what its
	// OrderID(37) is called in the venue's own feed. OrigID is the trade's number at the
	// venue (TrdMatchID(880) or what it has instead), or ExecRefID(19) when the report
	// takes back, corrects or restates.
	Exec Kind = 40
	// OrderCancelReject is a venue's OrderCancelReject(35=9) for child Ref.
	OrderCancelReject Kind = 41
	// DropCopy is a report of a venue's drop copy session, with the fields of Exec: another
	// witness of what the order session says. It changes no quantity.
	DropCopy Kind = 42
	// DropCopySession says that the drop copy session of Venue is Code, a SessionState; up with
	// ReasonGap: what it said meanwhile is not repeated.
	DropCopySession Kind = 43
	// MassStatus says that Venue has answered an OrderMassStatusRequest(35=AF): it has named
	// every order that is open there, by Exec events before.
	MassStatus Kind = 44

	// VenueSession says that the order session of Venue is Code, a SessionState.
	VenueSession Kind = 50
	// ClientSession says that the FIX session of Client is Code, a SessionState.
	ClientSession Kind = 51

	// Operator is an act of a named person: Code is the OperatorAct, ID the
	// name, OrigID the reason. Venue NoVenue means the whole firm.
	Operator Kind = 60
	// VenueParams is one part of a parameter set: Ref is the number of the set, Qty
	// which part it is, Price the checksum of the whole; see Event.Part.
	VenueParams Kind = 61
	// Invitation is a pool's request to firm up the conditional order Ref (0: it named
	// none, so the oldest one of Instrument and Side): ID is its number, IOIID(23), Qty what
	// may trade (0: all), Until the end of its window (0: as configured). Code 1 takes it back.
	Invitation Kind = 62
	// Clock is how the host's wall clock is, by its watch: Until is by how much it was set since
	// the last one, StartTime its offset as the discipline (PTP, NTP) estimates it, SliceNanos
	// the bound of that, ns; Code is 1 when it is disciplined. Venue is NoVenue.
	Clock Kind = 64
	// TradingDay says that trading day Ref, days since 1970, is open (Code 1), or that none is
	// and it is the next; StartTime is when it opens or opened, Until when it closes, ns since
	// epoch.
	TradingDay Kind = 65
	// QuoteAnswer is what a dealer answered to the request for a quote Ref, as AskQuote numbered
	// it: Price and Qty are the bid, LastPx and LastQty the offer (quantity 0: not quoted on that
	// side), ID the QuoteID(117), Until its expiry (0: it says none). Code 1: it quotes nothing, or
	// not any more, for Reason.
	QuoteAnswer Kind = 66
	// PolicySwap puts the policy table in force whose file has the SHA-256 that PolicyHash
	// reads: 20 bytes of it are in ID, 12 in OrigID. Decisions after it are by that table.
	PolicySwap Kind = 63
)

// ShortsRestricted is the Code of a ShortRestriction that holds; 0 ends it.
const ShortsRestricted = 1

// Display returns the most of a parent that lit venues may show together, 0 for all of it.
func (e *Event) Display() market.Qty { return market.Qty(e.OrderRef) }

// SetDisplay sets Display.
func (e *Event) SetDisplay(q market.Qty) { e.OrderRef = uint64(q) }

// MsgSeqNum returns the MsgSeqNum(34) under which a venue said what e tells, of a session that came
// up that of the last message before; 0 where it has none. What is repeated has its first one.
func (e *Event) MsgSeqNum() uint64 {
	switch e.Kind {
	case Exec, OrderCancelReject, VenueSession, DropCopy, DropCopySession:
		return uint64(e.Until)
	}
	return 0
}

// SetMsgSeqNum sets MsgSeqNum, in a kind that has one.
func (e *Event) SetMsgSeqNum(n uint64) { e.Until = int64(n) }

// Sent returns the MsgSeqNum(34) of our last message to the venue before an Exec; 0: it has none.
func (e *Event) Sent() uint64 {
	if e.Kind != Exec {
		return 0
	}
	return uint64(e.StartTime)
}

// SetSent sets Sent of an Exec.
func (e *Event) SetSent(n uint64) { e.StartTime = int64(n) }

// QuoteRefused is the Code of a QuoteAnswer without a quote.
const QuoteRefused = 1

// InvitationWithdrawn is the Code of an Invitation that is taken back.
const InvitationWithdrawn = 1

// TradingDayOpen is the Code of a TradingDay that is open.
const TradingDayOpen = 1

// Size returns how many bytes of an Event the kind uses, a multiple of 64.
func (k Kind) Size() int { return int(kindSizes[k]) }

var kindSizes = func() (sizes [256]uint8) {
	for k := range sizes {
		sizes[k] = uint8(Kind(k).size())
	}
	return sizes
}()

func (k Kind) size() int {
	switch {
	case k < OrderExecuted, k > OrderExecuted && k < BookStatus, k == MarketTrade, k == ShortRestriction:
		return 64
	case k == PriceBand, k == MarketStatus:
		return 128
	case k >= OrderReplaced && k <= Exec, k == DropCopy, k == ClientSession, k == Operator, k == PolicySwap, k == Clock, k == TradingDay, k == VenueParams:
		return 192
	}
	return 128
}

// Market reports whether the kind is market data.
func (k Kind) Market() bool { return k >= 10 && k < 30 }

var kindNames = map[Kind]string{
	SessionStart: "start", Timer: "timer",
	BookClear: "clear", BookLevel: "level", OrderAdd: "add", OrderExecuted: "execute",
	OrderReduced: "reduce", OrderDeleted: "delete", BookStatus: "status",
	MarketTrade: "trade", Quote: "quote", QuoteCancel: "quote-cancel", OrderReplaced: "replace",
	PriceBand: "band", MarketStatus: "market", ShortRestriction: "shorts",
	ParentNew: "parent", ParentCancel: "parent-cancel", ParentReplace: "parent-replace",
	ParentStatus: "parent-status", ParentDontKnow: "dont-know", Exec: "exec", OrderCancelReject: "cancel-reject",
	DropCopy: "drop-copy", DropCopySession: "drop-copy-session", MassStatus: "mass-status",
	PolicySwap: "policy-swap", Clock: "clock", TradingDay: "trading-day", VenueParams: "params", Invitation: "invitation", QuoteAnswer: "quote-answer",
	VenueSession: "venue-session", ClientSession: "client-session", Operator: "operator",
}

func (k Kind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return "kind?"
}

// Valid reports whether k is a kind of this build.
func (k Kind) Valid() bool { _, ok := kindNames[k]; return ok }

// BookState is the life of one (venue, instrument) book.
type BookState uint8

// Book states. Only a BookLive book is routed on.
const (
	BookEmpty   BookState = iota // nothing received
	BookSyncing                  // waiting for a snapshot
	BookLive
	BookStale  // no data within the limit, a gap or a checksum failure
	BookHalted // trading stopped by the venue
	// BookAuction collects orders for an auction: nothing executes at once.
	BookAuction
	// BookStates is how many states there are.
	BookStates = iota
)

func (s BookState) String() string {
	switch s {
	case BookEmpty:
		return "EMPTY"
	case BookSyncing:
		return "SYNCING"
	case BookLive:
		return "LIVE"
	case BookStale:
		return "STALE"
	case BookHalted:
		return "HALTED"
	case BookAuction:
		return "AUCTION"
	}
	return "STATE?"
}

// SessionState is the state of an order session.
type SessionState uint8

// Session states.
const (
	SessionDown SessionState = iota
	SessionUp
	// SessionBehind is up, with messages of the venue missing: what is known of orders there
	// is old. SessionUp says that they came.
	SessionBehind
)

func (s SessionState) String() string {
	switch s {
	case SessionUp:
		return "up"
	case SessionBehind:
		return "behind"
	}
	return "down"
}

// OperatorAct is what a person ordered.
type OperatorAct uint8

// Operator acts.
const (
	OperatorKill    OperatorAct = 1 // block new orders, cancel the open ones
	OperatorResume  OperatorAct = 2 // lift a kill
	OperatorHold    OperatorAct = 3 // refuse new orders, leave the open ones: what the loop itself orders
	OperatorRelease OperatorAct = 4 // lift a hold
	OperatorStop    OperatorAct = 5 // block and cancel as a kill does, until the next start

	// Acts on the one parent order whose number is Ref.
	OperatorPauseParent  OperatorAct = 20 // send nothing for it, cancel its open children
	OperatorResumeParent OperatorAct = 21 // lift a pause
	OperatorForceParent  OperatorAct = 22 // end its schedule now: take what is there, within limits

	OperatorEnable        OperatorAct = 30 // let a strategy send again that the throttle disabled
	OperatorLimit         OperatorAct = 31 // set the limit Ref, a LimitKind, of Instrument or Client to Qty, a raise until Until
	OperatorResolve       OperatorAct = 32 // child Ref is over with CumQty: what persons have settled with the venue
	OperatorConfirmPolicy OperatorAct = 33 // the new policy keeps trading without its caps
)

func (a OperatorAct) String() string {
	switch a {
	case OperatorKill:
		return "kill"
	case OperatorResume:
		return "resume"
	case OperatorHold:
		return "hold"
	case OperatorStop:
		return "stop"
	case OperatorRelease:
		return "release"
	case OperatorPauseParent:
		return "pause-parent"
	case OperatorResumeParent:
		return "resume-parent"
	case OperatorEnable:
		return "enable"
	case OperatorLimit:
		return "limit"
	case OperatorResolve:
		return "resolve"
	case OperatorConfirmPolicy:
		return "confirm-policy"
	case OperatorForceParent:
		return "force-parent"
	}
	return "act?"
}

// ID is an identifier of up to 20 bytes, zero padded: ClOrdID, ExecID, QuoteID.
type ID [20]byte

// MakeID returns s as an ID; ok is false when it is too long.
func MakeID[T string | []byte](s T) (id ID, ok bool) {
	return id, copy(id[:], s) == len(s)
}

// Len returns the number of bytes before the padding.
func (id *ID) Len() int {
	for i, c := range id {
		if c == 0 {
			return i
		}
	}
	return len(id)
}

func (id ID) String() string { return string(id[:id.Len()]) }

// Valid reports whether id is 1 to 20 characters of A-Z a-z 0-9 _ -, which is
// what a client may use as ClOrdID.
func (id *ID) Valid() bool {
	n := id.Len()
	for _, c := range id[:n] {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	for _, c := range id[n:] {
		if c != 0 {
			return false
		}
	}
	return n > 0
}

// SetPolicyHash makes e a PolicySwap to the table of a file.
func (e *Event) SetPolicyHash(sum [32]byte) {
	e.Kind = PolicySwap
	copy(e.ID[:], sum[:20])
	copy(e.OrigID[:], sum[20:])
}

// PolicyHash returns the SHA-256 of the table's file that a PolicySwap names.
func (e *Event) PolicyHash() (sum [32]byte) {
	copy(sum[:20], e.ID[:])
	copy(sum[20:], e.OrigID[:])
	return sum
}
