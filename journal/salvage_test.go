package journal

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"penstock/event"
)

// A killed process loses nothing that it appended: the last number that it said before
// the kill is there, and what it did not say may be.
func TestKilledProcessLosesNothingThatItAppended(t *testing.T) {
	if dir := os.Getenv(crashDir); dir != "" {
		sayUntilKilled(t, dir)
		return
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for round := range 6 {
		dir, ring := filepath.Join(t.TempDir(), "j"), t.TempDir()
		said := killAfter(t, "TestKilledProcessLosesNothingThatItAppended", dir, ring, 1+rng.Uint64N(40_000))
		opt := testOptions()
		opt.RingDir = ring
		before, _, err := readAll(dir)
		if err != nil {
			t.Fatal(err)
		}
		n, err := Salvage(dir, opt)
		if err != nil {
			t.Fatal(err)
		}
		got, tail, err := readAll(dir)
		if err != nil || tail.State != TailClosed || len(got) != len(before)+n || uint64(len(got)) < said {
			t.Fatalf("round %d: said %d, %d in the files and %d in the ring, %d read, %v, %v", round, said, len(before), n,
				len(got), tail, err)
		}
		checkEvents(t, got)
		if again, err := Salvage(dir, opt); again != 0 || err != nil {
			t.Fatalf("a second time: %d, %v", again, err)
		}
		goOn(t, dir, opt, len(got))
	}
}

// goOn resumes the journal, appends and closes.
func goOn(t *testing.T, dir string, opt Options, n int) {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Resume(r, opt); err == nil {
		t.Fatal("a journal that was not read goes on")
	}
	if err := r.skip(); err != nil {
		t.Fatal(err)
	}
	w, err := Resume(r, opt)
	if err != nil {
		t.Fatal(err)
	}
	if w.Durable() != uint64(n) || w.Unshared() != nil {
		t.Fatalf("durable %d of %d, unshared: %v", w.Durable(), n, w.Unshared())
	}
	for i := range 3000 {
		e := event.Event{Kind: event.ParentNew, Seq: uint64(n + i + 1)}
		for w.Append(Event, 1, e.Bytes()) == ErrFull {
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, tail, err := readAll(dir)
	if err != nil || tail.State != TailClosed || len(got) != n+3000 {
		t.Fatalf("%d records after going on from %d, %v, %v", len(got), n, tail, err)
	}
	checkEvents(t, got)
	if left, _ := os.ReadDir(opt.RingDir); len(left) != 0 {
		t.Fatalf("%v is left", left)
	}
}

func checkEvents(t *testing.T, got []kept) {
	t.Helper()
	for i, k := range got {
		var e event.Event
		if !e.SetBytes([]byte(k.payload)) || e.Seq != uint64(i+1) {
			t.Fatalf("record %d holds event %d", i, e.Seq)
		}
	}
}

// killAfter runs a test of this binary as a child until it has said n, and returns the
// last number that it said.
func killAfter(t *testing.T, name, dir, ring string, n uint64) (said uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+name+"$")
	cmd.Env = append(os.Environ(), crashDir+"="+dir, "PENSTOCK_TEST_RING="+ring)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	take := func() {
		if text, ok := strings.CutPrefix(lines.Text(), "appended "); ok {
			if said, err = strconv.ParseUint(text, 10, 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	for said < n && lines.Scan() {
		take()
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		take()
	}
	cmd.Wait() // "signal: killed"
	return said
}

// sayUntilKilled is the child: it says what it has appended, and never ends.
func sayUntilKilled(t *testing.T, dir string) {
	opt := testOptions()
	opt.RingDir = os.Getenv("PENSTOCK_TEST_RING")
	w, err := Create(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	for e := (event.Event{Kind: event.ParentNew}); ; {
		e.Seq++
		for w.Append(Event, 1, e.Bytes()) == ErrFull {
		}
		if e.Seq%64 == 0 {
			fmt.Printf("appended %d\n", e.Seq)
		}
	}
}

// What is in a ring that is not whole, or another journal's, is refused with its place.
func TestDamagedRingIsRefused(t *testing.T) {
	dir, ring := filepath.Join(t.TempDir(), "j"), t.TempDir()
	opt := testOptions()
	opt.RingDir = ring
	w, err := Create(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	e := event.Event{Kind: event.Timer, Seq: 1}
	if err := w.Append(Event, 1, e.Bytes()); err != nil {
		t.Fatal(err)
	}
	path, err := RingPath(ring, dir)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(b []byte) []byte{
		"empty":         func([]byte) []byte { return nil },
		"cut":           func(b []byte) []byte { return b[:len(b)/2] },
		"magic":         func(b []byte) []byte { b[0]++; return b },
		"size":          func(b []byte) []byte { b[atRingSize+5] = 1; return b },
		"other epoch":   func(b []byte) []byte { b[atRingEpoch]++; return b },
		"other chain":   func(b []byte) []byte { b[atRingChain]++; return b },
		"too much":      func(b []byte) []byte { b[atPublished+7] = 1; return b },
		"behind":        func(b []byte) []byte { b[atMarks+7], b[atMarks+lineBytes+7] = 1, 1; return b },
		"no record":     func(b []byte) []byte { b[atPublished+1] = 1; return b },
		"files behind":  func(b []byte) []byte { b[atMarks+8+2], b[atMarks+lineBytes+8+2] = 1, 1; return b },
		"length":        func(b []byte) []byte { b[ringHead+2] = 0xff; return b },
		"unknown type":  func(b []byte) []byte { b[ringHead+atType] = 77; return b },
		"huge position": func(b []byte) []byte { b[atMarks+6], b[atMarks+lineBytes+6] = 9, 9; return b },
	} {
		b := damage(append([]byte(nil), whole...))
		// The mark is set back, so that the ring says that the files lack its record.
		if len(b) > ringHead && name != "behind" && name != "huge position" {
			clear(b[atMarks : atMarks+8])
			clear(b[atMarks+lineBytes : atMarks+lineBytes+8])
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := Salvage(dir, opt)
		if !errors.Is(err, ErrCorrupt) || n != 0 {
			t.Errorf("%s: %d records, %v", name, n, err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: the ring is gone: %v", name, err)
		}
	}
	if got, tail, err := readAll(dir); len(got) != 1 || tail.State != TailClosed || err != nil {
		t.Errorf("the journal was touched: %d, %v, %v", len(got), tail, err)
	}
}

// Without memory to share, the writer says so and works.
func TestRingFallsBackToTheProcess(t *testing.T) {
	opt := testOptions()
	opt.RingDir = filepath.Join(t.TempDir(), "nowhere")
	w, err := Create(filepath.Join(t.TempDir(), "j"), opt)
	if err != nil {
		t.Fatal(err)
	}
	if w.Unshared() == nil {
		t.Error("a ring in a folder that is not there")
	}
	if err := w.Append(Event, 1, make([]byte, 64)); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}
