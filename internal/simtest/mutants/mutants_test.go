package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestEveryMutantStillApplies keeps the table in step with the code that it changes.
func TestEveryMutantStillApplies(t *testing.T) {
	if err := os.Chdir("../../.."); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i := range mutants {
		m := &mutants[i]
		if seen[m.name] {
			t.Errorf("two mutants are called %q", m.name)
		}
		seen[m.name] = true
		if _, err := m.patch(); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
	texts, err := weave(mutants)
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, text := range texts {
		all += text
	}
	for n := range mutants {
		if !strings.Contains(all, fmt.Sprintf("planted == %d {", n+1)) {
			t.Errorf("%s is in no file", mutants[n].name)
		}
	}
	if len(mutants) < 25 {
		t.Errorf("%d mutants, at least 25 are wanted", len(mutants))
	}
}
