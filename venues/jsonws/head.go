package jsonws

import (
	"bytes"
	"encoding/binary"
)

// head is how messages of one kind about one instrument begin: the same bytes
// each time, up to the first that differs. A message that begins so is read from
// there on.
type head struct {
	text []byte
	book *book
	form uint8 // what the decoder has to know besides
}

// heads are the heads of the instruments last heard of, found by the eight bytes
// of the message at a place where the instrument's name begins. Two names may
// share a slot; that only costs time.
type heads struct {
	at    int
	slots [64]head
}

// slot returns where the head of msg is or belongs; nil when msg is too short.
func (h *heads) slot(msg []byte) *head {
	if len(msg) < h.at+8 {
		return nil
	}
	x := binary.LittleEndian.Uint64(msg[h.at:])
	return &h.slots[x*0x9E3779B97F4A7C15>>58]
}

// of returns the head that msg begins with, nil when it is not known.
func (h *heads) of(msg []byte) *head {
	if s := h.slot(msg); s != nil && s.book != nil && bytes.HasPrefix(msg, s.text) {
		return s
	}
	return nil
}

// learn keeps msg[:n] as a head of b.
func (h *heads) learn(msg []byte, n int, b *book, form uint8) {
	if s := h.slot(msg); s != nil {
		s.text, s.book, s.form = append(s.text[:0], msg[:n]...), b, form
	}
}
