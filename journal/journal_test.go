package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"penstock/event"
	"penstock/market"
)

// kept is a record as a test remembers it.
type kept struct {
	typ     RecordType
	time    int64
	payload string
}

// durableWaiter wakes a test when the journal goroutine has done something.
type durableWaiter struct {
	mu   sync.Mutex
	cond *sync.Cond
}

func newWaiter() *durableWaiter {
	d := &durableWaiter{}
	d.cond = sync.NewCond(&d.mu)
	return d
}

func (d *durableWaiter) wake() {
	d.mu.Lock()
	d.cond.Broadcast()
	d.mu.Unlock()
}

func (d *durableWaiter) until(ok func() bool) {
	d.mu.Lock()
	for !ok() {
		d.cond.Wait()
	}
	d.mu.Unlock()
}

func testOptions() Options {
	var tick int64
	o := Options{SegmentBytes: MinSegmentBytes, RingBytes: minRingBytes, Epoch: 17,
		Reserve: time.Nanosecond, Clock: func() int64 { tick++; return tick }}
	copy(o.Build[:], "build")
	copy(o.Config[:], "config")
	copy(o.Policy[:], "policy")
	return o
}

func create(t testing.TB, opt Options) (*Writer, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "day")
	w, err := Create(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	return w, dir
}

func appendEvent(t testing.TB, w *Writer, seq uint64, k event.Kind) kept {
	t.Helper()
	e := event.Event{Seq: seq, StepTime: int64(seq) * 1000, Kind: k, Price: market.Price(seq), Ref: ^seq}
	if err := w.Append(Event, e.StepTime, e.Bytes()); err != nil {
		t.Fatal(err)
	}
	return kept{Event, e.StepTime, string(e.Bytes())}
}

// readAll returns what a reader gives before its end, and the end.
func readAll(dir string) (all []kept, tail Tail, err error) {
	r, err := Open(dir)
	if err != nil {
		return nil, Tail{}, err
	}
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return all, r.Tail(), nil
		}
		if err != nil {
			return all, r.Tail(), err
		}
		all = append(all, kept{rec.Type, rec.Time, string(rec.Payload)})
	}
}

func mustRead(t testing.TB, dir string, want []kept, state TailState) Tail {
	t.Helper()
	got, tail, err := readAll(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%d records read, %d written, or they differ", len(got), len(want))
	}
	if tail.State != state {
		t.Fatalf("tail: %v, want %v", tail, state)
	}
	return tail
}

// mixed writes n events with commands and decisions between them.
func mixed(t testing.TB, w *Writer, n int) (all []kept) {
	t.Helper()
	kinds := []event.Kind{event.BookLevel, event.Quote, event.ParentNew, event.Timer}
	for i := range n {
		all = append(all, appendEvent(t, w, uint64(i+1), kinds[i%len(kinds)]))
		if i%3 == 0 {
			c := event.Command{Cause: uint64(i + 1), Kind: event.SendOrder, Qty: 100}
			d := event.Decision{Cause: uint64(i + 1), Remaining: 5}
			if err := errors.Join(w.Append(Command, int64(i), c.Bytes()), w.Append(Decision, int64(i), d.Bytes())); err != nil {
				t.Fatal(err)
			}
			all = append(all, kept{Command, int64(i), string(c.Bytes())}, kept{Decision, int64(i), string(d.Bytes())})
		}
	}
	return all
}

func TestWhatWasAppendedIsRead(t *testing.T) {
	w, dir := create(t, testOptions())
	all := mixed(t, w, 2000) // several segments
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Durable() != 2000 {
		t.Errorf("durable %d", w.Durable())
	}
	mustRead(t, dir, all, TailClosed)
	names, _ := os.ReadDir(dir)
	if len(names) < 5 || filepath.Ext(names[len(names)-1].Name()) != segmentSuffix {
		t.Errorf("files: %v", names)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if h, o := r.Header(), testOptions(); h.Epoch != o.Epoch || h.Build != o.Build ||
		h.Config != o.Config || h.Policy != o.Policy || h.Segment != 1 || h.FirstSeq != 1 {
		t.Errorf("header %+v", h)
	}
	if err := w.Append(Event, 0, []byte(all[0].payload)); err != ErrClosed {
		t.Errorf("Append after Close: %v", err)
	}
}

func TestRecordsCarryNumberTimesAndPlace(t *testing.T) {
	w, dir := create(t, testOptions())
	appendEvent(t, w, 41, event.Timer)
	appendEvent(t, w, 42, event.Quote)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := r.Next()
	second, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if first.Seq != 1 || second.Seq != 2 || first.Time != 41_000 || second.Time != 42_000 ||
		first.Wall == 0 || first.Offset != HeaderSize || second.Offset != HeaderSize+recordHead+64 ||
		second.Segment != 1 {
		t.Errorf("%+v\n%+v", first, second)
	}
	for range 2 { // the end stays
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("end: %v", err)
		}
	}
}

func TestSizesOfPayload(t *testing.T) {
	w, dir := create(t, testOptions())
	var all []kept
	for _, n := range []int{1, 7, 8, 9, 39, 40, 41, 1000, MaxPayload - 1, MaxPayload} {
		payload := bytes.Repeat([]byte{0xff}, n)
		if err := w.Append(Command, 5, payload); err != nil {
			t.Fatal(err)
		}
		all = append(all, kept{Command, 5, string(payload)})
	}
	for _, bad := range []struct {
		t RecordType
		n int
	}{{Event, 0}, {Event, MaxPayload + 1}, {Blob, 0}, {Blob, MaxBlob + 1}, {0, 8}, {5, 8}, {endType, 8}} {
		if err := w.Append(bad.t, 5, make([]byte, bad.n)); !errors.Is(err, ErrPayload) {
			t.Errorf("%v of %d bytes: %v", bad.t, bad.n, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	mustRead(t, dir, all, TailClosed)
}

func TestBlobsAreSplitAndPutTogether(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	w, dir := create(t, testOptions())
	var all []kept
	for i, n := range []int{0, 10, MaxPayload - 5, MaxPayload - 4, MaxPayload, 3 * MaxPayload, 1 << 20} {
		data := make([]byte, n)
		for j := range data {
			data[j] = byte(rnd.Uint32())
		}
		if err := w.AppendBlob(int64(i), "conf", data); err != nil {
			t.Fatal(err)
		}
		all = append(all, kept{Blob, int64(i), "conf\x00" + string(data)}, appendEvent(t, w, uint64(i+1), event.Timer))
	}
	whole := append([]byte("x\x00"), make([]byte, MaxBlob-2)...)
	for w.Append(Blob, 9, whole) == ErrFull {
	}
	all = append(all, kept{Blob, 9, string(whole)})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	mustRead(t, dir, all, TailClosed)
	rec := Record{Type: Blob, Payload: []byte("table\x00\x01\x00\x02")}
	if name, data, ok := rec.Name(); !ok || name != "table" || string(data) != "\x01\x00\x02" {
		t.Errorf("%q %q %v", name, data, ok)
	}
	rec.Payload = []byte("no zero")
	if _, _, ok := rec.Name(); ok {
		t.Error("a blob without name was split")
	}
}

func TestDurableFollowsTheSync(t *testing.T) {
	wait := newWaiter()
	opt := testOptions()
	opt.OnDurable = wait.wake
	var mu sync.Mutex
	hold := false
	d := osDisk
	d.sync = func(f *os.File) error {
		wait.until(func() bool { mu.Lock(); defer mu.Unlock(); return !hold })
		return osDisk.sync(f)
	}
	set := func(v bool) { mu.Lock(); hold = v; mu.Unlock(); wait.wake() }
	opt.disk = &d
	w, _ := create(t, opt)
	set(true)
	appendEvent(t, w, 7, event.Timer)
	if w.Durable() != 0 {
		t.Fatal("durable before the sync")
	}
	set(false)
	wait.until(func() bool { return w.Durable() == 7 })
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRingFullIsReportedAndNothingIsLost(t *testing.T) {
	wait := newWaiter()
	opt := testOptions()
	opt.OnDurable = wait.wake
	opt.SegmentBytes = 64 << 20
	release := make(chan struct{})
	d := osDisk
	d.writeAt = func(f *os.File, b []byte, off int64) (int, error) {
		if off >= HeaderSize && b[0] != 0 { // records, not the filling
			<-release
		}
		return osDisk.writeAt(f, b, off)
	}
	opt.disk = &d
	w, dir := create(t, opt)
	payload := bytes.Repeat([]byte{1}, MaxPayload)
	var all []kept
	var err error
	for err == nil {
		if err = w.Append(Command, 1, payload); err == nil {
			all = append(all, kept{Command, 1, string(payload)})
		}
	}
	if err != ErrFull || len(all) < 100 {
		t.Fatalf("after %d records: %v", len(all), err)
	}
	if err := w.AppendBlob(1, "b", payload); err != ErrFull {
		t.Fatalf("a blob in a full ring: %v", err)
	}
	close(release)
	for err = ErrFull; err == ErrFull; {
		err = w.Append(Command, 2, payload)
	}
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, kept{Command, 2, string(payload)})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	mustRead(t, dir, all, TailClosed)
	if used, size := w.HighWater(); used < size/2 || used > size {
		t.Errorf("high water %d of %d", used, size)
	}
}

func TestAnExistingJournalIsNotTouched(t *testing.T) {
	w, dir := create(t, testOptions())
	all := mixed(t, w, 10)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir, testOptions()); !errors.Is(err, os.ErrExist) {
		t.Fatalf("second Create: %v", err)
	}
	mustRead(t, dir, all, TailClosed)
	empty := t.TempDir() // an empty directory may be given
	w, err := Create(empty, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	mustRead(t, empty, nil, TailClosed)
}

func TestOptionsAreChecked(t *testing.T) {
	for _, opt := range []Options{
		{SegmentBytes: MinSegmentBytes - 1}, {SegmentBytes: MaxSegmentBytes + 1},
		{RingBytes: minRingBytes / 2}, {RingBytes: minRingBytes + 1}, {RingBytes: -1},
	} {
		if _, err := Create(filepath.Join(t.TempDir(), "j"), opt); err == nil {
			t.Errorf("accepted: %+v", opt)
		}
	}
	if _, err := Create(filepath.Join(t.TempDir(), "a", "b"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing parent: %v", err)
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	opt := testOptions()
	opt.SegmentBytes = 4 << 20
	w, _ := create(t, opt)
	defer w.Close()
	e := event.Event{Kind: event.ParentNew}
	// The journal goroutine allocates a little when it rolls; this stays below.
	if n := testing.AllocsPerRun(1000, func() {
		e.Seq++
		if err := w.Append(Event, 1, e.Bytes()); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRead(b *testing.B) {
	opt := testOptions()
	opt.SegmentBytes, opt.RingBytes = 16<<20, 16<<20
	w, dir := create(b, opt)
	e := event.Event{Kind: event.Exec}
	const events = 50_000
	for e.Seq < events {
		e.Seq++
		if err := w.Append(Event, 1, e.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := Open(dir)
		for err == nil {
			_, err = r.Next()
		}
		if err != io.EOF {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*events/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkAppend(b *testing.B) {
	for _, k := range []event.Kind{event.BookLevel, event.OrderCancelReject, event.Exec} {
		b.Run(fmt.Sprint(k.Size()), func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "j")
			w, err := Create(dir, Options{})
			if err != nil {
				b.Fatal(err)
			}
			e := event.Event{Kind: k}
			full := 0
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				e.Seq++
				for w.Append(Event, 1, e.Bytes()) == ErrFull {
					// The disk is the limit: wait outside the clock.
					b.StopTimer()
					full++
					for at := w.Durable(); w.Durable() == at; {
						runtime.Gosched()
					}
					b.StartTimer()
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(full), "full")
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
