package journal

import (
	"math"
	"time"
)

// Space is what a journal has left of its disk, as the journal's goroutine saw it last.
type Space struct {
	FreeBytes, SizeBytes int64 // of the disk; size 0: not known yet
	Spares               int   // segments that are kept ready
	Left                 int64 // bytes that fit without another block of the disk: this segment and the spares
	// Lasts is for how long Left is enough at the rate of the last minutes;
	// math.MaxInt64 when next to nothing is written.
	Lasts time.Duration
	Full  error // why no further segment could be made, nil while they can
}

// Alarm is how scarce the disk is.
type Alarm uint8

// Alarms, at a fifth and at a tenth of the disk (FM-59).
const (
	SpaceEnough Alarm = iota
	SpaceLow          // less than 20 % of the disk is free
	SpaceScarce       // less than 10 %, or no further segment can be made
	SpaceEnding       // and what is kept back is nearly used up: stop while there is room to record it
)

func (a Alarm) String() string {
	switch a {
	case SpaceEnough:
		return "enough"
	case SpaceLow:
		return "less than 20 % free"
	case SpaceScarce:
		return "less than 10 % free"
	case SpaceEnding:
		return "nothing free, and the reserve ends"
	}
	return "alarm?"
}

// Alarm returns how scarce the disk is. endingBytes is what an orderly end needs to be
// recorded: cancels, their answers, reports.
func (s *Space) Alarm(endingBytes int64) Alarm {
	switch {
	case s.SizeBytes == 0:
		return SpaceEnough
	case s.Full != nil && s.Spares == 0 && s.Left < endingBytes:
		return SpaceEnding
	case s.Full != nil || s.FreeBytes < s.SizeBytes/10:
		return SpaceScarce
	case s.FreeBytes < s.SizeBytes/5:
		return SpaceLow
	}
	return SpaceEnough
}

// Space returns what was left of the disk a second ago at most. Any goroutine.
func (w *Writer) Space() Space {
	if s := w.space.Load(); s != nil {
		return *s
	}
	return Space{}
}

const (
	spaceEvery = int64(time.Second)
	// rateShift averages the rate of writing over about a minute.
	rateShift = 6
)

// gauge measures how fast the journal grows.
type gauge struct {
	at    int64 // ns of the host's monotonic clock
	total uint64
	rate  int64 // bytes per second
	last  bool  // the open segment is the last that there is room for: looked at all the time
}

// measure looks at the disk once a second, or at once when force is set, and keeps as many
// spares as the reserve needs. Where that leaves less than a fifth of the disk free it keeps
// the least number. The error is one of making spares that is final.
func (f *flusher) measure(force bool) error {
	now := time.Since(f.began).Nanoseconds()
	g := &f.gauge
	span := now - g.at
	if span < spaceEvery && !force && !g.last {
		return nil
	}
	if span >= spaceEvery {
		rate := int64(float64(f.pos-g.total) / float64(span) * 1e9)
		if g.at == 0 {
			g.rate = rate
		}
		g.rate += (rate - g.rate) >> rateShift
		g.at, g.total = now, f.pos
	}
	s := &Space{Lasts: math.MaxInt64}
	var broken error
	if s.Spares, s.Full, broken = f.spares.state(); broken != nil {
		return broken
	}
	s.FreeBytes, s.SizeBytes, _ = f.opt.disk.space(f.dir) // what cannot be asked is not known
	g.last = s.Full != nil && s.Spares == 0
	segment := f.opt.SegmentBytes - HeaderSize
	s.Left = f.opt.SegmentBytes - f.off + int64(s.Spares)*segment
	if g.rate > 0 {
		s.Lasts = time.Duration(min(float64(s.Left)/float64(g.rate)*1e9, math.MaxInt64/2))
	}
	f.w.space.Store(s)
	wish := int64(f.opt.Reserve.Seconds()*float64(g.rate))/segment + 1
	room := (s.FreeBytes - s.SizeBytes/5) / f.opt.SegmentBytes
	f.spares.keep(int(max(int64(f.opt.Spares), min(wish, room+int64(s.Spares), maxSpares))))
	return nil
}
