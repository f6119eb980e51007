package fixgw

import (
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim/serve"
)

// TestCtl_C18_VenuePreventsASelfMatch: with SelfMatchPreventionID(2362) in both, an order of ours does
// not trade with another one. The venue is the last line behind the
// router's own rule.
func TestCtl_C18_VenuePreventsASelfMatch(t *testing.T) {
	for _, id := range []string{"77", ""} {
		r := newSimRigWith(t, "LITA", func(*serve.Venue) {}, func(c *Config) { c.Account.SelfTrade = id })
		r.untilEvent("session", sessionUp)
		bid, ask := r.server.Depth(market.Buy, 1)[0], r.server.Depth(market.Sell, 1)[0]
		if ask.Price-bid.Price < 200 {
			bid.Price = ask.Price - 200
		}
		post := takeOrder()
		post.Side, post.TIF, post.ExecInst, post.Price, post.Qty = market.Sell, market.TIFDay, market.ExecInstNone, bid.Price+100, 100
		r.g.Send(wall(), post)
		r.untilEvent("acknowledgement", func(e *event.Event) bool {
			return e.Kind == event.Exec && e.Ref == child && (e.OrdStatus == market.StatusNew || e.OrdStatus.Terminal())
		})
		take := takeOrder()
		take.Child, take.Price, take.Qty = child+1, bid.Price+100, 100
		r.g.Send(wall(), take)
		r.untilEvent("verdict", done(child+1))
		self := false
		for _, f := range r.server.Trades("SOR") {
			self = self || f.SelfTrade
		}
		if self && id != "" {
			t.Errorf("traded with ourselves in spite of %q", id)
		}
		r.reconcile()
	}
}
