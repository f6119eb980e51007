package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"penstock/event"
)

// smallDisk returns a disk of 2 MiB: a tmpfs of its own where the test may mount one.
func smallDisk(t *testing.T) (dir string, d *disk, use func(bytes int64)) {
	t.Helper()
	dir = t.TempDir()
	err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m")
	if err == nil {
		t.Cleanup(func() {
			if err := unix.Unmount(dir, 0); err != nil {
				t.Error(err)
			}
		})
		return dir, &osDisk, func(bytes int64) {
			f, err := os.Create(filepath.Join(dir, "other"))
			if err == nil {
				err = unix.Fallocate(int(f.Fd()), 0, 0, bytes)
				f.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	// Not root: the blocks of the disk are counted here.
	var taken atomic.Int64
	size := int64(2 << 20)
	fake := osDisk
	fake.allocate = func(f *os.File, n int64) error {
		if taken.Add(n) > size {
			taken.Add(-n)
			return os.NewSyscallError("fallocate", syscall.ENOSPC)
		}
		return osDisk.allocate(f, n)
	}
	fake.space = func(string) (int64, int64, error) { return size - taken.Load(), size, nil }
	return dir, &fake, func(bytes int64) { taken.Add(bytes) }
}

// FM-59: a full disk is told in steps, what is kept back lasts as promised, the journal then
// ends with ENOSPC and everything that it called durable can be read.
func TestFullDiskLeavesTheReserve(t *testing.T) {
	root, d, use := smallDisk(t)
	opt := testOptions()
	opt.disk, opt.Spares = d, 5
	wait := newWaiter()
	opt.OnDurable = wait.wake
	dir := filepath.Join(root, "day")
	w, err := Create(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	// What one segment needs at the end is half of it here.
	const ending = MinSegmentBytes / 2
	alarm := func() Alarm { s := w.Space(); return s.Alarm(ending) }
	until := func(what string, ok func() bool) {
		t.Helper()
		for began := time.Now(); !ok(); time.Sleep(time.Millisecond) {
			if time.Since(began) > 10*time.Second {
				t.Fatalf("%s: space %+v, err %v", what, w.Space(), w.Err())
			}
		}
	}
	until("five spares", func() bool { return w.Space().Spares == 5 })
	if a := alarm(); a != SpaceEnough {
		t.Fatalf("alarm %v before the disk filled: %+v", a, w.Space())
	}
	free, size, err := d.space(dir)
	if err != nil {
		t.Fatal(err)
	}
	use(free - size/6)
	until("less than a fifth free", func() bool { return alarm() == SpaceLow })
	use(free - size/6 + size/12)
	until("less than a tenth free", func() bool { return alarm() == SpaceScarce })
	use(free)
	// From here every segment is one that was kept back.
	events, ended := uint64(0), false
	e := event.Event{Kind: event.ParentNew}
	for err == nil {
		e.Seq = events + 1
		if err = w.Append(Event, 1, e.Bytes()); errors.Is(err, ErrFull) {
			err = nil
			continue
		}
		if err == nil {
			events++
		}
		if events%64 == 0 {
			wait.until(func() bool { return w.Durable() == events || w.Err() != nil })
			if ended = ended || alarm() == SpaceEnding; ended && w.Err() != nil && events == 0 {
				break
			}
		}
	}
	if !errors.Is(err, syscall.ENOSPC) || !ended {
		t.Fatalf("%v, ending was told: %v", err, ended)
	}
	const perSegment = (MinSegmentBytes - HeaderSize - endSize) / (recordHead + event.Size)
	if events < 5*perSegment {
		t.Errorf("%d events recorded on a full disk, the reserve holds %d", events, 5*perSegment)
	}
	durable := w.Durable()
	if err := w.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Close: %v", err)
	}
	got, _, err := readAll(dir)
	if err != nil || uint64(len(got)) < durable {
		t.Errorf("%d durable, %d read: %v", durable, len(got), err)
	}
}

// A disk that has room again is used again: a full disk is no broken one.
func TestDiskWithRoomAgainIsUsed(t *testing.T) {
	var full atomic.Bool
	full.Store(true)
	d := osDisk
	d.allocate = func(f *os.File, n int64) error {
		if full.Load() && filepath.Base(f.Name()) != "00000001.spare" {
			return os.NewSyscallError("fallocate", syscall.ENOSPC)
		}
		return osDisk.allocate(f, n)
	}
	opt := testOptions()
	opt.disk = &d
	w, dir := create(t, opt)
	time.Sleep(20 * time.Millisecond)
	full.Store(false)
	for began := time.Now(); w.Space().Spares < 2; time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("%+v", w.Space())
		}
	}
	all := mixed(t, w, 1500)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	mustRead(t, dir, all, TailClosed)
}

// FM-60: an I/O error while a spare is made is final as well, though nothing was written to
// the journal itself: what else the disk holds is not known.
func TestBrokenSpareStopsTheJournal(t *testing.T) {
	d := osDisk
	d.allocate = func(f *os.File, n int64) error {
		if filepath.Base(f.Name()) == "00000002.spare" {
			return os.NewSyscallError("fallocate", syscall.EIO)
		}
		return osDisk.allocate(f, n)
	}
	wait := newWaiter()
	opt := testOptions()
	opt.disk, opt.OnDurable = &d, wait.wake
	w, _ := create(t, opt)
	wait.until(func() bool { return w.Err() != nil })
	if err := w.Close(); !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
}

// A file system without fallocate gets zeros.
func TestSpareWithoutFallocate(t *testing.T) {
	d := osDisk
	d.allocate = func(*os.File, int64) error { return syscall.EOPNOTSUPP }
	opt := testOptions()
	opt.disk = &d
	w, dir := create(t, opt)
	all := mixed(t, w, 1500)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	mustRead(t, dir, all, TailClosed)
}

func TestAlarmBySpace(t *testing.T) {
	full := errors.New("full")
	for _, c := range []struct {
		s    Space
		want Alarm
	}{
		{Space{}, SpaceEnough},
		{Space{FreeBytes: 20, SizeBytes: 100}, SpaceEnough},
		{Space{FreeBytes: 19, SizeBytes: 100}, SpaceLow},
		{Space{FreeBytes: 9, SizeBytes: 100}, SpaceScarce},
		{Space{FreeBytes: 50, SizeBytes: 100, Full: full, Spares: 1, Left: 5}, SpaceScarce},
		{Space{FreeBytes: 0, SizeBytes: 100, Full: full, Left: 10}, SpaceScarce},
		{Space{FreeBytes: 0, SizeBytes: 100, Full: full, Left: 9}, SpaceEnding},
	} {
		if got := c.s.Alarm(10); got != c.want {
			t.Errorf("%s: %v, want %v", fmt.Sprintf("%+v", c.s), got, c.want)
		}
	}
}
