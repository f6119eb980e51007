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
	more []byte // what follows on the first number behind text, where a decoder keeps it
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

// tails are the ends of messages, for venues that name the instrument behind the
// levels. They are found by the sixteen bytes that begin so many before the end: more
// than heads look at, for the names of one market end alike.
type tails struct {
	back  int
	slots [64]head
}

// tailMark is how many bytes tell the instruments of tails apart.
const tailMark = 16

func (t *tails) slot(msg []byte) *head {
	at := len(msg) - t.back
	if at < 0 || len(msg) < at+tailMark {
		return nil
	}
	x, y := binary.LittleEndian.Uint64(msg[at:]), binary.LittleEndian.Uint64(msg[at+8:])
	return &t.slots[(x*0xC2B2AE3D27D4EB4F^y)*0x9E3779B97F4A7C15>>58]
}

// of returns the tail that msg ends with, nil when it is not known.
func (t *tails) of(msg []byte) *head {
	if s := t.slot(msg); s != nil && s.book != nil && bytes.HasSuffix(msg, s.text) {
		return s
	}
	return nil
}

// learn keeps msg[n:] as a tail of b.
func (t *tails) learn(msg []byte, n int, b *book) {
	if s := t.slot(msg); s != nil {
		s.text, s.book = append(s.text[:0], msg[n:]...), b
	}
}
