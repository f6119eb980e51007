package tsc

import (
	"testing"
	"time"
)

// world is a counter and a system clock that a test turns.
type world struct {
	tick uint64
	wall int64
}

func newWorld(t *testing.T, ticksPerMicro uint64) (*world, *Clock) {
	t.Helper()
	w := &world{tick: 1 << 40, wall: 1_800_000_000e9}
	c := &Clock{tick: func() uint64 { return w.tick }, wall: func() int64 { return w.wall }}
	c.last = c.measure()
	w.pass(20_000, ticksPerMicro)
	if err := c.begin(c.measure()); err != nil {
		t.Fatal(err)
	}
	return w, c
}

func (w *world) pass(micros, ticksPerMicro uint64) {
	w.tick += micros * ticksPerMicro
	w.wall += int64(micros) * 1000
}

func TestClockKeepsTheRate(t *testing.T) {
	for _, rate := range []uint64{100, 1000, 2596, 5000} {
		w, c := newWorld(t, rate)
		for range 100 {
			w.pass(1_000_000, rate)
			if off := c.Now() - w.wall; off < -1000 || off > 1000 {
				t.Fatalf("rate %d: off by %d ns", rate, off)
			}
			c.Adjust()
		}
	}
}

func TestClockIsContinuousAndNeverGoesBack(t *testing.T) {
	const rate = 2596
	w, c := newWorld(t, rate)
	last := c.Now()
	steps := []int64{0, 40_000, -40_000, 30_000_000, -30_000_000, 5_000_000_000, -5_000_000_000, 0, 0}
	for _, step := range steps {
		w.wall += step // somebody sets the system clock
		before := c.Now()
		ahead := c.Adjust()
		after := c.Now()
		switch {
		case after < before:
			t.Fatalf("step %d: back by %d", step, before-after)
		case step < stepNanos && after != before:
			t.Fatalf("step %d: jumped by %d", step, after-before)
		case step > stepNanos && after != w.wall:
			t.Fatalf("step %d: %d ns behind after it", step, w.wall-after)
		case step != 0 && (ahead > 0) != (step < 0):
			t.Fatalf("step %d: said to be ahead by %d", step, ahead)
		}
		for range 2000 {
			w.pass(1000, rate)
			if now := c.Now(); now < last {
				t.Fatalf("step %d: back by %d", step, last-now)
			} else {
				last = now
			}
		}
	}
}

func TestClockMeetsTheSystemClockAgain(t *testing.T) {
	const rate = 3000
	w, c := newWorld(t, rate)
	w.wall -= 1_500_000 // 1.5 ms ahead: within what one second may take out
	for range 5 {
		c.Adjust()
		w.pass(1_000_000, rate)
	}
	if off := c.Now() - w.wall; off < -50_000 || off > 50_000 {
		t.Errorf("off by %d ns after 5 s", off)
	}
}

func TestACounterBehindTheLineTellsTheLine(t *testing.T) {
	w, c := newWorld(t, 2000)
	at := c.line.Load().at
	w.tick -= 100
	if now := c.Now(); now != at {
		t.Errorf("%d, want %d", now, at)
	}
}

func TestARateThatIsNoneIsRefused(t *testing.T) {
	w := &world{tick: 5, wall: 1}
	c := &Clock{tick: func() uint64 { return w.tick }, wall: func() int64 { return w.wall }}
	c.last = c.measure()
	for _, pass := range []func(){func() {}, func() { w.wall += 1000 }, func() { w.tick += 1 << 50 }} {
		pass()
		if err := c.begin(c.measure()); err == nil {
			t.Error("accepted")
		}
	}
}

func TestThisProcessor(t *testing.T) {
	c, err := New()
	if !Invariant() {
		if err != ErrVariant {
			t.Fatalf("a variant counter: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	last := c.Now()
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
		c.Adjust()
		now := c.Now()
		if now < last {
			t.Fatalf("back by %d ns", last-now)
		}
		last = now
	}
	if off := time.Duration(c.Now() - time.Now().UnixNano()); off.Abs() > 5*time.Millisecond {
		t.Errorf("off by %v", off)
	}
	if n := testing.AllocsPerRun(100, func() { c.Now() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNow(b *testing.B) {
	c, err := New()
	if err != nil {
		b.Log(err) // the other clock is still worth its figure
	} else {
		b.Run("tsc", func(b *testing.B) {
			for b.Loop() {
				c.Now()
			}
		})
	}
	b.Run("time.Now", func(b *testing.B) {
		for b.Loop() {
			time.Now().UnixNano()
		}
	})
}
