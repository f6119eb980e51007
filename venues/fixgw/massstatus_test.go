package fixgw

import (
	"testing"

	"penstock/event"
	"penstock/market"
)

// A venue that can say it is asked for all open orders at once: it names those that are open,
// and then says that it has; also when there are none.
func TestAllOpenOrdersAreAskedForAtOnce(t *testing.T) {
	r := newSimRig(t, "LITA")
	r.untilEvent("session", sessionUp)
	ask := func(number uint64) (named map[uint64]market.OrdStatus) {
		t.Helper()
		c := event.Command{Kind: event.SendMassStatus, Venue: 2, Instrument: market.NoInstrument, Ref: number}
		if !r.g.Send(wall(), &c) {
			t.Fatal("refused")
		}
		named = map[uint64]market.OrdStatus{}
		r.untilEvent("the last of all", func(e *event.Event) bool {
			if e.Kind == event.Exec && e.Code == uint8(market.ExecOrderStatus) {
				named[e.Ref] = e.OrdStatus
			}
			return e.Kind == event.MassStatus && e.Venue == 2
		})
		return named
	}
	if named := ask(child + 500); len(named) != 0 {
		t.Errorf("named %v of no orders", named)
	}
	best := r.server.Depth(market.Buy, 1)[0]
	for i := range uint64(3) {
		post := takeOrder()
		post.Child, post.TIF, post.ExecInst, post.Price = child+i, market.TIFDay, market.ExecInstPostOnly, best.Price-50_000
		if !r.g.Send(wall(), post) {
			t.Fatal("refused")
		}
		r.untilEvent("acknowledgement", func(e *event.Event) bool { return e.Kind == event.Exec && e.Ref == child+i })
	}
	cancel := event.Command{Kind: event.SendCancel, Child: child + 1, Ref: child + 400, Venue: 2, Instrument: 3, Side: market.Buy, Qty: 300}
	r.g.Send(wall(), &cancel)
	r.untilEvent("cancel", done(child+1))
	named := ask(child + 501)
	if len(named) != 2 || named[child] != market.StatusNew || named[child+2] != market.StatusNew {
		t.Errorf("named %v, two are open", named)
	}
	r.reconcile()
}
