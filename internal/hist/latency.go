// Package hist records latencies in nanoseconds and prints their percentiles.
// It is a thin face of HdrHistogram: three significant digits, fixed memory, no
// allocation while recording.
package hist

import (
	"fmt"
	"io"
	"strconv"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// MaxNanos is the largest latency told apart; a larger one is recorded as MaxNanos.
const MaxNanos = int64(60e9)

const significantDigits = 3

// Latency is a histogram of durations in nanoseconds. It has one owner and is not
// safe for concurrent use; other goroutines are given a Clone.
type Latency struct {
	h        *hdrhistogram.Histogram
	negative int64
	clamped  int64
}

// New returns an empty histogram. It takes about 200 KiB.
func New() *Latency {
	return &Latency{h: hdrhistogram.New(1, MaxNanos, significantDigits)}
}

// Record adds one latency. A negative one (a clock that stepped back) is counted
// apart and is in no percentile.
func (l *Latency) Record(nanos int64) { l.RecordCorrected(nanos, 0) }

// RecordCorrected adds one latency of a load that was meant to send every
// intervalNanos, and the ones that the requests held up behind it would have seen
// (coordinated omission). Interval 0 corrects nothing.
func (l *Latency) RecordCorrected(nanos, intervalNanos int64) {
	if nanos < 0 {
		l.negative++
		return
	}
	if nanos > MaxNanos {
		l.clamped++
		nanos = MaxNanos
	}
	if err := l.h.RecordCorrectedValue(nanos, intervalNanos); err != nil {
		panic(fmt.Sprintf("hist: %v", err)) // the range was checked above
	}
}

// Merge adds what other holds. Other must not be in use.
func (l *Latency) Merge(other *Latency) {
	l.h.Merge(other.h)
	l.negative += other.negative
	l.clamped += other.clamped
}

// Clone returns a copy for another owner.
func (l *Latency) Clone() *Latency {
	c := *l
	c.h = l.h.Clone()
	return &c
}

// Reset empties the histogram, keeping its memory.
func (l *Latency) Reset() {
	l.h.Reset()
	l.negative, l.clamped = 0, 0
}

// Count returns how many latencies the percentiles are made of.
func (l *Latency) Count() int64 { return l.h.TotalCount() }

// Negative returns how many recorded latencies were negative and left out.
func (l *Latency) Negative() int64 { return l.negative }

// Max returns the largest latency in nanoseconds, to three digits.
func (l *Latency) Max() int64 { return l.h.Max() }

// Percentile returns the latency in nanoseconds that percent of 100 do not
// exceed, to three digits; 0 when nothing was recorded.
func (l *Latency) Percentile(percent float64) int64 { return l.h.ValueAtPercentile(percent) }

// String returns one line: p50 p90 p99 p99.9 max and the count, with the left out
// and clamped latencies when there are any.
func (l *Latency) String() string { return string(l.AppendLine(nil)) }

var linePercentiles = [...]struct {
	label   string
	percent float64
}{{"p50 ", 50}, {" p90 ", 90}, {" p99 ", 99}, {" p99.9 ", 99.9}}

// AppendLine appends the text of String.
func (l *Latency) AppendLine(dst []byte) []byte {
	if l.Count() == 0 {
		dst = append(dst, "no samples"...)
	} else {
		for _, p := range linePercentiles {
			dst = append(dst, p.label...)
			dst = AppendNanos(dst, l.Percentile(p.percent))
		}
		dst = append(dst, " max "...)
		dst = AppendNanos(dst, l.Max())
		dst = append(dst, " n "...)
		dst = strconv.AppendInt(dst, l.Count(), 10)
	}
	if l.negative > 0 {
		dst = append(dst, " negative "...)
		dst = strconv.AppendInt(dst, l.negative, 10)
	}
	if l.clamped > 0 {
		dst = append(dst, " above 60s "...)
		dst = strconv.AppendInt(dst, l.clamped, 10)
	}
	return dst
}

// AppendNanos appends a duration with three significant digits or more and its
// unit: 812ns 1.24us 17.3ms 2.05s.
func AppendNanos(dst []byte, nanos int64) []byte {
	unit, name := int64(1), "ns"
	switch {
	case nanos >= 1e9:
		unit, name = 1e9, "s"
	case nanos >= 1e6:
		unit, name = 1e6, "ms"
	case nanos >= 1e3:
		unit, name = 1e3, "us"
	}
	dst = strconv.AppendInt(dst, nanos/unit, 10)
	if rest := nanos % unit * 100 / max(unit, 1); unit > 1 && nanos/unit < 100 {
		digits := [...]byte{'.', byte('0' + rest/10), byte('0' + rest%10)}
		if nanos/unit >= 10 {
			return append(append(dst, digits[:2]...), name...)
		}
		dst = append(dst, digits[:]...)
	}
	return append(dst, name...)
}

// WriteLog writes the histogram as a file in the HdrHistogram log format (.hlog),
// version 1.3, with one interval [startNanos, endNanos) since the epoch, in
// milliseconds as the format wants it.
func (l *Latency) WriteLog(w io.Writer, tag string, startNanos, endNanos int64) error {
	for i := range len(tag) {
		if c := tag[i]; c <= ' ' || c == ',' || c > '~' {
			return fmt.Errorf("histogram tag %q: only printable ASCII without comma and space", tag)
		}
	}
	h := l.h.Clone()
	h.SetTag(tag)
	h.SetStartTimeMs(startNanos / 1e6)
	h.SetEndTimeMs(endNanos / 1e6)
	log := hdrhistogram.NewHistogramLogWriter(w)
	if err := log.OutputLogFormatVersion(); err != nil {
		return fmt.Errorf("histogram log: %w", err)
	}
	if err := log.OutputStartTime(startNanos / 1e6); err != nil {
		return fmt.Errorf("histogram log: %w", err)
	}
	if err := log.OutputLegend(); err != nil {
		return fmt.Errorf("histogram log: %w", err)
	}
	if err := log.OutputIntervalHistogram(h); err != nil {
		return fmt.Errorf("histogram log: %w", err)
	}
	return nil
}
