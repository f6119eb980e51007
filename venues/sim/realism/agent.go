package realism

import (
	"strconv"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim"
)

// agent is one who trades in a stock by simple rules, to see what that does.
type agent struct {
	stock  *sim.Stock
	orders uint64
	bought float64 // lots, negative when sold
	paid   float64 // ticks × lots
	fills  map[event.ID]float64
}

const agentOwner = 1

func newAgent(seed uint64, from, seconds int, r sim.Regime) (*agent, error) {
	a := &agent{fills: map[event.ID]float64{}}
	cfg := StockConfig(seed, from, seconds, r)
	tick, lot := float64(cfg.Instrument.Tick), float64(cfg.Instrument.Lot)
	cfg.Listener.Report = func(_ market.VenueID, r *sim.Report) {
		if r.ExecType == market.ExecTrade {
			lots := float64(r.Side.Sign()) * float64(r.LastQty) / lot
			a.bought += lots
			a.paid += lots * float64(r.LastPx) / tick
			a.fills[r.ClOrdID] += lots
		}
	}
	var err error
	a.stock, err = sim.NewStock(cfg)
	return a, err
}

func (a *agent) id() event.ID {
	a.orders++
	id, _ := event.MakeID("R" + strconv.FormatUint(a.orders, 10))
	return id
}

// take sweeps up to lots over the exchanges, best price first, three ticks deep.
func (a *agent) take(side market.Side, lots int) {
	in := Instrument()
	for range 8 {
		bid, ask := a.stock.Touch()
		best := ask
		if side == market.Sell {
			best = bid
		}
		if best == 0 || lots == 0 {
			return
		}
		chosen, size := -1, market.Qty(0)
		for v, e := range a.stock.Exchanges {
			if q := e.At(side.Contra(), best); q > size && !e.Halted() {
				chosen, size = v, q
			}
		}
		if chosen < 0 {
			return
		}
		n := min(lots, int(size/in.Lot))
		a.stock.Enter(market.VenueID(chosen), sim.Order{
			Owner: agentOwner, ClOrdID: a.id(), Side: side, Price: best, Qty: in.Lot * market.Qty(n),
			OrdType: market.OrdLimit, TIF: market.TIFIOC,
		})
		lots -= n
	}
}

func (a *agent) runTo(second float64) { a.stock.Run(startTime + int64(second*1e9)) }

// mid is the mid in ticks, the fair price where a side is empty.
func (a *agent) mid() float64 {
	bid, ask := a.stock.Touch()
	if bid == 0 || ask == 0 {
		return float64(a.stock.FairMilli()) / 1000
	}
	return float64(bid+ask) / 2 / float64(Instrument().Tick)
}

// program buys or sells lots from begin to end (seconds), size lots at a time.
func (a *agent) program(side market.Side, lots, begin, end float64, size int) {
	n := max(int(lots)/size, 1)
	for i := range n {
		a.runTo(begin + (end-begin)*(float64(i)+.5)/float64(n))
		a.take(side, size)
	}
	a.runTo(end)
}
