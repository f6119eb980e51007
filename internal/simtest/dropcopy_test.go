package simtest

import "testing"

// TestCtl_C12_LiesOfDropCopiesAreFound: in worlds where nothing but drop copies goes wrong, every
// lie of one is told within its venue's window, by order and reason, nothing else is, and no
// quantity moves: at the end router, ledger and venues agree as in any other world.
func TestCtl_C12_LiesOfDropCopiesAreFound(t *testing.T) {
	seeds, lies := uint64(50), 0
	if testing.Short() {
		seeds = 20
	}
	r := newRunner(t)
	for seed := range seeds {
		res := r.Run(seed+1, Options{Copies: true})
		if lies += res.Lies; res.Failure != "" {
			t.Fatalf("seed %d: %s", seed+1, res.Failure)
		}
	}
	if lies < int(seeds) {
		t.Errorf("only %d lies", lies)
	}
	t.Logf("%d lies of drop copies in %d seeds, each found", lies, seeds)
}
