package itch

// hold keeps packets that arrived before their turn. It has a fixed number of
// slots; a packet that finds none is dropped and will be requested again.
type hold struct {
	slots []heldPacket
	n     int
}

type heldPacket struct {
	seq, next uint64 // next is one past the last message; a free slot has next 0
	size      int
	data      [MaxPacket]byte
}

func newHold(packets int) hold { return hold{slots: make([]heldPacket, packets)} }

// put copies a packet in; false means that every slot is taken.
func (h *hold) put(seq, next uint64, datagram []byte) bool {
	free := -1
	for i := range h.slots {
		s := &h.slots[i]
		if s.next != 0 && s.seq == seq && s.next >= next {
			return true // it is here already
		}
		if s.next == 0 && free < 0 {
			free = i
		}
	}
	if free < 0 {
		return false
	}
	s := &h.slots[free]
	s.seq, s.next, s.size = seq, next, copy(s.data[:], datagram)
	h.n++
	return true
}

// due returns a packet that holds message want, and frees the packets that hold
// only earlier ones. The packet is valid until the next put.
func (h *hold) due(want uint64) *heldPacket {
	if h.n == 0 {
		return nil
	}
	var found *heldPacket
	for i := range h.slots {
		s := &h.slots[i]
		switch {
		case s.next == 0:
		case s.next <= want:
			s.next = 0
			h.n--
		case s.seq <= want:
			found = s
		}
	}
	return found
}

// first returns the lowest sequence number held, limit if there is none below.
func (h *hold) first(limit uint64) uint64 {
	if h.n > 0 {
		for i := range h.slots {
			if s := &h.slots[i]; s.next != 0 && s.seq < limit {
				limit = s.seq
			}
		}
	}
	return limit
}

func (h *hold) clear() {
	for i := range h.slots {
		h.slots[i].next = 0
	}
	h.n = 0
}
