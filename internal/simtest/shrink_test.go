package simtest

import (
	"strings"
	"testing"
)

// TestCanaryIsReported lets venues execute a share that nobody is told of, and demands that
// the harness says so, makes it small, and repeats it from the line that it prints.
func TestCanaryIsReported(t *testing.T) {
	r := newRunner(t)
	found := 0
	for seed := uint64(1); found < 3; seed++ {
		opt := Options{Canary: true}
		res := r.Run(seed, opt)
		if res.Failure == "" {
			if seed > 20 {
				t.Fatal("twenty canaries were not reported")
			}
			continue // nothing was executed
		}
		found++
		if !strings.Contains(res.Failure, "venues") {
			t.Fatalf("seed %d: %s", seed, res.Failure)
		}
		drop, small := r.Shrink(res, opt, 4000)
		if n := drop.kept(); n > 30 {
			t.Errorf("seed %d: %d choices are left, at most 30 are wanted", seed, n)
		}
		line := Rerun(seed, drop)
		_, text, _ := strings.Cut(line, "-drop=")
		again, err := ParseDrop(text, res.Choices)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		opt.Drop = again
		if res := r.Run(seed, opt); res.Failure != small.Failure || res.Hash != small.Hash {
			t.Errorf("%s gives %q, not %q", line, res.Failure, small.Failure)
		}
		t.Logf("%d events, %d of %d choices: %s -canary", small.Events, drop.kept(), res.Choices, line)
	}
}

func TestDropReadsBack(t *testing.T) {
	for _, text := range []string{"", "0", "3,7-90,400-", "0-", "1-2,4"} {
		d, err := ParseDrop(text, 1000)
		if err != nil || d.String() != text {
			t.Errorf("%q reads back as %q, %v", text, d, err)
		}
	}
	for _, text := range []string{"x", "5-3", "-", "1,,2"} {
		if _, err := ParseDrop(text, 1000); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// TestSameSeedSameHash runs seeds twice, between others.
func TestSameSeedSameHash(t *testing.T) {
	a, b := newRunner(t), newRunner(t)
	for seed := uint64(1); seed <= 40; seed++ {
		first := a.Run(seed, Options{})
		b.Run(seed+1000, Options{})
		if second := b.Run(seed, Options{}); first.Hash != second.Hash || first.Events != second.Events {
			t.Errorf("seed %d: %016x after %d events, then %016x after %d", seed, first.Hash, first.Events, second.Hash, second.Events)
		}
	}
}
