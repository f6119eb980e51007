package itch

// hold keeps packets that arrived before their turn, in order of their sequence
// numbers. It has a fixed number of slots; a packet that finds none is dropped.
//
//	order  ─► [ slot 4 │ slot 0 │ slot 7 ]   a ring, lowest sequence first
//	slots      data of one packet each       the free ones are listed in free
type hold struct {
	slots []heldPacket
	order []int32 // a ring of slots
	head  int     // index in order of the lowest
	n     int
	free  []int32
}

type heldPacket struct {
	seq, next uint64 // next is one past the last message
	size      int
	data      [MaxPacket]byte
}

// held is what became of a packet that was to be kept.
type held uint8

const (
	kept held = iota
	keptBefore
	noSlot
)

func newHold(packets int) hold {
	h := hold{slots: make([]heldPacket, packets), order: make([]int32, packets),
		free: make([]int32, 0, packets)}
	h.clear()
	return h
}

// at returns the packet at place i of the order.
func (h *hold) at(i int) *heldPacket { return &h.slots[*h.place(i)] }

func (h *hold) place(i int) *int32 {
	if i += h.head; i >= len(h.order) {
		i -= len(h.order)
	}
	return &h.order[i]
}

// put copies a packet in. Packets come nearly in order, so its place is sought
// from the end.
func (h *hold) put(seq, next uint64, datagram []byte) held {
	i := h.n
	for ; i > 0; i-- {
		before := h.at(i - 1)
		if before.seq == seq && before.next >= next {
			return keptBefore
		}
		if before.seq < seq || before.seq == seq && before.next < next {
			break
		}
	}
	if h.n == len(h.slots) {
		return noSlot
	}
	slot := h.free[len(h.free)-1]
	h.free = h.free[:len(h.free)-1]
	for j := h.n; j > i; j-- {
		*h.place(j) = *h.place(j - 1)
	}
	*h.place(i) = slot
	h.n++
	s := &h.slots[slot]
	s.seq, s.next, s.size = seq, next, copy(s.data[:], datagram)
	return kept
}

// due returns a packet that holds message want, and frees the packets before it
// that hold only earlier ones. The packet is valid until the next put.
func (h *hold) due(want uint64) *heldPacket {
	for h.n > 0 {
		s := h.at(0)
		if s.next > want {
			if s.seq > want {
				return nil
			}
			return s
		}
		h.free = append(h.free, *h.place(0))
		if h.head++; h.head == len(h.order) {
			h.head = 0
		}
		h.n--
	}
	return nil
}

// first returns the lowest sequence number held, limit if there is none below.
func (h *hold) first(limit uint64) uint64 {
	if h.n > 0 {
		return min(limit, h.at(0).seq)
	}
	return limit
}

func (h *hold) clear() {
	h.head, h.n = 0, 0
	h.free = h.free[:0]
	for i := len(h.slots) - 1; i >= 0; i-- {
		h.free = append(h.free, int32(i))
	}
}
