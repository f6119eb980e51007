package router

import (
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
	cfg.Table, cfg.Venues[3].Kind = table, market.Dark
	return cfg
}

// takes is a cell that takes, for most seeds now and then one that does something else.
func takes(seed uint64) func() policy.Choice {
	r := rand.New(rand.NewPCG(seed, 11))
	return func() policy.Choice {
		c := policy.Choice{Action: policy.ActionTakeAll, Alt: policy.ActionPostJoin, Unseen: seed%3 == 0 && r.IntN(20) == 0}
		switch n := r.IntN(8); {
		case n < 2:
			c.Action = policy.ActionHold
		case n == 2 && seed%3 < 2:
			c.Action = uint8(r.IntN(policy.Actions))
		}
		return c
	}
}

// met counts what was seen of stances.
type met struct{ still, takes, both, orders int }

// compareStances lets a core with stances and one that has none go through a day in which everything goes
// wrong, and compares what they do after each event.
func compareStances(t *testing.T, seed uint64) (m met) {
	cfg := stanceConfig(t, takes(seed))
	w := newWorldOf(t, seed, cfg)
	w.run(250)
	w.heal()
	fast, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	without := *cfg
	without.Protect = make([][]Protection, len(cfg.Instruments)) // of nothing: where quotes may be protected there is no stance
	slow, err := New(&without)
	if err != nil {
		t.Fatal(err)
	}
	out, other := fast.OutputFor(), slow.OutputFor()
	for i := range w.taken {
		e, f := w.taken[i], w.taken[i]
		out.Reset()
		other.Reset()
		fast.scratch.late = false
		fast.Step(&e, out)
		slow.Step(&f, other)
		if !slices.Equal(out.Commands, other.Commands) || !slices.Equal(out.Decisions, other.Decisions) {
			t.Fatalf("seed %d, event %d, %v: %d and %d commands, %d and %d decisions\n%+v\n%+v", seed, e.Seq, e.Kind, len(out.Commands), len(other.Commands),
				len(out.Decisions), len(other.Decisions), out.Decisions, other.Decisions)
		}
		if trouble := fast.auditStances(); trouble != "" {
			t.Fatalf("seed %d, event %d, %v: %s", seed, e.Seq, e.Kind, trouble)
		}
		if fast.scratch.late && fast.scratch.placed > 0 {
			m.orders++
		}
		for _, slot := range slow.agenda.all {
			if slow.stances[slot].ok {
				t.Fatal("the twin has a stance")
			}
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
		if i%64 == 0 && fast.Hash() != slow.Hash() {
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
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { compareStances(t, seed) })
}

// TestStancesAreOfUse keeps FuzzStances from comparing nothing.
func TestStancesAreOfUse(t *testing.T) {
	var all met
	for seed := range uint64(6) {
		m := compareStances(t, 702+seed)
		all.still, all.takes, all.both, all.orders = all.still+m.still, all.takes+m.takes, all.both+m.both, all.orders+m.orders
	}
	if all.still < 200 || all.takes < 200 || all.both < 50 || all.orders < 15 {
		t.Errorf("%+v", all)
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
