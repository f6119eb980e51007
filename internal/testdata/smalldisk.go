package testdata

import (
	"testing"

	"golang.org/x/sys/unix"
)

// SmallDisk returns an empty folder on a disk of 2 MiB of its own. Where the test may not
// mount one it is reported as skipped.
func SmallDisk(tb testing.TB) (dir string) {
	tb.Helper()
	dir = tb.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		tb.Skipf("no disk of 2 MiB may be mounted: %v", err)
	}
	tb.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			tb.Error(err)
		}
	})
	return dir
}
