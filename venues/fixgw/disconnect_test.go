package fixgw

import (
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim/serve"
)

// TestCtl_C18_CancelOnDisconnectOfAVenue: whether a venue cancels what is open when its session
// breaks is never assumed. Nothing is said of the order until the session is back; then the
// venue's own word comes, canceled where it does, open where it does not.
func TestCtl_C18_CancelOnDisconnectOfAVenue(t *testing.T) {
	for _, cancels := range []bool{true, false} {
		r := newSimRigWith(t, "LITA", func(v *serve.Venue) { v.CancelOnDisconnect = cancels }, func(*Config) {})
		r.untilEvent("session", sessionUp)
		post := takeOrder()
		post.TIF, post.Price, post.Qty = market.TIFDay, r.server.Depth(market.Buy, 1)[0].Price/2/100*100, 100
		if !r.g.Send(wall(), post) {
			t.Fatal("refused")
		}
		r.untilEvent("acknowledgement", func(e *event.Event) bool { return e.Kind == event.Exec && e.Ref == child })
		r.server.DropConnections()
		r.untilEvent("session down", func(e *event.Event) bool {
			if e.Kind == event.Exec && e.Ref == child && e.OrdStatus.Terminal() {
				t.Fatalf("cancels %v: the order ended with the connection: %+v", cancels, e)
			}
			return e.Kind == event.VenueSession && e.Code == uint8(event.SessionDown)
		})
		ended := false
		r.untilEvent("session back", func(e *event.Event) bool {
			ended = ended || e.Kind == event.Exec && e.Ref == child && e.OrdStatus == market.StatusCanceled
			return sessionUp(e)
		})
		ask := &event.Command{Kind: event.SendStatus, Child: child, Instrument: 3, Side: market.Buy}
		if !r.g.Send(wall(), ask) {
			t.Fatal("the status request was refused")
		}
		e := r.untilEvent("status", func(e *event.Event) bool {
			return e.Kind == event.Exec && e.Ref == child && market.ExecType(e.Code) == market.ExecOrderStatus
		})
		want := market.StatusNew
		if cancels {
			want = market.StatusCanceled
		}
		if e.OrdStatus != want || e.CumQty != 0 || ended != cancels {
			t.Errorf("cancels %v: told that it ended %v, then %+v", cancels, ended, e)
		}
		r.reconcile()
	}
}
