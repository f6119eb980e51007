package sim

import (
	"fmt"
	"slices"
	"testing"

	"penstock/event"
	"penstock/market"
)

// TestReserveOrders: an order with MaxFloor shows a part, the next part comes behind everybody
// at its price when that is gone, what is hidden is in no feed, and all of it can execute.
func TestReserveOrders(t *testing.T) {
	in := market.Instrument{Symbol: "ACME", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 10}
	id := func(s string) event.ID { v, _ := event.MakeID(s); return v }
	var feed, said []string
	e, err := NewExchange(ExchangeConfig{
		Venue: Venue{Instrument: in, Replies: Replies{Report: func(r *Report) {
			if r.ExecType == market.ExecTrade {
				said = append(said, fmt.Sprintf("%v %d", r.ClOrdID, r.LastQty))
			}
		}}},
		Book: func(c *BookChange) {
			feed = append(feed, fmt.Sprintf("%s #%d %d level %d", [...]string{"add", "execute", "reduce", "delete"}[c.Kind], c.Ref, c.Qty, c.LevelQty))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	enter := func(owner uint32, name string, side market.Side, qty, floor market.Qty, tif market.TimeInForce) {
		e.Enter(1, Order{Owner: owner, ClOrdID: id(name), Side: side, Price: 10_000, Qty: qty, MaxFloor: floor, OrdType: market.OrdLimit, TIF: tif})
	}
	want := func(what string, got *[]string, lines ...string) {
		t.Helper()
		if !slices.Equal(*got, lines) {
			t.Errorf("%s:\n got %q\nwant %q", what, *got, lines)
		}
		*got = nil
	}
	enter(1, "berg", market.Sell, 250, 100, market.TIFDay)
	enter(2, "other", market.Sell, 50, 0, market.TIFDay)
	want("displayed", &feed, "add #1 100 level 100", "add #2 50 level 150")
	if e.At(market.Sell, 10_000) != 150 {
		t.Errorf("%d are displayed", e.At(market.Sell, 10_000))
	}
	enter(3, "take", market.Buy, 120, 0, market.TIFIOC)
	want("executions", &said, "berg 100", "take 100", "other 20", "take 20")
	want("the next part", &feed, "execute #1 100 level 50", "add #4 100 level 150", "execute #2 20 level 130")
	enter(3, "take2", market.Buy, 50, 0, market.TIFIOC) // the other one stands in front now
	want("executions", &said, "other 30", "take2 30", "berg 20", "take2 20")
	feed = nil
	if s, _ := e.Status(1, id("berg")); s.CumQty != 120 || s.LeavesQty != 130 {
		t.Errorf("%+v", s)
	}
	enter(3, "all", market.Buy, 130, 0, market.TIFFOK) // 80 displayed and 50 in reserve
	want("executions", &said, "berg 80", "all 80", "berg 50", "all 50")
	want("the last part", &feed, "execute #4 80 level 0", "add #7 50 level 50", "execute #7 50 level 0")

	enter(1, "gone", market.Sell, 300, 100, market.TIFDay)
	feed = nil
	e.Cancel(2, 1, id("x"), id("gone"))
	want("a cancel", &feed, "delete #8 100 level 0")
	if s, _ := e.Status(1, id("gone")); s.OrdStatus != market.StatusCanceled || s.LeavesQty != 0 {
		t.Errorf("%+v", s)
	}
	for name, o := range map[string]Order{
		"ioc":  {Qty: 100, MaxFloor: 10, TIF: market.TIFIOC},
		"big":  {Qty: 100, MaxFloor: 110, TIF: market.TIFDay},
		"odd":  {Qty: 100, MaxFloor: 15, TIF: market.TIFDay},
		"less": {Qty: 100, MaxFloor: -10, TIF: market.TIFDay},
	} {
		o.Owner, o.ClOrdID, o.Side, o.Price, o.OrdType = 1, id(name), market.Sell, 10_000, market.OrdLimit
		e.Enter(3, o)
		if s, _ := e.Status(1, o.ClOrdID); s.OrdStatus != market.StatusRejected {
			t.Errorf("%s: %v", name, s.OrdStatus)
		}
	}
}
