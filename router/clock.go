package router

import (
	"math"

	"penstock/event"
)

const (
	clockAlert = 1_000_000   // ns that the wall clock may be off or be set by before a person is told
	clockStop  = 100_000_000 // ns beyond which nothing new is sent
	clockCalm  = 10_000_000_000
)

// wallClock is what the core knows of the host's wall clock. The core's own time comes with
// the events and never goes back; the wall clock is in what clients and venues are told, and
// decides when a parent begins and ends.
type wallClock struct {
	stopped bool
	bad     bool  // a person was told, and it has not been right since
	right   int64 // since when it has been, ns since epoch; 0: it is not
}

// onClock follows the watch of the wall clock (FM-57): a person is told of more than a
// millisecond, once until it is right again; beyond 100 ms nothing new is sent until the clock
// has been right for ten seconds, by further events of the watch. What is open stays.
func (c *Core) onClock(e *event.Event) {
	k := &c.wall
	off := max(magnitude(e.Until), magnitude(e.StartTime))
	if off <= clockAlert {
		if k.right == 0 {
			k.right = c.now
		}
		if k.bad && c.now-k.right >= clockCalm {
			k.bad = false
			if k.stopped {
				k.stopped = false
				c.gate.HoldClock(false)
				c.lookAgain(e.Venue)
			}
		}
		return
	}
	k.right = 0
	if off > clockStop && !k.stopped {
		k.stopped, k.bad = true, false
		c.gate.HoldClock(true)
	}
	if !k.bad {
		k.bad = true
		c.Counters.ClockTrouble++
		c.alertVenue(e.Venue, event.ReasonClock)
	}
}

// magnitude of a time span; the least int64 has none, and is as good as the greatest.
func magnitude(v int64) int64 {
	if v == math.MinInt64 {
		return math.MaxInt64
	}
	return max(v, -v)
}
