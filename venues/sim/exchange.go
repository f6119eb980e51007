package sim

import (
	"fmt"

	"penstock/event"
	"penstock/market"
)

// ExchangeConfig describes a lit exchange of one instrument. Callbacks may be nil.
type ExchangeConfig struct {
	Venue
	Book  func(*BookChange) // every change of the displayed book, in order
	Trade func(*Trade)      // every match, after its BookChange
}

// Exchange is a continuous limit order book with strict price-time priority.
// Orders are limit (day, IOC, FOK), post-only limit, and market (IOC, FOK).
type Exchange struct {
	blotter
	cfg       ExchangeConfig
	sides     [2]ladder // by Side.Index
	pool      pool
	byID      map[uint64]int32 // OrderID of a named owner's resting order → slot in pool
	halted    bool
	auction   bool         // why it is halted
	priceTest bool         // short sales are taken above the best bid only
	low, high market.Price // what orders may be priced at, 0: any
	watch     func(*Trade) // the flow's eye on all trades; nil without flow

	said   BookChange // what the callbacks get, valid during the call
	traded Trade
}

// BookChangeKind is a verb of an order-level feed.
type BookChangeKind uint8

// Kinds of book change. A replace is a Delete and an Add.
const (
	BookAdd     BookChangeKind = iota // a new displayed order
	BookExecute                       // Qty of the order traded; at zero it is gone
	BookReduce                        // Qty of the order was cancelled, the rest stays
	BookDelete                        // the order is gone; Qty is what was left of it
)

// BookChange is one change of the displayed book.
type BookChange struct {
	Time     int64 // ns since epoch
	Kind     BookChangeKind
	Side     market.Side
	Ref      uint64 // OrderID of the displayed order
	Price    market.Price
	Qty      market.Qty // added, traded, cancelled or removed
	LevelQty market.Qty // displayed at Price after the change
	Match    uint64     // of BookExecute: trade number
}

// Trade is one match.
type Trade struct {
	Time      int64 // ns since epoch
	Match     uint64
	Aggressor market.Side
	Price     market.Price
	Qty       market.Qty
	Maker     uint64 // OrderID of the resting order
	Taker     uint64
	SelfTrade bool // both orders had the same named owner
}

// Level is the displayed quantity at one price.
type Level struct {
	Price market.Price
	Qty   market.Qty
}

// NewExchange returns an empty book.
func NewExchange(cfg ExchangeConfig) (*Exchange, error) {
	if err := cfg.Instrument.Validate(); err != nil {
		return nil, fmt.Errorf("exchange: %w", err)
	}
	return &Exchange{
		blotter: newBlotter(cfg.Venue), cfg: cfg, pool: newPool(),
		sides: [2]ladder{{side: market.Buy, tick: cfg.Instrument.Tick}, {side: market.Sell, tick: cfg.Instrument.Tick}},
		byID:  make(map[uint64]int32),
	}, nil
}

// Enter takes a new order: it is reported New, trades what it can, and then
// rests or is cancelled, as its type says; or it is Rejected.
func (e *Exchange) Enter(now int64, o Order) {
	reason, text := e.check(&o)
	s := e.admit(now, &o, reason, text)
	if s == nil {
		return
	}
	e.state(now, s, market.StatusNew)
	left := o.Qty
	if o.TIF != market.TIFFOK || e.available(&o) >= o.Qty {
		left = e.match(now, &o, s.OrderID, s)
	}
	switch best := e.sides[o.Side.Contra().Index()].best(); {
	case left == 0:
	case best != nil && o.reaches(best.price) && e.selfMatch(&o, best.head):
		s.OrdStatus, s.LeavesQty, s.Updated = market.StatusCanceled, 0, now
		e.report(now, s, &Report{ExecType: market.ExecCanceled, Text: "self match prevented", SelfMatchPx: best.price})
	case o.TIF == market.TIFDay:
		e.rest(now, o.Side, o.Price, left, s.OrderID, s)
	default:
		e.cancel(now, s, event.ID{}, "no more liquidity within the limit")
	}
}

// check returns why o cannot be accepted.
func (e *Exchange) check(o *Order) (event.Reason, string) {
	in := &e.cfg.Instrument
	switch {
	case e.auction:
		return event.ReasonVenueHalted, "continuous trading is halted for an auction"
	case e.halted:
		return event.ReasonVenueHalted, "trading is halted"
	case !o.Side.Valid() || !o.Mark.Valid(o.Side):
		return event.ReasonBadParameter, "Side must be 1 or 2"
	case o.Qty <= 0 || o.Qty%in.Lot != 0:
		return event.ReasonBadQty, "OrderQty must be a positive multiple of the lot"
	}
	switch o.OrdType {
	case market.OrdMarket:
		if o.TIF != market.TIFIOC && o.TIF != market.TIFFOK || o.ExecInst != market.ExecInstNone || o.MaxFloor != 0 {
			return event.ReasonUnsupportedType, "a market order must be IOC or FOK"
		}
		return event.ReasonNone, ""
	case market.OrdLimit:
	default:
		return event.ReasonUnsupportedType, "OrdType not supported"
	}
	if o.Price <= 0 || o.Price%in.Tick != 0 {
		return event.ReasonBadPrice, "Price must be a positive multiple of the tick"
	}
	if o.Price < e.low || e.high != 0 && o.Price > e.high {
		return event.ReasonPriceBand, "Price is outside the price band"
	}
	if _, ok := o.Price.Notional(o.Qty); !ok {
		return event.ReasonBadQty, "OrderQty × Price out of range"
	}
	if bid, ok := e.Best(market.Buy); e.priceTest && o.Mark == market.Short && ok && o.Price <= bid.Price {
		return event.ReasonShortBid, "a short sale must be above the best bid"
	}
	switch o.TIF {
	case market.TIFDay, market.TIFIOC, market.TIFFOK:
	default:
		return event.ReasonUnsupportedType, "TimeInForce not supported"
	}
	switch o.ExecInst {
	case market.ExecInstNone:
	case market.ExecInstISO:
		if o.TIF != market.TIFIOC {
			return event.ReasonUnsupportedType, "an intermarket sweep order must be IOC"
		}
	case market.ExecInstPostOnly:
		if o.TIF != market.TIFDay {
			return event.ReasonUnsupportedType, "a post-only order must be day"
		}
		if e.crosses(o) {
			return event.ReasonWouldTake, "post-only order would take"
		}
	default:
		return event.ReasonUnsupportedType, "ExecInst not supported"
	}
	if o.MaxFloor != 0 && (o.TIF != market.TIFDay || o.MaxFloor < 0 || o.MaxFloor > o.Qty || o.MaxFloor%in.Lot != 0) {
		return event.ReasonDisplay, "MaxFloor must be a multiple of the lot, at most OrderQty, in a day order"
	}
	return event.ReasonNone, ""
}

// Cancel removes the order whose ClOrdID is orig, or rejects the request.
func (e *Exchange) Cancel(now int64, owner uint32, request, orig event.ID) {
	s := e.findCancel(now, owner, request, orig)
	if s == nil {
		return
	}
	e.remove(now, s.OrderID)
	e.cancel(now, s, request, "")
}

// CancelAll cancels every live order of owner, as cancel-on-disconnect does.
func (e *Exchange) CancelAll(now int64, owner uint32) {
	for _, s := range e.orders {
		if s.Owner == owner && !s.OrdStatus.Terminal() {
			e.remove(now, s.OrderID)
			e.cancel(now, s, event.ID{}, "cancel on disconnect")
		}
	}
}

// Advance does nothing: an exchange acts only on orders. It is there so that all
// engines are driven alike.
func (e *Exchange) Advance(int64) (next int64) { return Never }

// Halt stops or resumes trading. A halted exchange takes cancels only.
func (e *Exchange) Halt(halted bool) { e.halted, e.auction = halted, false }

// Auction begins a period in which the exchange collects no orders of ours, and ends it; it
// takes cancels only.
func (e *Exchange) Auction(on bool) { e.halted, e.auction = on, on }

// InAuction reports whether Auction is on.
func (e *Exchange) InAuction() bool { return e.auction }

// Band refuses orders priced below low or above high from now on; 0 is no bound. What rests
// outside stays.
func (e *Exchange) Band(low, high market.Price) { e.low, e.high = low, high }

// TestShorts begins or ends a price test for short sales: what is not exempt is taken above the
// best bid only.
func (e *Exchange) TestShorts(on bool) { e.priceTest = on }

// Halted reports whether trading is stopped.
func (e *Exchange) Halted() bool { return e.halted }

// Best returns the best displayed price of side and its quantity; ok is false
// for an empty side.
func (e *Exchange) Best(side market.Side) (level Level, ok bool) {
	if l := e.sides[side.Index()].best(); l != nil {
		return Level{l.price, l.qty}, true
	}
	return Level{}, false
}

// Depth appends up to n levels of side to dst, best first.
func (e *Exchange) Depth(dst []Level, side market.Side, n int) []Level {
	levels := e.sides[side.Index()].levels
	for i := len(levels) - 1; i >= 0 && n > 0; i-- {
		dst = append(dst, Level{levels[i].price, levels[i].qty})
		n--
	}
	return dst
}

// At returns the quantity displayed at one price of a side.
func (e *Exchange) At(side market.Side, price market.Price) market.Qty {
	l := &e.sides[side.Index()]
	if i, found := l.find(price); found {
		return l.levels[i].qty
	}
	return 0
}
