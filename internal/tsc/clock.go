package tsc

import (
	"errors"
	"fmt"
	"math/bits"
	"sync/atomic"
	"time"
)

// ErrVariant says that this processor has no counter to tell the time by.
var ErrVariant = errors.New("tsc: the processor has no invariant time stamp counter")

// line is where the clock stands: at counter from, ns since epoch is at; from there
// each tick adds slope / 2^32 ns.
type line struct {
	from  uint64
	at    int64
	slope uint64
}

// read returns the time at counter tick, which must not be before from.
func (l *line) read(tick uint64) int64 {
	hi, lo := bits.Mul64(tick-l.from, l.slope)
	return l.at + int64(hi<<32|lo>>32)
}

// Clock tells ns since epoch. Now may be called by any goroutine, Adjust by one at
// a time.
type Clock struct {
	line  atomic.Pointer[line]
	last  reading // what the rate was measured from
	slope uint64  // the counter's own rate, without the bend
	wall  func() int64
	tick  func() uint64
}

// reading is the counter and the system clock at one moment.
type reading struct {
	tick  uint64
	wall  int64
	width uint64 // ticks between the counter's readings around that of the clock
}

// calibration is how long New measures the counter's rate; an error of 50 ns in it
// is one of 2.5 ppm, which Adjust takes out.
const calibration = 20 * time.Millisecond

// New measures the counter against the system clock.
func New() (*Clock, error) {
	if !Invariant() {
		return nil, ErrVariant
	}
	c := &Clock{tick: counter, wall: func() int64 { return time.Now().UnixNano() }}
	c.last = c.measure()
	time.Sleep(calibration)
	if err := c.begin(c.measure()); err != nil {
		return nil, err
	}
	return c, nil
}

// begin draws the first line.
func (c *Clock) begin(r reading) error {
	slope, ok := c.rate(&r)
	if !ok {
		return fmt.Errorf("tsc: %d ticks in %d ns are no rate of a processor", r.tick-c.last.tick, r.wall-c.last.wall)
	}
	c.last, c.slope = r, slope
	c.line.Store(&line{from: r.tick, at: r.wall, slope: slope})
	return nil
}

// rate returns the slope between the last reading and r; ok is false when it is not
// one between 0.05 and 20 ticks a nanosecond.
func (c *Clock) rate(r *reading) (slope uint64, ok bool) {
	ticks, ns := r.tick-c.last.tick, r.wall-c.last.wall
	if ns <= 0 || ticks == 0 || ticks < uint64(ns)/20 || ticks/20 > uint64(ns) {
		return 0, false
	}
	slope, _ = bits.Div64(uint64(ns)>>32, uint64(ns)<<32, ticks)
	return slope, true
}

// measure takes the tightest of some readings.
func (c *Clock) measure() (best reading) {
	for i := range 16 {
		before := c.tick()
		wall := c.wall()
		after := c.tick()
		if width := after - before; i == 0 || width < best.width {
			best = reading{tick: before + width/2, wall: wall, width: width}
		}
	}
	return best
}

// Now returns ns since epoch.
func (c *Clock) Now() int64 {
	l := c.line.Load()
	// Another core's counter may be a few ticks behind the one that drew the line.
	if tick := c.tick(); tick > l.from {
		return l.read(tick)
	}
	return l.at
}

// Bounds of an adjustment.
const (
	meetNanos   = 1_000_000_000 // the line shall meet the system clock after this time
	settleNanos = 100_000_000   // readings this far apart tell the rate to 1 ppm
	// slewMax bounds how much the rate is bent, in parts of 2^-20: 0.2 %.
	slewMax   = 1 << 11
	slewShift = 9 // the same as a shift
	// stepNanos is the error from which the clock jumps, if it is behind.
	stepNanos = 100_000_000
)

// Adjust measures again and bends the line. It returns by how much Now was ahead of
// the system clock, in ns. An error of more than 100 ms behind is made up at once; a
// clock that is ahead only runs slower, by at most 0.2 %, until it is right.
func (c *Clock) Adjust() (ahead int64) {
	r := c.measure()
	old := c.line.Load()
	now := max(old.read(r.tick), old.at)
	ahead = now - r.wall
	rate := c.slope
	// Readings that lie apart measure the rate again, unless somebody set the system
	// clock between them.
	if r.wall-c.last.wall >= settleNanos || r.wall < c.last.wall {
		if again, ok := c.rate(&r); ok && again-rate+rate>>slewShift <= rate>>slewShift*2 {
			rate = again
		}
		c.last = r
	}
	c.slope = rate
	if ahead <= -stepNanos {
		c.line.Store(&line{from: r.tick, at: r.wall, slope: rate})
		return ahead
	}
	bend := min(max(-ahead*(1<<20)/meetNanos, -slewMax), slewMax)
	slope := uint64(int64(rate) + int64(rate>>20)*bend)
	c.line.Store(&line{from: r.tick, at: now, slope: slope})
	return ahead
}
