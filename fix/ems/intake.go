package ems

import (
	"sync"
	"time"

	"penstock/event"
	"penstock/market"
)

// intakeRetry is how soon a session's state is offered again to a full Sink.
const intakeRetry = time.Millisecond

// intake is the one producer of the Sink: quickfix's goroutines take turns. An
// order that finds no room is refused; a session's state is offered until it is
// taken, and always before the next order of anybody.
type intake struct {
	mu      sync.Mutex
	sink    event.Sink
	state   []event.SessionState // of each client
	told    []event.SessionState // what the Sink has last been told
	waiting bool                 // a retry is on its way
	closed  bool
}

func newIntake(sink event.Sink, clients int) *intake {
	return &intake{sink: sink, state: make([]event.SessionState, clients),
		told: make([]event.SessionState, clients)}
}

// session reports the state of a client's session.
func (in *intake) session(client uint16, state event.SessionState) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.state[client] = state
	in.flush()
}

// order offers an event; false means that there is no room.
func (in *intake) order(e *event.Event) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return !in.closed && in.flush() && in.sink(e)
}

// close stops the retries and refuses every further order.
func (in *intake) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.flush()
	in.closed = true
}

// flush tells the Sink of every session whose state it does not know, and
// reports whether it now knows all.
func (in *intake) flush() bool {
	for i, state := range in.state {
		if in.told[i] == state {
			continue
		}
		e := event.Event{Kind: event.ClientSession, Code: uint8(state), Client: uint16(i),
			RecvTime: time.Now().UnixNano(), Venue: market.NoVenue, Instrument: market.NoInstrument}
		if !in.sink(&e) {
			in.retry()
			return false
		}
		in.told[i] = state
	}
	return true
}

func (in *intake) retry() {
	if in.waiting || in.closed {
		return
	}
	in.waiting = true
	time.AfterFunc(intakeRetry, func() {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.waiting = false
		if !in.closed {
			in.flush()
		}
	})
}
