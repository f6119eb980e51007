package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"penstock/internal/testdata"
	"penstock/journal"
	"penstock/router/loop"
)

// FM-59: a router whose journal's disk is full says so, goes on for as long as it has kept
// room, then cancels what is open, records that, and ends with 75.
func TestFullJournalDiskEndsInOrder(t *testing.T) {
	t.Parallel()
	disk := testdata.SmallDisk(t, 8)
	r := newDemoRig(t, "inline", func(c *Config) {
		// Half a segment is left when the watch shall see it: two seconds at the rate of this market.
		c.file.Router.Journal, c.file.Router.SegmentBytes = filepath.Join(disk, "j"), 1<<20
		c.file.Router.Reserve = duration(time.Millisecond)
	})
	r.send("D-1", 50_000, 60*time.Second)
	r.until("resting children", func(s *loop.Sequencer) bool {
		return len(s.Core().Parents()) > 0 && s.Core().Parents()[0].Reserved > 1000
	})
	var said lockedLines
	ended := make(chan error, 1)
	r.stopped = true
	go func() { ended <- r.a.serve(make(chan os.Signal), said.say) }()
	other, err := os.Create(filepath.Join(disk, "other"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	block := make([]byte, 4096)
	fill := func(enough func(*unix.Statfs_t) bool) {
		var s unix.Statfs_t
		for err == nil && !enough(&s) {
			if _, err = other.Write(block); err == nil {
				err = unix.Statfs(disk, &s)
			}
		}
		if err != nil && !errors.Is(err, unix.ENOSPC) {
			t.Error(err)
		}
	}
	fill(func(s *unix.Statfs_t) bool { return s.Blocks > 0 && s.Bfree < s.Blocks/10 })
	for len(ended) == 0 && !strings.Contains(said.text(), "less than 10 % free") {
		time.Sleep(10 * time.Millisecond)
	}
	fill(func(*unix.Statfs_t) bool { return false })
	err = <-ended
	r.client.Close()
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != exitTemporary || !errors.Is(err, errDiskFull) {
		t.Fatalf("%v\n%s", err, said.text())
	}
	if text := said.text(); !strings.Contains(text, "less than 10 % free") ||
		!strings.Contains(text, "nothing free, and the reserve ends") {
		t.Errorf("what was said:\n%s", text)
	}
	if n := r.m.open(); n > 0 {
		t.Errorf("%d orders are still open at the venues", n)
	}
	again, err := rerunJournal(r.a.Dir)
	if err != nil || again.Mismatch != "" || again.Tail.State != journal.TailClosed {
		t.Fatalf("journal: %v, %s, %v", err, again.Mismatch, again.Tail)
	}
	if p := again.core.Parents()[0]; p.Reserved != 0 {
		t.Errorf("%d reserved at the end", p.Reserved)
	}
}

// lockedLines keeps what a router says.
type lockedLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *lockedLines) say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *lockedLines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// FM-62: a router whose journal is damaged refuses to start and names the second copy; with
// it the run goes on.
func TestDamagedJournalStartsFromItsMirror(t *testing.T) {
	t.Parallel()
	for _, lost := range []string{"a bit", "a segment"} {
		if testing.Short() && lost == "a segment" {
			continue // the same goroutines
		}
		t.Run(lost, func(t *testing.T) {
			t.Parallel()
			startFromMirror(t, lost)
		})
	}
}

func startFromMirror(t *testing.T, lost string) {
	r := newDemoRig(t, "inline", func(c *Config) { c.file.Router.Mirror = "mirror" })
	r.send("M-1", 30_000, 3600*time.Second)
	r.until("children", func(s *loop.Sequencer) bool { return len(s.Core().Children()) > 3 })
	r.stop()
	if err := r.a.journal.MirrorErr(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(r.a.Dir, "00000001.seg")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if lost == "a segment" {
		if err := os.Rename(path, filepath.Join(r.a.Dir, "00000002.seg")); err != nil {
			t.Fatal(err)
		}
	} else {
		b[len(b)/2] ^= 0x20
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start := func(o startOptions) (*assembly, error) {
		cfg := *r.a.cfg
		cfg.Start = o
		return assemble(&cfg)
	}
	_, err = start(startOptions{})
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != exitRefused || !strings.Contains(err.Error(), "--from-mirror") ||
		!strings.Contains(err.Error(), r.a.cfg.mirrorOf(r.a.Dir)) {
		t.Fatalf("a damaged journal: %v", err)
	}
	a, err := start(startOptions{fromMirror: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.stop(); err != nil {
			t.Error(err)
		}
	}()
	if a.recovered == nil || a.recovered.parents != 1 || a.restored == "" {
		t.Errorf("recovered %v, the damaged one went to %q", a.recovered, a.restored)
	}
	if _, err := os.Stat(a.restored); err != nil {
		t.Error(err)
	}
}

// FM-63: another build with live orders is refused until a person says otherwise.
func TestJournalOfAnotherBuildIsRefused(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "inline")
	r.send("B-1", 30_000, 3600*time.Second)
	r.until("children", func(s *loop.Sequencer) bool { return len(s.Core().Children()) > 0 })
	r.stop()
	rewriteBuild(t, r.a.Dir)
	cfg := *r.a.cfg
	_, err := assemble(&cfg)
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != exitRefused || !strings.Contains(err.Error(), "--other-build") {
		t.Fatalf("%v", err)
	}
	cfg.Start.otherBuild = true
	a, err := assemble(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.stop(); err != nil {
		t.Error(err)
	}
}

// rewriteBuild writes the journal in dir again as another build would have.
func rewriteBuild(t *testing.T, dir string) {
	t.Helper()
	reader, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	h := reader.Header()
	h.Build[0] ^= 1
	fresh := dir + ".other"
	w, err := journal.Create(fresh, journal.Options{Epoch: h.Epoch, Build: h.Build, Config: h.Config, Policy: h.Policy,
		Clock: func() int64 { return h.Created }})
	if err != nil {
		t.Fatal(err)
	}
	_, err = readAll(reader, func(rec *journal.Record) error {
		for {
			if name, data, ok := rec.Name(); ok {
				err = w.AppendBlob(rec.Time, name, data)
			} else {
				err = w.Append(rec.Type, rec.Time, rec.Payload)
			}
			if !errors.Is(err, journal.ErrFull) {
				return err
			}
			time.Sleep(time.Millisecond)
		}
	})
	if err := errors.Join(err, w.Close(), os.RemoveAll(dir), os.Rename(fresh, dir)); err != nil {
		t.Fatal(err)
	}
}
