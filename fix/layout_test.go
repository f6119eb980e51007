package fix

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"penstock/market"
)

// readers are two that learn from the same messages: one with all that the processor has.
type readers struct{ fast, marks Message }

// sameReading compares what Next made of buf with FrameUpTo and Parse, its slow twin,
// and every way to a field with a search in the order of the wire.
func sameReading(t *testing.T, r *readers, buf []byte) (n int) {
	t.Helper()
	n = sameAsTwin(t, &r.fast, buf)
	defer func(have bool) { haveSplit = have }(haveSplit)
	haveSplit = false
	sameAsTwin(t, &r.marks, buf)
	return n
}

func sameAsTwin(t *testing.T, m *Message, buf []byte) (n int) {
	t.Helper()
	n, garbled, parsed := m.Next(buf, MaxFrame)
	want, frameErr := FrameUpTo(buf, MaxFrame)
	if n != want || fmt.Sprint(garbled) != fmt.Sprint(frameErr) {
		t.Fatalf("%q: Next %d, %v, twin %d, %v", buf, n, garbled, want, frameErr)
	}
	if n == 0 || garbled != nil {
		return n
	}
	var slow Message
	slowErr := slow.Parse(buf[:n])
	if fmt.Sprint(parsed) != fmt.Sprint(slowErr) || m.Len() != slow.Len() || !bytes.Equal(m.Frame(), buf[:n]) {
		t.Fatalf("%q: %v with %d fields, twin %v with %d", buf[:n], parsed, m.Len(), slowErr, slow.Len())
	}
	for i := range slow.Len() {
		a, v := m.Field(i)
		b, w := slow.Field(i)
		if a != b || string(v) != string(w) {
			t.Fatalf("%q: field %d is %d=%q, twin %d=%q", buf[:n], i, a, v, b, w)
		}
	}
	var hm, hs header
	hm.read(m)
	hs.read(&slow)
	if fmt.Sprint(hm) != fmt.Sprint(hs) || string(m.Type()) != string(slow.Type()) {
		t.Fatalf("%q: header %v, twin %v", buf[:n], hm, hs)
	}
	for s := Slot(1); s < slotCount; s++ {
		sameValue(t, m, &slow, s)
	}
	return n
}

func sameValue(t *testing.T, m, slow *Message, s Slot) {
	t.Helper()
	tag, count := slotTags[s], 0
	var first []byte
	for i := range slow.Len() {
		if f, v := slow.Field(i); f == tag {
			if count++; count == 1 {
				first = v
			}
		}
	}
	got, ok := m.Get(tag)
	if string(m.At(s)) != string(first) || ok != (count > 0) || string(got) != string(first) ||
		(m.Twice(1<<s) != 0) != (count > 1) {
		t.Fatalf("%q: tag %d: At %q, Get %q %v, twice %d; there are %d, first %q", m.Frame(), tag, m.At(s), got, ok,
			m.Twice(1<<s), count, first)
	}
	for decimals := range uint8(11) {
		v, ok := m.DecimalAt(s, decimals)
		want, err := market.ParseDecimal(first, decimals)
		if len(first) > 0 && first[0] == '-' {
			want, err = 0, market.ErrDecimal
		}
		if ok != (err == nil) || v != want {
			t.Fatalf("%q with %d decimals: %d %v, twin %d %v", first, decimals, v, ok, want, err)
		}
	}
	u, ok := m.UintAt(s)
	if want, wantOK := parseUint(first); ok != wantOK || ok && u != want {
		t.Fatalf("%q: %d %v, twin %d %v", first, u, ok, want, wantOK)
	}
	ns, ok := m.TimeAt(s)
	if want, err := ParseTime(first); ok != (err == nil) || ok && ns != want {
		t.Fatalf("%q: %d %v, twin %d %v", first, ns, ok, want, err)
	}
}

// reportOf is a message whose fields in the middle are text.
func reportOf(text string) []byte {
	return wrap("FIX.4.4", "35=8|34=7|49=XLIT|52=20261120-14:30:00.123|56=SOR|"+text)
}

func TestNextLearnsTheOrderOfTags(t *testing.T) {
	var m readers
	for i := range 3 { // learned, then used, then another kind in between
		for _, s := range samples {
			sameReading(t, &m, soh(s))
		}
		for _, r := range variedReports() {
			sameReading(t, &m, r)
		}
		sameReading(t, &m, reportOf(fmt.Sprintf("11=%d|150=0", i)))
	}
	reads := m.fast.layouts.kinds
	known := 0
	for i := range reads {
		for j := range reads[i] {
			known += min(reads[i][j].n, 1)
		}
	}
	if known < 5 {
		t.Errorf("%d layouts known after %d kinds of message", known, len(samples))
	}
}

// What Parse refuses is refused although all tags are as in the message before.
func TestNextIsAsStrictAsParse(t *testing.T) {
	good := "11=5|38=100|44=1.5|54=1|55=ACME|150=0"
	for _, text := range []string{
		good, "11=5|38=|44=1.5|54=1|55=ACME|150=0", "11=5|38=100|44=1.5|54=1|55=ACME|15=00", "11=5|38=100|44=1.5|54=1|55=ACME|034=0",
		"11=5|38=100|34=1.5|54=1|55=ACME|150=0", "11=5|38100|44=1.5|54=1|55=ACME|150=0", "11=5|95=3|96=a|b|54=1|55=ACME|150=0",
		"11=5|38=100|44=1.5|54=1|55=ACME|1500", "11=5|38=100|44=1.5|54=1|55=ACME|35=0", "|38=100|44=1.5|54=1|55=ACME|150=0",
	} {
		var m readers
		sameReading(t, &m, reportOf(good))
		sameReading(t, &m, reportOf(good))
		sameReading(t, &m, reportOf(text))
		sameReading(t, &m, reportOf(good))
		whole := reportOf(text)
		for cut := range whole {
			sameReading(t, &m, whole[:cut])
		}
		for i := range whole { // and every single byte that is wrong
			spoilt := bytes.Clone(whole)
			for _, c := range []byte{SOH, '=', '0', '9', '.', 0xff} {
				spoilt[i] = c
				sameReading(t, &m, spoilt)
				sum := slowSum(spoilt[:len(spoilt)-trailerLen])
				copy(spoilt[len(spoilt)-4:], fmt.Sprintf("%03d", sum))
				sameReading(t, &m, spoilt)
				copy(spoilt, whole)
			}
		}
	}
}

func TestScanFindsEverySOH(t *testing.T) {
	for n := range 1000 {
		b := make([]byte, n)
		var want [16]uint64
		for i := range b {
			b[i] = byte(i * 7919 >> 3)
			if i*i%7 == 0 || n%5 == 0 {
				b[i] = SOH
			}
			if b[i] == SOH {
				want[i/64] |= 1 << (i % 64)
			}
		}
		var fast, words [16]uint64
		sumFast, sumWords := scan(b, fast[:]), scanWords(b, words[:])
		if fast != want || words != want || sumFast != slowSum(b) || sumWords != slowSum(b) {
			t.Fatalf("%d bytes: %x %d, in words %x %d, want %x %d", n, fast, sumFast, words, sumWords, want, slowSum(b))
		}
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte("8=FIX.4.4\x019=5\x01"), 0)
	f.Add(bytes.Repeat([]byte{1, 0x81, 0, 0xff, 2}, 100), 3)
	f.Fuzz(func(t *testing.T, b []byte, from int) {
		b = b[min(uint(from), uint(len(b))):]
		b = b[:min(len(b), markedFrame)]
		var fast, words [markedFrame / 64]uint64
		if x, y := scan(b, fast[:]), scanWords(b, words[:]); fast != words || x != y || x != slowSum(b) {
			t.Fatalf("%q: %x %d, twin %x %d", b, fast, x, words, y)
		}
	})
}

// cutSlowly is split, a field at a time; ok is false when one has no tag, no equals sign
// or no value.
func cutSlowly(b []byte) (tags []byte, spans []span, ok bool) {
	at := 0
	for at < len(b) {
		end := at + bytes.IndexByte(b[at:], SOH)
		width := bytes.IndexByte(b[at:end], '=') + 1
		if width < 2 || at+width == end {
			return nil, nil, false
		}
		tags = append(tags, b[at:at+width]...)
		spans = append(spans, makeSpan(at+width, end))
		at = end + 1
	}
	return tags, spans, true
}

func FuzzSplit(f *testing.F) {
	for _, s := range samples {
		f.Add(soh(s))
	}
	f.Add(bytes.Repeat([]byte("1=2\x01"), layoutFields))
	f.Add(bytes.Repeat([]byte("1=2\x01"), layoutFields+1))
	f.Add(bytes.Repeat([]byte("1234567=2\x01"), layoutFields))
	f.Add([]byte("35=8\x01=8\x0134\x01=\x0155=a=b\x01\x01"))
	for n := range 70 { // a tag, its equals sign and a SOH at each place of a block
		f.Add([]byte("58=" + strings.Repeat("x", n+1) + "\x0110000=y\x0199=" + strings.Repeat("z", 64) + "\x01"))
		f.Add([]byte("58=" + strings.Repeat("x", n+1) + "\x0110000\x0199=\x01=" + strings.Repeat("z", 64) + "\x01"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = append(b[:min(len(b), markedFrame-1)], SOH)
		tags, spans, ok := cutSlowly(b)
		var text [splitTags]byte
		var got [splitSpans]span
		if !haveSplit {
			return
		}
		sum, n, width := split(b, &text, &got)
		seen := text[:width]
		real := width > 0 && seen[0] != '=' && !bytes.Contains(seen, []byte("==")) && bytes.IndexByte(seen, SOH) < 0
		fits := ok && len(spans) <= layoutFields && len(tags) <= layoutText
		if real != fits || width > 0 && sum != slowSum(b) {
			t.Fatalf("%q: tags %q, sum %d; twin %v %q, %d", b, seen, sum, ok, tags, slowSum(b))
		}
		if fits && (string(seen) != string(tags) || !slices.Equal(got[:n], spans)) {
			t.Fatalf("%q: %q %x, twin %q %x", b, seen, got[:n], tags, spans)
		}
	})
}

// FuzzNext reads three messages with one Message: what it learned of one must not show
// in another.
func FuzzNext(f *testing.F) {
	for i, s := range samples {
		f.Add(soh(s), soh(samples[(i+1)%len(samples)]), uint(i*13), byte('='))
	}
	f.Add(reportOf("11=5|38=100|44=1.5"), reportOf("11=|38=10|44=.5"), uint(70), byte(1))
	f.Add(reportOf("11=999999999999999999|38=1.25|44=.5|60=20261120-23:59:60.999"), reportOf("11=18446744073709551616|38=1.|44=.|60=x"), uint(0), byte(8))
	f.Add(reportOf("11=12345678901234567|38=00000001|44=1..5"), reportOf("11=0|38=99999999|44=1.2345678"), uint(9), byte(9))
	f.Fuzz(func(t *testing.T, a, b []byte, at uint, c byte) {
		var m readers
		for _, buf := range [][]byte{a, b, a, b, append(bytes.Clone(a), b...)} {
			sameReading(t, &m, buf)
		}
		if len(a) == 0 {
			return
		}
		spoilt := bytes.Clone(a)
		spoilt[at%uint(len(a))] = c
		sameReading(t, &m, spoilt)
		if n := len(spoilt) - trailerLen; n > 0 {
			copy(spoilt[n:], fmt.Sprintf("10=%03d\x01", slowSum(spoilt[:n])))
			sameReading(t, &m, spoilt)
		}
		sameReading(t, &m, a)
	})
}

func TestNextDoesNotAllocate(t *testing.T) {
	var m Message
	reports := variedReports()
	sameAsTwin(t, &m, reports[0])
	i := 0
	if n := testing.AllocsPerRun(len(reports), func() {
		m.Next(reports[i%len(reports)], MaxFrame)
		readSeven(&m)
		i++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
