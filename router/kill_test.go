package router

import (
	"os"
	"strconv"
	"testing"

	"penstock/event"
	"penstock/market"
)

// TestCtl_C10_KillAtEveryEvent kills at every event of a run, with a scope of each kind in
// turn, and lets the run go on: from the kill on no order that the scope covers leaves the
// core, and in its step every open order that it covers is asked to be cancelled wherever
// the venue's session is up. PENSTOCK_KILL_RUNS is how many runs (make kill: 200).
func TestCtl_C10_KillAtEveryEvent(t *testing.T) {
	runs, steps := 1, 60
	if n, err := strconv.Atoi(os.Getenv("PENSTOCK_KILL_RUNS")); err == nil {
		runs = n
	}
	kills, open, sent := 0, 0, 0
	for seed := range uint64(runs) {
		events := recordedWorld(t, 903+seed, steps)
		c, again := smallCore(t), smallCore(t)
		out, other := c.OutputFor(), again.OutputFor()
		for i := range events {
			e := events[i]
			out.Reset()
			c.Step(&e, out)
			for k := range out.Commands {
				if out.Commands[k].Kind == event.SendOrder {
					sent++
				}
			}
			if c.epoch == 0 || len(c.agenda.all) == 0 {
				continue
			}
			if err := loadState(again, savedState(t, c)); err != nil {
				t.Fatal(err)
			}
			kills++
			open += killAt(t, again, other, killScope(c, kills), events[i+1:min(i+41, len(events))])
		}
	}
	t.Logf("%d kills in %d runs with %d orders, %d open orders were to be cancelled", kills, runs, sent, open)
	if kills < 50*runs || open < 20*runs || sent < 3*runs {
		t.Errorf("only %d kills, %d open orders, %d sent: the test does not test", kills, open, sent)
	}
}

// smallCore is the core of a world with little memory: it is copied at every event.
func smallCore(t *testing.T) *Core {
	cfg := testConfig()
	for v := range cfg.Venues {
		cfg.Venues[v].MsgRate = 1000
	}
	cfg.Controls.StrategyRate = 1000
	cfg.MaxChildren = 4000
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// killScope is a scope of each kind in turn, of something that is there.
func killScope(c *Core, n int) event.Scope {
	p := &c.parents[c.agenda.all[n%len(c.agenda.all)]]
	s := event.Scope{Kind: event.ScopeKind(n % 6)}
	switch s.Kind {
	case event.ScopeVenue:
		s.ID = uint64(n/6) % uint64(len(c.venues))
	case event.ScopeClient:
		s.ID = uint64(p.Client)
	case event.ScopeStrategy:
		s.ID = uint64(p.Strategy)
	case event.ScopePolicy:
		s.ID = c.table.PolicyID()
	}
	return s
}

// killAt kills and goes on; it returns how many open orders the scope covered.
func killAt(t *testing.T, c *Core, out *event.Output, s event.Scope, rest []event.Event) (open int) {
	t.Helper()
	kill := event.Event{Kind: event.Operator, Code: uint8(event.OperatorKill), Seq: c.seq + 1, StepTime: c.now, RecvTime: c.now}
	kill.SetScope(s)
	out.Reset()
	c.Step(&kill, out)
	for i := range c.children[:c.childCount] {
		ch := &c.children[i]
		if ch.Released || !c.covered(s, ch) || !c.parents[ch.Parent].Live() {
			continue
		}
		open++
		if c.SessionUp(ch.Venue) && !ch.canceling && !ch.wantCancel {
			t.Fatalf("seed state at event %d, %v: child %d is open and not cancelled", c.seq, s.Kind, ch.Number)
		}
	}
	check := func() {
		for k := range out.Commands {
			cmd := &out.Commands[k]
			p := c.parents[max(slotIn(cmd.Parent), 0)]
			if cmd.Kind == event.SendOrder && s.Covers(cmd.Venue, cmd.Instrument, p.Client, p.Strategy, cmd.Policy) {
				t.Fatalf("event %d, %v: an order left after the kill: %+v", c.seq, s, *cmd)
			}
		}
	}
	check()
	for i := range rest {
		e := rest[i]
		e.Seq, e.StepTime = c.seq+1, max(e.StepTime, c.now)
		if e.Kind == event.Operator { // nobody lifts it here
			e = event.Event{Kind: event.Timer, Seq: e.Seq, StepTime: e.StepTime, Venue: market.NoVenue}
		}
		out.Reset()
		c.Step(&e, out)
		check()
	}
	return open
}
