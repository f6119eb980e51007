package trial

import (
	"fmt"
	"math"

	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/policy"
	"penstock/router"
	"penstock/router/risk"
	"penstock/venues/sim"
)

// Setup is a parent order and the world that it meets.
type Setup struct {
	Seed    uint64
	Regime  sim.Regime
	From    int64 // seconds after the open at which the parent arrives
	Side    market.Side
	Qty     market.Qty
	Horizon int64 // seconds
	Slice   int64 // seconds
}

// Policy is one way to work the parent. Table nil is the compiled-in one, in which
// every cell is BASELINE.
type Policy struct {
	Name          string
	Table         *policy.Table
	Strategy      event.Strategy
	Participation uint16 // per 10,000, of POV
	Explore       router.Exploration
	Rule          router.Rule     // who decides where a slice goes; zero: the policy
	Off           router.Switches // parts of the brain that are switched off
	Params        *policy.Params  // of the venues; nil: what is compiled in
}

// The stock: quoted in cents around 100, in round lots, 2 million shares a day.
const (
	Tick        = 100
	Lot         = 100
	StartPrice  = 1_000_000
	DailyShares = 2_000_000
	DaySeconds  = 23_400
	warmSeconds = 60

	midnight  = 1_700_006_400_000_000_000 // of a UTC day
	openOfDay = 14*3600 + 1800            // seconds
)

// Instrument returns the stock.
func Instrument() market.Instrument {
	return market.Instrument{Symbol: "SIM", Currency: "USD", PriceDecimals: 4, Tick: Tick, Lot: Lot}
}

// Arrival is when the parent arrives, ns since epoch; the stock starts a minute earlier.
func (s *Setup) Arrival() int64 { return midnight + (openOfDay+s.From)*1e9 }

func (s *Setup) begin() int64 { return s.Arrival() - warmSeconds*1e9 }

// tail is how long a trial goes on after the horizon, for what is still to be taken
// and for markouts.
const tailSeconds = 70

func (s *Setup) seconds() int64 { return warmSeconds + s.Horizon + tailSeconds }

func (s *Setup) stock(l sim.StockListener) (*sim.Stock, error) {
	return sim.NewStock(sim.StockConfig{
		Seed: s.Seed, Start: s.begin(), From: max(s.From-warmSeconds, 0) * 1e9, Length: s.seconds() * 1e9,
		Price: StartPrice, Instrument: Instrument(), Regime: s.Regime, Listener: l,
	})
}

func (s *Setup) validate() error {
	switch {
	case s.Qty <= 0 || s.Qty%Lot != 0:
		return fmt.Errorf("trial: quantity must be a positive multiple of %d", Lot)
	case s.Horizon <= 0 || s.Slice <= 0 || s.Slice > s.Horizon:
		return fmt.Errorf("trial: horizon and slice must be positive, the slice not longer")
	case s.From < 0 || s.From+s.Horizon > DaySeconds:
		return fmt.Errorf("trial: the parent must end before the close, %d seconds after the open", DaySeconds)
	}
	return nil
}

// Draw returns the setup of a seed: sides alternate, arrival is anywhere in the day
// that leaves room for the horizon.
func Draw(seed uint64, r sim.Regime, qty market.Qty, horizon, slice int64) Setup {
	side := market.Buy
	if seed%2 == 0 {
		side = market.Sell
	}
	room := uint64(DaySeconds - horizon + 1)
	from := int64(seed * 0x9e3779b97f4a7c15 >> 20 % room)
	return Setup{Seed: seed, Regime: r, From: from, Side: side, Qty: qty, Horizon: horizon, Slice: slice}
}

// volumeCurve is the usual volume of the day by minute: what the model's U-shape says.
func volumeCurve() *router.VolumeCurve {
	c := &router.VolumeCurve{Open: openOfDay * 1e9, Step: 60e9}
	sum := 0.0
	for m := range DaySeconds / 60 {
		u := 2*(float64(m)+.5)/(DaySeconds/60) - 1
		sum += .76 + 1.2*u*u*u*u
		c.Total = append(c.Total, market.Qty(math.Round(sum*DailyShares*60/DaySeconds)))
	}
	return c
}

// config is the router's; limits are wide because they are not what is tried.
func (s *Setup) config(p *Policy, venues []sim.StockVenue) *router.Config {
	cfg := &router.Config{
		Instruments: []market.Instrument{Instrument()}, Table: p.Table, Explore: p.Explore,
		Limits: []risk.Limits{{
			ParentMaxQty: 10 * DailyShares, ParentMaxNotional: 10 * DailyShares * StartPrice, ChildMaxQty: DailyShares,
			ChildMaxNotional: DailyShares * StartPrice, CollarBps: 500,
		}},
		Curves: []*router.VolumeCurve{volumeCurve()}, Book: book.Capacity{Levels: 64},
		MaxParents: 2, MaxChildren: int(2000 + 200*s.Horizon/s.Slice), Tactics: router.DefaultTactics(),
	}
	cfg.Tactics.Rule, cfg.Tactics.Off = p.Rule, p.Off
	for i := range venues {
		cfg.Venues = append(cfg.Venues, venues[i].Venue)
		cfg.Listings = append(cfg.Listings, router.Listing{Venue: venues[i].ID})
	}
	return cfg
}

// parent is the client's order.
func (s *Setup) parent(p *Policy) event.Event {
	e := event.Event{
		Kind: event.ParentNew, Ref: 1, Side: s.Side, Qty: s.Qty, OrdType: market.OrdMarket, TIF: market.TIFDay,
		Strategy: p.Strategy,
	}
	e.ID, _ = event.MakeID("TRIAL-1")
	if e.Strategy == 0 {
		e.Strategy = event.StrategyTWAP
	}
	if e.Strategy.Scheduled() {
		e.Until = s.Arrival() + s.Horizon*1e9
		e.SliceNanos = s.Slice * 1e9
	}
	if e.Strategy == event.StrategyPOV {
		e.CumQty = market.Qty(p.Participation)
	}
	return e
}
