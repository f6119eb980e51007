package main

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"penstock/event"
	"penstock/journal"
	"penstock/market"
)

// The process was killed between an event and what it led to, and its ring was brought in,
// which ends the journal as if in order: the run goes on, and what was missing is recorded.
func TestRunGoesOnWithoutWhatItsLastEventLedTo(t *testing.T) {
	cfg := unstarted(t)
	_, table, err := cfg.readTable(clock())
	if err != nil {
		t.Fatal(err)
	}
	const epoch = 4711
	root := cfg.at(cfg.file.Router.Journal)
	if err := os.MkdirAll(root, 0o700); err != nil {
		t.Fatal(err)
	}
	run := filepath.Join(root, strconv.Itoa(epoch))
	w, err := journal.Create(run, journal.Options{Epoch: epoch, Config: sha256.Sum256(cfg.Raw), Policy: sha256.Sum256(table)})
	if err != nil {
		t.Fatal(err)
	}
	order := event.Event{Kind: event.ParentNew, Seq: 2, Ref: 2, Side: market.Buy, Qty: 100, OrdType: market.OrdMarket,
		TIF: market.TIFDay, Strategy: event.StrategySweep}
	order.ID, _ = event.MakeID("LAST")
	for _, e := range []event.Event{{Kind: event.SessionStart, Seq: 1, Ref: epoch}, order} {
		if e.StepTime = clock(); e.Seq == 1 {
			if err := w.AppendBlob(e.StepTime, blobConfig, cfg.Raw); err != nil {
				t.Fatal(err)
			}
			if err := w.AppendBlob(e.StepTime, blobTable, table); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Append(journal.Event, e.StepTime, e.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	a := &assembly{cfg: cfg}
	r, err := a.recover(table)
	if err != nil || r == nil {
		t.Fatalf("%v, %v", r, err)
	}
	if w, err = r.resume(journal.Options{}); err != nil {
		t.Fatal(err)
	}
	if len(r.reports) != 1 || r.reports[0].ID != order.ID || r.clients[0].Reports != 1 || r.clients[0].LastSeq != 2 {
		t.Errorf("clients are told %+v, %+v", r.reports, r.clients)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := rerunJournal(run)
	if err != nil || again.Mismatch != "" || again.Commands != 1 || again.Tail.State != journal.TailClosed {
		t.Errorf("%d commands, %q, %v, %v", again.Commands, again.Mismatch, again.Tail, err)
	}
}
