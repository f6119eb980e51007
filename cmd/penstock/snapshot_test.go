package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"penstock/event"
	"penstock/internal/mutate"
	"penstock/journal"
	"penstock/router/loop"
)

// often makes a router's shadow write a snapshot after every thousand events.
func often(c *Config) { c.file.Router.SnapshotEvents = 1000 }

// awaitSnapshots waits until the shadow has written n.
func (r *demoRig) awaitSnapshots(n uint64) {
	r.t.Helper()
	for began := time.Now(); r.a.shadow.written.Load() < n; time.Sleep(5 * time.Millisecond) {
		if p := r.a.shadow.failed.Load(); p != nil {
			r.t.Fatal(*p)
		}
		if time.Since(began) > 30*time.Second {
			r.t.Fatalf("%d snapshots, %v", r.a.shadow.written.Load(), r.a.shadow.snapError.Load())
		}
	}
}

// A run goes on from its newest snapshot with the very state that a replay of everything gives;
// a damaged one is refused, counted and told, and an older one or the journal takes its place.
func TestRunGoesOnFromItsSnapshots(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "threaded", often)
	r.send("S-1", 40_000, 3600*time.Second)
	r.until("children", func(s *loop.Sequencer) bool { return len(s.Core().Children()) > 2 })
	r.awaitSnapshots(3)
	r.stop()
	if p := r.a.shadow.failed.Load(); p != nil {
		t.Fatalf("the shadow: %v", *p)
	}
	dir := r.a.Dir
	paths, err := snapshots(dir)
	if err != nil || len(paths) != snapshotsKept {
		t.Fatalf("%v, %v", paths, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.new")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	whole, err := rerunJournal(dir)
	if err != nil || whole.Mismatch != "" {
		t.Fatalf("%v %s", err, whole.Mismatch)
	}
	check := func(what string, from string, refused int) *recovery {
		t.Helper()
		got, err := replayJournal(dir)
		if err != nil || got.Mismatch != "" {
			t.Fatalf("%s: %v %s", what, err, got.Mismatch)
		}
		if got.core.Hash() != whole.core.Hash() || got.core.Seq() != whole.core.Seq() {
			t.Errorf("%s: state %x after event %d, a replay of everything gives %x after %d", what, got.core.Hash(), got.core.Seq(),
				whole.core.Hash(), whole.core.Seq())
		}
		if len(got.refused) != refused {
			t.Errorf("%s: refused %v", what, got.refused)
		}
		switch {
		case from == "" && got.from != nil:
			t.Errorf("%s: it began after event %d", what, got.from.event)
		case from != "" && (got.from == nil || !strings.HasSuffix(from, "snap") || got.Events >= whole.Events):
			t.Errorf("%s: %d of %d events replayed", what, got.Events, whole.Events)
		}
		return got
	}
	first := check("sound", paths[0], 0)
	if n := len(first.reports); n == 0 || first.clients[0].Reports == 0 {
		t.Errorf("%d reports for clients", n)
	}
	damage := func(path string, at int64) {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[(at+int64(len(b)))%int64(len(b))] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	damage(paths[0], -20)
	if got := check("a bit of the newest state", paths[1], 1); !errors.Is(got.refused[0], errSnapshot) {
		t.Error(got.refused)
	}
	damage(paths[1], 40)
	check("and a bit of the header of the next", paths[2], 2)
	if err := os.Truncate(paths[2], snapshotHead+100); err != nil {
		t.Fatal(err)
	}
	check("and the last one cut", "", 3)
	// The whole router starts with it and says so.
	cfg := *r.a.cfg
	a, err := assemble(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	if text := a.recovered.String(); strings.Count(text, "snapshot refused") != 3 {
		t.Errorf("it says %q", text)
	}
	if err := a.stop(); err != nil {
		t.Error(err)
	}
	if p := a.shadow.failed.Load(); p != nil {
		t.Errorf("the shadow of a run that goes on: %v", *p)
	}
}

// A shadow that comes to something else latches the gateways, has the core killed and keeps
// both states.
func TestShadowThatDiffersStopsTrading(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "threaded")
	r.send("S-2", 20_000, 60*time.Second)
	r.until("children", func(s *loop.Sequencer) bool { return len(s.Core().Children()) > 2 })
	// A record that the core never answered with: as a bit that changed in its memory.
	r.a.loop.Inspect(func(s *loop.Sequencer) {
		c := event.Command{Kind: event.StateHash, Cause: s.Seq(), Ref: 4711}
		if err := r.a.journal.Append(journal.Command, s.Now(), c.Bytes()); err != nil {
			t.Error(err)
		}
	})
	r.until("killed", func(s *loop.Sequencer) bool { return s.Core().Gate().Latched(0xff) })
	if !r.a.latch.Stopped(0) {
		t.Error("the gateways are not latched")
	}
	var said lockedLines
	for began := time.Now(); said.text() == "" && time.Since(began) < 10*time.Second; time.Sleep(5 * time.Millisecond) {
		r.a.sayShadow(said.say)
	}
	live, _ := filepath.Glob(filepath.Join(r.a.Dir, "state-live-*.bin"))
	shadow, _ := filepath.Glob(filepath.Join(r.a.Dir, "state-shadow-*.bin"))
	if len(live) != 1 || len(shadow) != 1 || !strings.Contains(said.text(), live[0]) || !strings.Contains(said.text(), shadow[0]) {
		t.Errorf("states %v %v, said %q", live, shadow, said.text())
	}
}

// Without a shadow nothing is written, and a run goes on all the same.
func TestShadowCanBeOff(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "inline", func(c *Config) { c.file.Router.Shadow = shadowOff })
	r.stop()
	if r.a.shadow != nil {
		t.Error("there is a shadow")
	}
	if got, err := replayJournal(r.a.Dir); err != nil || got.from != nil {
		t.Error(got.from, err)
	}
}

// FuzzSnapshot gives recovery files that are no snapshots: each is refused as one.
func FuzzSnapshot(tf *testing.F) {
	f := mutate.New(tf)
	h := snapshotHeader{epoch: 7, place: journal.Place{Segment: 1, Offset: 4096}, event: 3, bytes: 4}
	f.Add(append(h.encode(), 1, 2, 3, 4))
	f.Add([]byte(snapshotMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, saved, err := parseSnapshot(b)
		if err != nil && !errors.Is(err, errSnapshot) {
			t.Fatal(err)
		}
		if err == nil && uint64(len(saved)) != got.bytes {
			t.Fatal("its length was not checked")
		}
	})
}
