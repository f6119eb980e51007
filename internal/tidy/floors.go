package tidy

import (
	"go/token"
	"path"
	"strconv"
	"strings"
)

const module = "penstock"

// floors says what each package may import of this module, in the order of the
// architecture: lower floors first. A pattern ends in /... to mean everything
// below. A package finds the most exact line; one without a line is refused.
//
// Do not change this table to make a build pass.
const floors = `
market:
event:               market
book:                market event
policy:              market event
policy/learn:        market event policy journal
policy/model:        market policy
router/risk:         market event book policy
router:              market event book policy router/risk
router/loop:         market event book policy router/risk router journal venues/wire
router/rehearsal:    market event book policy router/risk router router/loop journal fix venues/...

fix:                 market event
fix/ems/...:         market event fix fix/ems/...
venues/firewall:     market fix
venues/...:          market event book fix venues/...
journal:             market event
tca:                 market event book policy journal
trial:               market event book policy router/risk router venues/sim
console:             market event book policy tca

cmd/...:             *
bench:               *

internal/emsclient:  market event fix
internal/simtest:    *
internal/...:
`

// foundation may be imported from every floor: it knows nothing of trading.
var foundation = []string{"internal/assert", "internal/ring", "internal/hist", "internal/state", "internal/warm"}

// impureFoundation is what the pure packages may not take from it.
var impureFoundation = []string{"internal/hist", "internal/ring"}

type floor struct {
	pattern string
	allowed []string
}

func parseFloors(text string) (all []floor) {
	for _, l := range strings.Split(text, "\n") {
		name, list, ok := strings.Cut(l, ":")
		if ok {
			all = append(all, floor{name, strings.Fields(list)})
		}
	}
	return all
}

func matches(pattern, pkg string) bool {
	if pattern == "*" || pattern == pkg {
		return true
	}
	below, ok := strings.CutSuffix(pattern, "/...")
	return ok && (pkg == below || strings.HasPrefix(pkg, below+"/"))
}

func matchesAny(patterns []string, pkg string) bool {
	for _, p := range patterns {
		if matches(p, pkg) {
			return true
		}
	}
	return false
}

// floorOf returns the line of pkg: the longest pattern that matches.
func floorOf(all []floor, pkg string) *floor {
	var best *floor
	for i := range all {
		f := &all[i]
		if !matches(f.pattern, pkg) {
			continue
		}
		if best == nil || f.pattern == pkg || len(f.pattern) > len(best.pattern) {
			best = f
		}
	}
	return best
}

// checkFloors reports imports that the table does not allow. Tests may import
// what they need, except that nothing imports a command.
func checkFloors(files []file) (found []string) {
	table := parseFloors(floors)
	fset := token.NewFileSet()
	for i := range files {
		f := &files[i]
		if !f.isGo() || strings.HasPrefix(f.path, "export/") { // another module
			continue
		}
		tree := f.parse(fset)
		if tree == nil {
			continue
		}
		pkg := f.folder()
		own := floorOf(table, pkg)
		if own == nil {
			found = append(found, finding(f.path, 1, "package %s is on no floor", pkg))
			continue
		}
		for _, spec := range tree.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			target, ok := strings.CutPrefix(imported, module+"/")
			if !ok {
				continue
			}
			if why := refuseImport(own, pkg, target, f.isTest()); why != "" {
				line := fset.Position(spec.Pos()).Line
				found = append(found, finding(f.path, line, "%s imports %s: %s", pkg, target, why))
			}
		}
	}
	return found
}

func refuseImport(own *floor, pkg, target string, test bool) string {
	switch {
	case matches("cmd/...", target):
		return "nothing imports a command"
	case test:
		return ""
	case target == "policy/learn" && !matches("cmd/...", pkg):
		return "only cmd imports policy/learn"
	case target == "internal/testdata" || target == "internal/tidy":
		return "it is for tests"
	case isPure(pkg) && matchesAny(impureFoundation, target):
		return "it is not pure"
	case matchesAny(foundation, target) && pkg != "venues/firewall":
		return ""
	case target == pkg || matchesAny(own.allowed, target):
		return ""
	}
	return "the floors do not allow it"
}

// checkNames reports folders whose name says nothing about what is in them.
func checkNames(files []file) (found []string) {
	seen := map[string]bool{}
	for i := range files {
		f := &files[i]
		name := path.Base(f.folder())
		if !f.isGo() || seen[f.folder()] {
			continue
		}
		seen[f.folder()] = true
		switch name {
		case "util", "utils", "common", "manager", "helper", "helpers", "types", "base", "misc", "shared":
			found = append(found, finding(f.path, 1,
				"package %q says nothing: name it after its one type or verb", name))
		}
	}
	return found
}
