package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// record is one line of go test -json, see go doc test2json.
type record struct {
	Action     string
	Package    string
	ImportPath string // of build records
	Test       string
	Output     string
	Elapsed    float64 // seconds
}

// tally counts the outcomes of tests while it reads them.
type tally struct {
	w                       io.Writer
	passed, failed, skipped int
	output                  map[string]*strings.Builder // by package and test, while it runs
	counts                  map[string]*counts          // by package
	skips                   []string
}

type counts struct{ passed, failed, skipped int }

func newTally(w io.Writer) *tally {
	return &tally{w: w, output: map[string]*strings.Builder{}, counts: map[string]*counts{}}
}

// read takes the output of go test -json to its end. What is not JSON is printed.
func (t *tally) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var rec record
		if json.Unmarshal(lines.Bytes(), &rec) != nil || rec.Action == "" {
			fmt.Fprintln(t.w, lines.Text())
			continue
		}
		t.add(&rec)
	}
	return lines.Err()
}

func (t *tally) line() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.passed, t.failed, t.skipped)
}

func (t *tally) add(r *record) {
	if r.Action == "build-output" {
		fmt.Fprint(t.w, r.Output)
		return
	}
	key := r.Package + " " + top(r.Test)
	switch r.Action {
	case "output":
		if t.output[key] == nil {
			t.output[key] = &strings.Builder{}
		}
		t.output[key].WriteString(r.Output)
	case "pass", "fail", "skip":
		if r.Test != top(r.Test) {
			return // a subtest
		}
		text := ""
		if b := t.output[key]; b != nil {
			text = b.String()
			delete(t.output, key)
		}
		if r.Test == "" {
			t.endPackage(r, text)
		} else {
			t.endTest(r, text)
		}
	}
}

// top returns the test that a subtest belongs to.
func top(test string) string {
	name, _, _ := strings.Cut(test, "/")
	return name
}

func (t *tally) of(pkg string) *counts {
	if t.counts[pkg] == nil {
		t.counts[pkg] = &counts{}
	}
	return t.counts[pkg]
}

func (t *tally) endTest(r *record, text string) {
	c := t.of(r.Package)
	switch r.Action {
	case "pass":
		t.passed++
		c.passed++
	case "fail":
		t.failed++
		c.failed++
		fmt.Fprint(t.w, text)
	case "skip":
		t.skipped++
		c.skipped++
		t.skips = append(t.skips, fmt.Sprintf("skipped %s %s: %s", r.Package, r.Test, reason(text)))
	}
}

// reason finds what a skipped test said.
func reason(text string) string {
	for _, l := range strings.Split(text, "\n") {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "===") && !strings.HasPrefix(l, "---") {
			return l
		}
	}
	return "no reason given"
}

func (t *tally) endPackage(r *record, text string) {
	c := t.of(r.Package)
	elapsed := time.Duration(r.Elapsed * float64(time.Second)).Round(10 * time.Millisecond)
	switch {
	case r.Action == "skip":
		fmt.Fprintf(t.w, "  -  %s: no tests\n", r.Package)
	case r.Action == "fail" && c.failed == 0:
		t.failed++
		fmt.Fprint(t.w, text)
		fmt.Fprintf(t.w, "FAIL %s: the package did not run to its end\n", r.Package)
	case r.Action == "fail":
		fmt.Fprintf(t.w, "FAIL %s: %d passed, %d failed (%v)\n", r.Package, c.passed, c.failed, elapsed)
	default:
		fmt.Fprintf(t.w, " ok  %s: %d passed (%v)\n", r.Package, c.passed, elapsed)
	}
	for _, s := range t.skips {
		fmt.Fprintln(t.w, s)
	}
	t.skips = t.skips[:0]
}
