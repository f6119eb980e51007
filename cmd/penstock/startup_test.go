package main

import (
	"runtime"
	"testing"

	"penstock/internal/quiet"
)

// TestARouterWithoutACoreHasItsProcessors: a session of QuickFIX/Go whose client does not read takes one
// for itself, so a router on one core may not have the only one that the runtime gives it.
func TestARouterWithoutACoreHasItsProcessors(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	cfg := unstarted(t)
	cfg.file.Router.Core = nil
	a, err := assemble(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if n := runtime.GOMAXPROCS(0); n < quiet.Procs {
		t.Errorf("GOMAXPROCS %d", n)
	}
	if err := a.stop(); err != nil {
		t.Error(err)
	}
	if n := runtime.GOMAXPROCS(0); n != 1 {
		t.Errorf("GOMAXPROCS %d afterwards", n)
	}
}
