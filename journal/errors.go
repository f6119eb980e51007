package journal

import (
	"errors"
	"fmt"
)

// Kinds of a reader's *Error. None of them is repaired: the copy of the journal on
// another disk is used, or a person decides.
var (
	ErrNoJournal = errors.New("no journal")
	ErrHeader    = errors.New("bad segment header")
	ErrVersion   = errors.New("unknown journal version")
	ErrByteOrder = errors.New("journal of a host with another byte order")
	ErrMissing   = errors.New("segment missing")
	ErrMixed     = errors.New("segment of another place or run")
	ErrCorrupt   = errors.New("journal corrupt")
)

// What Append refuses.
var (
	// ErrFull says that the ring has no room: the disk is slower than the core.
	// Nothing was recorded; the caller decides whether to wait or to stop.
	ErrFull = errors.New("journal ring full")
	// ErrPayload says that the payload is empty or too large, or the type unknown.
	ErrPayload = errors.New("journal: payload empty or too large, or unknown record type")
	// ErrClosed says that Close was called.
	ErrClosed = errors.New("journal closed")
)

// Error says what is wrong with a journal, and where.
type Error struct {
	Dir     string
	Segment uint32 // 0 when it is not about one segment
	Offset  int64  // byte within the segment
	Kind    error  // one of the Err values, for errors.Is
	Detail  string
}

func (e *Error) Error() string {
	if e.Segment == 0 {
		return fmt.Sprintf("journal %s: %v: %s", e.Dir, e.Kind, e.Detail)
	}
	return fmt.Sprintf("journal %s segment %d at %d: %v: %s",
		e.Dir, e.Segment, e.Offset, e.Kind, e.Detail)
}

func (e *Error) Unwrap() error { return e.Kind }
