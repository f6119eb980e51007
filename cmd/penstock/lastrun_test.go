package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"penstock/router/loop"
)

// TestALostJournalIsNoNewRun: a router whose journal is gone, or another one's in its place, would know nothing of its
// live orders and take their ClOrdIDs again. The start is refused until a person says that they are settled.
func TestALostJournalIsNoNewRun(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "inline")
	r.send("L-1", 30_000, 3600*time.Second)
	r.until("children", func(s *loop.Sequencer) bool { return len(s.Core().Children()) > 0 })
	r.stop()
	run, kept := r.a.run, filepath.Join(t.TempDir(), "kept")
	if err := os.CopyFS(kept, os.DirFS(r.a.Dir)); err != nil {
		t.Fatal(err)
	}
	start := func(o startOptions) (*assembly, error) {
		cfg := *r.a.cfg
		cfg.Start = o
		return assemble(&cfg)
	}
	later := filepath.Join(filepath.Dir(r.a.Dir), strconv.FormatUint(run+7, 10))
	for what, lose := range map[string]func() error{
		"a segment":   func() error { return os.Remove(filepath.Join(r.a.Dir, "00000001.seg")) },
		"its content": func() error { return errors.Join(os.RemoveAll(r.a.Dir), os.Mkdir(r.a.Dir, 0o700)) },
		"all of it":   func() error { return os.RemoveAll(r.a.Dir) },
		"another one": func() error { return os.CopyFS(later, os.DirFS(kept)) },
	} {
		if err := lose(); err != nil {
			t.Fatal(err)
		}
		_, err := start(startOptions{})
		var exit *exitError
		if !errors.As(err, &exit) || exit.code != exitRefused || !strings.Contains(err.Error(), fmt.Sprint("--new-run ", run)) {
			t.Errorf("%s is lost: %v", what, err)
		}
		if _, err := start(startOptions{newRun: run - 1}); err == nil {
			t.Errorf("%s is lost: settled were the orders of another run", what)
		}
		if err := errors.Join(os.RemoveAll(later), os.RemoveAll(r.a.Dir), os.CopyFS(r.a.Dir, os.DirFS(kept))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(r.a.Dir); err != nil {
		t.Fatal(err)
	}
	a, err := start(startOptions{newRun: run})
	if err != nil {
		t.Fatal(err)
	}
	if last, err := a.cfg.readLastStart(); a.recovered != nil || err != nil || last != (lastStart{Run: a.run}) || a.run <= run {
		t.Errorf("run %d, %+v, %v", a.run, last, err)
	}
	if err := a.stop(); err != nil {
		t.Fatal(err)
	}
	if last, err := a.cfg.readLastStart(); err != nil || last.Run != a.run || last.Flat == "" {
		t.Errorf("stopped with nothing live: %+v, %v", last, err)
	}
}

// TestWhichJournalMustBeThere goes through what a start may find.
func TestWhichJournalMustBeThere(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 2, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		last   lastStart
		dir    string
		newRun uint64
		ok     bool
	}{
		{lastStart{}, "", 0, true}, {lastStart{}, "j/5", 0, true}, // a state folder of a build before
		{lastStart{Run: 5}, "j/5", 0, true}, {lastStart{Run: 5}, "", 0, false}, {lastStart{Run: 5}, "j/4", 0, false}, {lastStart{Run: 5}, "j/6", 0, false},
		{lastStart{Run: 5}, "", 5, true}, {lastStart{Run: 5}, "j/4", 5, true}, {lastStart{Run: 5}, "", 4, false},
		{lastStart{Run: 5, Next: 9}, "j/9", 0, true}, {lastStart{Run: 5, Next: 9}, "j/5", 0, true}, {lastStart{Run: 5, Next: 9}, "", 0, false},
		{lastStart{Run: 5, Flat: "2026-12-01"}, "", 0, true}, {lastStart{Run: 5, Flat: "2026-12-02"}, "", 0, false}, // its ClOrdIDs are of today
		{lastStart{Run: 5, Flat: "2026-12-01", Next: 9}, "", 0, true},
	} {
		cfg := &Config{Start: startOptions{newRun: c.newRun}}
		if err := cfg.sameRun(c.dir, c.last, now); (err == nil) != c.ok {
			t.Errorf("%+v, found %q, said %d: %v", c.last, c.dir, c.newRun, err)
		}
	}
}

// TestADamagedLastStartIsRefused: what cannot be read is no word that there was none.
func TestADamagedLastStartIsRefused(t *testing.T) {
	t.Parallel()
	cfg := &Config{}
	cfg.file.Router.State = t.TempDir()
	for _, text := range []string{"", "5", `{"run":"x"}`, `{"run":5`, "\x00\x00"} {
		if err := os.WriteFile(cfg.lastStartPath(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := cfg.readLastStart(); err == nil || !strings.Contains(err.Error(), "restore it") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
