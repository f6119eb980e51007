package rehearsal

import "penstock/venues/wire"

// kernel is the way of a message through the kernel and back, walked now and then. The zero value
// has none.
type kernel struct {
	way     *wire.Loopback
	clock   func() int64
	due     int64 // of the next message
	wait    bool  // one is under way
	broken  error // why none goes any more
	sent    uint64
	arrived uint64 // bytes
	passes  uint64 // of the kernel: each send, each receive
	buf     [4096]byte
}

// A message takes some µs in which the loop sees nothing else: of all events one in shareOfTime may
// come then. After longestPeriod without one a send costs twice or three times as much.
const (
	shareOfTime   = 100
	longestPeriod = 1_000_000 // ns
)

// send lets p go if it is time for one.
func (k *kernel) send(p []byte) {
	if k.way == nil || k.broken != nil {
		return
	}
	now := k.clock()
	if now < k.due && k.due-now <= longestPeriod { // a clock that steps back ends no wait
		return
	}
	k.passes++
	if k.broken = k.way.Send(p); k.broken != nil {
		return
	}
	k.wait = true
	k.sent += uint64(len(p))
	k.due = now + min(shareOfTime*(k.clock()-now), longestPeriod)
}

// receive takes what has gone.
func (k *kernel) receive() {
	if !k.wait || k.broken != nil {
		return
	}
	k.wait = false
	k.passes++
	n, err := k.way.Receive(k.buf[:])
	k.arrived += uint64(n)
	k.broken = err
}
