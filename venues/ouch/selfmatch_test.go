package ouch

import (
	"testing"

	"penstock/event"
	"penstock/market"
)

// TestCtl_C18_VenuePreventsASelfMatchInOUCH: OUCH has no field for it, so a venue keeps the orders
// of one firm apart; what is cancelled for that is told by D, and is a cancel to the router.
func TestCtl_C18_VenuePreventsASelfMatchInOUCH(t *testing.T) {
	t.Parallel()
	for name, orders := range versions {
		for _, prevent := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := newRigOf(t, orders, "LITA", prevent, func(c *Config) { c.Firm = "PSTK" })
				r.up()
				self, kept := false, false
				for n := uint64(0); n < 40 && !self && !kept; n += 2 { // others may be quicker
					self, kept = r.meet(child + n)
				}
				if self == prevent || kept != prevent {
					t.Errorf("firms are kept apart %v: traded with ourselves %v, cancelled before that %v", prevent, self, kept)
				}
				r.reconcile()
			})
		}
	}
}

// meet posts an order inside the touch and sends one that would take it, and reports whether they
// traded with each other, and whether the venue cancelled the second while the first was there.
func (r *rig) meet(n uint64) (self, kept bool) {
	bid := r.server.Depth(market.Buy, 1)[0]
	post := takeOrder(n)
	post.Side, post.TIF, post.Price, post.Qty = market.Sell, market.TIFDay, bid.Price+100, 100
	r.send(post)
	r.untilEvent("answer", func(e *event.Event) bool { return e.Kind == event.Exec && e.Ref == n })
	take := takeOrder(n + 1)
	take.Price, take.Qty = bid.Price+100, 100
	r.send(take)
	end := r.untilEvent("verdict", over(n+1))
	for _, f := range r.server.Trades(client) {
		self = self || f.SelfTrade
	}
	open := r.status(n)
	r.send(cancelOf(n))
	return self, end.OrdStatus == market.StatusCanceled && end.CumQty == 0 && !open.OrdStatus.Terminal()
}
