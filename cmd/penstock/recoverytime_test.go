package main

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"penstock/event"
	"penstock/journal"
	"penstock/market"
	"penstock/router"
	"penstock/router/loop"
)

// TestRecoveryTime says how long a router takes to its state after a day of many events (a
// market order by order, two parents that trade), by replaying all of it and from a snapshot:
// both come to the same state. PENSTOCK_EVENTS sets how many; CI takes few.
func TestRecoveryTime(t *testing.T) {
	events := 100_000
	if n, err := strconv.Atoi(os.Getenv("PENSTOCK_EVENTS")); err == nil {
		events = n
	}
	if testing.Short() {
		events = 20_000
	}
	d := newCrashConfig(t, "book_orders = 262144", "book_orders = 65536")
	dir := filepath.Join(t.TempDir(), "day")
	d.fill(dir, events)
	measure := func(what string) (hash uint64, replayed int) {
		t.Helper()
		began := time.Now()
		r, err := replayJournal(dir)
		if err != nil || r.Mismatch != "" || len(r.refused) > 0 {
			t.Fatalf("%s: %v %s %v", what, err, r.Mismatch, r.refused)
		}
		took := time.Since(began)
		t.Logf("%s: %d events, %d replayed, in %v: %.2f million events a second", what, events, r.Events, took.Round(time.Millisecond),
			float64(events)/took.Seconds()/1e6)
		return r.core.Hash(), r.Events
	}
	quick, few := measure("from a snapshot")
	removeSnapshots(t, dir)
	whole, all := measure("from the first event")
	if quick != whole || few >= all || all != events {
		t.Errorf("states %x and %x, %d and %d of %d events", quick, whole, few, all, events)
	}
}

// fill makes a journal of events in dir, with a snapshot after nine tenths of it.
func (d *crashDay) fill(dir string, events int) {
	t := d.t
	t.Helper()
	build, err := buildHash()
	if err != nil {
		t.Fatal(err)
	}
	w, err := journal.Create(dir, journal.Options{Epoch: 1000, Build: build, Config: sha256.Sum256(d.cfg.Raw)})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.AppendBlob(d.now, blobConfig, d.cfg.Raw); err != nil {
		t.Fatal(err)
	}
	core, err := router.New(&d.cfg.Router)
	if err != nil {
		t.Fatal(err)
	}
	d.seq = loop.NewSequencer(core, w, d.obey)
	for i := range events {
		e := d.next(i)
		if i > 200 && e.Kind == event.Timer { // the market moves instead
			n := uint64(i)
			e = event.Event{Kind: event.OrderAdd, Ref: 1000 + n, Side: market.Buy, Price: 999_000 - 100*market.Price(n%8), Qty: 100, RecvTime: d.now}
			if i%2 == 1 {
				e.Kind, e.Ref = event.OrderDeleted, 1000+n-1
				if d.last != e.Ref {
					e = event.Event{Kind: event.Timer, RecvTime: d.now}
				}
			}
			d.last = e.Ref
		}
		d.now -= 6_990_000 // ten microseconds between events
		d.seq.Take(d.now, &e)
		if d.seq.Err() != nil {
			t.Fatal(d.seq.Err())
		}
		d.hashes = d.hashes[:0]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	snapshotAfter(t, dir, events*9/10)
}

// snapshotAfter writes the snapshot that a shadow would have written after so many events of the
// journal in dir.
func snapshotAfter(t *testing.T, dir string, events int) {
	t.Helper()
	reader, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	h := reader.Header()
	r, done := &rerun{created: h.Created, dir: dir}, false
	if _, err := readAll(reader, func(rec *journal.Record) error {
		if rec.Type == journal.Event && r.Events >= events && !done {
			done = true
			s := snapshotHeader{epoch: h.Epoch, place: reader.Before(), build: h.Build, config: h.Config, policy: h.Policy}
			if _, err := writeSnapshot(dir, s, r.core); err != nil {
				return err
			}
		}
		return r.take(rec)
	}); err != nil || r.Mismatch != "" || !done {
		t.Fatal(err, r.Mismatch, done)
	}
}

// removeSnapshots leaves a restart nothing but the journal in dir.
func removeSnapshots(t *testing.T, dir string) {
	t.Helper()
	paths, err := snapshots(dir)
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, p := range paths {
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
	}
}
