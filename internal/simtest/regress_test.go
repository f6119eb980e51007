package simtest

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestRegress runs every seed of regress/*.txt: one a line, then what it once found.
func TestRegress(t *testing.T) {
	files, err := filepath.Glob("regress/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no seeds: %v", err)
	}
	r, ran := newRunner(t), 0
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			word, what, _ := strings.Cut(lines.Text(), " ")
			if word == "" || word == "#" {
				continue
			}
			seed, err := strconv.ParseUint(word, 0, 64)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if res := r.Run(seed, Options{}); res.Failure != "" {
				t.Errorf("%s (%s): %s\n\t%s", word, strings.TrimSpace(what), res.Failure, Rerun(seed, nil))
			}
			ran++
		}
	}
	t.Logf("%d seeds", ran)
}
