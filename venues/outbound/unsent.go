package outbound

import (
	"penstock/event"
	"penstock/internal/warm"
)

// unsentCapacity bounds the commands that wait for a full socket.
const unsentCapacity = 1024

// Unsent holds the commands whose bytes the socket has not all taken, oldest
// first, with the count of written bytes at which they are through. Single owner.
type Unsent struct {
	entries [unsentCapacity]struct {
		end     uint64
		command event.Command
	}
	head, tail uint
}

// Len returns how many wait.
func (q *Unsent) Len() int { return int(q.tail - q.head) }

// Full reports whether there is no room.
func (q *Unsent) Full() bool { return q.tail-q.head == unsentCapacity }

// Push appends a copy of c, whose last byte is through with end written bytes; there must be
// room.
func (q *Unsent) Push(end uint64, c *event.Command) {
	e := &q.entries[q.tail%unsentCapacity]
	e.end, e.command = end, *c
	q.tail++
}

// Front returns the oldest command, nil when there is none.
func (q *Unsent) Front() *event.Command {
	if q.head == q.tail {
		return nil
	}
	return &q.entries[q.head%unsentCapacity].command
}

// Pop takes the oldest out.
func (q *Unsent) Pop() { q.head++ }

// Sent takes out the commands that are through with written bytes.
func (q *Unsent) Sent(written uint64, through func(*event.Command)) {
	for q.head != q.tail && q.entries[q.head%unsentCapacity].end <= written {
		through(&q.entries[q.head%unsentCapacity].command)
		q.head++
	}
}

// Orders reports whether a new order waits.
func (q *Unsent) Orders() bool {
	for i := q.head; i != q.tail; i++ {
		if q.entries[i%unsentCapacity].command.Kind == event.SendOrder {
			return true
		}
	}
	return false
}

// Rewarm asks for what a command touches that the socket takes at once.
func (q *Unsent) Rewarm() { warm.Span(&q.head, &q.tail) }
