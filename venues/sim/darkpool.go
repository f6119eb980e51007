package sim

import (
	"fmt"

	"penstock/event"
	"penstock/market"
)

// DarkPoolConfig describes a midpoint pool of one instrument.
type DarkPoolConfig struct {
	Venue
	// StaleNanos is how old the reference may be for orders to trade.
	StaleNanos int64
	// Contra is the hidden interest that others bring; a zero rate means none.
	Contra      Contra
	Conditional ConditionalRules
	// Invite is called for every invitation to firm up; it may be nil.
	Invite func(*Invitation)
	// Trade is called for every match; nobody else sees it. It may be nil.
	Trade func(*Trade)
}

// DarkPool matches orders pegged to the midpoint of a reference BBO. It displays
// nothing. Eligible orders of a side trade in the order of price, size, time: as
// all of them trade at the midpoint, the price is the tighter of midpoint and
// limit cap and so the same for all, the larger LeavesQty goes first, and of
// equal ones the older.
type DarkPool struct {
	blotter
	cfg    DarkPoolConfig
	ref    reference
	waits  [2][]pegged // resting orders by Side.Index, in order of arrival
	contra contraFlow
	halted bool

	offers      []offered
	invitations uint64
}

// pegged is one resting order.
type pegged struct {
	own   *OrderState // nil for contra interest
	id    uint64
	side  market.Side
	cap   market.Price // 0 for none
	qty   market.Qty
	min   market.Qty // least quantity of one execution
	until int64      // contra interest: when it leaves, ns since epoch
}

// NewDarkPool returns an empty pool without a reference: nothing trades until
// SetReference.
func NewDarkPool(cfg DarkPoolConfig) (*DarkPool, error) {
	if err := cfg.Instrument.Validate(); err != nil {
		return nil, fmt.Errorf("dark pool: %w", err)
	}
	if cfg.StaleNanos <= 0 {
		return nil, fmt.Errorf("dark pool: StaleNanos must be positive")
	}
	contra, err := newContraFlow(cfg.Contra, cfg.Instrument.Lot)
	if err != nil {
		return nil, fmt.Errorf("dark pool: %w", err)
	}
	return &DarkPool{blotter: newBlotter(cfg.Venue), cfg: cfg, contra: contra}, nil
}

// SetReference sets the BBO that orders are pegged to; a zero price means none.
// Orders that can trade at the new midpoint do. Call it again, unchanged or not,
// at least every StaleNanos while the BBO is valid.
func (d *DarkPool) SetReference(now int64, bid, ask market.Price) {
	d.Advance(now)
	d.ref = reference{bid, ask, now}
	d.uncross(now)
	d.invite(now)
}

// SetLean tells which side presses in the market: +1 buyers, -1 sellers, 0
// neither. Contra interest arrives more often on that side.
func (d *DarkPool) SetLean(lean int) { d.contra.lean = lean }

// Halt stops or resumes trading.
func (d *DarkPool) Halt(halted bool) { d.halted = halted }

// Enter takes a pegged order: 40=P with 18=M, or a limit order with 18=M. It
// trades at once where it can; the rest waits (day) or is cancelled (IOC).
func (d *DarkPool) Enter(now int64, o Order) {
	d.Advance(now)
	reason, text := d.check(&o)
	if reason == event.ReasonNone {
		reason, text = d.checkConditional(now, &o)
	}
	s := d.admit(now, &o, reason, text)
	if s == nil {
		return
	}
	d.state(now, s, market.StatusNew)
	if o.ExecInst == market.ExecInstConditional {
		d.offers = append(d.offers, offered{own: s, cap: o.Price})
		d.invite(now)
		return
	}
	until := Never
	if o.ExecInst == market.ExecInstFirmUp {
		until = d.firm(now, &o)
	}
	p := pegged{
		own: s, id: s.OrderID, side: o.Side, cap: o.Price, qty: o.Qty, min: o.MinQty, until: until,
	}
	d.trade(now, &p)
	switch {
	case p.qty == 0:
	case o.TIF == market.TIFDay, until != Never:
		d.waits[o.Side.Index()] = append(d.waits[o.Side.Index()], p)
		d.invite(now)
	default:
		d.cancel(now, s, event.ID{}, "no contra at the midpoint")
	}
}

func (d *DarkPool) check(o *Order) (event.Reason, string) {
	in := &d.cfg.Instrument
	switch {
	case d.halted:
		return event.ReasonVenueHalted, "trading is halted"
	case !o.Side.Valid():
		return event.ReasonBadParameter, "Side must be 1 or 2"
	case o.Qty <= 0 || o.Qty%in.Lot != 0:
		return event.ReasonBadQty, "OrderQty must be a positive multiple of the lot"
	case o.MinQty < 0 || o.MinQty > o.Qty:
		return event.ReasonBadQty, "MinQty must be between 0 and OrderQty"
	case o.OrdType != market.OrdPegged && o.OrdType != market.OrdLimit,
		o.ExecInst != market.ExecInstMidPeg && o.ExecInst != market.ExecInstConditional && o.ExecInst != market.ExecInstFirmUp:
		return event.ReasonUnsupportedType, "only midpoint pegs (18=M) are taken"
	case o.TIF != market.TIFDay && o.TIF != market.TIFIOC:
		return event.ReasonUnsupportedType, "TimeInForce must be day or IOC"
	case o.Price < 0 || o.OrdType == market.OrdLimit && o.Price == 0:
		return event.ReasonBadPrice, "Price must be positive"
	}
	return event.ReasonNone, ""
}

// Cancel removes the order whose ClOrdID is orig, or rejects the request.
func (d *DarkPool) Cancel(now int64, owner uint32, request, orig event.ID) {
	d.Advance(now)
	if s := d.findCancel(now, owner, request, orig); s != nil {
		d.remove(s)
		d.cancel(now, s, request, "")
	}
}

// CancelAll cancels every live order of owner.
func (d *DarkPool) CancelAll(now int64, owner uint32) {
	for _, s := range d.orders {
		if s.Owner == owner && !s.OrdStatus.Terminal() {
			d.remove(s)
			d.cancel(now, s, event.ID{}, "cancel on disconnect")
		}
	}
}

func (d *DarkPool) remove(s *OrderState) {
	if d.removeOffer(s) {
		return
	}
	list := &d.waits[s.Side.Index()]
	for i := range *list {
		if (*list)[i].own == s {
			*list = append((*list)[:i], (*list)[i+1:]...)
			return
		}
	}
}

// Interest brings hidden interest of somebody else, which trades at once where it
// can and waits until the given time (ns since epoch). least is the smallest
// execution that it accepts, 0 for any.
func (d *DarkPool) Interest(now int64, side market.Side, qty, least market.Qty, until int64) {
	d.Advance(now)
	if d.halted {
		return
	}
	p := pegged{side: side, qty: qty, min: least, until: until, id: d.nextOrder()}
	d.trade(now, &p)
	if p.qty > 0 && until > now {
		d.waits[side.Index()] = append(d.waits[side.Index()], p)
		d.invite(now)
	}
}

// Advance lets contra interest arrive and leave up to now and returns when the
// next of it is due.
func (d *DarkPool) Advance(now int64) (next int64) {
	d.lapse(now)
	for {
		at := d.contra.next(now)
		if at > now {
			return min(at, d.lapse(now))
		}
		p := d.contra.arrive(at)
		if p.qty == 0 || d.halted {
			continue
		}
		p.id = d.nextOrder()
		d.trade(at, &p)
		if p.qty > 0 && p.until > at {
			d.waits[p.side.Index()] = append(d.waits[p.side.Index()], p)
			d.invite(at)
		}
	}
}
