package tape

import (
	"errors"
	"fmt"
	"io"
)

// Error says where a recording cannot be read any further, or which line of it
// cannot be used.
type Error struct {
	Path   string
	Line   int64 // 1 is the first; 0 in a recording without lines
	Offset int64 // bytes of the decompressed content before the trouble
	Err    error
}

func (e *Error) Error() string {
	at := fmt.Sprintf("byte %d", e.Offset)
	if e.Line > 0 {
		at = fmt.Sprintf("line %d", e.Line)
	}
	text := e.Err.Error()
	if errors.Is(e.Err, io.ErrUnexpectedEOF) {
		text = "the file is cut short (unexpected end); what came before is used"
	}
	return fmt.Sprintf("recording %s: %s: %s", e.Path, at, text)
}

func (e *Error) Unwrap() error { return e.Err }

// Faults of a recording's content.
var (
	ErrEmpty      = errors.New("the file is empty")
	ErrNotPacked  = errors.New("the first bytes are not those of the format its name says")
	ErrLineLength = fmt.Errorf("line longer than %d bytes", maxLine)
	ErrBackwards  = errors.New("receive time goes backwards")
	ErrLine       = errors.New("not a line of this container")
)

// Faults of a message of a recording's own format.
var (
	errAbsurd = errors.New("impossible value")
	errSum    = errors.New("wrong CheckSum(10)")
)
