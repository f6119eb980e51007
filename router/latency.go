package router

import (
	"penstock/market"
	"penstock/policy"
)

// way is what was seen of the time that orders take to a venue: half of the time from sending an
// order to its first answer, of which it follows the lower quartile, because what is slower
// waited somewhere. The venue's own time, and any difference between the two ways, are in it.
type way struct{ nanos, count int64 }

// priorAnswers is after how many answers the latency of a parameter set counts no more.
const priorAnswers = 16

func (w *way) add(roundTrip int64) {
	x := max(roundTrip, 0) / 2
	if w.count = min(w.count+1, 1<<20); w.count == 1 {
		w.nanos = x
		return
	}
	// Three times as far down as up: it rests where a quarter is quicker. The steps are large at
	// first.
	step := max(w.nanos/min(4+w.count, 64), 1)
	if x < w.nanos {
		w.nanos = max(w.nanos-3*step, x)
	} else {
		w.nanos = min(w.nanos+step, x)
	}
}

// towards returns a latency of a parameter set, µs, moved towards what was seen.
func (w *way) towards(prior uint32) uint32 {
	seen := min(max(w.nanos/1000, 0), 1<<31)
	n := min(w.count, priorAnswers)
	return uint32((int64(prior)*(priorAnswers-n) + seen*n) / priorAnswers)
}

// scoreLatency takes the first answer to an order. A dealer's verdict comes after its look, so
// only its word that it has the order counts.
func (c *Core) scoreLatency(ch *Child) {
	if t := market.ExecType(c.cause.Code); c.venues[ch.Venue].Kind == market.SDP && t != market.ExecNew && t != market.ExecPendingNew {
		return
	}
	c.card(ch.Venue).way.add(c.now - ch.SentTime)
	c.blendLatency(ch.Venue)
}

func (c *Core) blendLatency(v market.VenueID) {
	if c.tactics.Off&OffFeedback != 0 {
		return
	}
	now, w := &c.economics.now.Venues[v], &c.card(v).way
	if now.LatencyMicros = w.towards(c.economics.set.Venues[v].LatencyMicros); w.count > 0 {
		now.Known |= policy.KnownLatency
	}
}

// Latency returns what answers say of the time that an order takes to the venue, µs, and how many
// there were.
func (s *Score) Latency() (micros, answers int64) { return s.way.nanos / 1000, s.way.count }
