package journal

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"penstock/event"
)

// followAll reads what a follower gives until it has n records.
func followAll(t *testing.T, f *Follower, n int) (all []kept) {
	t.Helper()
	for began := time.Now(); len(all) < n; {
		rec, ok, err := f.Next()
		if err != nil {
			t.Fatalf("after %d records: %v", len(all), err)
		}
		if !ok {
			if time.Since(began) > 10*time.Second {
				t.Fatalf("%d of %d records came", len(all), n)
			}
			time.Sleep(100 * time.Microsecond)
			continue
		}
		all = append(all, kept{rec.Type, rec.Time, string(rec.Payload)})
	}
	return all
}

func TestFollowerReadsWhatIsDurableAsItComes(t *testing.T) {
	w, _ := create(t, testOptions())
	f, err := w.Follow()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var want, got []kept
	for range 8 {
		part := mixed(t, w, 300)
		want, got = append(want, part...), append(got, followAll(t, f, len(part))...)
	}
	if !slices.Equal(got, want) {
		t.Fatal("what came is not what was appended")
	}
	place := f.Place()
	if _, ok, err := f.Next(); ok || err != nil {
		t.Errorf("more than was appended: %v", err)
	}
	tail := mixed(t, w, 500)
	second, err := w.FollowFrom(place)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if got := followAll(t, second, len(tail)); !slices.Equal(got, tail) {
		t.Error("a follower from a place does not go on there")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	followAll(t, f, len(tail))
	if _, _, err := f.Next(); err == nil || err.Error() != "EOF" {
		t.Errorf("after Close: %v", err)
	}
}

// The disk gives something else back than was written: the follower says so.
func TestFollowerFindsABitThatRotted(t *testing.T) {
	wait := newWaiter()
	opt := testOptions()
	opt.OnDurable = wait.wake
	w, dir := create(t, opt)
	appendEvent(t, w, 1, event.Exec)
	wait.until(func() bool { return w.Durable() == 1 })
	path := filepath.Join(dir, fileName(1, segmentSuffix))
	b := readFile(t, path)
	b[HeaderSize+recordHead+9] ^= 4
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := w.Follow()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, _, err := f.Next(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("%v", err)
	}
	w.Close()
}

func TestMirrorIsTheSameJournal(t *testing.T) {
	opt := testOptions()
	opt.Mirror = filepath.Join(t.TempDir(), "mirror")
	w, dir := create(t, opt)
	all := mixed(t, w, 1500)
	if err := errors.Join(w.Close(), w.MirrorErr()); err != nil {
		t.Fatal(err)
	}
	mustRead(t, dir, all, TailClosed)
	mustRead(t, opt.Mirror, all, TailClosed)
	// The first copy is damaged in a sealed segment: it is refused, and the mirror goes on.
	path := filepath.Join(dir, fileName(2, segmentSuffix))
	b := readFile(t, path)
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readAll(dir); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("%v", err)
	}
	moved, err := Restore(opt.Mirror, dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, filepath.Join(moved, fileName(2, segmentSuffix))); !slices.Equal(got, b) {
		t.Error("the damaged journal was not kept")
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.skip(); err != nil {
		t.Fatal(err)
	}
	if w, err = Resume(r, opt); err != nil {
		t.Fatal(err)
	}
	all = append(all, mixed(t, w, 800)...)
	if err := errors.Join(w.Close(), w.MirrorErr()); err != nil {
		t.Fatal(err)
	}
	mustRead(t, dir, all, TailClosed)
	mustRead(t, opt.Mirror, all, TailClosed)
}

// A mirror that cannot be written ends; the journal does not.
func TestMirrorThatFailsLeavesTheJournal(t *testing.T) {
	opt := testOptions()
	opt.Mirror = filepath.Join(t.TempDir(), "mirror")
	d := osDisk
	d.writeAt = func(f *os.File, b []byte, off int64) (int, error) {
		if filepath.Dir(f.Name()) == opt.Mirror {
			return 0, &os.PathError{Op: "write", Path: f.Name(), Err: syscall.EIO}
		}
		return f.WriteAt(b, off)
	}
	opt.disk = &d
	w, dir := create(t, opt)
	all := mixed(t, w, 600)
	for began := time.Now(); w.MirrorErr() == nil; time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatal("the mirror's failure is not told")
		}
	}
	if err := w.Close(); err != nil || !errors.Is(w.MirrorErr(), syscall.EIO) {
		t.Fatalf("%v, %v", err, w.MirrorErr())
	}
	mustRead(t, dir, all, TailClosed)
}

// A journal that lost what its mirror has does not go on as if that had not been.
func TestMirrorThatHasMoreIsNotOverwritten(t *testing.T) {
	opt := testOptions()
	opt.Mirror = filepath.Join(t.TempDir(), "mirror")
	w, dir := create(t, opt)
	all := mixed(t, w, 100)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, fileName(1, segmentSuffix))
	if err := os.Truncate(path, HeaderSize+4*(recordHead+event.Size)); err != nil {
		t.Fatal(err)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.skip(); err != nil {
		t.Fatal(err)
	}
	if _, err := Resume(r, opt); !errors.Is(err, ErrMirrorAhead) {
		t.Fatalf("%v", err)
	}
	if _, err := Restore(opt.Mirror, dir); err != nil {
		t.Fatal(err)
	}
	mustRead(t, dir, all, TailClosed)
}
