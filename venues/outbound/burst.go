package outbound

import "penstock/event"

// BurstBytes is how much of a burst of cancels is gathered for one write.
const BurstBytes = 16 << 10

// Burst knows which cancels may wait for those behind them. A kill cancels a thousand orders,
// and a write for each would take most of its time. Single owner.
type Burst struct {
	event int64 // StepTime of the last command if it was a cancel, otherwise 0
}

// Gathers reports whether c, whose message is the last of waiting bytes, may wait for those
// behind it: a cancel that follows another of the same event, while there are less than limit
// bytes and unsent has room for the next command too. What is gathered leaves, in order, with
// the next message that is not, or when the gateway is worked, right after the event.
func (b *Burst) Gathers(c *event.Command, waiting, limit int, unsent *Unsent) bool {
	follows := c.Kind == event.SendCancel && c.StepTime != 0 && c.StepTime == b.event
	b.event = 0
	if c.Kind == event.SendCancel {
		b.event = c.StepTime
	}
	return follows && waiting < min(limit, BurstBytes) && unsent.Len() < unsentCapacity-1
}
