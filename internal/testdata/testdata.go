// Package testdata finds the recorded market data that tests read but the
// repository does not hold.
package testdata

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Dir returns the folder of recordings: PENSTOCK_DATA, or shared/data beside
// the repository. It skips the test, saying so, where there is none.
func Dir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("PENSTOCK_DATA")
	if dir == "" {
		_, file, _, _ := runtime.Caller(0)
		dir = filepath.Join(filepath.Dir(file), "..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(filepath.Join(dir, "index.tsv")); err != nil {
		if os.Getenv("CI") != "" && os.Getenv("PENSTOCK_DATA") != "" {
			t.Fatalf("PENSTOCK_DATA=%s has no recordings: %v", dir, err)
		}
		t.Skipf("no recordings: set PENSTOCK_DATA to a folder that holds index.tsv (looked in %s)", dir)
	}
	return dir
}
