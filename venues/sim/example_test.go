package sim_test

import (
	"fmt"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim"
)

// A pool in virtual time: it trades at the midpoint of the reference that it was
// given last.
func ExampleDarkPool() {
	in := market.Instrument{Symbol: "PNSK", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}
	pool, err := sim.NewDarkPool(sim.DarkPoolConfig{
		Venue: sim.Venue{Instrument: in, Replies: sim.Replies{Report: func(r *sim.Report) {
			fmt.Println(r.Owner, r.ClOrdID, r.ExecType, r.LastQty, in.FormatPrice(r.LastPx))
		}}},
		StaleNanos: 1e9,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	order := sim.Order{
		Owner: 1, ClOrdID: event.ID{'A'}, Side: market.Buy, Qty: 500, OrdType: market.OrdPegged,
		ExecInst: market.ExecInstMidPeg, TIF: market.TIFDay,
	}
	pool.Enter(1, order)
	order.Owner, order.Side, order.Qty, order.TIF = 2, market.Sell, 200, market.TIFIOC
	pool.Enter(2, order)
	order.ClOrdID = event.ID{'B'}
	pool.SetReference(3, 1_000_000, 1_000_100)
	pool.Enter(4, order)
	// Output:
	// 1 A New 0 0.0000
	// 2 A New 0 0.0000
	// 2 A Canceled 0 0.0000
	// 2 B New 0 0.0000
	// 1 A Trade 200 100.0050
	// 2 B Trade 200 100.0050
}
