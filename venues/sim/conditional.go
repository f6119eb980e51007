package sim

import (
	"strconv"

	"penstock/event"
	"penstock/market"
)

// ConditionalRules say how a pool treats conditional orders. The zero value: it takes none.
type ConditionalRules struct {
	MinQty      market.Qty // least size
	FirmBps     int64      // least size of a firm order, in 1/10,000 of the conditional one
	WindowNanos int64      // from an invitation to its end
}

// Invitation asks the owner of a conditional order to firm up.
type Invitation struct {
	Time    int64 // ns since epoch
	Owner   uint32
	ClOrdID event.ID // of the conditional order
	ID      event.ID // IOIID(23), to be named by the firm order
	Side    market.Side
	Qty     market.Qty // that may trade
	Until   int64      // ns since epoch
}

// offered is a conditional order. It is invited once, and over with it: a firm order takes
// its place, or the window ends.
type offered struct {
	own    *OrderState
	cap    market.Price
	invite event.ID // zero: not yet
	until  int64    // of the invitation
}

// checkConditional returns why a conditional order, or a firm one that names an invitation,
// is refused.
func (d *DarkPool) checkConditional(now int64, o *Order) (event.Reason, string) {
	rules := &d.cfg.Conditional
	switch o.ExecInst {
	case market.ExecInstConditional:
		switch {
		case rules.MinQty == 0:
			return event.ReasonUnsupportedType, "conditional orders are not taken"
		case o.TIF != market.TIFDay:
			return event.ReasonUnsupportedType, "a conditional order must be day"
		case o.Qty < rules.MinQty:
			return event.ReasonBadQty, "below the least size of a conditional order"
		}
	case market.ExecInstFirmUp:
		c := d.invitedBy(o.Owner, o.Invitation)
		switch {
		case c == nil || c.until <= now || c.own.OrdStatus.Terminal():
			return event.ReasonQuoteExpired, "invitation expired or unknown"
		case c.own.Side != o.Side:
			return event.ReasonBadParameter, "not the side of the invitation"
		case o.Qty < c.own.OrderQty/10_000*market.Qty(rules.FirmBps)+c.own.OrderQty%10_000*market.Qty(rules.FirmBps)/10_000:
			return event.ReasonBadQty, "below the least size of a firm order"
		case c.cap != 0 && (o.Price != 0 && o.Side.Better(o.Price, c.cap)):
			return event.ReasonBadPrice, "less aggressive than the conditional order"
		}
	}
	return event.ReasonNone, ""
}

// invitedBy finds the conditional order of owner that got an invitation.
func (d *DarkPool) invitedBy(owner uint32, invite event.ID) *offered {
	for i := range d.offers {
		if c := &d.offers[i]; c.own.Owner == owner && c.invite == invite && invite != (event.ID{}) {
			return c
		}
	}
	return nil
}

// firm ends the conditional order whose invitation o answers, and returns until when o may
// wait for the other side.
func (d *DarkPool) firm(now int64, o *Order) (until int64) {
	c := d.invitedBy(o.Owner, o.Invitation)
	own, until := c.own, c.until
	d.removeOffer(own)
	d.cancel(now, own, event.ID{}, "firmed up")
	return until
}

func (d *DarkPool) removeOffer(s *OrderState) bool {
	for i := range d.offers {
		if d.offers[i].own == s {
			d.offers = append(d.offers[:i], d.offers[i+1:]...)
			return true
		}
	}
	return false
}

// invite sends invitations to conditional orders that could trade at the midpoint: with what
// rests, or with each other.
func (d *DarkPool) invite(now int64) {
	if len(d.offers) == 0 || d.halted || !d.ref.usable(now, d.cfg.StaleNanos) {
		return
	}
	price := d.ref.mid()
	for i := range d.offers {
		c := &d.offers[i]
		if c.invite != (event.ID{}) || c.cap != 0 && c.own.Side.Better(c.cap, price) {
			continue
		}
		var there market.Qty
		for _, r := range d.waits[c.own.Side.Contra().Index()] {
			if r.takes(price) && r.until > now && r.least() <= c.own.OrderQty && (r.own == nil || r.own.Owner != c.own.Owner) {
				there += r.qty
			}
		}
		for k := range d.offers {
			other := &d.offers[k]
			if other.own.Side == c.own.Side || other.own.Owner == c.own.Owner || other.invite != (event.ID{}) && other.until <= now ||
				other.cap != 0 && other.own.Side.Better(other.cap, price) {
				continue
			}
			there += other.own.OrderQty
		}
		if qty := min(there, c.own.OrderQty); qty >= max(c.own.MinQty, d.cfg.Conditional.MinQty) {
			d.sendInvitation(now, c, qty)
		}
	}
}

func (d *DarkPool) sendInvitation(now int64, c *offered, qty market.Qty) {
	d.invitations++
	c.invite, _ = event.MakeID("I" + strconv.FormatUint(d.cfg.IDBase+d.invitations, 10))
	c.until = now + d.cfg.Conditional.WindowNanos
	if d.cfg.Invite != nil {
		d.cfg.Invite(&Invitation{Time: now, Owner: c.own.Owner, ClOrdID: c.own.ClOrdID, ID: c.invite, Side: c.own.Side,
			Qty: qty, Until: c.until})
	}
}

// lapse ends conditional orders whose window is over, and firm orders that waited for the
// other side in vain. It returns when the next of them ends.
func (d *DarkPool) lapse(now int64) (next int64) {
	next = Never
	for i := 0; i < len(d.offers); {
		c := d.offers[i]
		switch {
		case c.invite != (event.ID{}) && c.until <= now:
			d.removeOffer(c.own)
			d.cancel(now, c.own, event.ID{}, "not firmed up")
			continue
		case c.invite != (event.ID{}):
			next = min(next, c.until)
		}
		i++
	}
	for side := range d.waits {
		for i := 0; i < len(d.waits[side]); {
			p := d.waits[side][i]
			if p.own == nil || p.until == Never {
				i++
				continue
			}
			if p.until > now {
				next = min(next, p.until)
				i++
				continue
			}
			d.waits[side] = append(d.waits[side][:i], d.waits[side][i+1:]...)
			d.cancel(now, p.own, event.ID{}, "no contra at the midpoint")
		}
	}
	return next
}
