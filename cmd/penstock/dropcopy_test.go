package main

import (
	"testing"
	"time"

	"penstock/event"
	"penstock/journal"
	"penstock/market"
	"penstock/router/loop"
	"penstock/venues/sim/serve"
)

// TestCtl_C12_DropCopyOverSockets trades at seven venues with drop copies. While they agree nothing
// is told, also over lost connections, whose reports come when they are back. Then a fault is
// put into each drop copy: all are found within five seconds, stop their venues, and move no quantity.
func TestCtl_C12_DropCopyOverSockets(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "inline")
	copiesUp := func(s *loop.Sequencer) bool {
		for v := range r.a.cfg.Router.Venues {
			if !s.Core().DropCopyUp(market.VenueID(v)) || !s.Core().SessionUp(market.VenueID(v)) {
				return false
			}
		}
		return true
	}
	r.until("drop copies", copiesUp)
	r.send("D-1", 90_000, 60*time.Second)
	r.until("fills", func(s *loop.Sequencer) bool { return len(s.Core().Parents()) > 0 && s.Core().Parents()[0].Cum > 1000 })
	r.dropConnections()
	r.until("copies back", copiesUp)
	time.Sleep(2500 * time.Millisecond) // longer than the window
	r.until("agreement", func(s *loop.Sequencer) bool {
		if n := s.Core().Counters.DropBreaks; n != 0 {
			t.Fatalf("%d breaks, though all agree", n)
		}
		return true
	})
	kinds := []serve.DropCopyFault{serve.DropCopyQty, serve.DropCopyPrice, serve.DropCopyLose}
	for v, server := range r.m.Venues() {
		if err := server.DisturbDropCopy(kinds[v%len(kinds)]); err != nil {
			t.Fatal(err)
		}
	}
	want := map[market.VenueID]event.Reason{}
	r.until("breaks", func(s *loop.Sequencer) bool {
		for v, server := range r.m.Venues() {
			if server.DropCopyFaults() > 0 {
				continue // it has not traded since
			}
			if !s.Core().Gate().Quarantined(market.VenueID(v)) {
				return false
			}
			want[market.VenueID(v)] = [...]event.Reason{event.ReasonDropCopyQty, event.ReasonDropCopyPrice, event.ReasonDropCopyExecID}[v%3]
		}
		return len(want) > 0 // that each kind is found is simtest's to prove
	})
	if err := r.client.Cancel("D-2", "D-1"); err != nil {
		t.Fatal(err)
	}
	r.finish("D-1") // the accounts of client, router and venues agree, and the journal repeats the day
	r.checkBreaks(want)
}

// checkBreaks reads in the journal that each break was told once, by its reason, within five
// seconds of the execution.
func (r *demoRig) checkBreaks(want map[market.VenueID]event.Reason) {
	r.t.Helper()
	traded, told := map[uint64]int64{}, map[market.VenueID]event.Reason{}
	_, err := eachRecord(r.a.Dir, func(rec *journal.Record) error {
		var e event.Event
		var c event.Command
		switch {
		case rec.Type == journal.Event && e.SetBytes(rec.Payload):
			if (e.Kind == event.Exec || e.Kind == event.DropCopy) && market.ExecType(e.Code) == market.ExecTrade {
				traded[e.Ref] = e.StepTime
			}
		case rec.Type == journal.Command && c.SetBytes(rec.Payload) && c.Kind == event.Alert && c.Child != 0:
			if since := time.Duration(c.StepTime - traded[c.Child]); since > 5*time.Second {
				r.t.Errorf("%v at venue %d was told after %v", c.Reason, c.Venue, since)
			}
			if before, ok := told[c.Venue]; ok {
				r.t.Errorf("venue %d: %v, after %v", c.Venue, c.Reason, before)
			}
			told[c.Venue] = c.Reason
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for v, reason := range want {
		if told[v] != reason {
			r.t.Errorf("venue %d: told %q, want %q", v, told[v], reason)
		}
	}
}
