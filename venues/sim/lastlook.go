package sim

import (
	"penstock/event"
	"penstock/market"
)

// Enter takes an order on a quote (40=D, 117). With last look it is reported
// PendingNew and answered after the hold time; without, it is New and answered at
// once.
func (d *Dealer) Enter(now int64, o Order) {
	d.Advance(now)
	q, reason, text := d.check(now, &o)
	s := d.admit(now, &o, reason, text)
	if s == nil {
		return
	}
	q.used = true
	d.renew = d.renew || q.QuoteID == d.shown.QuoteID
	defer d.stream(now)
	h := heldOrder{own: s, due: now, mid2: q.mid2, px: o.Price, end: q.Until}
	if !d.cfg.LastLook {
		d.state(now, s, market.StatusNew)
		d.decide(now, &h)
		return
	}
	// The draw is that of the order's number, so a refused order shifts nothing.
	h.due = now + d.holds.draw(d.draws.at(s.OrderID-d.venue.IDBase), d.cfg.HoldMedianNanos)
	d.state(now, s, market.StatusPendingNew)
	d.held = append(d.held, h)
}

// check finds the quote of o, or says why it cannot trade.
func (d *Dealer) check(now int64, o *Order) (*liveQuote, event.Reason, string) {
	switch {
	case d.halted:
		return nil, event.ReasonVenueHalted, "trading is halted"
	case !o.Side.Valid():
		return nil, event.ReasonBadParameter, "Side must be 1 or 2"
	case o.OrdType != market.OrdPreviouslyQuoted:
		return nil, event.ReasonUnsupportedType, "OrdType must be D, previously quoted"
	case o.TIF != market.TIFIOC && o.TIF != market.TIFFOK:
		return nil, event.ReasonUnsupportedType, "TimeInForce must be IOC or FOK"
	case o.Qty <= 0 || o.Qty%d.cfg.Instrument.Lot != 0:
		return nil, event.ReasonBadQty, "OrderQty must be a positive multiple of the lot"
	}
	q := d.find(o.QuoteID)
	if q == nil || q.Until <= now {
		return nil, event.ReasonQuoteExpired, "quote expired or unknown"
	}
	if q.used {
		return nil, event.ReasonQuoteExpired, "quote already used or withdrawn"
	}
	px, qty := q.AskPx, q.AskQty
	if o.Side == market.Sell {
		px, qty = q.BidPx, q.BidQty
	}
	switch {
	case o.Price != px:
		return nil, event.ReasonBadPrice, "Price must be the quoted price"
	case o.Qty > qty:
		return nil, event.ReasonBadQty, "OrderQty above the quoted size"
	}
	return q, event.ReasonNone, ""
}

func (d *Dealer) find(id event.ID) *liveQuote {
	for i := len(d.quotes) - 1; i >= 0; i-- {
		if d.quotes[i].QuoteID == id {
			return &d.quotes[i]
		}
	}
	return nil
}

// decideUntil answers the held orders whose time has come, oldest due first.
func (d *Dealer) decideUntil(now int64) {
	for {
		first := -1
		for i := range d.held {
			if d.held[i].due <= now && (first < 0 || d.held[i].due < d.held[first].due) {
				first = i
			}
		}
		if first < 0 {
			return
		}
		h := d.held[first]
		d.held = append(d.held[:first], d.held[first+1:]...)
		d.decide(h.due, &h)
	}
}

// decide is the last look: the order trades at the quoted price unless the quote
// has expired, the reference is gone, or it moved against the dealer.
func (d *Dealer) decide(now int64, h *heldOrder) {
	s := h.own
	move2 := market.Price(s.Side.Sign()) * (d.ref.mid2() - h.mid2)
	switch {
	case h.end <= now:
		d.reject(now, s, event.ReasonQuoteExpired, "quote expired during last look")
		return
	case d.halted || !d.ref.usable(now, d.cfg.StaleNanos):
		d.reject(now, s, event.ReasonLastLookPrice, "last look: no reference price")
		return
	case d.cfg.LastLook && move2 >= d.cfg.RejectMove2:
		d.reject(now, s, event.ReasonLastLookPrice, "last look: price moved")
		return
	}
	d.fill(now, s, Fill{
		Match: d.nextMatch(), Price: h.px, Qty: s.LeavesQty, Liquidity: market.LiquidityRemoved,
	})
	d.inventory -= market.Qty(s.Side.Sign()) * s.CumQty
	if d.cfg.HedgeNanos > 0 && d.hedgeAt == 0 {
		d.hedgeAt = now + d.cfg.HedgeNanos/hedgeSteps
	}
}

// hedgeSteps is in how many steps a dealer lays off half of its inventory.
const hedgeSteps = 8

// hedge lays off a part of the inventory when its time has come: 1/12 per step
// halves it in hedgeSteps steps. The last lots go at once.
func (d *Dealer) hedge(now int64) {
	if d.hedgeAt == 0 || d.hedgeAt > now {
		return
	}
	part := d.inventory / 12
	if part == 0 {
		part = d.inventory
	}
	d.inventory -= part
	d.hedgeAt = 0
	if d.inventory != 0 {
		d.hedgeAt = now + d.cfg.HedgeNanos/hedgeSteps
	}
}

// Cancel rejects the request: an order on a quote is answered or being looked
// at, and cannot be called back.
func (d *Dealer) Cancel(now int64, owner uint32, request, orig event.ID) {
	d.Advance(now)
	s := d.findCancel(now, owner, request, orig)
	if s == nil {
		return
	}
	d.rejectCancel(&CancelReject{
		Time: now, Owner: owner, ClOrdID: request, OrigClOrdID: orig, OrderID: s.OrderID,
		OrdStatus: s.OrdStatus, Reason: event.ReasonTooLate, Text: "in last look",
	})
}

// CancelAll does nothing: held orders are answered even when the owner is gone.
func (d *Dealer) CancelAll(int64, uint32) {}
