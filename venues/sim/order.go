package sim

import (
	"penstock/event"
	"penstock/market"
)

// Never is when an engine acts next that has nothing scheduled.
const Never int64 = 1<<63 - 1

// Order is a new order as an engine takes it. Owner numbers the session that it
// came from. The flow's own orders have no owner, no ClOrdID and no reports.
type Order struct {
	Owner    uint32
	ClOrdID  event.ID
	Side     market.Side
	Mark     market.Mark
	Price    market.Price // limit; dark: limit cap, 0 for none; dealer: the quoted price
	Qty      market.Qty
	MinQty   market.Qty // dark: least quantity of one execution, 0 for none
	MaxFloor market.Qty // exchange: most that is displayed at once, 0 for all
	OrdType  market.OrdType
	TIF      market.TimeInForce
	ExecInst market.ExecInst
	QuoteID  event.ID // dealer: the quote to trade on
	// SelfMatch is SelfMatchPreventionID(2362), 0 for none: the order is cancelled where it
	// would trade with one of its owner's that has the same.
	SelfMatch int64
	// Locate is LocateBroker(5700) of a short sale.
	Locate event.ID
	// Invitation is IOIID(23) of a firm order that answers one (ExecInstFirmUp).
	Invitation event.ID
}

// Report is what ExecutionReport(35=8) tells the owner of an order.
type Report struct {
	Time        int64 // ns since epoch
	Owner       uint32
	ClOrdID     event.ID // after a cancel: of the cancel request
	OrigClOrdID event.ID // after a cancel: of the order
	OrderID     uint64   // 0 for a rejected order that never was
	ExecID      uint64
	Side        market.Side
	Mark        market.Mark
	OrdType     market.OrdType
	TIF         market.TimeInForce
	ExecType    market.ExecType
	OrdStatus   market.OrdStatus
	Liquidity   market.Liquidity
	Price       market.Price
	OrderQty    market.Qty
	LastPx      market.Price
	LastQty     market.Qty
	CumQty      market.Qty
	LeavesQty   market.Qty
	Notional    market.Notional // Σ LastPx × LastQty of the order
	QuoteID     event.ID
	Reason      event.Reason // of a reject
	Text        string       // why, for Text(58)
	SelfMatchPx market.Price // of a cancel that prevented a self match: where it would have traded; else 0
}

// CancelReject is what OrderCancelReject(35=9) tells.
type CancelReject struct {
	Time        int64 // ns since epoch
	Owner       uint32
	ClOrdID     event.ID // of the cancel request
	OrigClOrdID event.ID
	OrderID     uint64 // 0: unknown order
	OrdStatus   market.OrdStatus
	Reason      event.Reason
	Text        string
}

// Replies are the calls that tell owners what became of their orders. Either may
// be nil.
type Replies struct {
	Report func(*Report)
	Reject func(*CancelReject)
}

// OrderState is one order of a named owner as its venue sees it.
type OrderState struct {
	Owner     uint32
	ClOrdID   event.ID
	OrderID   uint64
	Side      market.Side
	Mark      market.Mark
	OrdType   market.OrdType
	TIF       market.TimeInForce
	OrdStatus market.OrdStatus
	Price     market.Price
	OrderQty  market.Qty
	MinQty    market.Qty
	MaxFloor  market.Qty
	CumQty    market.Qty
	LeavesQty market.Qty
	Notional  market.Notional // Σ price × quantity of its fills
	QuoteID   event.ID
	SelfMatch int64
	Locate    event.ID
	Updated   int64 // ns since epoch of the last change
}

// Fill is one line of a venue's book of trades, from the owner's side.
type Fill struct {
	Time      int64 // ns since epoch
	Owner     uint32
	ClOrdID   event.ID
	OrderID   uint64
	ExecID    uint64
	Match     uint64 // trade number of the venue
	Side      market.Side
	Liquidity market.Liquidity
	Price     market.Price
	Qty       market.Qty
	Fee       market.Notional // positive is a cost to the owner
	SelfTrade bool            // both sides had the same owner
}

// Venue is what every engine is told about itself.
type Venue struct {
	Instrument market.Instrument
	TakeFee    market.Fee
	MakeFee    market.Fee
	IDBase     uint64 // OrderID and ExecID count up from IDBase+1
	Replies    Replies
}
