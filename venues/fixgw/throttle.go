package fixgw

import (
	"fmt"

	"penstock/event"
)

// Throttle is the venue's limit on messages of a session: in no window of
// WindowNanos are there more than Messages, session messages included. Orders may
// use all but Reserve of them, so that a cancel finds room behind a burst of
// orders. The zero value does not limit.
type Throttle struct {
	Messages    int
	WindowNanos int64
	Reserve     int
}

// maxThrottle bounds Messages: each has its time remembered, 8 bytes.
const maxThrottle = 100_000

// sessionReserve is how many messages cancels leave to the session: a heartbeat
// and the answer to a test request.
const sessionReserve = 2

func (t *Throttle) validate() error {
	switch {
	case *t == Throttle{}:
	case t.Messages < sessionReserve+2 || t.Messages > maxThrottle:
		return fmt.Errorf("throttle: %d messages are not in %d..%d", t.Messages, sessionReserve+2, maxThrottle)
	case t.WindowNanos <= 0:
		return fmt.Errorf("throttle: the window must be positive")
	case t.Reserve <= sessionReserve || t.Reserve >= t.Messages:
		return fmt.Errorf("throttle: a reserve of %d for cancels must be above %d and below %d messages",
			t.Reserve, sessionReserve, t.Messages)
	}
	return nil
}

// throttle remembers when the last messages were sent.
type throttle struct {
	cfg   Throttle
	times []int64 // ring of cfg.Messages
	n     uint64  // messages sent
}

func (t *throttle) init(cfg Throttle) {
	t.cfg, t.times = cfg, make([]int64, cfg.Messages)
}

// allows reports whether one more message may go at now.
func (t *throttle) allows(now int64, cancel bool) bool {
	if t.cfg.Messages == 0 {
		return true
	}
	use := t.cfg.Messages - t.cfg.Reserve
	if cancel {
		use = t.cfg.Messages - sessionReserve
	}
	// The message that is use back must be out of the window.
	return t.n < uint64(use) ||
		now-t.times[(t.n-uint64(use))%uint64(len(t.times))] >= t.cfg.WindowNanos
}

func (t *throttle) note(now int64, messages uint64) {
	if t.cfg.Messages == 0 {
		return
	}
	for range messages {
		t.times[t.n%uint64(len(t.times))] = now
		t.n++
	}
}

// countSent tells the throttle what the session has written since.
func (g *Gateway) countSent(now int64) {
	out := g.session.Written()
	g.throttle.note(now, out-g.counted)
	g.counted = out
}

// laneCapacity bounds the cancels that wait for the throttle.
const laneCapacity = 4096

// lane holds cancels, oldest first, until the throttle lets them go. While there
// are any, no order goes.
type lane struct {
	commands [laneCapacity]event.Command
	head, n  int
}

func (l *lane) push(c *event.Command) {
	l.commands[(l.head+l.n)%laneCapacity] = *c
	l.n++
}

func (l *lane) front() *event.Command { return &l.commands[l.head] }

func (l *lane) pop() { l.head, l.n = (l.head+1)%laneCapacity, l.n-1 }

// hold keeps a cancel until its turn; an order is refused, because a late order is
// a wrong order.
func (g *Gateway) hold(c *event.Command) bool {
	if c.Kind != event.SendCancel || g.lane.n == laneCapacity {
		g.stats.Throttled++
		return false
	}
	g.lane.push(c)
	g.stats.LaneWaits++
	g.stats.LaneHigh = max(g.stats.LaneHigh, g.lane.n)
	return true
}

// drainLane sends the cancels whose turn it is. Those of a session that ends are
// told as refused when it has ended. While some wait it is not idle: no socket
// would end that wait.
func (g *Gateway) drainLane(now int64) (work int) {
	for g.lane.n > 0 && g.Up() && g.session.CanSend() && !g.unsent.full() && g.throttle.allows(now, true) {
		c := *g.lane.front()
		if g.write(now, g.template(&c), &c) {
			g.lane.pop()
			work++
			continue
		}
		if g.conn == nil {
			return work + 1 // it broke: settleLost tells what is in the lane
		}
		g.refusal(&c, now)
		if !g.offer() {
			return work + 1
		}
		g.lane.pop()
		g.stats.Unsent++
	}
	return work + min(g.lane.n, 1)
}

// wrote accounts for bytes that the socket took, and for when it takes none.
func (g *Gateway) wrote(now int64, n int) {
	g.session.Wrote(n)
	g.written += uint64(n)
	switch {
	case len(g.session.Out()) == 0:
		g.stuck = 0
	case n > 0 || g.stuck == 0:
		g.stuck = now
	}
}

// checkSlow gives up a venue that does not read: its socket is full and our buffer
// too, or has been for too long. What waits is told as never sent.
func (g *Gateway) checkSlow(now int64) int {
	waiting := 0
	if g.conn != nil {
		waiting = len(g.session.Out())
	}
	if waiting == 0 || waiting < g.cfg.OutLimit && (g.stuck == 0 || now-g.stuck < g.cfg.SlowNanos) {
		return 0
	}
	g.stats.SlowVenue++
	g.lose(now, fmt.Sprintf("the venue does not read: %d bytes wait since %d ms", waiting, (now-g.stuck)/milli))
	return 1
}
