package loop

import (
	"errors"
	"fmt"
	"time"

	"penstock/book"
)

// Views of a loop: how many readers at once, and how deep they may look.
const (
	boardReaders = 8
	boardLevels  = 32
)

// Errors of a Reader.
var (
	ErrReaders = errors.New("all views of the loop are taken")
	ErrAsk     = errors.New("no such instrument, or more levels than a view holds")
)

// LateError says that the core did not answer in time.
type LateError struct {
	Waited time.Duration
	Age    time.Duration // of the last view, since it was received; 0 without one
}

func (e *LateError) Error() string {
	if e.Age == 0 {
		return fmt.Sprintf("the core has not turned for %v; there is no earlier view", e.Waited)
	}
	return fmt.Sprintf("the core has not turned for %v; the last view is %v old", e.Waited, e.Age)
}

// Reader looks at composites from outside the core. One goroutine at a time.
type Reader struct {
	loop  *Loop
	watch *book.Watch
	last  time.Time // when the last view was received
}

// NewReader returns a reader; Close gives its place back. Any goroutine.
func (l *Loop) NewReader() (*Reader, error) {
	w := l.board.Watch()
	if w == nil {
		return nil, ErrReaders
	}
	return &Reader{loop: l, watch: w}, nil
}

// Close gives the reader's view back.
func (r *Reader) Close() { r.watch.Close() }

// Read asks the core for a view and waits at most patience for its next turn. The
// view is valid until the next Read. When the core does not turn, the error is a
// LateError and the view the last one received, of whatever was asked for then; nil
// when there is none.
func (r *Reader) Read(q book.Ask, patience time.Duration) (*book.View, error) {
	if !r.watch.Ask(q) {
		return nil, ErrAsk
	}
	r.loop.bell.Ring()
	start := time.Now()
	for pause := 20 * time.Microsecond; ; pause = min(2*pause, time.Millisecond) {
		view, ok := r.watch.Take()
		if ok {
			r.last = time.Now()
			return view, nil
		}
		waited := time.Since(start)
		if waited < patience {
			time.Sleep(min(pause, patience-waited))
			continue
		}
		late := &LateError{Waited: waited.Round(time.Microsecond)}
		if r.last.IsZero() {
			return nil, late
		}
		late.Age = time.Since(r.last).Round(time.Microsecond)
		return view, late
	}
}
