package router

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// stanceConfig is testConfig without a dealer, and with a table of these cells.
func stanceConfig(t testing.TB, cell func() policy.Choice) *Config {
	t.Helper()
	cells := make([]policy.Choice, policy.States)
	for i := range cells {
		cells[i] = cell()
	}
	table, err := policy.Build(policy.TrainOptions{BuildOptions: policy.BuildOptions{Version: "test", NotAfter: 1 << 62},
		Meta: policy.Meta{Trainer: "test", Version: "1"}}, cells)
	if err != nil {
		t.Fatal(err)
	}
	cfg := testConfig()
	cfg.Table = table
	return cfg
}

// takes is a cell that takes, for three of four seeds now and then one that does something else.
func takes(seed uint64) func() policy.Choice {
	r := rand.New(rand.NewPCG(seed, 11))
	return func() policy.Choice {
		c := policy.Choice{Action: policy.ActionTakeAll, Alt: policy.ActionPostJoin, Unseen: seed%3 == 0 && r.IntN(20) == 0}
		switch n := r.IntN(8); {
		case seed%4 == 3:
		case n < 2:
			c.Action = policy.ActionHold
		case n == 2 && seed%3 < 2:
			c.Action = uint8(r.IntN(policy.Actions))
		}
		return c
	}
}

// met counts what was seen of stances: of their orders those for a part of what the slice wanted, of these those with
// something beyond the limit, and those while a dealer quoted. sweeps are of several levels, isos those beyond the touch.
type met struct{ still, takes, both, orders, parts, levels, quoted, sweeps, isos int }

// protections has better quotes protected, or not, or from or until some time of the day, and fees that differ by
// less than a sweep by price looks at.
func protections(cfg *Config, seed uint64) {
	const begin, later = 1_800_000_000e9, 1_800_000_005e9
	for i := range cfg.Instruments {
		cfg.Protect = append(cfg.Protect, [][]Protection{{{begin, false}}, {{begin, true}}, {{begin, true}, {later, false}},
			{{begin, false}, {later, true}}}[(seed+uint64(i))%4])
	}
	for v := range cfg.Venues {
		cfg.Venues[v].TakeFee = market.Fee{PerLotMilli: int64(30_900 - 100*v)}
	}
}

// stepByWalk is Step that uses no stance, and no way to take but the walk over all levels: for at a venue that is not there
// orders of ours rest, and it was asked for a quote for nobody's order.
func stepByWalk(c *Core, e *event.Event, out *event.Output) {
	const nowhere = market.MaxVenues - 1
	rests := func(on bool) {
		for i := range c.listed {
			setBit(&c.listed[i].posted[0], nowhere, on)
			setBit(&c.listed[i].posted[1], nowhere, on)
		}
	}
	rests(true)
	r := &c.requests
	nobodys := request{parent: none, venue: nowhere, number: math.MaxUint64, until: math.MaxInt64}
	r.list[r.count] = nobodys
	r.count++
	c.Step(e, out)
	if i := slices.Index(r.list[:r.count], nobodys); i >= 0 {
		r.count--
		copy(r.list[i:], r.list[i+1:r.count+1])
		r.list[r.count] = request{}
	}
	rests(false)
}

// compareStances lets a core with stances and one that has none go through a day in which everything goes
// wrong, disturbed or not, with levels apart or not, and compares what they do after each event.
func compareStances(t *testing.T, seed uint64, disturbed, apart, protect bool) (m met) {
	cfg := stanceConfig(t, takes(seed))
	if protect {
		protections(cfg, seed)
	}
	if disturbed {
		strain(cfg, seed)
	}
	if seed%4 == 2 {
		cfg.Explore = Exploration{RateBps: 2000, Seed: seed, Single: seed%8 == 2}
	}
	if apart && seed&4 != 0 {
		cfg.Instruments[0].Lot = 100
	}
	if n := seed % 5; n != 2 && n != 3 { // and else a dealer, whose quotes change nothing of what is taken from the books
		cfg.Venues[3].Kind = market.Dark
	}
	w := newWorldOf(t, seed, cfg)
	if disturbed {
		w.disturb = w.disturbed
	}
	w.apart, w.healthy, w.banded = apart, apart && seed%2 != 0, apart && seed%3 == 0
	w.run(250)
	if disturbed {
		w.calm()
	}
	w.heal()
	fast, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	slow, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	out, other := fast.OutputFor(), slow.OutputFor()
	for i := range w.taken {
		e, f := w.taken[i], w.taken[i]
		out.Reset()
		other.Reset()
		fast.made.mid2, fast.made.batched = 0, 0
		fast.Step(&e, out)
		stepByWalk(slow, &f, other)
		if !slices.Equal(out.Commands, other.Commands) || !slices.Equal(out.Decisions, other.Decisions) {
			t.Fatalf("seed %d, event %d, %v: %d and %d commands, %d and %d decisions\n%+v\n%+v", seed, e.Seq, e.Kind, len(out.Commands), len(other.Commands),
				len(out.Decisions), len(other.Decisions), out.Decisions, other.Decisions)
		}
		if trouble := fast.auditStances(); trouble != "" {
			t.Fatalf("seed %d, event %d, %v: %s", seed, e.Seq, e.Kind, trouble)
		}
		if fast.made.batched > 0 {
			if m.sweeps++; fast.made.iso {
				m.isos++
			}
		} else if fast.made.mid2 != 0 { // takeNow
			m.orders++
			if fast.children[fast.childCount-1].Qty < fast.made.remaining {
				m.parts++
			}
			if fast.made.all {
				m.levels++
			}
			if fast.venues[3].Kind == market.SDP && fast.composites[0].Books[3].Quote.Alive(e.StepTime) {
				m.quoted++
			}
		}
		for _, slot := range slow.agenda.all {
			switch s := &fast.stances[slot]; {
			case !s.ok || s.facts != fast.facts:
			case s.still:
				m.still++
			case s.takes:
				m.takes++
			default:
				m.both++
			}
		}
		if i%256 == 0 && fast.Hash() != slow.Hash() {
			t.Fatalf("seed %d, event %d: another state", seed, e.Seq)
		}
	}
	if fast.Hash() != slow.Hash() {
		t.Fatalf("seed %d: another state", seed)
	}
	return m
}

func FuzzStances(f *testing.F) {
	for seed := range uint64(6) {
		f.Add(seed, false, false, false)
		f.Add(seed, false, true, false)
		f.Add(seed, false, seed%2 != 0, true)
	}
	for _, seed := range []uint64{9, 10, 11, 69} { // a band, an own order that rests, no more children, a narrower collar
		f.Add(seed, true, false, false)
		f.Add(seed, true, false, true)
	}
	f.Fuzz(func(t *testing.T, seed uint64, disturbed, apart, protect bool) {
		compareStances(t, seed, disturbed, apart, protect)
	})
}

// TestStancesAreOfUse keeps FuzzStances from comparing nothing.
func TestStancesAreOfUse(t *testing.T) {
	for _, days := range []struct {
		from, n          uint64
		disturbed, apart bool
		protect          bool
	}{{702, 6, false, false, false}, {60, 24, true, false, false}, {60, 30, true, false, true}, {700, 8, false, true, false},
		{700, 8, false, true, true}} {
		var all met
		for seed := range days.n {
			m := compareStances(t, days.from+seed, days.disturbed, days.apart, days.protect)
			all.still, all.takes, all.both = all.still+m.still, all.takes+m.takes, all.both+m.both
			all.orders, all.parts, all.levels = all.orders+m.orders, all.parts+m.parts, all.levels+m.levels
			all.quoted, all.sweeps, all.isos = all.quoted+m.quoted, all.sweeps+m.sweeps, all.isos+m.isos
		}
		if all.still < 200 || all.takes < 200 || all.both < 50 || all.orders < 15 || all.quoted < 5 || days.apart && (all.parts < 15 || all.levels < 15) {
			t.Errorf("disturbed %v, apart %v, protected %v: %+v", days.disturbed, days.apart, days.protect, all)
		}
	}
}

// TestParentOutOfReachIsPassedBy: a touch that moves costs a parent whose limit it does not reach nothing but
// its stance, until the touch comes within reach.
func TestParentOutOfReachIsPassedBy(t *testing.T) {
	w := newWorldOf(t, 3, stanceConfig(t, func() policy.Choice { return policy.Choice{Action: policy.ActionTakeAll} }))
	id, _ := event.MakeID("C1")
	w.byID[id] = &client{id: id, qty: 100, side: market.Buy, limit: w.mid - 400}
	w.step(event.Event{Kind: event.ParentNew, ID: id, Side: market.Buy, Qty: 100, OrdType: market.OrdLimit, Price: w.mid - 400,
		TIF: market.TIFDay, Strategy: event.StrategyTWAP, Until: w.now + 600e9, SliceNanos: 600e9})
	w.move()
	c := w.core
	s, made := c.stance(0), c.facts
	if !s.ok || !s.takes {
		t.Fatalf("%+v", *s)
	}
	for v := range 2 {
		w.level(v, market.Sell, w.mid+200, 700, 0)
		w.level(v, market.Sell, w.mid+100, 0, 0)
		w.level(v, market.Sell, w.mid+100, 300, 0)
	}
	if c.facts != made || !s.ok || s.facts != made || c.childCount != 0 {
		t.Errorf("%+v, %d children", *s, c.childCount)
	}
	for v := range 2 {
		w.step(event.Event{Kind: event.BookClear, Venue: market.VenueID(v), Flags: event.More})
		w.step(event.Event{Kind: event.BookStatus, Venue: market.VenueID(v), Code: uint8(event.BookLive), Flags: event.More})
		w.level(v, market.Buy, w.mid-600, 300, event.More)
		w.level(v, market.Sell, w.mid-500, 300, 0)
	}
	if c.childCount == 0 {
		t.Error("within reach it sends nothing")
	}
}

// taker is a client's order to buy that takes what one venue shows of it, over one slice of ten minutes.
func (w *world) taker(name string, qty market.Qty) *Parent {
	id, _ := event.MakeID(name)
	w.byID[id] = &client{id: id, qty: qty, side: market.Buy, limit: w.mid + 400}
	w.step(event.Event{Kind: event.ParentNew, ID: id, Side: market.Buy, Qty: qty, OrdType: market.OrdLimit, Price: w.mid + 400,
		TIF: market.TIFDay, Strategy: event.StrategyTWAP, Until: w.now + 600e9, SliceNanos: 600e9})
	return &w.core.parents[w.core.parentCount-1]
}

// takerWorld shows of venue 0 alone what can be bought, 300 at the touch and more beyond the limits of takers, and takes no
// order at its word: nothing is answered before the test does.
func takerWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	cfg := stanceConfig(t, func() policy.Choice { return policy.Choice{Action: policy.ActionTakeAll} })
	change(cfg)
	w := newWorldOf(t, 3, cfg)
	for v := range 2 {
		w.step(event.Event{Kind: event.BookClear, Venue: market.VenueID(v), Flags: event.More})
		w.step(event.Event{Kind: event.BookStatus, Venue: market.VenueID(v), Code: uint8(event.BookLive), Flags: event.More})
		w.level(v, market.Buy, w.mid-100*market.Price(v+1), 300, event.More)
		w.level(v, market.Sell, w.mid+500+100*market.Price(v), 20_000, 0)
	}
	w.level(0, market.Sell, w.mid+300, 300, 0)
	return w
}

// holdsStance fails where nothing is known of p that could be out of date.
func (w *world) holdsStance(p *Parent) {
	w.t.Helper()
	if s := &w.core.stances[slotIn(p.Number)]; !s.ok || s.still || s.facts != w.core.facts || s.want <= 0 {
		w.t.Fatalf("parent %d: %+v", p.Number, *s)
	}
}

// TestStanceEndsWithWhatATimerDoesLast: a timer makes a book too old, which moves no touch, and then takes the
// parent out of the market. What was made of it in between is not used.
func TestStanceEndsWithWhatATimerDoesLast(t *testing.T) {
	w := takerWorld(t, func(cfg *Config) {
		cfg.Venues[1].MaxAgeNanos = 5e9
		cfg.Clients = []ClientPolicy{{CancelAfter: 5e9}}
	})
	p := w.taker("C1", 1000)
	if p.Reserved != 300 {
		t.Fatalf("it has %d in the market", p.Reserved)
	}
	w.level(0, market.Buy, w.mid, 100, 0) // the touch moves, and it looks again
	w.level(0, market.Buy, w.mid, 150, 0)
	w.holdsStance(p)
	w.step(event.Event{Kind: event.ClientSession, Code: uint8(event.SessionDown)})
	w.level(0, market.Buy, w.mid, 200, 0)
	w.now += 5e9
	w.step(event.Event{Kind: event.Timer})
	if p.phase != phaseCanceling || w.core.composites[0].Books[1].State != event.BookStale {
		t.Fatalf("phase %d, book %v", p.phase, w.core.composites[0].Books[1].State)
	}
	sent := w.core.childCount
	w.level(0, market.Sell, w.mid+200, 5000, 0)
	if w.core.childCount != sent {
		t.Error("an order was sent for a parent that is taken out of the market")
	}
}

// TestQuarantineEndsTheStancesOfAll: what a venue says of one order, or of none of ours, may stop every order to it.
func TestQuarantineEndsTheStancesOfAll(t *testing.T) {
	for _, foreign := range []bool{false, true} {
		w := takerWorld(t, func(*Config) {})
		first := w.taker("C1", 1000)
		w.level(0, market.Sell, w.mid+300, 600, 0)
		w.taker("C2", 300)
		w.step(event.Event{Kind: event.Timer})
		w.holdsStance(first)
		e := event.Event{Kind: event.Exec, Venue: 0, Ref: w.core.children[1].Number, Code: uint8(market.ExecTrade), LastQty: 10, CumQty: 10,
			LastPx: w.mid + 300, OrdStatus: market.StatusPartiallyFilled, Instrument: 0, Side: market.Buy}
		e.ID, _ = event.MakeID("E1")
		if foreign {
			e.Ref = 0
			for i := range foreignMax + 1 {
				e.OrderRef = uint64(i + 1)
				w.step(e)
			}
		} else {
			w.step(e)
			e.LastPx -= 100
			w.step(e)
		}
		if !w.core.gate.Quarantined(0) {
			t.Fatal("the venue is trusted")
		}
		sent := w.core.childCount
		w.level(0, market.Sell, w.mid+200, 5000, 0)
		if w.core.childCount == sent || w.core.gate.Refused[event.ReasonKilled] != 0 {
			t.Errorf("foreign %v: %d orders, %d were refused", foreign, w.core.childCount-sent, w.core.gate.Refused[event.ReasonKilled])
		}
	}
}

// TestStanceFollowsTheTableInForce: what the cells of the table before said is not kept.
func TestStanceFollowsTheTableInForce(t *testing.T) {
	w := takerWorld(t, func(*Config) {})
	p := w.taker("C1", 1000)
	w.step(event.Event{Kind: event.Timer})
	w.holdsStance(p)
	holds := stanceConfig(t, func() policy.Choice { return policy.Choice{Action: policy.ActionHold} })
	w.core.decideBy(holds.Table, nil)
	w.core.facts++
	if s := w.core.stance(slotIn(p.Number)); s.mayTake || s.sure || s.ok {
		t.Errorf("%+v", *s)
	}
}

// TestStanceEndsWithTheProtectionOfQuotes, or with the want of it.
func TestStanceEndsWithTheProtectionOfQuotes(t *testing.T) {
	const change = 1_800_000_000e9 + 1e6
	for _, on := range []bool{false, true} {
		w := takerWorld(t, func(cfg *Config) {
			cfg.Protect = make([][]Protection, len(cfg.Instruments))
			cfg.Protect[0] = []Protection{{From: 0, On: !on}, {From: change, On: on}}
		})
		p := w.taker("C1", 1000)
		w.level(0, market.Buy, w.mid, 100, 0)
		w.level(0, market.Buy, w.mid, 150, 0)
		w.holdsStance(p)
		if s := w.core.stances[slotIn(p.Number)]; w.now >= change || s.protected == on || s.until > change {
			t.Errorf("at %d: %+v", w.now, s)
		}
		w.now = change
		w.level(0, market.Buy, w.mid, 200, 0)
		if s := w.core.stances[slotIn(p.Number)]; s.protected != on {
			t.Errorf("at %d: %+v", w.now, s)
		}
	}
}

// TestOwnOrdersAreLookedAt wherever they rest on the other side, also where a parent sends nothing, and whether better quotes
// are protected or not: who takes at once leaves them to who looks at each venue.
func TestOwnOrdersAreLookedAt(t *testing.T) {
	for _, protect := range []bool{false, true} {
		w := takerWorld(t, func(cfg *Config) {
			cfg.Protect = make([][]Protection, len(cfg.Instruments))
			cfg.Protect[0] = []Protection{{From: 0, On: protect}}
		})
		w.step(event.Event{Kind: event.VenueSession, Venue: 1, Code: uint8(event.SessionDown)})
		p := w.taker("C1", 1000)
		w.level(0, market.Buy, w.mid, 100, 0)
		w.level(0, market.Buy, w.mid, 150, 0)
		w.holdsStance(p)
		c, sent := w.core, w.core.childCount
		c.listed[0].posted[market.Sell.Index()] |= 1 << 1
		c.made.mid2 = 0
		w.level(0, market.Sell, w.mid+200, 5000, 0)
		if c.childCount != sent+1 || c.made.mid2 != 0 {
			t.Errorf("protected %v: %d orders, at once %v", protect, c.childCount-sent, c.made.mid2 != 0)
		}
	}
}

// TestTheCheapestAtTheTouchIsTakenFirst where several are there, whoever comes first by number.
func TestTheCheapestAtTheTouchIsTakenFirst(t *testing.T) {
	for cheap := range market.VenueID(2) {
		w := takerWorld(t, func(cfg *Config) {
			cfg.Protect = make([][]Protection, len(cfg.Instruments))
			cfg.Protect[0] = []Protection{{From: 0, On: true}}
			cfg.Venues[1-cheap].TakeFee, cfg.Venues[cheap].TakeFee = market.Fee{PerLotMilli: 90_000}, market.Fee{PerLotMilli: 10_000}
		})
		p := w.taker("C1", 1000)
		for v := range 2 {
			w.level(v, market.Sell, w.mid+400, 20_000, 0)
		}
		w.holdsStance(p)
		c, sent := w.core, w.core.childCount
		c.made.mid2 = 0
		w.level(0, market.Sell, w.mid+300, 0, 0) // who was alone goes, and two are at the touch
		if c.childCount != sent+1 || c.made.mid2 == 0 {
			t.Fatalf("%d orders, at once %v", c.childCount-sent, c.made.mid2 != 0)
		}
		if ch := &c.children[sent]; ch.Venue != cheap || ch.Price != w.mid+400 {
			t.Errorf("%d at %d from venue %d, venue %d is the cheapest at the touch", ch.Qty, ch.Price, ch.Venue, cheap)
		}
	}
}

// TestAPartLeavesAloneOnlyWhereItIsAll: a first level that holds less than the slice wants is taken alone where the
// limit forbids whatever is behind it, at its venue and at the others; else a sweep takes that as well.
func TestAPartLeavesAloneOnlyWhereItIsAll(t *testing.T) {
	for _, tt := range []struct {
		own, other   bool // more is within the limit, at the venue and at the other one
		alone        bool
		orders       int
		first, price market.Qty // of the first order, and its price above mid
	}{{false, false, true, 1, 200, 200}, {true, false, false, 1, 500, 300}, {false, true, false, 2, 200, 200}, {true, true, false, 2, 500, 300}} {
		w := takerWorld(t, func(cfg *Config) {
			cfg.Protect = make([][]Protection, len(cfg.Instruments))
			cfg.Protect[0] = []Protection{{From: 0, On: true}}
		})
		p := w.taker("C1", 1000)
		if tt.other {
			w.level(1, market.Sell, w.mid+400, 20_000, 0)
		}
		w.holdsStance(p)
		c, sent := w.core, w.core.childCount
		c.made.mid2, c.made.batched = 0, 0
		if !tt.own {
			w.level(0, market.Sell, w.mid+300, 0, event.More)
		}
		w.level(0, market.Sell, w.mid+200, 500, 0) // of which 300 are taken already
		if c.childCount-sent != tt.orders || c.made.mid2 == 0 || c.made.batched != 0 == tt.alone {
			t.Fatalf("%+v: %d orders, at once %v, %d of a sweep", tt, c.childCount-sent, c.made.mid2 != 0, c.made.batched)
		}
		if ch := &c.children[sent]; ch.Venue != 0 || ch.Qty != tt.first || ch.Price != w.mid+market.Price(tt.price) {
			t.Errorf("%+v: %d at %d from venue %d", tt, ch.Qty, ch.Price-w.mid, ch.Venue)
		}
	}
}

// TestOrdersLeaveAtOnceWithinABand: what is behind the first level may be out of a venue's band, which the record tells from
// what is beyond the limit.
func TestOrdersLeaveAtOnceWithinABand(t *testing.T) {
	for _, tt := range []struct {
		high         market.Price // of the band, above mid; 0: none
		qty          market.Qty
		once, orders bool
		why          event.Why // of venue 0, which also shows 20,000 at 500 above mid
	}{{0, 300, true, true, event.WhyOutsideLim}, {450, 300, true, true, event.WhyBand}, {650, 300, true, true, event.WhyOutsideLim},
		{450, 5000, true, true, event.WhyFilled}, {150, 5000, false, false, event.WhyBand}} {
		w := takerWorld(t, func(*Config) {})
		if tt.high != 0 {
			w.step(event.Event{Kind: event.PriceBand, Venue: 0, LastPx: w.mid + tt.high})
		}
		p := w.taker("C1", 1000)
		w.level(0, market.Buy, w.mid, 100, 0)
		w.level(0, market.Buy, w.mid, 150, 0)
		w.holdsStance(p)
		c, sent := w.core, w.core.childCount
		c.made.mid2 = 0
		w.level(0, market.Sell, w.mid+200, tt.qty, 0)
		if c.childCount > sent != tt.orders || c.made.mid2 != 0 != tt.once {
			t.Errorf("%+v: %d orders, at once %v", tt, c.childCount-sent, c.made.mid2 != 0)
		}
		if tt.orders {
			if why := w.out.Decisions[0].Venues[0].Why; why != tt.why {
				t.Errorf("%+v: the record says %v of venue 0", tt, why)
			}
		}
	}
}
