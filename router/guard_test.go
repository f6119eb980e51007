package router

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCtl_C08_QuantityIsInOnePlace reads the source: what a parent has executed, reserved and held,
// and what a child has executed, is changed by ledger.go alone, and a child is made in one place,
// which reserves its quantity through the ledger and takes an order that the gate approved. So
// no way to send an order goes around the guard. That the guard holds in every interleaving is
// TestCtl_C08_NoInterleavingOverfills.
func TestCtl_C08_QuantityIsInOnePlace(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatal(len(files), err)
	}
	reserves, approvals := map[string]int{}, map[string]int{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(fset, name, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, left := range n.Lhs {
					if s, ok := left.(*ast.SelectorExpr); ok && guarded(s) && name != "ledger.go" {
						t.Errorf("%v: %s is changed outside the ledger", fset.Position(n.Pos()), s.Sel.Name)
					}
				}
			case *ast.CallExpr:
				if s, ok := n.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "reserve" {
					reserves[name]++
				}
				if s, ok := n.Fun.(*ast.SelectorExpr); ok && (s.Sel.Name == "Child" && len(n.Args) == 3 || s.Sel.Name == "Use") {
					approvals[name]++
				}
			}
			return true
		})
	}
	if len(reserves) != 1 || len(approvals) != 1 {
		t.Errorf("quantity is reserved in %v, orders are approved in %v: there must be one way", reserves, approvals)
	}
}

// guarded reports whether a field is one of the ledger's.
func guarded(s *ast.SelectorExpr) bool {
	base, ok := s.X.(*ast.Ident)
	if !ok || !slices.Contains([]string{"p", "ch", "parent", "child"}, base.Name) {
		return false
	}
	return slices.Contains([]string{"Cum", "Reserved", "unreserved", "Released", "back", "held"}, s.Sel.Name)
}

// TestCtl_C08_NoInterleavingOverfills is the guard in every interleaving of a parent, two venues and
// their client, five steps deep here; TestNoInterleavingOverfills goes deeper.
func TestCtl_C08_NoInterleavingOverfills(t *testing.T) {
	const depth = 5
	m := newModel(t, nil)
	m.visited = newVisited(depth)
	m.explore(depth)
	if m.steps < 2_000 {
		t.Errorf("only %d steps", m.steps)
	}
}

// TestCtl_C17_ProtectedQuotes runs the golden books of protection: sweeps that take every better
// quote in the same step and say so, and books that are locked or crossed.
func TestCtl_C17_ProtectedQuotes(t *testing.T) {
	for _, name := range []string{"sweep_takes_protected_quotes", "sweep_beyond_the_touch_leaves_whole", "crossed_composite_blocks", "crossed_feed_is_taken_out", "sweep_takes_the_cheapest_first"} {
		t.Run(name, func(t *testing.T) { runScript(t, "testdata/"+name+".txt") })
	}
}

// TestCtl_C18_VenueStateGates runs what halts, refusals of venues that do not trade, unasked ends and
// lost sessions do.
func TestCtl_C18_VenueStateGates(t *testing.T) {
	for _, name := range []string{"fm/30", "fm/33", "fm/34", "fm/35", "fm/36", "fm/12", "fm/37", "halted_venue_is_held"} {
		t.Run(name, func(t *testing.T) { runScript(t, "testdata/"+name+".txt") })
	}
}

// TestCtl_C18_OwnOrdersDoNotMeet is self-match prevention in the router: an order stays behind, or
// waits for, one of ours that it would trade with. That the venue is the last line behind it is
// TestCtl_C18_VenuePreventsASelfMatch of fixgw.
func TestCtl_C18_OwnOrdersDoNotMeet(t *testing.T) {
	runScript(t, "testdata/own_orders_do_not_meet.txt")
}

// TestCtl_C18_CancelOnDisconnect is what the core does of both: a client that stays away longer than
// its grace, and a venue whose orders are asked for when it is back, canceled there or not. Over
// sockets it is TestCtl_C18_CancelOnDisconnectOfAClient of cmd/penstock and
// TestCtl_C18_CancelOnDisconnectOfAVenue of fixgw.
func TestCtl_C18_CancelOnDisconnect(t *testing.T) {
	for _, name := range []string{"fm/44", "fm/38", "disconnect_keeps_reservations"} {
		t.Run(name, func(t *testing.T) { runScript(t, "testdata/"+name+".txt") })
	}
}
