package fixgw

import (
	"strings"

	"penstock/event"
	"penstock/market"
	"penstock/venues/outbound"
)

// lostState is what remains to be told after a connection ended: first that the
// session is down, then which commands never left, then that the quotes are gone.
type lostState struct {
	pending  bool
	at       int64
	wasUp    bool
	downTold bool
	quotes   int // symbols whose quotes were withdrawn
	reason   event.Reason
}

// lose ends the connection and plans the next one. The telling is left to
// settleLost, as the caller may be inside the core.
func (g *Gateway) lose(now int64, reason string) {
	if g.conn != nil {
		g.socket.Store(0)
		g.conn.Close()
		g.conn = nil
	}
	g.session.Disconnected(now)
	g.cleared = 0
	if g.cfg.Firewall != nil {
		g.cfg.Firewall.Lost()
	}
	g.stats.Disconnects++
	g.stats.LastClose = reason
	g.why.Store(&reason)
	g.lost = lostState{pending: true, at: now, wasUp: g.up, reason: lossReason(reason)}
	g.nextDial = now + g.rest(now)
	g.up, g.behind = false, false
	g.from, g.to, g.emitted = 0, 0, 0
}

const (
	// stableNanos is how long a session must stay up for the next reconnect to be quick again.
	stableNanos = 10_000 * milli
	// flapsMax is how often in a row it may fail to, before it is left alone for the longest
	// wait (FM-42).
	flapsMax = 5
)

// rest returns how long to wait before the next connection. A venue that comes and goes waits
// like one that cannot be reached: longer each time, and after flapsMax times the longest.
func (g *Gateway) rest(now int64) int64 {
	switch {
	case g.up && now-g.upSince >= stableNanos:
		g.attempt, g.flaps = 0, 0
	case g.up:
		g.flaps++
	}
	wait := g.backoff()
	if g.flaps < flapsMax {
		return wait
	}
	if g.lost.reason == event.ReasonDisconnect {
		g.lost.reason = event.ReasonFlapping
	}
	return max(wait, g.cfg.BackoffMaxNanos)
}

// lossReason says what a person has to know of why a session ended.
func lossReason(text string) event.Reason {
	for _, r := range lossReasons {
		if strings.Contains(text, r.part) {
			return r.reason
		}
	}
	return event.ReasonDisconnect
}

// lossReasons go by the words that the session ends with, ours or the venue's.
var lossReasons = [...]struct {
	part   string
	reason event.Reason
}{
	{"MsgSeqNum(34) too low", event.ReasonSeqTooLow},
	{"were not resent", event.ReasonResends},
	{"ResendRequest from", event.ReasonResends},
	{"ResetSeqNumFlag(141)", event.ReasonResetRefused},
}

// backoff doubles with every attempt and takes off up to one half.
func (g *Gateway) backoff() int64 {
	d := g.cfg.BackoffMaxNanos
	if g.attempt < 32 && g.cfg.BackoffMinNanos < d>>g.attempt {
		d = g.cfg.BackoffMinNanos << g.attempt
	}
	g.attempt++
	return d - int64(mix(g.cfg.Seed, uint64(g.stats.Disconnects))%uint64(d/2+1))
}

// mix is SplitMix64 of two words (Steele, Lea, Flood 2014).
func mix(a, b uint64) uint64 {
	z := a + (b+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// settleLost emits what is due; false means that the Sink has no room yet.
func (g *Gateway) settleLost() bool {
	l := &g.lost
	if l.wasUp && !l.downTold {
		g.e = event.Event{Kind: g.kindOf(event.VenueSession), Venue: g.cfg.Venue, RecvTime: l.at,
			Instrument: market.NoInstrument, Code: uint8(event.SessionDown),
			Reason: l.reason}
		if !g.offer() {
			return false
		}
		l.downTold = true
	}
	for c := g.unsent.Front(); c != nil; c = g.unsent.Front() {
		if c.Kind == event.SendOrder || c.Kind == event.SendCancel {
			g.refusal(c, l.at)
			if !g.offer() {
				return false
			}
		}
		g.stats.Unsent++
		g.unsent.Pop()
	}
	for g.lane.Len() > 0 {
		g.refusal(g.lane.Front(), l.at)
		if !g.offer() {
			return false
		}
		g.stats.Unsent++
		g.lane.Pop()
	}
	for g.cfg.Kind == market.SDP && l.wasUp && l.quotes < len(g.cfg.Symbols) {
		g.e = event.Event{Kind: event.QuoteCancel, Venue: g.cfg.Venue, RecvTime: l.at,
			Instrument: g.cfg.Symbols[l.quotes].ID, Reason: event.ReasonDisconnect}
		if !g.offer() {
			return false
		}
		l.quotes++
	}
	l.pending = false
	return true
}

// refusal makes the event for a command that never left whole.
func (g *Gateway) refusal(c *event.Command, at int64) {
	g.neverLeft(c)
	g.e = outbound.Refusal(c, at)
	g.e.Venue = g.cfg.Venue
}

// offer gives g.e to the Sink.
func (g *Gateway) offer() bool {
	if g.cfg.Sink(&g.e) {
		return true
	}
	g.stats.SinkFull++
	return false
}
