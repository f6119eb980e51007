package testdata

import (
	"os/exec"
	"testing"
)

// Compiler returns the path of gcc. The controls of benchmarks are in C; without a
// compiler they are skipped by this name.
func Compiler(tb testing.TB) string {
	tb.Helper()
	path, err := exec.LookPath("gcc")
	if err != nil {
		tb.Skipf("no C compiler: install gcc for the control of this benchmark (%v)", err)
	}
	return path
}
