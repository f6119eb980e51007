package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// disk holds the operations that can fail for reasons of the disk. Writers use
// osDisk; tests put failing ones in its place.
type disk struct {
	writeAt  func(f *os.File, b []byte, off int64) (int, error)
	sync     func(f *os.File) error // data and size
	rename   func(from, to string) error
	syncDir  func(dir string) error
	truncate func(f *os.File, size int64) error
	allocate func(f *os.File, size int64) error // blocks of the disk, without writing them
	space    func(dir string) (free, size int64, err error)
}

var osDisk = disk{
	writeAt: func(f *os.File, b []byte, off int64) (int, error) { return f.WriteAt(b, off) },
	sync: func(f *os.File) error {
		for {
			// An interrupted call has not synced anything; it is not a failed one.
			if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
				return os.NewSyscallError("fdatasync", err)
			}
		}
	},
	rename: os.Rename,
	syncDir: func(dir string) error {
		d, err := os.Open(dir)
		if err != nil {
			return err
		}
		defer d.Close()
		return d.Sync()
	},
	truncate: func(f *os.File, size int64) error { return f.Truncate(size) },
	allocate: func(f *os.File, size int64) error {
		for {
			if err := unix.Fallocate(int(f.Fd()), 0, 0, size); err != unix.EINTR {
				return os.NewSyscallError("fallocate", err)
			}
		}
	},
	space: func(dir string) (free, size int64, err error) {
		var s unix.Statfs_t
		if err := unix.Statfs(dir, &s); err != nil {
			return 0, 0, os.NewSyscallError("statfs", err)
		}
		return int64(s.Bavail) * s.Bsize, int64(s.Blocks) * s.Bsize, nil
	},
}

const (
	segmentSuffix = ".seg"
	spareSuffix   = ".spare"
)

func fileName(segment uint32, suffix string) string {
	return fmt.Sprintf("%08d%s", segment, suffix)
}

// segments returns the names of the segment files in dir, in order.
func segments(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), segmentSuffix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

var zeros [1 << 20]byte

func sparePath(dir string, segment uint32) string {
	return filepath.Join(dir, fileName(segment, spareSuffix))
}

// discard removes a file that is not yet part of the journal, above all to give
// its space back to a full disk. What comes of it does not matter.
func discard(f *os.File) {
	f.Close()
	os.Remove(f.Name())
}

// open writes the header into a prepared file and gives it its name. After that,
// a segment file with a damaged header is damage, never the trace of a crash.
func (d *disk) open(dir string, f *os.File, h *Header) error {
	b := make([]byte, HeaderSize)
	h.encode(b)
	if _, err := d.writeAt(f, b, 0); err != nil {
		return err
	}
	if err := d.sync(f); err != nil {
		return err
	}
	to := filepath.Join(dir, fileName(h.Segment, segmentSuffix))
	if err := d.rename(f.Name(), to); err != nil {
		return err
	}
	return d.syncDir(dir)
}
