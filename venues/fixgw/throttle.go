package fixgw

import (
	"fmt"

	"penstock/event"
	"penstock/venues/outbound"
)

// Throttle is the venue's limit on messages of a session.
type Throttle = outbound.Throttle

// countSent tells the throttle what the session has written since.
func (g *Gateway) countSent(now int64) {
	out := g.session.Written()
	g.pace.Note(now, out-g.counted)
	g.counted = out
}

// hold keeps a cancel until its turn; an order is refused, because a late order is
// a wrong order.
func (g *Gateway) hold(c *event.Command) bool {
	if c.Kind != event.SendCancel || g.lane.Full() {
		g.stats.Throttled++
		return false
	}
	g.lane.Push(c)
	g.stats.LaneWaits++
	g.stats.LaneHigh = max(g.stats.LaneHigh, g.lane.Len())
	return true
}

// drainLane sends the cancels whose turn it is. Those of a session that ends are
// told as refused when it has ended. While some wait it is not idle: no socket
// would end that wait.
func (g *Gateway) drainLane(now int64) (work int) {
	for g.lane.Len() > 0 && g.Up() && g.session.CanSend() && !g.unsent.Full() && g.pace.Allows(now, true) {
		c := *g.lane.Front()
		if g.write(now, g.template(&c), &c) {
			g.lane.Pop()
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
		g.lane.Pop()
		g.stats.Unsent++
	}
	return work + min(g.lane.Len(), 1)
}

// wrote accounts for bytes that the socket took, and for when it takes none.
func (g *Gateway) wrote(now int64, n int) {
	g.session.Wrote(n)
	g.cleared = max(g.cleared-n, 0)
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
