package hist

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The slow twin is the sorted list of all samples.
func TestPercentilesMatchASortedList(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	l := New()
	var all []int64
	for range 20_000 {
		v := rnd.Int64N(1 << (10 + rnd.IntN(20)))
		l.Record(v)
		all = append(all, v)
	}
	slices.Sort(all)
	for _, percent := range []float64{1, 50, 90, 99, 99.9, 100} {
		want := all[min(int(percent/100*float64(len(all))), len(all)-1)]
		got := l.Percentile(percent)
		if diff := max(got-want, want-got); diff > want/200+2 {
			t.Errorf("p%v: %d, the list says %d", percent, got, want)
		}
	}
	if l.Count() != int64(len(all)) {
		t.Errorf("count %d of %d", l.Count(), len(all))
	}
}

func TestCorrectionAddsTheHeldUpRequests(t *testing.T) {
	l := New()
	l.RecordCorrected(1000, 100)
	if l.Count() != 10 || l.Percentile(1) != 100 {
		t.Fatalf("count %d, smallest %d", l.Count(), l.Percentile(1))
	}
}

func TestImpossibleValuesAreCountedNotHidden(t *testing.T) {
	l := New()
	if got := l.String(); got != "no samples" {
		t.Errorf("empty: %q", got)
	}
	l.Record(-5)
	l.Record(MaxNanos + 1)
	l.Record(1500)
	if l.Count() != 2 || l.Negative() != 1 {
		t.Errorf("count %d negative %d", l.Count(), l.Negative())
	}
	if got := l.String(); got != "p50 1.50us p90 60.0s p99 60.0s p99.9 60.0s max 60.0s n 2 negative 1 above 60s 1" {
		t.Errorf("line %q", got)
	}
	l.Reset()
	if l.Count() != 0 || l.Negative() != 0 || l.String() != "no samples" {
		t.Errorf("after Reset: %s", l)
	}
}

func TestMergeAndClone(t *testing.T) {
	a, b := New(), New()
	a.Record(10)
	b.Record(30)
	b.Record(-1)
	c := a.Clone()
	a.Merge(b)
	if a.Count() != 2 || a.Max() != 30 || a.Negative() != 1 {
		t.Errorf("merged: %s", a)
	}
	if c.Count() != 1 || c.Max() != 10 {
		t.Errorf("the clone moved with its origin: %s", c)
	}
}

func TestDurationsKeepThreeDigits(t *testing.T) {
	for nanos, want := range map[int64]string{
		0: "0ns", 812: "812ns", 999: "999ns", 1000: "1.00us", 1240: "1.24us", 17_300: "17.3us",
		173_000: "173us", 1_050_000: "1.05ms", 2_050_000_000: "2.05s", 60_000_000_000: "60.0s",
	} {
		if got := string(AppendNanos(nil, nanos)); got != want {
			t.Errorf("%d: %s, want %s", nanos, got, want)
		}
	}
}

func TestLogIsReadBackByTheLibrary(t *testing.T) {
	l := New()
	for v := int64(1); v < 5000; v++ {
		l.Record(v * 17)
	}
	var file bytes.Buffer
	if err := l.WriteLog(&file, "tick-to-order", 1_700_000_000e9, 1_700_000_001e9); err != nil {
		t.Fatal(err)
	}
	read, err := hdrhistogram.NewHistogramLogReader(bytes.NewReader(file.Bytes())).NextIntervalHistogram()
	if err != nil {
		t.Fatalf("%v\n%s", err, file.String())
	}
	if read.TotalCount() != l.Count() || read.Tag() != "tick-to-order" ||
		read.ValueAtPercentile(99) != l.Percentile(99) {
		t.Errorf("read back %d %q p99 %d", read.TotalCount(), read.Tag(), read.ValueAtPercentile(99))
	}
	if !strings.HasPrefix(file.String(), "#[Histogram log format version 1.3]\n#[StartTime: 1700000000") {
		t.Errorf("file starts %q", file.String()[:60])
	}
	if err := l.WriteLog(&file, "a,b", 0, 1); err == nil {
		t.Error("a comma in the tag was accepted")
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	l := New()
	if n := testing.AllocsPerRun(1000, func() { l.Record(12345) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	l := New()
	b.ReportAllocs()
	v := int64(1)
	for b.Loop() {
		l.Record(v)
		v = (v*7 + 1) & 0xffffff
	}
}
