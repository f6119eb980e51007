package tidy

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"
)

const (
	// A product file above lookHardLines is listed, above maxLines refused.
	lookHardLines = 500
	maxLines      = 700

	pinnedQuickfix = "github.com/quickfixgo/quickfix v0.9.10"
)

// checkPins reports a go.mod that does not have the pinned versions. QuickFIX/Go is
// pinned because its guard was proven against this version, and because its list
// of versions cannot be resolved through every proxy.
func checkPins(files []file) (found []string) {
	for i := range files {
		f := &files[i]
		if f.path != "go.mod" {
			continue
		}
		pinned := false
		for n, l := range strings.Split(f.text, "\n") {
			l = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(l), "require "))
			if l == pinnedQuickfix || strings.HasPrefix(l, pinnedQuickfix+" ") {
				pinned = true
			}
			if strings.HasPrefix(l, "replace ") || strings.Contains(l, " => ") {
				found = append(found, finding(f.path, n+1, "replace: a clone must build without neighbours"))
			}
		}
		if !pinned {
			found = append(found, finding(f.path, 1, "%s is not pinned", pinnedQuickfix))
		}
		return found
	}
	return []string{"go.mod is missing"}
}

// checkNotices reports modules of go.mod that the third-party notices do not name.
func checkNotices(files []file) (found []string) {
	var gomod, notices string
	for i := range files {
		switch files[i].path {
		case "go.mod":
			gomod = files[i].text
		case "THIRD_PARTY_NOTICES.md":
			notices = files[i].text
		}
	}
	for n, l := range strings.Split(gomod, "\n") {
		words := strings.Fields(strings.TrimPrefix(l, "require "))
		if len(words) < 2 || !strings.HasPrefix(words[1], "v") {
			continue
		}
		if !strings.Contains(notices, "| "+words[0]+" |") {
			found = append(found, finding("go.mod", n+1, "%s is not in THIRD_PARTY_NOTICES.md", words[0]))
		}
	}
	return found
}

// checkLength reports product files that hold more than one thing can be; long
// lists those that are worth a hard look.
func checkLength(files []file) (found, long []string) {
	for i := range files {
		f := &files[i]
		if !f.isGo() || f.isTest() {
			continue
		}
		n := strings.Count(f.text, "\n")
		switch {
		case n > maxLines:
			found = append(found, finding(f.path, n, "%d lines, at most %d", n, maxLines))
		case n > lookHardLines:
			long = append(long, finding(f.path, n, "%d lines", n))
		}
	}
	return found, long
}

// The words are put together here so that this file does not hold them.
var (
	unfinished = regexp.MustCompile(`\b(` + strings.Join([]string{
		"TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "TB" + "D", "NO" + "COMMIT",
		"DO NOT " + "SUBMIT"}, "|") + `)\b`)
	machinePath = regexp.MustCompile(`(^|[^\w./-])/(` + strings.Join([]string{
		"wo" + "rk", "ro" + "ot", "ho" + "me", "tm" + "p"}, "|") + `)(/[\w.]|$|["'\s:,;)])`)
	registryHost = regexp.MustCompile(`\b(` + strings.Join([]string{
		`proxy\.` + `golang\.org`, `sum\.` + `golang\.org`, `goproxy\.` + `(io|cn)`,
		`index\.` + `docker\.io`, `registry(-1)?\.` + `[\w.-]+`, `gh` + `cr\.io`,
		`pypi` + `\.org`}, "|") + `)\b`)
)

// checkWords reports marks of unfinished work and traces of one machine.
func checkWords(files []file) (found []string) {
	for i := range files {
		f := &files[i]
		for _, rule := range []struct {
			re  *regexp.Regexp
			why string
		}{
			{unfinished, "unfinished work: finish it or open an issue"},
			{machinePath, "path of one machine"},
			{registryHost, "registry host: the environment chooses it"},
		} {
			for _, at := range rule.re.FindAllStringIndex(f.text, -1) {
				word := strings.TrimSpace(f.text[at[0]:at[1]])
				found = append(found, finding(f.path, f.line(at[1]-1), "%q: %s", word, rule.why))
			}
		}
	}
	return found
}

// checkSkips reports tests that skip themselves other than through
// internal/testdata, where the reason is always the same and visible.
func checkSkips(files []file) (found []string) {
	fset := token.NewFileSet()
	for i := range files {
		f := &files[i]
		if !f.isTest() {
			continue
		}
		tree := f.parse(fset)
		if tree == nil {
			continue
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			on, ok := sel.X.(*ast.Ident)
			if !ok || on.Name != "t" && on.Name != "b" && on.Name != "f" && on.Name != "tb" {
				return true
			}
			if name := sel.Sel.Name; name == "Skip" || name == "Skipf" || name == "SkipNow" {
				found = append(found, finding(f.path, fset.Position(call.Pos()).Line,
					"%s.%s: a test skips only through internal/testdata", on.Name, name))
			}
			return true
		})
	}
	return found
}
