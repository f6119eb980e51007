package guard

import (
	"sync"
	"time"
)

// outbox holds what the library wrote until the client takes it. It is bounded:
// a writer that finds no room for longer than its patience gives up, so a client
// that stops reading costs a fixed amount of memory and of time.
type outbox struct {
	mu      sync.Mutex
	pending []byte
	spare   []byte
	max     int
	closed  bool
	filled  chan struct{} // something to take, or closed
	room    chan struct{} // something was taken, or closed
}

func newOutbox(maxBytes int) *outbox {
	return &outbox{max: maxBytes, filled: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// put copies p in; false means closed, or no room within patience.
func (o *outbox) put(p []byte, patience time.Duration) bool {
	var late <-chan time.Time
	for {
		o.mu.Lock()
		if o.closed {
			o.mu.Unlock()
			return false
		}
		if len(o.pending)+len(p) <= o.max {
			o.pending = append(o.pending, p...)
			o.mu.Unlock()
			notify(o.filled)
			return true
		}
		o.mu.Unlock()
		if late == nil {
			timer := time.NewTimer(patience)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-o.room:
		case <-late:
			return false
		}
	}
}

// take waits for bytes and returns all there are; they are valid until the next
// take. false means closed and empty.
func (o *outbox) take() ([]byte, bool) {
	for {
		o.mu.Lock()
		if len(o.pending) > 0 {
			o.pending, o.spare = o.spare[:0], o.pending
			o.mu.Unlock()
			notify(o.room)
			return o.spare, true
		}
		closed := o.closed
		o.mu.Unlock()
		if closed {
			return nil, false
		}
		<-o.filled
	}
}

// close ends put at once and take when it has emptied the box.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	notify(o.filled)
	notify(o.room)
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
