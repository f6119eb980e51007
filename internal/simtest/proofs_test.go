package simtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryFailureModeIsProvenSomewhere looks for the tests that the table names, and for
// failure modes that have neither a marker nor a test.
func TestEveryFailureModeIsProvenSomewhere(t *testing.T) {
	names := map[string]map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for id := 1; id < markerCount; id++ {
		p := &proofs[id]
		if id > 80 && p.what == "" {
			continue // a number that nobody has taken
		}
		if !p.marker && len(p.tests) == 0 && p.lacks == "" {
			t.Errorf("FM-%02d (%s) is proven nowhere", id, p.what)
		}
		if p.lacks != "" {
			t.Logf("FM-%02d (%s): %s", id, p.what, p.lacks)
		}
		for _, test := range p.tests {
			folder, name, _ := strings.Cut(test, " ")
			if names[folder] == nil {
				names[folder] = map[string]bool{}
				files, _ := filepath.Glob(filepath.Join("../..", folder, "*_test.go"))
				for _, file := range files {
					text, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					for _, m := range declared.FindAllSubmatch(text, -1) {
						names[folder][string(m[1])] = true
					}
				}
			}
			if !names[folder][name] {
				t.Errorf("FM-%02d (%s): there is no %s in %s", id, p.what, name, folder)
			}
		}
	}
}
