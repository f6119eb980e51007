package realism

import (
	"penstock/market"
	"penstock/venues/sim"
)

// Series is one day, or a part of one, as an observer sees it. Prices are in ticks.
type Series struct {
	Name    string
	Seconds int
	// By second, from the first: mid, spread and the lean of the touch, which is
	// (bid − ask) / (bid + ask) of the displayed sizes. Mid 0 is a second without one.
	Mid, Spread, Lean []float64
	Depth             []float64 // mean lots at bid and ask; empty where unknown
	Trades            []Print
	Lot               float64 // quantity of one lot
}

// Print is one trade: what one taker took at a time.
type Print struct {
	Time float64 // seconds from the start
	Sign int8    // +1 buyer, −1 seller, 0 unknown
	Qty  float64
}

// Instrument is the simulated stock: quoted in cents around 100, in round lots of 100.
func Instrument() market.Instrument {
	return market.Instrument{Symbol: "SIM", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 100}
}

const (
	startPrice = 1_000_000
	startTime  = 1_700_000_000_000_000_000
	// DaySeconds is the length of a trading day.
	DaySeconds = 23_400
)

// StockConfig is the stock of the scorecard at a seed, from seconds after the open.
func StockConfig(seed uint64, from, seconds int, r sim.Regime) sim.StockConfig {
	return sim.StockConfig{
		Seed: seed, Start: startTime, From: int64(from) * 1e9, Length: int64(seconds) * 1e9,
		Price: startPrice, Instrument: Instrument(), Regime: r,
	}
}

// Day plays a day of the stock with nobody in it.
func Day(seed uint64, r sim.Regime) (*Series, error) {
	cfg := StockConfig(seed, 0, DaySeconds, r)
	x := &Series{Name: "simulated", Seconds: DaySeconds, Lot: float64(cfg.Instrument.Lot)}
	cfg.Listener.Trade = func(_ market.VenueID, t *sim.Trade) {
		x.print(float64(t.Time-startTime)/1e9, int8(t.Aggressor.Sign()), float64(t.Qty))
	}
	s, err := sim.NewStock(cfg)
	if err != nil {
		return nil, err
	}
	tick := float64(cfg.Instrument.Tick)
	for sec := range int64(DaySeconds) {
		s.Run(startTime + (sec+1)*1e9)
		bid, ask := s.Touch()
		if bid == 0 || ask == 0 {
			x.see(0, 0, 0, 0)
			continue
		}
		b, a := float64(s.DepthAt(market.Buy)), float64(s.DepthAt(market.Sell))
		x.see(float64(bid+ask)/2/tick, float64(ask-bid)/tick, (b-a)/(b+a), (b+a)/2/x.Lot)
	}
	return x, nil
}

// print adds a trade; matches of one moment and side are one taker's.
func (x *Series) print(time float64, sign int8, qty float64) {
	if n := len(x.Trades); n > 0 && x.Trades[n-1].Time == time && x.Trades[n-1].Sign == sign {
		x.Trades[n-1].Qty += qty
		return
	}
	x.Trades = append(x.Trades, Print{Time: time, Sign: sign, Qty: qty})
}

func (x *Series) see(mid, spread, lean, depth float64) {
	x.Mid = append(x.Mid, mid)
	x.Spread = append(x.Spread, spread)
	x.Lean = append(x.Lean, lean)
	x.Depth = append(x.Depth, depth)
}

// Volume returns all that was traded, in lots.
func (x *Series) Volume() (lots float64) {
	for i := range x.Trades {
		lots += x.Trades[i].Qty / x.Lot
	}
	return lots
}

// firstMid and lastMid are the first and last mid that there was.
func (x *Series) firstMid() float64 {
	for _, m := range x.Mid {
		if m != 0 {
			return m
		}
	}
	return 0
}

func (x *Series) lastMid() float64 {
	for i := len(x.Mid) - 1; i >= 0; i-- {
		if x.Mid[i] != 0 {
			return x.Mid[i]
		}
	}
	return 0
}
