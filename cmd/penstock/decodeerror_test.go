package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goWords are what a person who wrote a file need not know.
var goWords = regexp.MustCompile(`Go (value|struct)|main\.|destination|interface|map\[|\[\]|u?int(8|16|32|64)|float64`)

// TestDecodersSpeakPlainly: who wrote the wrong type is told what stands there and what is needed, not of Go.
func TestDecodersSpeakPlainly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[router]\nmax_parents = \"x\"":   "line 2: router.max_parents: it is text in quotes: a whole number is needed",
		"[router]\nmax_parents = 1.5":     "line 2: router.max_parents: it is a number: a whole number is needed",
		"[router]\nmax_parents = [1]":     "line 2: router.max_parents: it is a list: a whole number is needed",
		"[router]\njournal = 5":           "line 2: router.journal: it is a whole number: text in quotes is needed",
		"[router]\ncore = true":           "line 2: router.core: it is true or false: a whole number is needed",
		"[controls]\nrestricted = \"A\"":  "line 2: controls.restricted: it is text in quotes: a list is needed",
		"[controls]\nrestricted = [1]":    "line 2: controls.restricted",
		"[[router]]\njournal = \"j\"":     "it is a list of tables, [[name]]: one table, [name], is needed",
		"router = 5":                      "one table, [name], is needed",
		"[instrument]\nsymbol = \"PSTK\"": "a list is needed",
	} {
		_, err := ParseConfig("x.toml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || goWords.MatchString(err.Error()) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]string{
		`{"pages":[[{"cell":0,"confidence":300}]]}`: "a whole number, not negative up to 255 is needed",
		`{"pages":5}`:    "a list of",
		`{"pages":[`:     "it ends in the middle",
		`{"pages":[]} x`: "something follows the table",
	} {
		path := filepath.Join(t.TempDir(), "t.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := importCells(path); err == nil || !strings.Contains(err.Error(), want) || goWords.MatchString(err.Error()) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
