package router

import (
	"penstock/event"
	"penstock/market"
)

// phase is where a parent is in its life.
type phase uint8

const (
	phaseWorking   phase = iota // the schedule releases quantity
	phaseFinishing              // horizon over, or a sweep: take what is there
	phaseCanceling              // the client wants out
	phaseExpiring               // time is up: children are being cancelled
	phaseDone
)

// VenueFills is what one venue gave a parent.
type VenueFills struct {
	Fills    uint32
	Children uint32
	Rejects  uint32
	Qty      market.Qty
	Notional market.Notional
	Fees     market.Notional
}

// Parent is one client order. Quantities obey, after every step,
//
//	0 ≤ Cum, 0 ≤ Reserved, Cum + Reserved ≤ OrderQty
//
// unless venues executed what was not reserved: more than an order, or after its end. Then
// unreserved bounds the excess, and nothing is sent until it is gone.
type Parent struct {
	Number     uint64 // OrderID(37) towards the client
	ClOrdID    event.ID
	Client     uint16
	Instrument market.InstrumentID
	Side       market.Side
	Mark       market.Mark
	OrdType    market.OrdType
	TIF        market.TimeInForce
	Strategy   event.Strategy
	Status     market.OrdStatus // as last reported
	Frozen     bool             // a broken promise of a venue: nothing more is sent, a person decides
	phase      phase
	Limit      market.Price // 0: market order

	OrderQty market.Qty
	Cum      market.Qty
	Reserved market.Qty // Σ what children may still execute
	Held     market.Qty // taken back by venues: not routed again
	Notional market.Notional
	Fees     market.Notional

	Accepted    int64      // ns since epoch
	day         int32      // its first trading day, days since 1970; 0: none is known
	lastDay     int32      // on which it ended, likewise; 0 while live
	overnight   bool       // its venues have been told to cancel until the next day opens
	doneForDay  bool       // and have: its client knows
	before      market.Qty // of Cum: executed on days before this one
	beforeWorth market.Notional
	Ended       int64 // ns since epoch, 0 while live
	ArrivalMid2 int64 // twice the composite mid at acceptance, or the first one after
	terms       Terms
	paused      bool // a named person: nothing is sent
	start, end  int64
	slices      int64
	from        market.Qty // filled when the slices were laid out
	base, goal  market.Qty // what should be filled when the running slice begins, and ends
	begun       bool       // its start has come
	tapeStart   tape       // of the instrument, when p began
	slice       int64      // running slice
	decision    int64      // running decision epoch within it
	nextTime    int64
	tried       tried
	avoid       uint16 // venues that refused in this epoch
	gaps        uint16 // venues where executions are missing
	unreserved  market.Qty
	sent        int   // children in this epoch
	told        uint8 // what of toldDisabled and toldMaxLife a person knows
	settling    bool  // since a restart: nothing is sent before every open child's state is known
	first       int32 // working children, -1 for none
	offers      int   // working conditional orders
	beyond      int   // orders of which the venue has more open than was sent
	overbooked  bool  // more is posted than the split wants

	pending        pendingRequest
	Venues         [market.MaxVenues]VenueFills
	draw           draw       // of the running decision epoch
	darkExpected   market.Qty // what the pools' scores promised, halved with every slice
	darkFilled     market.Qty // what they filled, decayed alike
	endReason      event.Reason
	locate         event.ID // who located what it sells short, LocateBroker(5700)
	ChildrenSent   uint32
	DecisionsTaken uint32
}

// Locate returns who located what p sells short, as its client said; the zero ID: nobody did.
func (p *Parent) Locate() event.ID { return p.locate }

// pendingRequest is the client's unanswered cancel or replace.
type pendingRequest struct {
	kind  event.Kind // ParentCancel, ParentReplace, or 0
	id    event.ID
	qty   market.Qty
	limit market.Price
	// display is the most that lit venues show after a replace.
	display market.Qty
	terms   Terms // of a replace that changes them
	// expireDate is the order's last day after a replace.
	expireDate int32
	renew      bool // it does
}

// tried marks what an epoch has used up.
type tried uint8

const (
	triedDark tried = 1 << iota
	triedQuote
	triedTake
)

// Live reports whether the parent can still trade.
func (p *Parent) Live() bool { return p.phase != phaseDone }

// LeavesQty returns what is still open for the client: 0 once the parent ended.
func (p *Parent) LeavesQty() market.Qty {
	if !p.Live() || p.Cum > p.OrderQty {
		return 0
	}
	return p.OrderQty - p.Cum
}

// Unplaced returns what is neither filled, nor reserved, nor held.
func (p *Parent) Unplaced() market.Qty { return p.OrderQty - p.Cum - p.Reserved - p.Held }
