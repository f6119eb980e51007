package main

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"penstock/event"
	"penstock/fix"
	"penstock/journal"
	"penstock/market"
	"penstock/router"
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
	r, err := a.recover(table, lastStart{})
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

// TestSessionsAskForWhatTheJournalLacks follows the number of a venue's last message from the journal to
// its two sessions: they have read further than a run that goes on knows.
func TestSessionsAskForWhatTheJournalLacks(t *testing.T) {
	dir := t.TempDir()
	o := demoOptions{symbol: "PSTK", seed: 3, copies: true, table: baselineFile(t, t.TempDir())}
	m, err := startDemoMarket(o, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	cfg, err := demoConfig(o, m, dir)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Router.Table, _, err = cfg.readTable(clock()); err != nil {
		t.Fatal(err)
	}
	r := &recovery{}
	r.tellAll()
	for _, said := range []struct {
		kind   event.Kind
		venue  market.VenueID
		number uint64
	}{
		{event.VenueSession, 0, 3}, {event.Exec, 0, 11}, {event.OrderCancelReject, 0, 12}, {event.VenueSession, 0, 0}, // it went down
		{event.DropCopySession, 0, 4}, {event.DropCopy, 0, 21}, {event.Exec, 1, 17}, {event.QuoteAnswer, 0, 99},
	} {
		e := event.Event{Kind: said.kind, Venue: said.venue}
		if e.SetMsgSeqNum(said.number); said.kind == event.Exec && said.venue == 0 {
			e.SetSent(2000)
		}
		r.told.event(&e)
	}
	for _, kind := range []event.CommandKind{event.SendOrder, event.Report, event.SendCancel, event.Alert, event.SendStatus} {
		r.told.command(&event.Command{Kind: kind}) // to venue 0, three of them
	}
	a := &assembly{cfg: cfg, recovered: r, life: &life{hostDied: true}}
	if a.core, err = router.New(&cfg.Router); err != nil {
		t.Fatal(err)
	}
	if err := a.openFirewall(); err != nil {
		t.Fatal(err)
	}
	sink := func(*event.Event) bool { return true }
	state := cfg.at(cfg.file.Router.State)
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	const more = fix.HostAhead
	for i, want := range [][2]uint64{{2001 + 3 + more, 13}, {1 + more, 18}} {
		name := cfg.Router.Venues[i].Name
		numbersAt(t, filepath.Join(state, "seq-"+name), 500)
		g, err := a.openGateway(i, sink)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		if out, in := numbersIn(t, filepath.Join(state, "seq-"+name)); out != want[0] || in != want[1] {
			t.Errorf("%s: orders go on with our message %d, the venue's %d; want %d", name, out, in, want)
		}
	}
	copies := filepath.Join(state, "copy-"+cfg.Router.Venues[0].Name)
	numbersAt(t, copies, 500)
	g, err := a.openDropCopy(0, sink)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if out, in := numbersIn(t, copies); out != 1+more || in != 22 {
		t.Errorf("drop copy: it goes on with our message %d, the venue's %d", out, in)
	}
}

// numbersAt makes the file of a session that waits for inbound message next.
func numbersAt(t *testing.T, path string, next uint64) {
	t.Helper()
	s, err := fix.OpenStore(path)
	if err == nil {
		err = errors.Join(s.Resume(1, next), s.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// numbersIn returns the numbers with which the session of the file at path goes on.
func numbersIn(t *testing.T, path string) (out, in uint64) {
	t.Helper()
	s, err := fix.OpenStore(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return s.Next()
}
