package outbound

import "fmt"

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

// SessionReserve is how many messages cancels leave to the session: a heartbeat
// and the answer to a test request.
const SessionReserve = 2

// Validate reports the first number that cannot be.
func (t *Throttle) Validate() error {
	switch {
	case *t == Throttle{}:
	case t.Messages < SessionReserve+2 || t.Messages > maxThrottle:
		return fmt.Errorf("throttle: %d messages are not in %d..%d", t.Messages, SessionReserve+2, maxThrottle)
	case t.WindowNanos <= 0:
		return fmt.Errorf("throttle: the window must be positive")
	case t.Reserve <= SessionReserve || t.Reserve >= t.Messages:
		return fmt.Errorf("throttle: a reserve of %d for cancels must be above %d and below %d messages",
			t.Reserve, SessionReserve, t.Messages)
	}
	return nil
}

// Pace keeps to a Throttle: it remembers when the last messages were sent. Single owner.
type Pace struct {
	cfg   Throttle
	times []int64 // ring of cfg.Messages
	n     uint64  // messages sent
}

// NewPace returns the pace of a valid throttle.
func NewPace(cfg Throttle) Pace { return Pace{cfg: cfg, times: make([]int64, cfg.Messages)} }

// Allows reports whether one more message may go at now, ns.
func (t *Pace) Allows(now int64, cancel bool) bool {
	if t.cfg.Messages == 0 {
		return true
	}
	use := t.cfg.Messages - t.cfg.Reserve
	if cancel {
		use = t.cfg.Messages - SessionReserve
	}
	// The message that is use back must be out of the window.
	return t.n < uint64(use) ||
		now-t.times[(t.n-uint64(use))%uint64(len(t.times))] >= t.cfg.WindowNanos
}

// Note says that messages were sent at now, ns.
func (t *Pace) Note(now int64, messages uint64) {
	if t.cfg.Messages == 0 {
		return
	}
	for range messages {
		t.times[t.n%uint64(len(t.times))] = now
		t.n++
	}
}
