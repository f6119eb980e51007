package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"penstock/event"
	"penstock/journal"
	"penstock/market"
	"penstock/router/loop"
)

// TestAlertsOfTheCoreHaveAnOwner: what the core raises is listed with who has to do what, may
// be acknowledged by a person, which the journal keeps, and outlives the process until then.
func TestAlertsOfTheCoreHaveAnOwner(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "inline")
	say := func(format string, args ...any) {}
	r.a.alarms.listen(say)
	ghost := event.Event{Kind: event.Exec, Venue: 0, Ref: 0, OrderRef: 77, Code: uint8(market.ExecOrderStatus), OrdStatus: market.StatusNew,
		Side: market.Buy, Qty: 100, RecvTime: clock()}
	for range 5 {
		if !r.a.push(&ghost) {
			t.Fatal("the operator's queue is full")
		}
		ghost.OrderRef++
	}
	r.until("quarantine", func(s *loop.Sequencer) bool { return s.Core().Gate().Quarantined(0) })
	id := ""
	for deadline := time.Now().Add(10 * time.Second); id == ""; time.Sleep(time.Millisecond) {
		r.a.sayMoves(say)
		for _, al := range r.a.alarms.all() {
			if al.Kind == "venue LITA" && al.Owner == "desk" && strings.Contains(al.Do, "ctl venue NAME on") {
				id = fmt.Sprint(al.ID)
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no alert: %+v", r.a.alarms.all())
		}
	}
	if out := r.ctlOf(0, "alerts"); !strings.Contains(out, "ctl venue NAME on") {
		t.Error(out)
	}
	state := r.a.cfg.at(r.a.cfg.file.Router.State)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if text, _ := os.ReadFile(filepath.Join(state, "alerts.jsonl")); strings.Contains(string(text), "venue LITA") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the alert is not in the file")
		}
	}
	open := func() int {
		again, err := openAlarms(state, "desk")
		if err != nil {
			t.Fatal(err)
		}
		defer again.close()
		return len(again.all())
	}
	before := open()
	r.ctlOf(0, "ack", id, "--reason", "called the venue")
	if after := open(); before == 0 || after != before-1 {
		t.Errorf("%d alerts are open after a restart, %d after one was acknowledged", before, after)
	}
	r.until("the acknowledgement is on disk", func(s *loop.Sequencer) bool {
		found := false
		_, err := eachRecord(r.a.Dir, func(rec *journal.Record) error {
			found = found || rec.Type == journal.Blob && strings.Contains(string(rec.Payload), `"reason":"called the venue"`)
			return nil
		})
		return err == nil && found
	})
}
