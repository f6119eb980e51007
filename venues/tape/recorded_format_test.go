package tape

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

var testHeader = Header{Venue: "V", Protocol: "kraken", Symbols: []HeaderSymbol{{Instrument: "BTC-USD", Text: "BTC/USD",
	PriceDecimals: 1, QtyDecimals: 8, PricePrecision: 1, QtyPrecision: 8}}}

// recordingOf writes n records of every kind in frames of a few, and the end.
func recordingOf(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	r, err := NewRecorder(&b, testHeader)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		kind := []RecordKind{Opened, Received, HTTP, recordLines, recordLines + 15, Closed}[i%6]
		if err := r.Record(int64(1000+i), kind, fmt.Appendf(nil, "wss://x/%d?q\nbody", i)); err != nil {
			t.Fatal(err)
		}
		if i%7 == 6 {
			if err := r.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Record(1, Received, nil); err == nil {
		t.Error("a closed recorder takes a record")
	}
	return b.Bytes()
}

func readRecording(content []byte) (got []string, err error) {
	f := &file{path: "x", r: bufio.NewReaderSize(bytes.NewReader(content), 1<<12)}
	defer f.Close()
	c, _, err := openRecorded(f)
	for err == nil {
		var r Record
		if r, err = c.next(); err == nil {
			got = append(got, fmt.Sprintf("%d %d %s %s", r.Time, r.Kind, r.Conn, r.Data))
		}
	}
	return got, err
}

func TestRecorderWritesWhatIsReadAgain(t *testing.T) {
	got, err := readRecording(recordingOf(t, 6))
	want := "1001 0 wss://x/0 wss://x/1?q\nbody|1002 1 wss://x/2?q body|1003 0  wss://x/3?q\nbody|1004 0  wss://x/4?q\nbody"
	if strings.Join(got, "|") != want || err != io.EOF {
		t.Errorf("%q, %v", got, err)
	}
	path := save(t, "a.psrec", recordingOf(t, 6))
	h, err := ReadHeader(path)
	if err != nil || h.Venue != "V" || h.Symbols[0] != testHeader.Symbols[0] || h.Version != 1 {
		t.Errorf("%+v %v", h, err)
	}
	feed := Feed{Venue: "V", Format: "recorded", Paths: []string{path}}
	plan, err := NewPlan([]Feed{feed})
	if err != nil || plan.Instruments[0].Symbol != "BTC-USD" || plan.Feeds[0].Symbol != "BTC/USD" {
		t.Errorf("%+v %v", plan, err)
	}
	feed.Instrument = "ETH-USD"
	if _, err := NewPlan([]Feed{feed}); err == nil || !strings.Contains(err.Error(), "was not recorded") {
		t.Error(err)
	}
}

func TestCutRecordingsSaySo(t *testing.T) {
	whole := recordingOf(t, 40)
	all, _ := readRecording(whole)
	for n := range len(whole) {
		got, err := readRecording(whole[:n])
		if !errors.Is(err, io.ErrUnexpectedEOF) || !isPrefix(got, all) {
			t.Fatalf("cut to %d: %d records, %v", n, len(got), err)
		}
	}
	if _, err := readRecording(append(bytes.Clone(whole), 0)); !errors.Is(err, errRecorded) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a byte behind the end: %v", err)
	}
}

func isPrefix(got, all []string) bool {
	for i := range got {
		if i >= len(all) || got[i] != all[i] {
			return false
		}
	}
	return true
}

// No flipped bit goes unseen, and none changes what was before it.
func TestBitFlipsInRecordings(t *testing.T) {
	whole := recordingOf(t, 20)
	all, _ := readRecording(whole)
	r := rand.New(rand.NewPCG(9, 9))
	for range 10_000 {
		b := bytes.Clone(whole)
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		got, err := readRecording(b)
		var at *Error
		if !errors.As(err, &at) || !isPrefix(got, all) {
			t.Fatalf("%d records, %v", len(got), err)
		}
	}
}

type failing struct{ after int }

func (f *failing) Write(b []byte) (int, error) {
	if f.after--; f.after < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(b), nil
}

func TestRecorderKeepsItsFirstError(t *testing.T) {
	r, err := NewRecorder(&failing{after: 2}, testHeader)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Record(1, Received, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := r.Tick(1 + frameNanos); err == nil || r.Record(2, Received, nil) == nil || r.Close() == nil {
		t.Errorf("the error is forgotten: %v", err)
	}
}

func FuzzRecorded(f *testing.F) {
	f.Add(recordingOf(f, 8))
	f.Fuzz(func(t *testing.T, content []byte) {
		if _, err := readRecording(content); err == nil {
			t.Fatal("no end")
		}
	})
}

func TestRecordingsSayWhenTheirDayBegins(t *testing.T) {
	const evening = 1_772_843_400_000_000_000 // 2026-03-07 00:30 UTC, the day before in New York
	for _, c := range []struct {
		header Header
		day    int64
	}{
		{Header{}, 1_772_841_600_000_000_000},
		{Header{Zone: "America/New_York"}, 1_772_773_200_000_000_000},
		{Header{Zone: "America/New_York", Midnight: 5}, 5},
	} {
		if day, err := c.header.day(); err != nil || day(evening) != c.day {
			t.Errorf("%+v: not %d, %v", c.header, c.day, err)
		}
	}
	if _, err := (&Header{Zone: "Wall Street"}).day(); err == nil || !strings.Contains(err.Error(), "Wall Street") {
		t.Error(err)
	}
}
