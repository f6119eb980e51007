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

// prepare creates the file of a segment and fills it with zeros, so that later
// writes change data only and need no allocation by the file system.
func (d *disk) prepare(dir string, segment uint32, size int64) (*os.File, error) {
	path := filepath.Join(dir, fileName(segment, spareSuffix))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	for off := int64(0); off < size; {
		n, err := d.writeAt(f, zeros[:min(size-off, int64(len(zeros)))], off)
		if err != nil {
			discard(f)
			return nil, fmt.Errorf("prepare %s: %w", path, err)
		}
		off += int64(n)
	}
	if err := d.sync(f); err != nil {
		discard(f)
		return nil, fmt.Errorf("prepare %s: %w", path, err)
	}
	return f, nil
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
