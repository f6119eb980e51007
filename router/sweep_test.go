package router

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
	"penstock/router/risk"
)

const sweepVenues = 8

// sweepConfig has eight lit venues, where better quotes are protected or not. Some seeds have small rates, lots, few children or
// orders that wait for each other.
func sweepConfig(t testing.TB, seed uint64) *Config {
	t.Helper()
	cfg := stanceConfig(t, func() policy.Choice { return policy.Choice{Action: policy.ActionTakeAll, Unseen: seed%5 == 4} })
	proto := cfg.Venues[0]
	cfg.Venues, cfg.Listings, cfg.Controls.Clients[0].Venues = nil, nil, nil
	for v := range sweepVenues {
		venue := proto
		venue.ID, venue.Name = market.VenueID(v), fmt.Sprintf("LIT%c", 'A'+v)
		venue.TakeFee = market.Fee{PerLotMilli: int64(30_900 - 100*v)}
		if seed%7 == 3 {
			venue.MsgRate = 12
		}
		cfg.Venues = append(cfg.Venues, venue)
		cfg.Listings = append(cfg.Listings, Listing{Venue: venue.ID})
		cfg.Controls.Clients[0].Venues = append(cfg.Controls.Clients[0].Venues, true)
	}
	cfg.Controls.Clients[0].Venues[3] = seed%5 != 1 // whose quotes are protected all the same
	cfg.Protect = [][]Protection{{{On: seed%3 != 0}}}
	if seed%4 == 1 {
		cfg.Instruments[0].Lot = 100
	}
	switch seed % 11 {
	case 2:
		cfg.Controls.StrategyRate, cfg.Controls.RepeatOrders = 9, 25
	case 3:
		cfg.Tactics.MaxChildren = 4
	case 4:
		cfg.Controls.Canary = &risk.Canary{Policy: cfg.Table.PolicyID(), Orders: 15, Notional: 1 << 50, Instruments: []bool{true},
			Venues: slices.Repeat([]bool{true}, sweepVenues)}
	case 5:
		cfg.Controls.FirmCredit = 3e9
	case 6:
		cfg.Limits[0].ChildMaxQty = 700
	case 7:
		cfg.Tactics.EqualiseNanos = 1e6
	case 8:
		cfg.Controls = nil
	case 9:
		cfg.Explore = Exploration{RateBps: 3000, Seed: seed}
	}
	return cfg
}

// sweepDay is a random day for a core with stances and its twin, which walks. What it sends is filled or not.
type sweepDay struct {
	t          *testing.T
	rng        *rand.Rand
	fast, slow *Core
	out, other *event.Output
	seq        uint64
	now        int64
	mid        market.Price
	execs      int
	parents    int
	sweeps     int
	isos       int
	orders     int
	through    int
	waiting    []event.Command // orders that are answered later
}

func (d *sweepDay) step(e event.Event) {
	d.t.Helper()
	d.seq++
	e.Seq, e.StepTime, e.RecvTime = d.seq, d.now, d.now
	f := e
	d.out.Reset()
	d.other.Reset()
	d.fast.made.batched = 0
	d.fast.Step(&e, d.out)
	stepByWalk(d.slow, &f, d.other)
	if !slices.Equal(d.out.Commands, d.other.Commands) || !slices.Equal(d.out.Decisions, d.other.Decisions) {
		d.t.Fatalf("event %d, %v:\n%+v\n%+v\n%+v\n%+v", e.Seq, e.Kind, d.out.Commands, d.other.Commands, d.out.Decisions, d.other.Decisions)
	}
	if trouble := d.fast.Audit(); trouble != "" {
		d.t.Fatalf("event %d, %v: %s", e.Seq, e.Kind, trouble)
	}
	if n := d.fast.made.batched; n > 0 {
		d.sweeps++
		d.orders += n
		if d.fast.made.iso {
			d.isos++
		}
	}
	if d.seq%4 == 0 {
		d.askThrough()
	}
	if d.seq%64 == 0 && d.fast.Hash() != d.slow.Hash() {
		d.t.Fatalf("event %d: another state", e.Seq)
	}
	for _, c := range slices.Clone(d.out.Commands) {
		switch {
		case c.Kind != event.SendOrder:
		case d.rng.IntN(4) == 0:
			d.waiting = append(d.waiting, c)
		default:
			d.answer(&c)
		}
	}
}

// askThrough compares tradesThrough with what one finds by asking every venue's ladder, amid a sweep that takes at some.
func (d *sweepDay) askThrough() {
	c := d.fast
	if len(c.agenda.all) == 0 {
		return
	}
	p := &c.parents[c.agenda.all[d.rng.IntN(len(c.agenda.all))]]
	if c.composites[p.Instrument].Partial != 0 {
		return
	}
	c.walk.start(p.Side)
	for v := range sweepVenues {
		if d.rng.IntN(2) == 0 {
			at := c.walk.add(v, nil, nil)
			at.got, at.worst = market.Qty(d.rng.IntN(12)*50), d.mid
		}
	}
	price := func() market.Price { return d.mid + 100*market.Price(d.rng.IntN(12)-6) }
	worst := max(p.Side.Sign()*int64(price()), p.Side.Sign()*int64(price()))
	for range 4 {
		v, at := market.VenueID(d.rng.IntN(sweepVenues)), price()
		c.walk.leaves.known = false
		want, got := c.throughAny(p, v, at), c.tradesThrough(p, v, at)
		if got != want {
			d.t.Fatalf("event %d: an order at %d to %d trades through %v, want %v", d.seq, at, v, got, want)
		}
		if p.Side.Sign()*int64(at) > worst || !c.protects(p.Instrument) {
			continue
		}
		if c.walk.leaves = c.leavings(p, worst); c.tradesThrough(p, v, at) != want {
			d.t.Fatalf("event %d: an order at %d to %d, of a sweep up to %d, trades through %v, want %v", d.seq, at, v, worst, !want, want)
		}
		if want {
			d.through++
		}
	}
	c.walk.start(p.Side)
}

// throughAny is the twin of tradesThrough.
func (c *Core) throughAny(p *Parent, at market.VenueID, price market.Price) bool {
	m := c.composites[p.Instrument]
	for v := range c.venues {
		id, b := market.VenueID(v), m.Books[v]
		if id == at || m.Kind(id) != market.Lit || !b.Live() || !has(c.sessions.up, id) || c.gate.Killed(id) || !c.protects(p.Instrument) {
			continue
		}
		taken := market.Qty(0)
		for i := range c.walk.at[:c.walk.count] {
			if c.walk.at[i].venue == v {
				taken = c.walk.at[i].got
			}
		}
		best, ok := b.Ladder(p.Side.Contra()).Best()
		open := best.Qty
		for i := range c.children[:c.childCount] {
			ch := &c.children[i]
			if ch.Venue == id && ch.Instrument == p.Instrument && ch.Side == p.Side && ch.Tactic == event.TacticTake &&
				!(ch.waits && &c.parents[ch.Parent] != p) {
				open -= ch.reserved()
			}
		}
		if ok && p.Side.Better(best.Price, price) && open.FloorTo(c.instruments[p.Instrument].Lot) > taken {
			return true
		}
	}
	return false
}

// answer is a venue's: it rejects an order, or fills some of it and ends the rest.
func (d *sweepDay) answer(c *event.Command) {
	e := event.Event{Kind: event.Exec, Venue: c.Venue, Ref: c.Child, Liquidity: market.LiquidityRemoved}
	report := func(why market.ExecType, status market.OrdStatus) {
		d.execs++
		e.ID, _ = event.MakeID(fmt.Sprintf("E%d", d.execs))
		e.Code, e.OrdStatus = uint8(why), status
		d.step(e)
	}
	if d.rng.IntN(40) == 0 {
		report(market.ExecRejected, market.StatusRejected)
		return
	}
	report(market.ExecNew, market.StatusNew)
	if qty := market.Qty(d.rng.Int64N(int64(c.Qty) + 1)); qty > 0 && d.rng.IntN(3) > 0 {
		e.CumQty, e.LastQty, e.LastPx = qty, qty, c.Price
		if qty == c.Qty {
			report(market.ExecTrade, market.StatusFilled)
			return
		}
		report(market.ExecTrade, market.StatusPartiallyFilled)
		e.LastQty, e.LastPx = 0, 0
	}
	report(market.ExecCanceled, market.StatusCanceled)
}

func (d *sweepDay) session(v int, s event.SessionState) {
	d.step(event.Event{Kind: event.VenueSession, Venue: market.VenueID(v), Code: uint8(s)})
}

// level changes a level of a book, which crosses no other.
func (d *sweepDay) level(v int, flags event.Flags) {
	side, ticks := market.Buy+market.Side(d.rng.IntN(2)), 1+d.rng.IntN(5)
	d.step(event.Event{Kind: event.BookLevel, Venue: market.VenueID(v), Side: side, Price: d.mid - 100*market.Price(side.Sign()*int64(ticks)),
		Qty: market.Qty(d.rng.IntN(12) * 50), Flags: flags})
}

func (d *sweepDay) open(v int) {
	d.step(event.Event{Kind: event.BookClear, Venue: market.VenueID(v), Flags: event.More})
	for range 8 {
		d.level(v, event.More)
	}
	d.step(event.Event{Kind: event.BookStatus, Venue: market.VenueID(v), Code: uint8(event.BookLive)})
}

func (d *sweepDay) parent() {
	d.parents++
	id, _ := event.MakeID(fmt.Sprintf("C%d", d.parents))
	side := market.Buy + market.Side(d.rng.IntN(2))
	d.step(event.Event{Kind: event.ParentNew, ID: id, Side: side, Qty: 100 * market.Qty(1+d.rng.IntN(40)), OrdType: market.OrdLimit,
		Price: d.mid + 100*market.Price(side.Sign()*int64(d.rng.IntN(8)-1)), TIF: market.TIFDay, Strategy: event.StrategyTWAP,
		Until: d.now + 60e9, SliceNanos: 60e9 / int64(1+d.rng.IntN(3))})
}

// compareSweeps compares what a core with stances does and says after each event of a day with what its twin does.
func compareSweeps(t *testing.T, seed uint64) *sweepDay {
	t.Helper()
	cfg := sweepConfig(t, seed)
	d := &sweepDay{t: t, rng: rand.New(rand.NewPCG(seed, 19)), now: 1_800_000_000e9, mid: 500_000}
	var err error
	if d.fast, err = New(cfg); err == nil {
		d.slow, err = New(cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.out, d.other = d.fast.OutputFor(), d.slow.OutputFor()
	d.step(event.Event{Kind: event.SessionStart, Ref: 123_456})
	for v := range sweepVenues {
		d.session(v, event.SessionUp)
		d.open(v)
	}
	for range 700 {
		v := d.rng.IntN(sweepVenues)
		switch r := d.rng.IntN(200); {
		case r < 130:
			d.level(v, event.Flags(d.rng.IntN(8)/7)*event.More)
		case r < 150:
			if n := len(d.waiting); n > 0 {
				c := d.waiting[n-1]
				d.waiting = d.waiting[:n-1]
				d.answer(&c)
			}
		case r < 160 && d.parents < 40:
			d.parent()
		case r < 190:
			d.now += d.rng.Int64N(300e6)
			d.step(event.Event{Kind: event.Timer})
		case r < 192:
			d.step(event.Event{Kind: event.PriceBand, Venue: market.NoVenue, Price: d.mid - 100*market.Price(d.rng.IntN(6)), LastPx: d.mid + 100*market.Price(d.rng.IntN(6))})
		case r < 193:
			d.step(event.Event{Kind: event.PriceBand, Venue: market.VenueID(v), Price: d.mid - 100*market.Price(d.rng.IntN(6)), LastPx: d.mid + 100*market.Price(d.rng.IntN(6))})
		case r < 196:
			d.step(event.Event{Kind: event.PriceBand, Venue: market.NoVenue})
			d.step(event.Event{Kind: event.PriceBand, Venue: market.VenueID(v)})
		case r < 199 && seed%6 != 0:
		case r < 197:
			d.session(v, event.SessionDown)
		case r < 199:
			d.session(v, event.SessionUp)
		default:
			d.open(v)
		}
	}
	return d
}

func FuzzSweeps(f *testing.F) {
	for seed := range uint64(6) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { compareSweeps(t, seed) })
}

// TestSweepsLeaveAtOnce keeps FuzzSweeps from comparing nothing.
func TestSweepsLeaveAtOnce(t *testing.T) {
	var protected, free sweepDay
	for seed := uint64(100); seed < 115; seed++ {
		all := &protected
		if seed%3 == 0 {
			all = &free
		}
		d := compareSweeps(t, seed)
		all.sweeps, all.isos, all.orders, all.through = all.sweeps+d.sweeps, all.isos+d.isos, all.orders+d.orders, all.through+d.through
	}
	t.Logf("protected: %d sweeps, %d orders, %d beyond the touch; else %d sweeps, %d orders", protected.sweeps, protected.orders, protected.isos, free.sweeps, free.orders)
	if protected.sweeps < 50 || protected.isos < 10 || protected.orders < 2*protected.sweeps || free.sweeps < 20 || free.isos > 0 || protected.through < 50 {
		t.Error("too few of them are compared")
	}
}
