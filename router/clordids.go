package router

import "penstock/event"

// clOrdIDs remembers every ClOrdID of every client for the whole run, so that a
// repeated one is never a second order: open addressing, no deletion.
type clOrdIDs struct {
	slots []clOrdID
	n     int
}

type clOrdID struct {
	id     event.ID
	client uint16
	used   bool
	parent int32 // slot of the parent, none when it was refused
}

func newClOrdIDs(capacity int) clOrdIDs {
	size := 16
	for size < 2*capacity {
		size *= 2
	}
	return clOrdIDs{slots: make([]clOrdID, size)}
}

func (t *clOrdIDs) full() bool { return t.n >= len(t.slots)/2 }

// roomForRefused keeps half of the room for orders that exist: a client whose
// orders are refused must not use up the others'.
func (t *clOrdIDs) roomForRefused() bool { return t.n < len(t.slots)/4 }

// find returns the entry of (client, id), or the empty slot where it belongs.
func (t *clOrdIDs) find(client uint16, id event.ID) *clOrdID {
	h := uint64(14695981039346656037) ^ uint64(client)
	for _, b := range id {
		h = (h ^ uint64(b)) * 1099511628211
	}
	for i := h & uint64(len(t.slots)-1); ; i = (i + 1) & uint64(len(t.slots)-1) {
		s := &t.slots[i]
		if !s.used || s.client == client && s.id == id {
			return s
		}
	}
}

// add fills an empty slot that find returned.
func (t *clOrdIDs) add(s *clOrdID, client uint16, id event.ID, parent int32) {
	*s = clOrdID{id: id, client: client, used: true, parent: parent}
	t.n++
}
