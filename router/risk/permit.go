package risk

import (
	"math"

	"penstock/event"
	"penstock/internal/assert"
	"penstock/market"
)

// Permit is what the gate finds beforehand of an order to come: all but what its venue, its price, its quantity
// up to that of the permit, and the moment decide. It holds as long as limits, kills of scopes, permissions and the policy do.
type Permit struct {
	order     Order        // venue, price and quantity are to come
	approved  Approved     // of it, likewise
	most      market.Qty   // the largest quantity
	worst     int64        // the parent's limit × Side.Sign: what is larger is beyond it
	dearest   market.Price // at which that is worth no more than an order may be; 0: Use approves nothing
	collarBps int64
	venues    uint16 // where its client trades, one bit each
	decimals  uint8  // of a notional
	// Where controls keep what is left; nil without.
	rates        *[market.MaxVenues]window
	repeat       *repeat
	used, credit *market.Money // of its client
	disabled     *bool
}

// Permit makes p for o, whose venue and price are not looked at. What is not usual, as a short sale or a
// kill of some scope, gets a permit of no use: Child judges it.
func (g *Gate) Permit(p *Permit, o *Order) {
	l := &g.limits[o.Instrument]
	*p = Permit{order: *o, most: o.Qty, worst: math.MaxInt64, collarBps: l.CollarBps, venues: math.MaxUint16}
	if o.Limit != 0 {
		p.worst = o.Side.Sign() * int64(o.Limit)
	}
	if k := g.controls; k != nil {
		if k.may(o) != event.ReasonNone {
			return
		}
		p.venues, p.decimals = k.venues[o.Client], k.Decimals[o.Instrument]
		s := strategyIndex(o.Strategy)
		p.rates, p.disabled, p.repeat = &k.rates[s], &k.disabled[s], &k.repeats[o.Slot]
		p.used, p.credit = &k.used[o.Client], &k.Clients[o.Client].Credit
	}
	if o.Qty > 0 && o.Qty <= l.ChildMaxQty && o.Mark == market.Long && o.ShortBid == 0 && len(g.scopes) == 0 {
		p.dearest = min(market.Price(int64(l.ChildMaxNotional)/int64(o.Qty)), market.MaxPrice)
		p.approved.order.instrument, p.approved.order.side, p.approved.order.slot, p.approved.order.policy = o.Instrument, o.Side, o.Slot, o.Policy
	}
}

// OK reports whether Use may approve an order with it.
func (p *Permit) OK() bool { return p.dearest > 0 }

// Most returns the largest quantity that Use may approve.
func (p *Permit) Most() market.Qty { return p.most }

// Use is Child of the order of a permit at a venue and price, of a quantity, where all is well, but for what the order takes
// of the limits: Book must follow before anything else is asked. Otherwise it returns nil, and nothing is counted: Child
// says why. It is the permit's own and holds until Book.
func (g *Gate) Use(p *Permit, venue market.VenueID, price market.Price, qty market.Qty, mid2, now int64) *Approved {
	venue &= market.MaxVenues - 1
	cost, ok := g.passes(p, Claim{}, venue, price, qty, mid2, now)
	if !ok {
		return nil
	}
	assert.That(g.unbooked == nil, "an order is booked before the next one is judged")
	g.unbooked = p
	o, a := &p.order, &p.approved
	o.Venue, o.Price, o.Qty = venue, price, qty
	a.order.venue, a.order.price, a.order.qty, a.order.cost, a.ok = venue, price, qty, cost, true
	return a
}

// passes reports whether an order would be approved behind those of a claim, and returns what it counts for its client.
func (g *Gate) passes(p *Permit, before Claim, venue market.VenueID, price market.Price, qty market.Qty, mid2, now int64) (cost market.Money, ok bool) {
	o := &p.order
	if (g.shut|^p.venues)>>venue&1 != 0 || len(g.scopes) > 0 || price <= 0 || price > p.dearest || qty <= 0 || qty > p.most ||
		o.Side.Sign()*int64(price) > p.worst || !within(o.Side, mid2, price, p.collarBps) {
		return 0, false
	}
	if k := g.controls; k != nil {
		// Its notional is below ChildMaxNotional, by dearest and most.
		cost = market.Notional(int64(price) * int64(qty)).Money(p.decimals)
		if *p.disabled || *p.used > *p.credit-before.cost-cost || k.firm > k.FirmCredit-before.cost-cost ||
			k.isCanary(o.Policy) && !k.canaryMay(o.Instrument, venue, before, cost) ||
			!p.rates[venue].room(now) || !k.mayRepeat(p.repeat, before.orders, now) {
			return 0, false
		}
	}
	return cost, g.windows[venue].room(now)
}

// Book takes from the limits, at now, what the order that Use approved needs, once it has left. It counts for its
// client as with Expose.
func (g *Gate) Book(now int64) {
	p := g.unbooked
	g.unbooked, p.approved.ok = nil, false
	g.take(&p.order, p.approved.order.cost, now)
	g.Expose(p.order.Client, p.approved.order.cost)
}
