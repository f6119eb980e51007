package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"penstock/event"
	"penstock/internal/emsclient"
	"penstock/journal"
	"penstock/market"
	"penstock/router/loop"
	"penstock/venues/fixgw"
)

// demoRig is a running market and router, without the command around them.
type demoRig struct {
	t       *testing.T
	m       *demoMarket
	a       *assembly
	client  *emsclient.Client
	stopped bool
}

// unstarted returns the configuration of a router for a demo market of its own.
func unstarted(t *testing.T) *Config {
	t.Helper()
	dir := t.TempDir()
	m, err := startDemoMarket(demoOptions{symbol: "PSTK", seed: 3}, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	cfg, err := demoConfig(demoOptions{symbol: "PSTK", table: baselineFile(t, t.TempDir())}, m, dir)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// newDemoRig returns a rig whose table of rules sends something to every venue, where BASELINE would go
// to dealers with nearly all.
func newDemoRig(t *testing.T, placement string, change ...func(*Config)) *demoRig {
	t.Helper()
	return newRigOf(t, demoOptions{symbol: "PSTK", seed: 5, placement: placement, copies: true, table: baselineFile(t, t.TempDir())}, change...)
}

func newRigOf(t *testing.T, o demoOptions, change ...func(*Config)) *demoRig {
	t.Helper()
	dir := t.TempDir()
	m, err := startDemoMarket(o, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	cfg, err := demoConfig(o, m, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(cfg)
	}
	a, err := assemble(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &demoRig{t: t, m: m, a: a}
	t.Cleanup(r.stop)
	if err := m.addReceivers(a); err != nil {
		t.Fatal(err)
	}
	if err := a.awaitReady(t.Context(), demoReady); err != nil {
		t.Fatal(err)
	}
	r.client, err = emsclient.Connect(t.Context(), emsclient.Config{Addr: a.ems.Addr(), SenderCompID: m.desk,
		TargetCompID: demoRouter, Instruments: cfg.Router.Instruments})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// stop ends client and router, once.
func (r *demoRig) stop() {
	if r.stopped {
		return
	}
	r.stopped = true
	if r.client != nil {
		r.client.Close()
	}
	// At nice 10 the shadow lags on a busy machine, and the end waits for it no longer than shadowPatience.
	for deadline := time.Now().Add(time.Minute); r.a.shadow != nil && r.a.shadow.failed.Load() == nil &&
		r.a.shadow.seq.Load()+1000 < r.a.journal.Durable() && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if err := r.a.stop(); err != nil {
		r.t.Error(err)
	}
}

// until polls the core until done, or fails after a while.
func (r *demoRig) until(what string, done func(*loop.Sequencer) bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	err := r.a.poll(ctx, done, func() error { return ctx.Err() })
	if err != nil {
		r.t.Fatalf("%s: %v", what, err)
	}
}

func (r *demoRig) send(id string, qty market.Qty, horizon time.Duration) {
	r.t.Helper()
	if err := r.client.SendOrder(emsclient.NewOrder{ClOrdID: id, Symbol: "PSTK", Side: market.Buy, Qty: qty,
		TIF: market.TIFDay, Strategy: int(event.StrategyTWAP), EndTime: clock() + int64(horizon), SliceSeconds: 2}); err != nil {
		r.t.Fatal(err)
	}
}

// hurry ends the schedule of the rig's first order, which lasts longer than the test takes on a quick
// machine: what is left is taken at once.
func (r *demoRig) hurry() {
	r.t.Helper()
	e := event.Event{Kind: event.Operator, Code: uint8(event.OperatorForceParent), Venue: market.NoVenue, RecvTime: clock()}
	r.until("the order's number", func(s *loop.Sequencer) bool { e.Ref = s.Core().Parents()[0].Number; return true })
	if !r.a.push(&e) {
		r.t.Fatal("the operator was not heard")
	}
}

// dropConnections ends all connections of the venues and waits until each session of orders and
// drop copies has got another one: who looks whether they are down may come too late.
func (r *demoRig) dropConnections() {
	r.t.Helper()
	connects := func() (all []uint64) {
		if !r.a.io.Seize(20*time.Second, func(func() bool) {
			for _, g := range r.a.gateways {
				all = append(all, g.(*fixgw.Gateway).Stats().Connects)
			}
			for _, g := range r.a.dropCopies {
				all = append(all, g.Stats().Connects)
			}
		}) {
			r.t.Fatal("the gateways' goroutine did not leave its turn")
		}
		return all
	}
	before := connects()
	for _, v := range r.m.Venues() {
		v.DropConnections()
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		again, after := 0, connects()
		for i := range after {
			if after[i] > before[i] {
				again++
			}
		}
		if again == len(after) {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("connections of the sessions: %d, then %d", before, after)
		}
	}
}

// finish waits for the order's end, stops everything and compares the accounts.
func (r *demoRig) finish(id string) *summary {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 40*time.Second)
	defer cancel()
	order, err := r.client.Wait(ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.a.awaitQuiet(ctx); err != nil {
		r.t.Fatal(err)
	}
	violations := r.client.Violations()
	r.stop()
	s, err := r.a.conclude(r.m, &order, violations)
	if err != nil {
		r.t.Fatal(err)
	}
	if !s.Reconciled.Agree {
		r.t.Fatalf("the accounts do not agree: %v", s.Reconciled.Breaks)
	}
	again, err := rerunJournal(r.a.Dir)
	if err != nil || again.Mismatch != "" {
		r.t.Fatalf("journal: %v %s", err, again.Mismatch)
	}
	return s
}

// TestAccountsAgreeThroughFaults breaks every connection, loses packets, corrupts
// a checksum and halts a venue while an order works. Nothing may be lost or
// executed twice, and every book must come back.
func TestAccountsAgreeThroughFaults(t *testing.T) {
	t.Parallel()
	for _, placement := range placements() {
		t.Run(placement, func(t *testing.T) {
			t.Parallel()
			runThroughFaults(t, newDemoRig(t, placement))
		})
	}
}

// placements are the ways in which goroutines share the work; the short tests, which are those
// under the race detector, have the one with more of them.
func placements() []string {
	if testing.Short() {
		return []string{"threaded"}
	}
	return []string{"inline", "threaded"}
}

func runThroughFaults(t *testing.T, r *demoRig) {
	r.send("F-1", 12_000, 30*time.Second)
	r.until("first children", func(s *loop.Sequencer) bool { return len(s.Core().Children()) > 0 })
	r.dropConnections()
	r.until("everything back", func(s *loop.Sequencer) bool { return r.a.missing(s.Core()) == "" })
	if err := r.m.Venue("LITA").LosePackets(20); err != nil {
		t.Fatal(err)
	}
	if err := r.m.Venue("LITB").CorruptNextChecksum(); err != nil {
		t.Fatal(err)
	}
	// The packets are gone once later ones have been taken.
	lost := clock()
	r.until("books back after losses", func(s *loop.Sequencer) bool {
		return s.Core().Composite(0).Books[0].RecvTime > lost+300e6 && r.a.missing(s.Core()) == ""
	})
	r.m.Venue("LITA").Halt(true)
	r.until("halt seen", func(s *loop.Sequencer) bool {
		return s.Core().Composite(0).Books[0].State == event.BookHalted
	})
	r.m.Venue("LITA").Halt(false)
	r.until("everything back again", func(s *loop.Sequencer) bool { return r.a.missing(s.Core()) == "" })
	r.hurry()
	s := r.finish("F-1")
	if s.CumQty != "12000" {
		t.Errorf("filled %s of 12000, status %s", s.CumQty, s.Status)
	}
}

// TestKillStopsAndCancels kills a working router: nothing may leave after it and
// every open child must end; the client may then cancel what is left.
func TestKillStopsAndCancels(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "threaded")
	r.send("K-1", 50_000, 60*time.Second)
	r.until("children", func(s *loop.Sequencer) bool { return len(s.Core().Children()) > 0 })
	if !r.a.operate(event.OperatorKill, "test", "drill") {
		t.Fatal("the kill was not taken")
	}
	sent := 0
	r.until("all cancelled", func(s *loop.Sequencer) bool {
		sent = len(s.Core().Children())
		p := &s.Core().Parents()[0]
		return s.Core().Gate().Killed(market.NoVenue) && p.Reserved == 0
	})
	if err := r.client.SendOrder(emsclient.NewOrder{ClOrdID: "K-2", Symbol: "PSTK", Side: market.Sell, Qty: 100,
		TIF: market.TIFDay, Strategy: int(event.StrategySweep)}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	refused, err := r.client.Wait(ctx, "K-2")
	if err != nil || refused.OrdStatus != market.StatusRejected || !strings.Contains(refused.Text, "kill") {
		t.Fatalf("an order under kill: %+v, %v", refused, err)
	}
	if err := r.client.Cancel("K-1C", "K-1"); err != nil {
		t.Fatal(err)
	}
	r.until("cancelled", func(s *loop.Sequencer) bool { return !s.Core().Parents()[0].Live() })
	r.until("count", func(s *loop.Sequencer) bool {
		if n := len(s.Core().Children()); n != sent {
			t.Errorf("%d orders left after the kill", n-sent)
		}
		return true
	})
	s := r.finish("K-1")
	if s.Status != market.StatusCanceled.String() {
		t.Errorf("status %s", s.Status)
	}
}

// TestClientChangesItsMind replaces and then cancels a working order.
func TestClientChangesItsMind(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "inline")
	r.send("C-1", 40_000, 60*time.Second)
	r.until("children", func(s *loop.Sequencer) bool { return len(s.Core().Children()) > 0 })
	if err := r.client.Replace("C-2", "C-1", 20_000, 0); err != nil {
		t.Fatal(err)
	}
	r.until("replaced", func(s *loop.Sequencer) bool { return s.Core().Parents()[0].OrderQty == 20_000 })
	if err := r.client.Replace("C-3", "C-1", 30_000, 0); err != nil { // its id has been replaced
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	reject, err := r.client.AwaitReject(ctx, 1)
	if err != nil || reject.MsgType != "9" || reject.ResponseTo != 2 {
		t.Fatalf("reject %+v, %v", reject, err)
	}
	if err := r.client.Cancel("C-4", "C-2"); err != nil {
		t.Fatal(err)
	}
	s := r.finish("C-2")
	if s.Status != market.StatusCanceled.String() || s.OrderQty != "20000" {
		t.Errorf("status %s of %s", s.Status, s.OrderQty)
	}
}

// TestFailedJournalCancelsAtTheVenues closes the journal under a working router: it
// must stop, and its open orders must be gone at the venues.
func TestFailedJournalCancelsAtTheVenues(t *testing.T) {
	t.Parallel()
	for _, placement := range placements() {
		t.Run(placement, func(t *testing.T) {
			r := newDemoRig(t, placement)
			r.send("J-1", 50_000, 60*time.Second)
			r.until("resting children", func(s *loop.Sequencer) bool {
				return len(s.Core().Parents()) > 0 && s.Core().Parents()[0].Reserved > 1000
			})
			r.a.loop.Inspect(func(*loop.Sequencer) { r.a.journal.Close() })
			err := <-r.a.failure
			if !errors.Is(err, journal.ErrClosed) {
				t.Fatalf("the router failed with %v", err)
			}
			r.stopped = true
			r.client.Close()
			if err := r.a.stop(); err != nil && !errors.Is(err, journal.ErrClosed) {
				t.Error(err)
			}
			// The venues take their one-way latency to act.
			deadline, tick := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
			defer tick.Stop()
			for r.m.open() > 0 {
				select {
				case <-deadline:
					t.Fatalf("%d orders are still open at the venues", r.m.open())
				case <-tick.C:
				}
			}
		})
	}
}

// open counts the router's orders that can still trade.
func (m *demoMarket) open() (n int) {
	for _, v := range m.Venues() {
		for _, o := range v.Orders(demoRouter) {
			if !o.OrdStatus.Terminal() {
				n++
			}
		}
	}
	return n
}
