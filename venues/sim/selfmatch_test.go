package sim

import (
	"testing"

	"penstock/event"
	"penstock/market"
)

// TestSelfMatchPrevention: an order stops in front of one of its owner's with the same
// SelfMatchPreventionID, having traded what stands before it; with another id, another owner
// or none it trades.
func TestSelfMatchPrevention(t *testing.T) {
	in := market.Instrument{Symbol: "ACME", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}
	for _, c := range []struct {
		resting, taking int64
		owner           uint32
		tif             market.TimeInForce
		cum             market.Qty
		status          market.OrdStatus
	}{
		{7, 7, 1, market.TIFIOC, 50, market.StatusCanceled},
		{7, 7, 1, market.TIFDay, 50, market.StatusCanceled},
		{7, 8, 1, market.TIFIOC, 150, market.StatusFilled},
		{0, 0, 1, market.TIFIOC, 150, market.StatusFilled},
		{7, 7, 2, market.TIFIOC, 150, market.StatusFilled},
	} {
		e, err := NewExchange(ExchangeConfig{Venue: Venue{Instrument: in}})
		if err != nil {
			t.Fatal(err)
		}
		id := func(s string) event.ID { v, _ := event.MakeID(s); return v }
		sell := func(owner uint32, name string, qty, price int64, match int64) {
			e.Enter(1, Order{Owner: owner, ClOrdID: id(name), Side: market.Sell, Price: market.Price(price), Qty: market.Qty(qty),
				OrdType: market.OrdLimit, TIF: market.TIFDay, SelfMatch: match})
		}
		sell(3, "other", 50, 10_000, 7)
		sell(1, "own", 100, 10_100, c.resting)
		e.Enter(2, Order{Owner: c.owner, ClOrdID: id("take"), Side: market.Buy, Price: 10_100, Qty: 150, OrdType: market.OrdLimit,
			TIF: c.tif, SelfMatch: c.taking})
		if s, ok := e.Status(c.owner, id("take")); !ok || s.CumQty != c.cum || s.OrdStatus != c.status {
			t.Errorf("%+v: %+v", c, s)
		}
		if bid, ok := e.Best(market.Buy); ok {
			t.Errorf("%+v: the book is crossed by a bid of %d", c, bid.Qty)
		}
	}
}
