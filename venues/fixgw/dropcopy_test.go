package fixgw

import (
	"testing"

	"penstock/event"
	"penstock/market"
)

// copyRig is a simRig with the drop copy of the same venue.
type copyRig struct {
	*simRig
	copies *Gateway
	told   []event.Event
	ended  map[uint64]market.Qty
}

func newCopyRig(t *testing.T) *copyRig {
	t.Helper()
	r := &copyRig{simRig: newSimRig(t, "LITA"), ended: map[uint64]market.Qty{}}
	d, _ := DialectByName("sim")
	cfg := Config{Addr: r.server.DropCopyAddr(), SenderCompID: "SOR", TargetCompID: "LITA", HeartBtIntSecs: 30, Dialect: d, Venue: 2,
		Sink:     func(e *event.Event) bool { r.told = append(r.told, *e); return true },
		Symbols:  []Symbol{{ID: 3, Text: r.server.Config().Symbol, PriceDecimals: 4}},
		DropCopy: &DropCopy{Ended: func(child uint64, cum market.Qty) { r.ended[child] = cum }}}
	var err error
	if r.copies, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.copies.Close() })
	return r
}

// untilCopy works both sessions until the drop copy has told what is wanted.
func (r *copyRig) untilCopy(what string, want func(*event.Event) bool) (e event.Event) {
	r.t.Helper()
	r.until(what, func() bool {
		r.now = wall()
		r.copies.Work(r.now)
		for len(r.told) > 0 {
			e, r.told = r.told[0], r.told[1:]
			if want(&e) {
				return true
			}
		}
		return false
	})
	return e
}

func copyUp(e *event.Event) bool {
	return e.Kind == event.DropCopySession && e.Code == uint8(event.SessionUp)
}

// The venue repeats what the order session says, under the same ExecIDs; what it said while the
// connection was gone comes when that is back; and nothing can be sent there.
func TestDropCopyRepeatsTheOrderSession(t *testing.T) {
	r := newCopyRig(t)
	r.untilEvent("orders", sessionUp)
	r.untilCopy("drop copy", copyUp)
	take := func(number uint64) event.Event {
		ask := r.server.Depth(market.Sell, 1)[0]
		c := takeOrder()
		c.Child, c.Price, c.Qty = number, ask.Price+1000, ask.Qty
		if !r.g.Send(wall(), c) {
			t.Fatal("refused")
		}
		if r.copies.Send(wall(), c) {
			t.Fatal("an order left on the drop copy session")
		}
		return r.untilEvent("fill", func(e *event.Event) bool { return e.Kind == event.Exec && e.Ref == number && e.LastQty > 0 })
	}
	same := func(fill event.Event) func(*event.Event) bool {
		return func(e *event.Event) bool {
			return e.Kind == event.DropCopy && e.ID == fill.ID && e.Ref == fill.Ref && e.LastQty == fill.LastQty &&
				e.LastPx == fill.LastPx && e.CumQty == fill.CumQty
		}
	}
	r.untilCopy("the fill again", same(take(child)))
	if !r.copies.Cut() {
		t.Fatal("no connection")
	}
	fill := take(child + 1)
	r.untilCopy("the fill after the break", same(fill))
	r.until("the end", func() bool { r.now = wall(); r.copies.Work(r.now); return r.ended[child+1] > 0 })
	if s := r.copies.Stats(); s.Malformed != 0 || s.NotOurs != 0 || s.Connects < 2 {
		t.Errorf("%+v", s)
	}
}

// A drop copy that others share tells of ours only.
func TestSharedDropCopyLeavesOthersOut(t *testing.T) {
	g := &Gateway{cfg: Config{DropCopy: &DropCopy{Shared: true}}}
	trade := event.Event{Kind: event.DropCopy, Code: uint8(market.ExecTrade)}
	if g.copied(&trade) || g.stats.NotOurs != 1 {
		t.Error("somebody else's order is told")
	}
	if trade.Ref = 7; !g.copied(&trade) {
		t.Error("ours is not told")
	}
	if g.cfg.DropCopy.Shared, trade.Ref = false, 0; !g.copied(&trade) {
		t.Error("on a session of our own another's order is not told")
	}
	if trade.Ref, trade.Code = 7, uint8(market.ExecNew); g.copied(&trade) {
		t.Error("an acceptance is told")
	}
}
