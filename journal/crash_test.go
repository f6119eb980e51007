package journal

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"penstock/event"
)

const crashDir = "PENSTOCK_TEST_JOURNAL"

// A killed process loses nothing that it called durable, and leaves no damage.
func TestKilledProcessKeepsWhatWasDurable(t *testing.T) {
	if dir := os.Getenv(crashDir); dir != "" {
		appendUntilKilled(t, dir)
		return
	}
	for round := range 3 {
		dir := filepath.Join(t.TempDir(), "j")
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledProcessKeepsWhatWasDurable$")
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		durable, lines := uint64(0), bufio.NewScanner(out)
		for durable < uint64(1000*(round+1)) && lines.Scan() {
			if n, ok := strings.CutPrefix(lines.Text(), "durable "); ok {
				if durable, err = strconv.ParseUint(n, 10, 64); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // "signal: killed"
		got, tail, err := readAll(dir)
		if err != nil || tail.State == TailClosed || uint64(len(got)) < durable || durable == 0 {
			t.Fatalf("%d durable, %d read, tail %v, %v", durable, len(got), tail, err)
		}
		for i, k := range got {
			var e event.Event
			if !e.SetBytes([]byte(k.payload)) || e.Seq != uint64(i+1) {
				t.Fatalf("record %d holds event %d", i, e.Seq)
			}
		}
	}
}

// appendUntilKilled is the child: it says what is durable, and never ends.
func appendUntilKilled(t *testing.T, dir string) {
	var w *Writer
	started := make(chan struct{})
	opt := testOptions()
	opt.OnDurable = func() {
		<-started
		fmt.Printf("durable %d\n", w.Durable())
	}
	w, err := Create(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	close(started)
	for e := (event.Event{Kind: event.ParentNew}); ; {
		e.Seq++
		for w.Append(Event, 1, e.Bytes()) == ErrFull {
		}
	}
}
