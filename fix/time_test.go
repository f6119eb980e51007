package fix

import (
	"testing"
	"time"
)

func TestTimesEqualThoseOfPackageTime(t *testing.T) {
	var s Stamp
	for _, ns := range []int64{
		0, 1, 951782399999999999, 951782400000000000, 1709164799_999000000, 1795185000123456789,
		4102444799_000000000, 1795185000124000000, 1795185001000000000,
	} {
		want := time.Unix(0, ns).UTC()
		got := string(s.Append(nil, ns))
		if got != want.Format("20060102-15:04:05.000") {
			t.Errorf("%d: formatted %s, want %v", ns, got, want)
		}
		for _, layout := range []string{"20060102-15:04:05", "20060102-15:04:05.000",
			"20060102-15:04:05.000000", "20060102-15:04:05.000000000"} {
			text := want.Format(layout)
			back, _ := time.Parse(layout, text)
			if ns, err := ParseTime([]byte(text)); err != nil || ns != back.UnixNano() {
				t.Errorf("%s: parsed %d, %v, want %d", text, ns, err, back.UnixNano())
			}
		}
	}
}

func TestParseTimeRefusesWhatIsNoTime(t *testing.T) {
	for _, s := range []string{"", "20261120", "20261120-14:30", "20261120 14:30:00",
		"20261120-24:00:00", "20261120-14:60:00", "20261120-14:30:61", "20261320-14:30:00",
		"20260229-14:30:00", "20261120-14:30:00.", "20261120-14:30:00.1", "20261120-14:30:00,123",
		"2026112x-14:30:00", "19691231-23:59:59", "20261120-14:30:00.12345678x"} {
		if ns, err := ParseTime([]byte(s)); err == nil {
			t.Errorf("%q: got %d, want an error", s, ns)
		}
	}
	leap, err := ParseTime([]byte("20161231-23:59:60"))
	if want := time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano(); err != nil || leap != want {
		t.Errorf("leap second: got %d, %v, want %d", leap, err, want)
	}
}

func FuzzTime(f *testing.F) {
	f.Add(int64(1795185000123456789), int64(5))
	f.Fuzz(func(t *testing.T, a, b int64) {
		var s Stamp // a second call must not show the first
		for _, ns := range []int64{a & (1<<62 - 1), b & (1<<62 - 1)} {
			text := string(s.Append(nil, ns))
			if want := time.Unix(0, ns).UTC().Format("20060102-15:04:05.000"); text != want {
				t.Fatalf("%d: %s, want %s", ns, text, want)
			}
			if back, err := ParseTime([]byte(text)); err != nil || back != ns/1e6*1e6 {
				t.Fatalf("%s: parsed %d, %v", text, back, err)
			}
		}
	})
}
