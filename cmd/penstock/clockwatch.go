package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"penstock/event"
	"penstock/market"
)

// clockReading is the host's clocks at one moment.
type clockReading struct {
	wall, mono   int64 // ns; CLOCK_MONOTONIC is slewed as the wall clock is, but never set
	offset       int64 // ns that the kernel has still to slew by, as PTP, NTP or chrony asked for
	bound        int64 // ns that it may be off
	disciplined  bool
	undiscovered error // the kernel would not say
}

// readClock reads both clocks in the closest of a few tries.
func readClock() (r clockReading) {
	closest := int64(1 << 62)
	for range 5 {
		var before, wall, after unix.Timespec
		for _, err := range []error{unix.ClockGettime(unix.CLOCK_MONOTONIC, &before), unix.ClockGettime(unix.CLOCK_REALTIME, &wall),
			unix.ClockGettime(unix.CLOCK_MONOTONIC, &after)} {
			if err != nil {
				r.undiscovered = err
				return r
			}
		}
		if gap := after.Nano() - before.Nano(); gap < closest {
			closest, r.wall, r.mono = gap, wall.Nano(), before.Nano()+gap/2
		}
	}
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		r.undiscovered = err
		return r
	}
	r.offset, r.bound = t.Offset, t.Maxerror*1000
	if t.Status&unix.STA_NANO == 0 {
		r.offset *= 1000
	}
	r.disciplined = state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
	return r
}

const (
	clockEvery  = time.Second
	clockRecord = time.Minute      // a reading that says nothing new is recorded so often
	clockNear   = 20 * time.Second // and every one for so long after one that did
	clockNotice = 1_000_000        // ns: the core judges by it as well
	clockNoise  = 20_000           // ns that two readings may differ by for no fault of the clock
)

// clockWatch compares the wall clock with the monotonic one and asks the kernel what its
// discipline knows. What it sees becomes events of the core, which acts on them.
type clockWatch struct {
	last     clockReading
	next     time.Time
	recorded time.Time
	trouble  time.Time // when something was last wrong
	told     bool      // that it is not disciplined
}

// due reads the clocks once a second.
func (w *clockWatch) due(a *assembly, now time.Time) {
	if now.Before(w.next) {
		return
	}
	w.next = now.Add(clockEvery)
	r := readClock()
	if r.undiscovered != nil || !r.disciplined {
		if !w.told {
			w.told = true
			a.alarm(alert{Severity: warning, Kind: "clock", Text: "the wall clock is not disciplined", Do: "start chronyd or ptp4l with phc2sys"})
		}
	}
	if r.undiscovered != nil {
		return
	}
	if e, ok := w.look(&r, now); ok && !a.push(&e) {
		a.alarm(alert{Severity: warning, Kind: "clock", Text: "the operator's queue is full: the core does not know how the clock is"})
	}
}

// look judges a reading by the one before; ok says that the core has to hear of it.
func (w *clockWatch) look(r *clockReading, now time.Time) (e event.Event, ok bool) {
	step := int64(0)
	if w.last.mono != 0 {
		if step = (r.wall - w.last.wall) - (r.mono - w.last.mono); max(step, -step) <= clockNoise {
			step = 0
		}
	}
	changed := w.last.mono == 0 || r.disciplined != w.last.disciplined
	w.last = *r
	if max(step, -step) > clockNotice || max(r.offset, -r.offset) > clockNotice {
		w.trouble = now
	}
	near := !w.trouble.IsZero() && now.Sub(w.trouble) <= clockNear
	if !changed && step == 0 && !near && now.Sub(w.recorded) < clockRecord {
		return e, false
	}
	w.recorded = now
	e = event.Event{Kind: event.Clock, Venue: market.NoVenue, Instrument: market.NoInstrument, RecvTime: clock(), Until: step,
		StartTime: r.offset, SliceNanos: r.bound}
	if r.disciplined {
		e.Code = 1
	}
	return e, true
}

func (r *clockReading) String() string {
	state := "not disciplined"
	if r.disciplined {
		state = "disciplined"
	}
	return fmt.Sprintf("%s, off by %v within %v", state, time.Duration(r.offset), time.Duration(r.bound))
}
