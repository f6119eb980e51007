package tidy

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func repository(t *testing.T) []file {
	t.Helper()
	_, self, _, _ := runtime.Caller(0)
	files, err := readTree(filepath.Join(filepath.Dir(self), "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d files found", len(files))
	}
	return files
}

func report(t *testing.T, found []string) {
	t.Helper()
	for _, f := range found {
		t.Error(f)
	}
}

func TestImportsObeyTheFloors(t *testing.T)     { report(t, checkFloors(repository(t))) }
func TestPackageNamesSaySomething(t *testing.T) { report(t, checkNames(repository(t))) }
func TestTheCoreIsPure(t *testing.T)            { report(t, checkPurity(repository(t))) }
func TestVersionsArePinned(t *testing.T)        { report(t, checkPins(repository(t))) }
func TestNoticesAreComplete(t *testing.T)       { report(t, checkNotices(repository(t))) }
func TestNoLeftovers(t *testing.T)              { report(t, checkWords(repository(t))) }
func TestSkipsGoThroughTestdata(t *testing.T)   { report(t, checkSkips(repository(t))) }

func TestFilesAreShort(t *testing.T) {
	found, long := checkLength(repository(t))
	report(t, found)
	for _, l := range long {
		t.Log("look hard: " + l)
	}
}

// pure is a source for the package router with one statement in a function.
func pure(imports, body string) []file {
	text := "package router\n"
	for _, i := range strings.Fields(imports) {
		text += fmt.Sprintf("import %q\n", i)
	}
	return []file{{"router/router.go", text + "func f(m map[int]int, n int64) int64 {\n" + body + "\nreturn n\n}\n"}}
}

// Every rule must be able to fail: a source that breaks it, and one beside it that
// does not.
func TestRulesCanFail(t *testing.T) {
	lines := func(path string, n int) []file { return []file{{path, strings.Repeat("\n", n)}} }
	source := func(path, imports string) []file {
		return []file{{path, "package x\nimport _ \"" + imports + "\"\n"}}
	}
	length := func(files []file) []string { found, _ := checkLength(files); return found }
	test := func(body string) []file {
		return []file{{"book/book_test.go", "package book\nfunc TestX(t *testing.T) {\n" + body + "\n}\n"}}
	}
	for _, c := range []struct {
		rule  func([]file) []string
		files []file
		want  string // part of the only finding; "" for none
	}{
		{checkFloors, source("market/a.go", "penstock/event"), "market imports event"},
		{checkFloors, source("event/a.go", "penstock/market"), ""},
		{checkFloors, source("router/a.go", "penstock/venues/itch"), "floors do not allow"},
		{checkFloors, source("router/a.go", "penstock/internal/hist"), "not pure"},
		{checkFloors, source("router/a.go", "penstock/internal/assert"), ""},
		{checkFloors, source("venues/itch/a.go", "penstock/router"), "floors do not allow"},
		{checkFloors, source("venues/itch/a.go", "penstock/venues/wire"), ""},
		{checkFloors, source("venues/firewall/a.go", "penstock/event"), "floors do not allow"},
		{checkFloors, source("venues/firewall/a.go", "penstock/fix"), ""},
		{checkFloors, source("fix/ems/a.go", "penstock/router/loop"), "floors do not allow"},
		{checkFloors, source("journal/a.go", "penstock/router"), "floors do not allow"},
		{checkFloors, source("bench/a.go", "penstock/policy/learn"), "only cmd"},
		{checkFloors, source("cmd/penstock/a.go", "penstock/policy/learn"), ""},
		{checkFloors, source("bench/a_test.go", "penstock/cmd/penstock"), "nothing imports a command"},
		{checkFloors, source("router/a_test.go", "penstock/venues/sim"), ""},
		{checkFloors, source("journal/a.go", "penstock/internal/testdata"), "for tests"},
		{checkFloors, source("attic/a.go", "fmt"), "on no floor"},

		{checkNames, source("fix/util/a.go", "fmt"), "says nothing"},
		{checkNames, source("fix/helper/a.go", "fmt"), "says nothing"},
		{checkNames, source("fix/a.go", "fmt"), ""},

		{checkPurity, pure("time", "n = time.Now().UnixNano()"), "time.Now"},
		{checkPurity, pure("time", "time.Sleep(1)"), "time.Sleep"},
		{checkPurity, pure("time", "clock := time.Since; _ = clock"), "time.Since"},
		{checkPurity, pure("time", "n = time.Unix(0, n).UTC().UnixNano()"), ""},
		{checkPurity, pure("", "go f(m, n)"), "goroutine"},
		{checkPurity, pure("", "select {}"), "select"},
		{checkPurity, pure("", "var c chan int; _ = c"), "channel"},
		{checkPurity, pure("", "for k := range m { n += int64(k) }"), "range over a map"},
		{checkPurity, pure("", "type index map[int]int; for k := range index(m) { n += int64(k) }"), "range over a map"},
		{checkPurity, pure("", "n += int64(m[3]); for i := range 3 { n += int64(i) }"), ""},
		{checkPurity, pure("", "var x float64; _ = x"), "float"},
		{checkPurity, pure("", "x := 0.5; _ = x"), "float"},
		{checkPurity, pure("math", "n = int64(math.Sqrt(2))"), "float"},
		{checkPurity, pure("", "n += 60e9 + int64(1e3)"), ""},
		{checkPurity, pure("math/rand/v2", "n = rand.Int64()"), "math/rand/v2"},
		{checkPurity, pure("crypto/rand", "_ = rand.Reader"), "crypto/rand"},
		{checkPurity, pure("os", "_ = os.Args"), "import of os"},
		{checkPurity, pure("sync", "var w sync.WaitGroup; _ = &w"), "import of sync"},
		{checkPurity, pure("sync/atomic", "var w atomic.Bool; _ = &w"), "import of sync/atomic"},
		{checkPurity, pure("reflect", "_ = reflect.TypeOf(n)"), "import of reflect"},
		{checkPurity, pure("unsafe", "_ = unsafe.Sizeof(n)"), "import of unsafe"},
		{checkPurity, pure("maps", "_ = maps.Keys(m)"), "import of maps"},
		{checkPurity, pure("", "undefined()"), "cannot be type-checked"},
		{checkPurity, []file{{"book/view.go", "package book\nimport \"sync/atomic\"\nvar seq atomic.Uint64\n"}}, ""},
		{checkPurity, []file{{"router/loop/loop.go", "package loop\nfunc f() { go f() }\n"}}, ""},

		{checkPins, []file{{"go.mod", "require (\n\t" + pinnedQuickfix + "\n)\n"}}, ""},
		{checkPins, []file{{"go.mod", "require " + pinnedQuickfix + " // indirect\n"}}, ""},
		{checkPins, []file{{"go.mod", "require " + pinnedQuickfix + "1\n"}}, "not pinned"},
		{checkPins, []file{{"go.mod", "require " + pinnedQuickfix + "\nreplace a => ../a\n"}}, "replace"},
		{checkPins, nil, "go.mod is missing"},

		{checkNotices, []file{{"go.mod", "require (\n\ta.org/b v1.0.0\n)\n"}}, "go.mod:2: a.org/b is not in"},
		{checkNotices, []file{{"go.mod", "require a.org/b v1.0.0\n"},
			{"THIRD_PARTY_NOTICES.md", "| a.org/b | MIT |\n"}}, ""},

		{length, lines("a/a.go", 701), "701 lines"},
		{length, lines("a/a.go", 700), ""},
		{length, lines("a/a_test.go", 2000), ""},

		{checkWords, []file{{"a.md", "one\ntwo TO" + "DO three\n"}}, "a.md:2: \"TO" + "DO\""},
		{checkWords, []file{{"a.go", "// FIX" + "ME later\n"}}, "unfinished"},
		{checkWords, []file{{"a.md", "autoTO" + "DOS and MIC XX" + "XX\n"}}, ""},
		{checkWords, []file{{"a.md", "see /wo" + "rk/main\n"}}, "path of one machine"},
		{checkWords, []file{{"a.go", "\"/tm" + "p/x\"\n"}}, "path of one machine"},
		{checkWords, []file{{"a.sh", "cd /ro" + "ot\n"}}, "path of one machine"},
		{checkWords, []file{{"a.md", "net/wo" + "rk/x and a.b/home/c, ../home/d\n"}}, ""},
		{checkWords, []file{{"a.sh", "GOPROXY=https://proxy." + "golang.org\n"}}, "registry host"},

		{checkSkips, test("t.Skip(\"slow\")"), "t.Skip"},
		{checkSkips, test("if true { t.Run(\"a\", func(t *testing.T) { t.SkipNow() }) }"), "t.SkipNow"},
		{checkSkips, test("s.Skip(3); testdata.Dir(t)"), ""},
	} {
		found := c.rule(c.files)
		text := ""
		if len(c.files) > 0 {
			text = c.files[0].path + ": " + c.files[0].text
		}
		switch {
		case c.want == "" && len(found) > 0:
			t.Errorf("refused: %v\n%.300s", found, text)
		case c.want != "" && len(found) == 0:
			t.Errorf("accepted, want %q:\n%.300s", c.want, text)
		case c.want != "" && !strings.Contains(strings.Join(found, "\n"), c.want):
			t.Errorf("found %v, want %q:\n%.300s", found, c.want, text)
		}
	}
}
