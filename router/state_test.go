package router

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"penstock/event"
	"penstock/internal/state"
	"penstock/internal/state/statetest"
	"penstock/market"
	"penstock/policy"
)

// recordedWorld returns the events of a world in which everything goes wrong.
func recordedWorld(t testing.TB, seed uint64, steps int) []event.Event {
	t.Helper()
	table, err := policy.BuildBaseline(policy.BuildOptions{Version: "test", NotAfter: 1 << 62})
	if err != nil {
		t.Fatal(err)
	}
	tt, ok := t.(*testing.T)
	if !ok {
		t.Fatal("a world needs a test")
	}
	w := newWorld(tt, seed, table)
	first := w.taken
	w.run(steps)
	w.heal()
	if len(first) == 0 {
		t.Fatal("the world records nothing")
	}
	return w.taken
}

func testCore(t testing.TB) *Core {
	t.Helper()
	cfg := testConfig()
	table, err := policy.BuildBaseline(policy.BuildOptions{Version: "test", NotAfter: 1 << 62})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Table = table
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func savedState(t testing.TB, c *Core) []byte {
	t.Helper()
	var b []byte
	s := state.Saver(func(part []byte) error { b = append(b, part...); return nil })
	c.MoveState(s)
	if _, _, err := s.Finish(); err != nil {
		t.Fatal(err)
	}
	return b
}

func loadState(c *Core, b []byte) error {
	s := state.Loader(b)
	c.MoveState(s)
	_, _, err := s.Finish()
	return err
}

// TestLoadedCoreGoesOnAsIfNeverStopped cuts days at many places, loads the state into a core
// that was something else, and lets both go on: the commands, the decisions and at the end the
// whole state are the same.
func TestLoadedCoreGoesOnAsIfNeverStopped(t *testing.T) {
	cuts := 0
	for seed := range uint64(3) {
		events := recordedWorld(t, 100+seed, 1200)
		c, again := testCore(t), testCore(t)
		out, other := c.OutputFor(), again.OutputFor()
		next := len(events) / 40
		for i := range events {
			e := events[i]
			out.Reset()
			c.Step(&e, out)
			if i != next {
				continue
			}
			next += len(events)/40 + int(seed)
			cuts++
			saved := savedState(t, c)
			if err := loadState(again, saved); err != nil {
				t.Fatalf("seed %d, event %d: %v", seed, i+1, err)
			}
			if !bytes.Equal(savedState(t, again), saved) || again.Hash() != c.Hash() {
				t.Fatalf("seed %d, event %d: what was loaded saves as something else", seed, i+1)
			}
			// Both go on for a while; c is then brought back to the cut.
			tail := events[i+1 : min(i+401, len(events))]
			for j := range tail {
				e, f := tail[j], tail[j]
				out.Reset()
				other.Reset()
				c.Step(&e, out)
				again.Step(&f, other)
				if !slices.Equal(out.Commands, other.Commands) || !slices.Equal(out.Decisions, other.Decisions) {
					t.Fatalf("seed %d, cut %d: event %d gives other commands after a load", seed, i+1, e.Seq)
				}
			}
			if c.Hash() != again.Hash() {
				t.Fatalf("seed %d, cut %d: %d events later the states differ", seed, i+1, len(tail))
			}
			if err := loadState(c, saved); err != nil {
				t.Fatal(err)
			}
		}
	}
	if cuts < 100 {
		t.Errorf("%d cuts", cuts)
	}
}

// TestStateHasEveryField finds a field of the core's structs that neither snapshot nor hash
// has. Structs without pointers (Parent, Child, Terms …) are moved whole: they need nothing.
func TestStateHasEveryField(t *testing.T) {
	events := recordedWorld(t, 3, 1500)
	c := testCore(t)
	c.clients, c.awayUntil = []ClientPolicy{{CancelAfter: Keep}}, []int64{Keep}
	out := c.OutputFor()
	for i := range events {
		e := events[i]
		out.Reset()
		if c.Step(&e, out); len(c.agenda.all) > 2 && c.childCount > 20 && len(c.execs.list) > 5 && c.seq%64 == 0 {
			break
		}
	}
	all := c.MoveState
	c.gate.KillScope(event.Scope{Kind: event.ScopePolicy, ID: 7})
	if why := c.gate.SetLimit(event.LimitCollarBps, 0, 0, 300, c.now+1e9, c.now); why != event.ReasonNone {
		t.Fatal(why)
	}
	statetest.Covered(t, c, all, map[string]string{
		"instruments": "configuration", "venues": "configuration", "everyVenue": "configuration", "listings": "configuration", "tactics": "configuration",
		"curves": "configuration", "clients": "configuration", "exploration": "configuration", "table": "the caller offers the one that was in force",
		"offered":    "the caller offers it",
		"twoPersons": "configuration", "hasDropCopy": "configuration", "protect": "configuration",
		"composites": "each moves itself", "gate": "moves itself", "ids": "moves itself", "execs": "moves itself",
		"near": "a cache, made anew", "listed": "configuration and a cache", "paces": "a cache", "stances": "a cache", "facts": "of a cache", "steady": "within a Step", "owed": "within a Step", "verdict": "within a Step", "agenda": "moves itself", "out": "within a Step", "cause": "within a Step",
		"scratch": "within a Step", "batch": "within a Step", "looking": "within a Step", "made": "within a Step", "blank": "a cache", "nearSum": "of no use", "walk": "within a Step", "terms": "within a Step", "situation": "within a Step", "crossing": "within a Step", "dealer": "within a Step", "dealt": "within a Step", "hit": "within a Step",
		"bookStates": "follows from the books", "pools": "within a Step", "watch": "told, not a state", "fees": "configuration", "takes": "follows from the set in force"})
	statetest.Covered(t, c.gate, all, map[string]string{"windows": "each moves itself", "controls": "moves itself",
		"approved": "within a Step", "unbooked": "within a Step", "shut": "follows from the latches", "expires": "follows from the raises"})
	statetest.Covered(t, &c.ids, all, map[string]string{"slots": "those in use: see below"})
	statetest.Covered(t, c.ids.find(c.parents[0].Client, c.parents[0].ClOrdID), all, map[string]string{"used": "those in use are moved"})
	statetest.Covered(t, &c.execs, all, map[string]string{"index": "follows from the list"})
	statetest.Covered(t, &c.agenda, all, map[string]string{"of": "follows from the live parents", "links": "follows from them",
		"over": "within a Step"})
	statetest.Covered(t, &c.parents[0], all, nil)
	statetest.Covered(t, &c.children[0], all, nil)
	statetest.Covered(t, &c.starts[0], all, nil)
}

// TestChainedHashIsSaid: two cores that took the same events say the same, one that took
// others does not, and it is said every 4096 events.
func TestChainedHashIsSaid(t *testing.T) {
	events := recordedWorld(t, 5, 4500)
	if len(events) < 2*chainEvents {
		t.Fatalf("%d events", len(events))
	}
	said := func(change int) (hashes []uint64) {
		c := testCore(t)
		out := c.OutputFor()
		for i := range events {
			e := events[i]
			if i == change {
				e.Qty += 100
			}
			out.Reset()
			c.Step(&e, out)
			for n := range out.Commands {
				if cmd := &out.Commands[n]; cmd.Kind == event.StateHash {
					if e.Seq%chainEvents != 0 || cmd.Cause != e.Seq {
						t.Fatalf("said after event %d", e.Seq)
					}
					hashes = append(hashes, cmd.Ref)
				}
			}
		}
		return hashes
	}
	one := said(-1)
	if len(one) != len(events)/chainEvents || !slices.Equal(one, said(-1)) {
		t.Fatalf("%x", one)
	}
	first := slices.IndexFunc(events, func(e event.Event) bool { return e.Kind == event.ParentNew })
	if other := said(first); other[0] == one[0] {
		t.Error("another order gives the same hash")
	}
}

// FuzzLoadState gives a core bytes that are no state, or nearly one: it refuses them, or goes
// on without leaving its tables.
func FuzzLoadState(f *testing.F) {
	small := testConfig()
	small.MaxParents, small.MaxChildren, small.Book.Levels, small.Book.Orders = 4, 32, 8, 16
	fresh := func(t testing.TB) *Core {
		c, err := New(small)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := fresh(f)
	out := c.OutputFor()
	steps := []event.Event{{Kind: event.SessionStart, Ref: 77}, {Kind: event.VenueSession, Code: uint8(event.SessionUp)},
		{Kind: event.BookClear}, {Kind: event.BookLevel, Side: market.Buy, Price: 9990, Qty: 100},
		{Kind: event.BookLevel, Side: market.Sell, Price: 10010, Qty: 100}, {Kind: event.BookStatus, Code: uint8(event.BookLive)},
		{Kind: event.Timer}}
	for i := range steps {
		steps[i].Seq, steps[i].StepTime = uint64(i+1), int64(i+1)*1e9
		out.Reset()
		c.Step(&steps[i], out)
	}
	good := savedState(f, c)
	f.Add(uint32(0), uint64(0), uint16(0))
	f.Add(uint32(40), uint64(1<<63), uint16(0))
	f.Add(uint32(300), uint64(12345), uint16(3))
	f.Fuzz(func(t *testing.T, at uint32, value uint64, cut uint16) {
		b := bytes.Clone(good)
		for i := range 8 {
			b[(int(at)+i)%len(b)] ^= byte(value >> (8 * i))
		}
		b = b[:len(b)-int(cut)%len(b)]
		c := fresh(t)
		if err := loadState(c, b); err != nil {
			if !errors.Is(err, state.ErrState) {
				t.Fatal(err)
			}
			return
		}
		if trouble := c.Audit(); trouble != "" {
			t.Fatal(trouble)
		}
	})
}

// BenchmarkLink is what the chained hash costs an event, with a live parent.
func BenchmarkLink(b *testing.B) {
	c := testCore(b)
	out := c.OutputFor()
	c.parentCount, c.childCount = 1, 8
	c.agenda.enter(0, 0, 0)
	for i := range c.children[:8] {
		c.children[i].next = int32(i+1) % 8
	}
	c.parents[0].first = 0
	c.out, c.cause = out, &event.Event{}
	b.ReportAllocs()
	for b.Loop() {
		c.seq++
		if c.seq%foldEvents == 0 {
			c.link()
		}
		out.Reset()
	}
}

func BenchmarkSaveState(b *testing.B) {
	c := testCore(b)
	b.ReportAllocs()
	for b.Loop() {
		c.Hash()
	}
}

// A policy that the canary took out stays out in a core that loads the state, until a swap.
func TestRolledBackPolicyStaysOutAfterALoad(t *testing.T) {
	c, again := testCore(t), testCore(t)
	out := c.OutputFor()
	c.Step(&event.Event{Kind: event.SessionStart, Seq: 1, StepTime: 1, Ref: 7}, out)
	c.rollBack()
	if err := loadState(again, savedState(t, c)); err != nil {
		t.Fatal(err)
	}
	if !again.RolledBack() || again.table.PolicyID() != 0 || again.Hash() != c.Hash() {
		t.Error("the policy is back")
	}
	swap := event.Event{Seq: 2, StepTime: 2}
	swap.SetPolicyHash([32]byte{1})
	again.Offer(testCore(t).table, [32]byte{1}, nil)
	again.Step(&swap, out)
	if again.RolledBack() || again.table.PolicyID() == 0 {
		t.Error("a new policy is not in force")
	}
}
