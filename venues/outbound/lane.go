package outbound

import (
	"penstock/event"
	"penstock/internal/warm"
)

// laneCapacity bounds the cancels that wait for the throttle.
const laneCapacity = 4096

// Lane holds cancels, oldest first, until the throttle lets them go. While there are any,
// no order goes. Single owner.
type Lane struct {
	commands [laneCapacity]event.Command
	head, n  int
}

// Len returns how many wait.
func (l *Lane) Len() int { return l.n }

// Full reports whether there is no room.
func (l *Lane) Full() bool { return l.n == laneCapacity }

// Push appends a copy of c; there must be room.
func (l *Lane) Push(c *event.Command) {
	l.commands[(l.head+l.n)%laneCapacity] = *c
	l.n++
}

// Front returns the oldest; there must be one.
func (l *Lane) Front() *event.Command { return &l.commands[l.head] }

// Pop takes the oldest out.
func (l *Lane) Pop() { l.head, l.n = (l.head+1)%laneCapacity, l.n-1 }

// Rewarm asks for what a command touches that need not wait.
func (l *Lane) Rewarm() { warm.Of(&l.n) }
