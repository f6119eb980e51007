package testdata

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// SmallDisk returns an empty folder on a disk of its own, of so many MiB. Where the test may not
// mount one it is reported as skipped.
func SmallDisk(tb testing.TB, mib int) (dir string) {
	tb.Helper()
	dir = tb.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mib)); err != nil {
		tb.Skipf("no disk of %d MiB may be mounted: %v", mib, err)
	}
	tb.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			tb.Error(err)
		}
	})
	return dir
}
