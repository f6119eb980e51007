package risk

import (
	"penstock/internal/assert"
	"penstock/market"
)

// Batch is orders by one permit that are to leave together, all or none, each to another venue.
type Batch struct {
	permit *Permit
	claim  Claim
	asked  int64 // when the latest was added
	orders [market.MaxVenues]batched
}

type batched struct {
	venue market.VenueID
	price market.Price
	qty   market.Qty
	cost  market.Money
}

// Open empties b for orders by p.
func (b *Batch) Open(p *Permit) { b.permit, b.claim = p, Claim{} }

// Add adds an order to b; false: Use would not approve it behind those that are in b, and it was not added. Nothing is
// counted or taken.
func (g *Gate) Add(b *Batch, venue market.VenueID, price market.Price, qty market.Qty, mid2, now int64) bool {
	venue &= market.MaxVenues - 1
	cost, ok := g.passes(b.permit, b.claim, venue, price, qty, mid2, now)
	if !ok || b.claim.orders == len(b.orders) {
		return false
	}
	b.orders[b.claim.orders] = batched{venue, price, qty, cost}
	b.asked = now
	b.claim.orders++
	b.claim.cost += cost
	return true
}

// Approve returns order i of b, and takes from the limits at now what it needs. It does not ask again: every order of
// b is to follow at once, in the order of Add, and nothing else may be asked of the gate before. What it returns is the
// permit's own and holds until the next call.
func (g *Gate) Approve(b *Batch, i int, now int64) *Approved {
	assert.That(now == b.asked && i < b.claim.orders && g.unbooked == nil, "a batch is approved as it was added")
	p, o := b.permit, &b.orders[i]
	a := &p.approved
	p.order.Venue, p.order.Price, p.order.Qty = o.venue, o.price, o.qty
	a.order.venue, a.order.price, a.order.qty, a.order.cost, a.ok = o.venue, o.price, o.qty, o.cost, true
	g.take(&p.order, o.cost, now)
	g.Expose(p.order.Client, o.cost)
	return a
}
