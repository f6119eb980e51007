package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"penstock/event"
	"penstock/policy"
	"penstock/router/loop"
)

// tables returns two tables that differ, as files.
func tables(t *testing.T) (files [2][]byte, decoded [2]*policy.Table) {
	t.Helper()
	for i := range files {
		table, err := policy.BuildBaseline(policy.BuildOptions{Version: fmt.Sprint("swap ", i), NotAfter: 1 << 62})
		if err != nil {
			t.Fatal(err)
		}
		if files[i], err = policy.Encode(table, nil); err != nil {
			t.Fatal(err)
		}
		if decoded[i], err = policy.Decode(files[i], clock(), policy.LoadOptions{AllowUnsigned: true}); err != nil {
			t.Fatal(err)
		}
	}
	return files, decoded
}

// A thousand swaps while an order works: each decision is by the table in force, no quantity
// is lost, and the journal gives the same state again (FM-66).
func TestPolicySwapsUnderLoad(t *testing.T) {
	t.Parallel()
	files, decoded := tables(t)
	r := newDemoRig(t, "threaded", often)
	r.send("P-1", 8_000, 6*time.Second)
	r.until("children", func(s *loop.Sequencer) bool { return len(s.Core().Children()) > 0 })
	path := r.a.cfg.at(r.a.cfg.Policy.Table)
	var said lockedLines
	swaps := 1000
	if testing.Short() {
		swaps = 100
	}
	for n := range swaps {
		if n%100 != 0 { // most without reading the file again
			if _, err := r.a.putInForce(decoded[n%2], files[n%2]); err != nil {
				t.Fatalf("swap %d: %v", n, err)
			}
			continue
		}
		if err := os.WriteFile(path, files[n%2], 0o600); err != nil {
			t.Fatal(err)
		}
		r.a.swapPolicy(said.say)
	}
	if n := strings.Count(said.text(), "is in force from event"); n != swaps/100 || r.a.swaps.refused.Load() != 0 {
		t.Fatalf("%d of %d files were taken:\n%s", n, swaps/100, said.text())
	}
	r.finish("P-1")
	if p := r.a.shadow.failed.Load(); p != nil {
		t.Fatal(*p)
	}
	again, err := rerunJournal(r.a.Dir)
	if err != nil || again.Mismatch != "" {
		t.Fatalf("%v %s", err, again.Mismatch)
	}
	if n := again.core.Counters.PolicySwaps; n != uint64(swaps) {
		t.Errorf("%d swaps in the journal", n)
	}
	quick, err := replayJournal(r.a.Dir)
	if err != nil || quick.core.Hash() != again.core.Hash() || quick.core.Policy() != sha256.Sum256(files[(swaps-1)%2]) {
		t.Errorf("from a snapshot: %v, policy %x", err, quick.core.Policy())
	}
}

// Each of many bad files is refused with its reason and counted; the table in force stays.
func TestBadPolicyFilesLeaveTheTableInForce(t *testing.T) {
	files, _ := tables(t)
	r := newDemoRig(t, "threaded")
	path := r.a.cfg.at(r.a.cfg.Policy.Table)
	var said lockedLines
	if err := os.WriteFile(path, files[0], 0o600); err != nil {
		t.Fatal(err)
	}
	r.a.swapPolicy(said.say)
	want := [32]byte(sha256.Sum256(files[0]))
	refused := uint64(0)
	offer := func(what string, b []byte) {
		t.Helper()
		refused++
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		said = lockedLines{}
		r.a.swapPolicy(said.say)
		text := said.text()
		if r.a.swaps.refused.Load() != refused || !strings.Contains(text, "the current table stays: ") ||
			len(text) < len("policy: ALERT: not taken, the current table stays: ")+10 {
			t.Fatalf("%s: %d refused, said %q", what, r.a.swaps.refused.Load(), text)
		}
	}
	good := files[1]
	change := func(at int, bit byte) []byte {
		b := append([]byte(nil), good...)
		b[at] ^= bit
		return b
	}
	offer("empty", nil)
	offer("text", []byte("these are weights: 1 2 NaN"))
	offer("json", []byte(`{"weights":[1,1],"weights":[2,2]}`))
	offer("a byte more", append(append([]byte(nil), good...), 0))
	for n := range 20 {
		offer(fmt.Sprintf("cut at %d/20", n), good[:len(good)*n/20+n])
	}
	for n := range 24 { // the header, one byte in each of its fields
		offer(fmt.Sprintf("header byte %d", n*10), change(n*10, 1))
	}
	for n := range 16 {
		offer(fmt.Sprintf("a bit in part %d", n), change(256+(len(good)-256)*n/16, 0x10))
	}
	expired, err := policy.BuildBaseline(policy.BuildOptions{Version: "old", NotBefore: 1, NotAfter: 2})
	if err != nil {
		t.Fatal(err)
	}
	b, err := policy.Encode(expired, nil)
	if err != nil {
		t.Fatal(err)
	}
	offer("expired", b)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	refused++
	r.a.swapPolicy(said.say)
	if refused < 60 || r.a.swaps.refused.Load() != refused {
		t.Errorf("%d files, %d refused", refused, r.a.swaps.refused.Load())
	}
	r.until("the table stays", func(s *loop.Sequencer) bool {
		return s.Core().Policy() == want && s.Core().Counters.PolicySwaps == 1
	})
}

// A swap that the core is told of without its table is a broken promise of ours.
func TestSwapNamesAnOfferedTable(t *testing.T) {
	e := event.Event{}
	sum := sha256.Sum256([]byte("x"))
	e.SetPolicyHash(sum)
	if e.PolicyHash() != sum || e.Kind != event.PolicySwap {
		t.Errorf("%x", e.PolicyHash())
	}
}
