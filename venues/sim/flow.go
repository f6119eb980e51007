package sim

import (
	"fmt"

	"penstock/market"
)

// FlowConfig sets the background flow. All rates are over all exchanges.
type FlowConfig struct {
	Seed  uint64
	Start int64        // when the books are filled and the flow begins, ns since epoch
	Price market.Price // fundamental value at Start, a multiple of half a tick
	Unit  market.Qty   // smallest order of the flow, a multiple of the lot
	// RatePerSecond is the rate of candidate events; about six in ten become a
	// change of a book.
	RatePerSecond int64
	// TradesPer10k is how many of 10,000 candidates are takers.
	TradesPer10k int64
	// MoveGapNanos is the mean time between half-tick moves of the fundamental.
	MoveGapNanos int64
	// ImpactMilli is how far one trade of one Unit moves the fair price, in
	// thousandths of half a tick; it grows with the root of the size and decays.
	ImpactMilli int64
	// ReferenceNanos is how often the reference of dark pools and dealers is
	// repeated when it does not change.
	ReferenceNanos int64
	// ReactionNanos is how long arbitrageurs need to act on a locked or crossed
	// market.
	ReactionNanos int64
	// Shares are the weights of the exchanges in the flow; nil for equal ones.
	Shares []int64
}

// DefaultFlow returns a lively large-capitalisation stock around price: spreads
// of one to two ticks, some 1,500 book messages a second over three exchanges.
func DefaultFlow(seed uint64, start int64, price market.Price) FlowConfig {
	return FlowConfig{
		Seed: seed, Start: start, Price: price, Unit: 100, RatePerSecond: 2400,
		TradesPer10k: 100, MoveGapNanos: 1e9, ImpactMilli: 30,
		ReferenceNanos: 50e6, ReactionNanos: 500e3,
	}
}

// Flow is the rest of the market: one fundamental value that walks at random, and
// makers, takers and arbitrageurs who follow it on all exchanges. It also sets
// the reference of dark pools and dealers to the best prices of the exchanges,
// and drives them. Its shape follows the queue-reactive family (Huang, Lehalle,
// Rosenbaum 2015): orders arrive near the fair price, cancels are proportional to
// the queue, and the signs of trades are persistent because large orders are
// split (Lillo, Mike, Farmer 2005).
//
// Events come from a candidate process of constant rate; a candidate uses a fixed
// block of random draws and thinning decides what it does, so the orders of others
// change what happens but never what is drawn.
type Flow struct {
	cfg       FlowConfig
	tick      market.Price
	exchanges []*Exchange
	pools     []*DarkPool
	dealers   []*Dealer

	events, moves, metas random
	n                    uint64 // candidates so far
	gapNanos             int64
	nextEvent            int64
	nextMove             int64
	nextBeat             int64
	nextArbitrage        int64 // Never: none scheduled
	nextReference        int64
	refBid, refAsk       market.Price // last reference given

	fair       fairPrice
	metaorders [2]metaorder
	shares     []int64
	shareSum   int64

	gaps    *gapTable
	sizes   *powerTable
	lengths *powerTable
}

// metaorder is a large order that somebody works in pieces: a run of trades of
// one sign.
type metaorder struct {
	side market.Side
	left int64
}

const (
	beatNanos       = 10e6 // step of the decay of impact
	maxUnits        = 20   // largest order of the flow, in Units
	maxLength       = 1000 // longest metaorder, in trades
	drawsPerEvent   = 8
	startingOrders  = 4 // per level at the start
	flowDepth       = 9 // levels at which the flow quotes
	partialPer10k   = 1000
	noisePer10k     = 2000
	exponentSizes   = 200 // power law of order sizes, percent
	exponentLengths = 250 // of metaorder lengths: a Pareto tail of 1.5
)

// NewFlow fills the books of the exchanges and returns the flow; it must be the
// only one on these engines. Pools and dealers may be empty.
func NewFlow(
	cfg FlowConfig, exchanges []*Exchange, pools []*DarkPool, dealers []*Dealer,
) (*Flow, error) {
	if err := cfg.validate(exchanges); err != nil {
		return nil, fmt.Errorf("flow: %w", err)
	}
	f := &Flow{
		cfg: cfg, tick: exchanges[0].cfg.Instrument.Tick,
		exchanges: exchanges, pools: pools, dealers: dealers,
		events: newRandom(cfg.Seed, streamFlow), moves: newRandom(cfg.Seed, streamMoves),
		metas: newRandom(cfg.Seed, streamMetas), gapNanos: 1e9 / cfg.RatePerSecond,
		nextBeat: cfg.Start + beatNanos, nextArbitrage: Never, nextReference: cfg.Start,
		shares: cfg.Shares, gaps: newGapTable(), sizes: newPowerTable(exponentSizes, maxUnits),
		lengths: newPowerTable(exponentLengths, maxLength),
	}
	if f.shares == nil {
		f.shares = make([]int64, len(exchanges))
		for i := range f.shares {
			f.shares[i] = 1
		}
	}
	for _, s := range f.shares {
		f.shareSum += s
	}
	f.fair = newFairPrice(int64(cfg.Price*2/f.tick), cfg.ImpactMilli)
	f.nextEvent = cfg.Start + f.gaps.draw(f.events.at(0), f.gapNanos)
	f.nextMove = cfg.Start + f.gaps.draw(f.moves.next(), cfg.MoveGapNanos)
	for i := range f.metaorders {
		f.renew(&f.metaorders[i])
	}
	for _, e := range exchanges {
		e.watch = f.onTrade
		f.fill(e)
	}
	f.refer(cfg.Start)
	return f, nil
}

func (cfg *FlowConfig) validate(exchanges []*Exchange) error {
	switch {
	case len(exchanges) == 0:
		return fmt.Errorf("there must be an exchange")
	case cfg.Shares != nil && len(cfg.Shares) != len(exchanges):
		return fmt.Errorf("%d shares for %d exchanges", len(cfg.Shares), len(exchanges))
	case cfg.RatePerSecond <= 0 || cfg.RatePerSecond > 1e6:
		return fmt.Errorf("RatePerSecond must be 1 to 1000000")
	case cfg.MoveGapNanos <= 0 || cfg.MoveGapNanos > maxMeanNanos:
		return fmt.Errorf("MoveGapNanos must be positive, up to two hours")
	case cfg.ReferenceNanos <= 0 || cfg.ReactionNanos <= 0:
		return fmt.Errorf("ReferenceNanos and ReactionNanos must be positive")
	case cfg.TradesPer10k < 0 || cfg.TradesPer10k > 5000 || cfg.ImpactMilli < 0:
		return fmt.Errorf("TradesPer10k must be 0 to 5000, ImpactMilli not negative")
	}
	for _, s := range cfg.Shares {
		if s < 0 {
			return fmt.Errorf("shares must not be negative")
		}
	}
	in := exchanges[0].cfg.Instrument
	for _, e := range exchanges {
		if e.cfg.Instrument.Tick != in.Tick || e.cfg.Instrument.Lot != in.Lot {
			return fmt.Errorf("exchanges must agree on tick and lot")
		}
	}
	if cfg.Unit <= 0 || cfg.Unit%in.Lot != 0 {
		return fmt.Errorf("unit must be a positive multiple of the lot")
	}
	if cfg.Price < in.Tick*100 || 2*cfg.Price%in.Tick != 0 {
		return fmt.Errorf("price must be at least 100 ticks and a multiple of half a tick")
	}
	return nil
}

// Advance plays all events up to now, in order of time, and returns when the
// next is due. How often it is called does not change what happens.
func (f *Flow) Advance(now int64) (next int64) {
	for {
		at := min(f.nextEvent, f.nextMove, f.nextBeat, f.nextArbitrage, f.nextReference)
		if at > now {
			return min(at, f.drive(now))
		}
		f.drive(at)
		switch at {
		case f.nextMove:
			f.move(at)
		case f.nextBeat:
			f.fair.decay()
			f.nextBeat = at + beatNanos
		case f.nextArbitrage:
			f.arbitrage(at)
		case f.nextEvent:
			f.candidate(at)
		}
		f.settle(at)
	}
}

// drive advances pools and dealers and returns when one of them is due next.
func (f *Flow) drive(now int64) (next int64) {
	next = Never
	for _, d := range f.pools {
		next = min(next, d.Advance(now))
	}
	for _, d := range f.dealers {
		next = min(next, d.Advance(now))
	}
	return next
}

// move takes the fundamental half a tick up or down.
func (f *Flow) move(at int64) {
	step := int64(1)
	if f.moves.next()&1 == 0 {
		step = -1
	}
	f.fair.move(step)
	f.nextMove = at + f.gaps.draw(f.moves.next(), f.cfg.MoveGapNanos)
}

// settle follows an event: it schedules arbitrage when the market is locked or
// crossed, and gives the reference on when it changed or is due.
func (f *Flow) settle(at int64) {
	bid, ask := f.best()
	if bid >= ask && ask > 0 && f.nextArbitrage == Never {
		f.nextArbitrage = at + f.cfg.ReactionNanos
	}
	if bid != f.refBid || ask != f.refAsk || at >= f.nextReference {
		f.refer(at)
	}
}

// refer gives the composite best prices to pools and dealers.
func (f *Flow) refer(at int64) {
	f.refBid, f.refAsk = f.best()
	f.nextReference = at + f.cfg.ReferenceNanos
	lean := 0
	if f.metaorders[0].side == f.metaorders[1].side {
		lean = int(f.metaorders[0].side.Sign())
	}
	for _, d := range f.pools {
		d.SetLean(lean)
		d.SetReference(at, f.refBid, f.refAsk)
	}
	for _, d := range f.dealers {
		d.SetReference(at, f.refBid, f.refAsk)
	}
}

// best returns the best bid and ask over the exchanges that trade, 0 for none.
func (f *Flow) best() (bid, ask market.Price) {
	for _, e := range f.exchanges {
		if e.halted {
			continue
		}
		if l, ok := e.Best(market.Buy); ok {
			bid = max(bid, l.Price)
		}
		if l, ok := e.Best(market.Sell); ok && (ask == 0 || l.Price < ask) {
			ask = l.Price
		}
	}
	return bid, ask
}

// onTrade sees every trade of the exchanges, ours included.
func (f *Flow) onTrade(t *Trade) {
	f.fair.trade(t.Aggressor, int64(t.Qty/f.cfg.Unit))
}
