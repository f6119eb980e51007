package ouch

import "penstock/event"

// eventQueue holds events that the Sink has not taken, oldest first. It grows only when
// a connection breaks with many commands under way.
type eventQueue struct {
	ring    []event.Event
	head, n int
}

func (q *eventQueue) push(e event.Event) {
	if q.n == len(q.ring) {
		bigger := make([]event.Event, max(64, 2*len(q.ring)))
		for i := range q.n {
			bigger[i] = q.ring[(q.head+i)%len(q.ring)]
		}
		q.ring, q.head = bigger, 0
	}
	q.ring[(q.head+q.n)%len(q.ring)] = e
	q.n++
}

func (q *eventQueue) front() *event.Event { return &q.ring[q.head] }

func (q *eventQueue) pop() { q.head, q.n = (q.head+1)%len(q.ring), q.n-1 }

// asksCapacity bounds the status requests that wait until the book of orders is complete.
const asksCapacity = 1024

// asks are children whose state was asked for.
type asks struct {
	children [asksCapacity]uint64
	n        int
}

func (a *asks) clear() { a.n = 0 }

func (a *asks) add(child uint64) bool {
	for _, c := range a.children[:a.n] {
		if c == child {
			return true
		}
	}
	if a.n == asksCapacity {
		return false
	}
	a.children[a.n] = child
	a.n++
	return true
}
