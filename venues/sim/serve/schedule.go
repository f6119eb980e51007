package serve

import "container/heap"

// schedule holds what is due at a time. Entries of the same time run in the order
// in which they were made, so that a constant latency keeps messages in order.
type schedule struct {
	urgent itemHeap // orders and reports: worth waking up exactly for
	others itemHeap
	made   uint64
}

type scheduled struct {
	at     int64 // ns since epoch
	n      uint64
	urgent bool
	run    func(now int64)
}

func (s *scheduled) before(other *scheduled) bool {
	return s.at < other.at || s.at == other.at && s.n < other.n
}

func (s *schedule) add(at int64, urgent bool, run func(now int64)) {
	s.made++
	heap.Push(s.heap(urgent), scheduled{at, s.made, urgent, run})
}

// next returns the earliest entry, or nil.
func (s *schedule) next() *scheduled {
	a, b := s.urgent.first(), s.others.first()
	if a == nil || b != nil && b.before(a) {
		return b
	}
	return a
}

// take removes the earliest entry and returns it.
func (s *schedule) take() scheduled { return heap.Pop(s.heap(s.next().urgent)).(scheduled) }

func (s *schedule) heap(urgent bool) *itemHeap {
	if urgent {
		return &s.urgent
	}
	return &s.others
}

// itemHeap is a heap.Interface, earliest first.
type itemHeap []scheduled

func (h itemHeap) Len() int           { return len(h) }
func (h itemHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h itemHeap) Less(i, j int) bool { return h[i].before(&h[j]) }
func (h *itemHeap) Push(x any)        { *h = append(*h, x.(scheduled)) }

func (h *itemHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	(*h)[last] = scheduled{}
	*h = (*h)[:last]
	return x
}

func (h itemHeap) first() *scheduled {
	if len(h) == 0 {
		return nil
	}
	return &h[0]
}
