package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"penstock/event"
)

// groups writes events in groups that are durable one after the other, so that
// later records vouch for earlier ones, and returns the bytes of the only segment
// before and after Close.
func groups(t testing.TB, count, each int) (all []kept, crashed, closed []byte) {
	t.Helper()
	wait := newWaiter()
	opt := testOptions()
	opt.OnDurable = wait.wake
	w, dir := create(t, opt)
	seq := uint64(0)
	for range count {
		// Published at once: records that came one by one might be two groups.
		for range each {
			seq++
			e := event.Event{Seq: seq, StepTime: int64(seq) * 1000, Kind: event.OrderCancelReject, Ref: ^seq}
			fillRecord(w.ring.reserve(recordSize(len(e.Bytes()))), Event, 0, int64(seq), e.Bytes(), nil)
			all = append(all, kept{Event, int64(seq), string(e.Bytes())})
		}
		w.ring.publish()
		wait.until(func() bool { return w.Durable() == seq })
	}
	crashed = readFile(t, filepath.Join(dir, "00000001.seg"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return all, crashed, readFile(t, filepath.Join(dir, "00000001.seg"))
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// journalOf makes a directory of these segments.
func journalOf(t testing.TB, segments ...[]byte) string {
	t.Helper()
	dir := t.TempDir()
	for i, b := range segments {
		writeSegment(t, dir, i+1, b)
	}
	return dir
}

func writeSegment(t testing.TB, dir string, segment int, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, fileName(uint32(segment), segmentSuffix)), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func isPrefix(got, all []kept) bool {
	return len(got) <= len(all) && slices.Equal(got, all[:len(got)])
}

func TestACrashLeavesACutTail(t *testing.T) {
	all, crashed, _ := groups(t, 3, 2)
	tail := mustRead(t, journalOf(t, crashed), all, TailCut)
	if want := int64(HeaderSize + 6*(recordHead+128)); tail.Offset != want || tail.Dropped != 0 {
		t.Errorf("tail %v, want offset %d", tail, want)
	}
}

func TestEveryTruncationGivesAPrefix(t *testing.T) {
	all, _, closed := groups(t, 3, 2)
	const size = recordHead + 128
	dir := journalOf(t, nil)
	for n := range closed {
		writeSegment(t, dir, 1, closed[:n])
		got, tail, err := readAll(dir)
		if n < HeaderSize {
			if !errors.Is(err, ErrHeader) {
				t.Fatalf("%d bytes: %v", n, err)
			}
			continue
		}
		whole := min((n-HeaderSize)/size, len(all))
		state := TailTorn
		if allZero(closed[HeaderSize+whole*size : n]) {
			state = TailCut
		}
		if err != nil || !slices.Equal(got, all[:whole]) || tail.State != state ||
			tail.Offset != int64(HeaderSize+whole*size) {
			t.Fatalf("%d bytes: %d records, tail %v, %v", n, len(got), tail, err)
		}
	}
}

func TestNoFlippedBitIsAcceptedAsContent(t *testing.T) {
	all, crashed, closed := groups(t, 2, 3)
	used := HeaderSize + 6*(recordHead+128)
	lastGroup := used - 3*(recordHead+128)
	if !bytes.Equal(crashed[:used], closed[:used]) {
		t.Fatal("Close changed what was written")
	}
	dir := journalOf(t, nil)
	flip := func(content []byte, at int, bit byte) (int, Tail, error) {
		b := slices.Clone(content)
		b[at] ^= bit
		writeSegment(t, dir, 1, b)
		got, tail, err := readAll(dir)
		if !isPrefix(got, all) || err == nil && tail.State == TailClosed {
			t.Fatalf("byte %d bit %#x: accepted: %d records, tail %v", at, bit, len(got), tail)
		}
		return len(got), tail, err
	}
	for at := range closed {
		bit := byte(1) << (at % 8)
		// The end record vouches for all the others, so only its own damage looks
		// like a crash.
		n, tail, err := flip(closed, at, bit)
		switch {
		case at < HeaderSize:
			if err == nil {
				t.Fatalf("header byte %d: no error", at)
			}
		case at < used:
			var e *Error
			if !errors.As(err, &e) || e.Kind != ErrCorrupt || e.Segment != 1 ||
				int(e.Offset) != HeaderSize+n*(recordHead+128) {
				t.Fatalf("byte %d: %d records, tail %v, %v", at, n, tail, err)
			}
		default:
			if err != nil || n != len(all) || tail.State != TailTorn {
				t.Fatalf("end record byte %d: %d records, tail %v, %v", at, n, tail, err)
			}
		}
		if at < HeaderSize || at >= used {
			continue
		}
		// Without the end record nothing vouches for the last group.
		n, tail, err = flip(crashed[:used], at, bit)
		if (at < lastGroup) != errors.Is(err, ErrCorrupt) || at >= lastGroup && tail.State != TailTorn {
			t.Fatalf("crashed, byte %d: %d records, tail %v, %v", at, n, tail, err)
		}
	}
}

func TestALostBlockOfTheLastGroupIsTheCrash(t *testing.T) {
	all, crashed, _ := groups(t, 2, 8)
	const size = recordHead + 128
	b := slices.Clone(crashed)
	clear(b[HeaderSize+9*size : HeaderSize+11*size]) // never reached the disk
	tail := mustRead(t, journalOf(t, b), all[:9], TailTorn)
	if tail.Dropped == 0 {
		t.Errorf("tail %v", tail)
	}
	b = slices.Clone(crashed)
	clear(b[HeaderSize+size : HeaderSize+3*size]) // was durable
	if got, _, err := readAll(journalOf(t, b)); !errors.Is(err, ErrCorrupt) || len(got) != 1 {
		t.Errorf("%d records, %v", len(got), err)
	}
}

// segmentsOf returns the files of a journal of several segments.
func segmentsOf(t testing.TB, epoch uint64, events int) (all []kept, files [][]byte) {
	t.Helper()
	opt := testOptions()
	opt.Epoch = epoch
	w, dir := create(t, opt)
	all = mixed(t, w, events)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := segments(dir)
	if err != nil || len(names) < 4 {
		t.Fatalf("%v %v", names, err)
	}
	for _, name := range names {
		files = append(files, readFile(t, filepath.Join(dir, name)))
	}
	return all, files
}

func TestSegmentsOutOfPlaceAreRefused(t *testing.T) {
	all, files := segmentsOf(t, 1, 1500)
	_, other := segmentsOf(t, 2, 1500)
	n := len(files)
	replaced := func(i int, b []byte) [][]byte {
		c := slices.Clone(files)
		c[i] = b
		return c
	}
	mustRead(t, journalOf(t, files...), all, TailClosed)
	for _, c := range []struct {
		name    string
		files   [][]byte
		kind    error
		segment int
	}{
		{"last missing", files[:n-1], ErrMissing, n},
		{"first missing", files[1:], ErrMixed, 1},
		{"swapped", replaced(1, files[2]), ErrMixed, 2},
		{"repeated", append(slices.Clone(files), files[n-1]), ErrMixed, n + 1},
		{"of another run", replaced(1, other[1]), ErrMixed, 2},
		{"sealed one truncated", replaced(1, files[1][:len(files[1])/2]), ErrCorrupt, 2},
		{"sealed one emptied", replaced(1, files[1][:HeaderSize]), ErrCorrupt, 2},
		{"header damaged", replaced(2, append([]byte("x"), files[2][1:]...)), ErrHeader, 3},
		{"empty file", replaced(n-1, nil), ErrHeader, n},
	} {
		_, _, err := readAll(journalOf(t, c.files...))
		var e *Error
		if !errors.As(err, &e) || e.Kind != c.kind || int(e.Segment) != c.segment {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	dir := journalOf(t, files...)
	if err := os.Remove(filepath.Join(dir, fileName(2, segmentSuffix))); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readAll(dir); !errors.Is(err, ErrMissing) {
		t.Errorf("second missing: %v", err)
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNoJournal) {
		t.Errorf("empty directory: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}

func TestForeignFormatsAreRefused(t *testing.T) {
	_, _, closed := groups(t, 1, 1)
	for _, c := range []struct {
		name  string
		at    int
		value byte
		kind  error
	}{{"version", 8, formatVersion + 1, ErrVersion}, {"byte order", 10, 3 - hostOrder(), ErrByteOrder}, {"magic", 0, 'X', ErrHeader}} {
		b := slices.Clone(closed)
		b[c.at] = c.value
		le.PutUint32(b[12:], headerCRC(b)) // a sound header, but not ours
		_, err := Open(journalOf(t, b))
		var e *Error
		if !errors.As(err, &e) || e.Kind != c.kind || e.Segment != 1 {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A crash while the journal rolls leaves the next segment named but empty.
func TestACrashInARollIsTheEnd(t *testing.T) {
	all, files := segmentsOf(t, 1, 1500)
	blank := make([]byte, MinSegmentBytes)
	copy(blank, files[1][:HeaderSize])
	first := slices.Clone(files[0])
	r, err := Open(journalOf(t, files...))
	if err != nil {
		t.Fatal(err)
	}
	inFirst, end := 0, 0
	for {
		rec, err := r.Next()
		if err != nil || rec.Segment != 1 {
			break
		}
		inFirst, end = inFirst+1, int(rec.Offset)+recordSize(len(rec.Payload))
	}
	tail := mustRead(t, journalOf(t, first, blank), all[:inFirst], TailCut)
	if tail.Segment != 2 {
		t.Errorf("after the end record: %v", tail)
	}
	clear(first[end:]) // the end record did not get to the disk
	tail = mustRead(t, journalOf(t, first, blank), all[:inFirst], TailCut)
	if tail.Segment != 1 || tail.Offset != int64(end) {
		t.Errorf("before the end record: %v", tail)
	}
	if _, _, err := readAll(journalOf(t, first, files[1])); !errors.Is(err, ErrCorrupt) {
		t.Errorf("end record lost, segment in use: %v", err)
	}
}

func TestHalfABlobIsDropped(t *testing.T) {
	opt := testOptions()
	opt.SegmentBytes = 4 * MaxPayload // three parts of five
	w, dir := create(t, opt)
	want := appendEvent(t, w, 1, event.Timer)
	if err := w.AppendBlob(1, "conf", make([]byte, 5*MaxPayload-10)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	blank := readFile(t, filepath.Join(dir, fileName(1, segmentSuffix)))
	for {
		n := len(dirSegments(t, dir))
		if n == 1 {
			break
		}
		os.Remove(filepath.Join(dir, fileName(uint32(n), segmentSuffix)))
	}
	// What is left of the first segment, without its end record: parts of a blob.
	cut := bytes.LastIndex(blank, []byte{byte(endType), 0, 0, 0}) - atType
	writeSegment(t, dir, 1, append(blank[:cut:cut], make([]byte, 64)...))
	tail := mustRead(t, dir, []kept{want}, TailTorn)
	if tail.Offset != HeaderSize+recordHead+64 || tail.Dropped == 0 {
		t.Errorf("tail %v", tail)
	}
}

func dirSegments(t testing.TB, dir string) []string {
	names, err := segments(dir)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// FuzzReader edits a sound journal: the reader must give a prefix of it, and an
// end or an error, whatever the edit.
func FuzzReader(f *testing.F) {
	all, crashed, closed := groups(f, 3, 4)
	crashed = crashed[:len(closed)+512]
	f.Add(false, uint16(HeaderSize), []byte{0}, uint16(0))
	f.Add(true, uint16(HeaderSize+200), []byte{0xff, 0xff, 0xff, 0xff, 1, 2, 3}, uint16(9))
	f.Add(true, uint16(20), closed[HeaderSize:HeaderSize+168], uint16(5000))
	f.Fuzz(func(t *testing.T, crash bool, at uint16, edit []byte, cut uint16) {
		b := slices.Clone(closed)
		if crash {
			b = slices.Clone(crashed)
		}
		if int(at) < len(b) {
			copy(b[at:], edit)
		}
		b = b[:len(b)-min(int(cut), len(b))]
		got, tail, err := readAll(journalOf(t, b))
		if !isPrefix(got, all) {
			t.Fatalf("%d records are not what was written", len(got))
		}
		if err == nil && tail.State == TailUnread {
			t.Fatal("the end has no state")
		}
		if err == nil && tail.State == TailClosed && len(got) != len(all) {
			t.Fatalf("closed after %d of %d records", len(got), len(all))
		}
	})
}

// FuzzRecords reads arbitrary bytes behind a sound header.
func FuzzRecords(f *testing.F) {
	_, _, closed := groups(f, 1, 2)
	f.Add(closed[HeaderSize:])
	f.Add([]byte{1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := Open(journalOf(t, append(slices.Clone(closed[:HeaderSize]), body...)))
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; ; n++ {
			rec, err := r.Next()
			if err != nil {
				if e := new(Error); err != io.EOF && !errors.As(err, &e) {
					t.Fatal(err)
				}
				return
			}
			if n > len(body)/recordHead || len(rec.Payload) > len(body) {
				t.Fatal(fmt.Sprint("more records than bytes: ", n))
			}
		}
	})
}
