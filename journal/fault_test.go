package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"penstock/event"
)

// failing returns a disk whose named operation fails from the nth call on.
func failing(op string, nth int32, cause error) *disk {
	var calls atomic.Int32
	due := func(name string) bool { return name == op && calls.Add(1) >= nth }
	return &disk{
		writeAt: func(f *os.File, b []byte, off int64) (int, error) {
			if due("write") {
				// A full disk takes a part first.
				n, _ := f.WriteAt(b[:len(b)/2], off)
				return n, &os.PathError{Op: "write", Path: f.Name(), Err: cause}
			}
			return osDisk.writeAt(f, b, off)
		},
		sync: func(f *os.File) error {
			if due("sync") {
				return os.NewSyscallError("fdatasync", cause)
			}
			return osDisk.sync(f)
		},
		rename: func(from, to string) error {
			if due("rename") {
				return cause
			}
			return osDisk.rename(from, to)
		},
		syncDir: func(dir string) error {
			if due("syncdir") {
				return cause
			}
			return osDisk.syncDir(dir)
		},
		truncate: func(f *os.File, size int64) error {
			if due("truncate") {
				return cause
			}
			return osDisk.truncate(f, size)
		},
		allocate: func(f *os.File, size int64) error {
			if due("allocate") {
				return os.NewSyscallError("fallocate", cause)
			}
			return osDisk.allocate(f, size)
		},
		space: osDisk.space,
	}
}

// Whatever operation fails at whatever moment: the error stays, nothing that was
// not synced is called durable, and what was called durable is read back.
func TestADiskErrorStopsTheJournal(t *testing.T) {
	for _, op := range []string{"write", "sync", "rename", "syncdir", "truncate", "allocate"} {
		nth := int32(1)
		for runOnFailing(t, op, nth, []error{syscall.ENOSPC, syscall.EIO}[nth%2]) {
			nth++
		}
		if nth == 1 {
			t.Errorf("%s never failed", op)
		}
	}
}

func runOnFailing(t *testing.T, op string, nth int32, cause error) (failed bool) {
	wait := newWaiter()
	opt := testOptions()
	opt.OnDurable = wait.wake
	opt.disk = failing(op, nth, cause)
	dir := filepath.Join(t.TempDir(), "j")
	w, err := Create(dir, opt)
	if err != nil {
		if !errors.Is(err, cause) {
			t.Fatalf("%s %d: Create: %v", op, nth, err)
		}
		return true
	}
	e := event.Event{Kind: event.ParentNew}
	for e.Seq < 500 && err == nil {
		e.Seq++
		err = w.Append(Event, 1, e.Bytes())
		if e.Seq%100 == 0 {
			wait.until(func() bool { return w.Durable() == e.Seq || w.Err() != nil })
		}
	}
	durable := w.Durable()
	closeErr := w.Close()
	if closeErr != w.Err() || (err != nil && !errors.Is(err, cause)) {
		t.Fatalf("%s %d: append %v, close %v, err %v", op, nth, err, closeErr, w.Err())
	}
	if closeErr == nil {
		return false
	}
	if !errors.Is(closeErr, cause) {
		t.Fatalf("%s %d: %v does not say %v", op, nth, closeErr, cause)
	}
	got, _, err := readAll(dir)
	if err != nil || uint64(len(got)) < durable {
		t.Fatalf("%s %d: %d durable, %d read: %v", op, nth, durable, len(got), err)
	}
	return true
}

func TestASyncIsNeverTriedAgain(t *testing.T) {
	var calls atomic.Int32
	d := osDisk
	d.sync = func(f *os.File) error {
		if strings.Contains(f.Name(), "00000001") && calls.Add(1) > 2 { // after those of Create
			return os.NewSyscallError("fdatasync", syscall.EIO)
		}
		return osDisk.sync(f)
	}
	wait := newWaiter()
	opt := testOptions()
	opt.OnDurable = wait.wake
	opt.disk = &d
	w, _ := create(t, opt)
	appendEvent(t, w, 1, event.Timer)
	wait.until(func() bool { return w.Err() != nil })
	if err := w.Append(Event, 1, make([]byte, 64)); !errors.Is(err, syscall.EIO) {
		t.Errorf("Append after the failure: %v", err)
	}
	if err := w.Close(); !errors.Is(err, syscall.EIO) {
		t.Errorf("Close: %v", err)
	}
	if calls.Load() != 3 || w.Durable() != 0 {
		t.Errorf("%d syncs, durable %d", calls.Load(), w.Durable())
	}
}
