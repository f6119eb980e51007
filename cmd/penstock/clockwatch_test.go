package main

import (
	"testing"
	"time"

	"penstock/event"
	"penstock/router/loop"
)

// TestCtl_C21_ClockWatch gives the watch readings of clocks: what it says, and when it keeps
// silent. The last readings are this host's own.
func TestCtl_C21_ClockWatch(t *testing.T) {
	var w clockWatch
	now := time.Unix(1_800_000_000, 0)
	r := clockReading{wall: now.UnixNano(), mono: 5e9, disciplined: true, bound: 80_000}
	for i, c := range []struct {
		after        time.Duration
		set, offset  int64
		disciplined  bool
		told         bool
		step, offBy  int64
		disciplineIs uint8
	}{
		{0, 0, 0, true, true, 0, 0, 1},                               // the first is recorded
		{time.Second, 10_000, 0, true, false, 0, 0, 1},               // noise of two readings
		{time.Second, -10_000, 300_000, true, false, 0, 0, 1},        // nothing new
		{time.Minute, 0, 300_000, true, true, 0, 300_000, 1},         // once a minute
		{time.Second, 250_000_000, 0, true, true, 250_000_000, 0, 1}, // set forward
		{time.Second, 0, 0, true, true, 0, 0, 1},                     // and for a while each
		{25 * time.Second, 0, 0, true, false, 0, 0, 1},
		{time.Second, -3_000_000, 0, true, true, -3_000_000, 0, 1}, // set back
		{25 * time.Second, 0, 0, false, true, 0, 0, 0},             // nobody keeps it any more
		{time.Second, 0, 2_000_000, false, true, 0, 2_000_000, 0},  // off by two milliseconds
	} {
		now = now.Add(c.after)
		r.wall += int64(c.after) + c.set
		r.mono += int64(c.after)
		r.offset, r.disciplined = c.offset, c.disciplined
		e, told := w.look(&r, now)
		if told != c.told || told && (e.Kind != event.Clock || e.Until != c.step || e.StartTime != c.offBy || e.Code != c.disciplineIs) {
			t.Errorf("reading %d: told %v, %+v", i, told, e)
		}
	}
	a, b := readClock(), readClock()
	if a.undiscovered != nil {
		t.Fatal(a.undiscovered)
	}
	if d := (b.wall - a.wall) - (b.mono - a.mono); max(d, -d) > int64(time.Millisecond) || b.mono < a.mono {
		t.Errorf("two readings at once: %+v, %+v", a, b)
	}
}

// TestCtl_C21_ClockStopsNewOrders has the watch see the wall clock of a working router set by
// 150 ms: from then on nothing new leaves.
func TestCtl_C21_ClockStopsNewOrders(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "threaded")
	r.send("C-1", 20_000, 30*time.Second)
	r.until("children", func(s *loop.Sequencer) bool { return len(s.Core().Children()) > 0 })
	var w clockWatch
	reading := readClock()
	for _, set := range []int64{0, 150_000_000} {
		reading.wall += set
		e, ok := w.look(&reading, time.Now())
		if !ok || !r.a.push(&e) {
			t.Fatalf("set by %d: told %v", set, ok)
		}
	}
	sent := 0
	r.until("held", func(s *loop.Sequencer) bool {
		sent = len(s.Core().Children())
		return s.Core().Gate().Held() && s.Core().Counters.ClockTrouble == 1
	})
	time.Sleep(3 * time.Second) // more than a slice
	r.until("count", func(s *loop.Sequencer) bool {
		if n := len(s.Core().Children()); n != sent {
			t.Errorf("%d orders left while the clock is not to be trusted", n-sent)
		}
		return true
	})
	if err := r.client.Cancel("C-1C", "C-1"); err != nil {
		t.Fatal(err)
	}
	r.finish("C-1")
}
