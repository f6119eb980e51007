package firewall

import "penstock/market"

// Restored is an order of before a restart that may still be at its venue, or that
// executed something.
type Restored struct {
	Number, Parent uint64
	Venue          market.VenueID
	Qty, Cum       market.Qty
	Price          market.Price
	Shows          market.Qty // the most that its venue displays of it at once
	Open           bool
	Acked          bool
	Conditional    bool // it cannot trade
}

// RestoreParent takes a client's order over from before a restart, with what was executed
// for it by orders that are not restored one by one. Before any session sends.
func (f *Firewall) RestoreParent(number uint64, o *Order) bool {
	before := f.count
	if f.byParent.find(number) < 0 {
		f.addParent(number, o)
	}
	return f.count > before
}

// RestoreChild takes an order over from before a restart; false when its parent is not
// known or there is no room.
func (f *Firewall) RestoreChild(r *Restored) bool {
	at := f.byParent.find(r.Parent)
	if at < 0 || f.sent == len(f.children) || f.byChild.find(r.Number) >= 0 {
		return false
	}
	f.children[f.sent] = child{number: r.Number, qty: r.Qty, cum: r.Cum, price: r.Price, parent: at, venue: r.Venue, shows: r.Shows,
		open: r.Open, idle: r.Conditional, acked: r.Acked}
	c := &f.children[f.sent]
	f.byChild.put(r.Number, int32(f.sent))
	f.sent++
	p := &f.parents[at]
	p.cum += c.cum
	p.out += c.left()
	p.shown += c.displayed()
	f.recount(c, p)
	if c.open {
		f.stats.Open++
	}
	return true
}
