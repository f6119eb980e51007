// Command totals runs go test with its arguments (./... without any) and ends with
// one plain line: N passed, N failed, N skipped. It prints a line for each
// package as it ends, the whole output of tests that failed, and the reasons of
// those that were skipped. The exit code is that of go test.
//
// A test counts once, with all its subtests. A package that fails although none
// of its tests did (it does not build, or it died) counts as one failure.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

func main() {
	args := os.Args[1:]
	if len(args) == 0 {
		args = []string{"./..."}
	}
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		fail(err)
	}
	if err := cmd.Start(); err != nil {
		fail(err)
	}
	t := newTally(os.Stdout)
	if err := t.read(out); err != nil {
		cmd.Process.Kill() // or it would wait for a reader for ever
		cmd.Wait()
		fail(err)
	}
	err = cmd.Wait()
	fmt.Println(t.line())
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(max(exit.ExitCode(), 1))
	case err != nil:
		fail(err)
	case t.failed > 0:
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "totals:", err)
	os.Exit(1)
}
