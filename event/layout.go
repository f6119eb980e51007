package event

import "unsafe"

// The layouts are part of the journal format; these lines stop compiling when
// one moves.
var (
	_ [Size]byte         = [unsafe.Sizeof(Event{})]byte{}
	_ [CommandSize]byte  = [unsafe.Sizeof(Command{})]byte{}
	_ [DecisionSize]byte = [unsafe.Sizeof(Decision{})]byte{}
	_ [64]byte           = [unsafe.Offsetof(Event{}.LastPx)]byte{}
	_ [128]byte          = [unsafe.Offsetof(Event{}.StartTime)]byte{}
	_ [56]byte           = [unsafe.Offsetof(Event{}.Kind)]byte{}
	_ [184]byte          = [unsafe.Offsetof(Event{}.OrderRef)]byte{}
	_ [112]byte          = [unsafe.Offsetof(Command{}.Kind)]byte{}
	_ [80]byte           = [unsafe.Offsetof(Decision{}.Venues)]byte{}
)

// Bytes returns the prefix of e that its kind uses, as the journal stores it.
// The slice aliases e.
func (e *Event) Bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(e)), e.Kind.Size())
}

// SetBytes replaces e by a stored prefix; ok is false when its length is not the
// size of its kind or the kind is unknown.
func (e *Event) SetBytes(b []byte) (ok bool) {
	*e = Event{}
	if len(b) > Size || len(b) < 64 {
		return false
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(e)), Size), b)
	return e.Kind.Valid() && e.Kind.Size() == len(b)
}

// Bytes returns the whole command. The slice aliases c.
func (c *Command) Bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(c)), CommandSize)
}

// SetBytes replaces c by stored bytes; ok is false when their length is wrong.
func (c *Command) SetBytes(b []byte) (ok bool) {
	return copy(c.Bytes(), b) == len(b) && len(b) == CommandSize
}

// Bytes returns the whole decision. The slice aliases d.
func (d *Decision) Bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(d)), DecisionSize)
}

// SetBytes replaces d by stored bytes; ok is false when their length is wrong.
func (d *Decision) SetBytes(b []byte) (ok bool) {
	return copy(d.Bytes(), b) == len(b) && len(b) == DecisionSize
}

// PartBytes is the size of a part of a parameter set in an event.
const PartBytes = Size - 64

// Part returns the bytes of e that hold a part of a parameter set, kind VenueParams. The
// slice aliases e, and the fields behind Kind.
func (e *Event) Part() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(e)), Size)[64:]
}
