package loop

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"penstock/book"
	"penstock/event"
	"penstock/internal/ring"
)

// Idle is what the loop does when nothing is there.
type Idle uint8

// Idle strategies.
const (
	// IdlePark sleeps until a producer rings or a timer is due: for machines with
	// fewer cores than busy threads.
	IdlePark Idle = iota
	// IdleYield gives the processor to other goroutines and looks again.
	IdleYield
	// IdleSpin never gives it away: for an isolated core.
	IdleSpin
)

var idleNames = [...]string{"park", "yield", "spin"}

func (i Idle) String() string {
	if int(i) < len(idleNames) {
		return idleNames[i]
	}
	return "idle?"
}

// ParseIdle is the inverse of Idle.String.
func ParseIdle(s string) (Idle, error) {
	for i, name := range idleNames {
		if name == s {
			return Idle(i), nil
		}
	}
	return 0, fmt.Errorf("idle strategy %q is not one of park, yield, spin", s)
}

const (
	batch     = 256 // events taken from one ring in one turn
	spinTurns = 200 // empty turns before the loop parks
	parkMax   = 10 * time.Millisecond
)

// parker puts the loop to sleep and wakes it: a Bell, or an IO whose sockets wake
// it as well.
type parker interface {
	Ring()
	wait(d time.Duration, ready func() bool) error
}

// Loop takes events from its inputs and drives a Sequencer. Everything but Stop
// and Inspect belongs to the goroutine that calls Run or Work.
type Loop struct {
	seq     *Sequencer
	inputs  []*ring.SPSC[event.Event]
	inline  *IO // worked by this goroutine, nil: by its own
	idle    Idle
	clock   func() int64
	bell    parker
	stop    atomic.Bool
	request atomic.Pointer[inspection]
	looking sync.Mutex // one inspection at a time
	board   *book.Board
	ended   chan struct{}
	turn    func()
	core    int // to run on alone, negative: none
	pinned  chan error
	e       event.Event

	Turns  uint64
	Events uint64
}

// New returns a loop over inputs, which it polls in the given order. clock gives
// ns since epoch; producers ring bell after they pushed. turn, if not nil, is
// called at the end of every turn.
func New(seq *Sequencer, inputs []*ring.SPSC[event.Event], bell *Bell, idle Idle,
	clock func() int64, turn func()) *Loop {
	if turn == nil {
		turn = func() {}
	}
	return &Loop{seq: seq, inputs: inputs, idle: idle, clock: clock, bell: bell, turn: turn,
		ended: make(chan struct{}), core: -1, pinned: make(chan error, 1),
		board: seq.core.NewBoard(boardReaders, boardLevels)}
}

// Pin makes Run wire its goroutine to core and keep every other thread of the
// process off it. Whether that could be had comes through the channel; the loop runs
// either way.
func (l *Loop) Pin(core int) <-chan error {
	l.core = core
	return l.pinned
}

// NewInline returns a loop that works feeds and gateways itself: from the socket to
// the socket on one goroutine, without a wake-up in between. Producers on other
// goroutines ring io.
func NewInline(seq *Sequencer, inputs []*ring.SPSC[event.Event], io *IO, idle Idle,
	clock func() int64, turn func()) *Loop {
	l := New(seq, inputs, nil, idle, clock, turn)
	l.bell, l.inline = io, io
	return l
}

// Work does one turn: what feeds and gateways have if they are inline, a bounded
// batch of every input, due timers, a view for a reader, a pending inspection. It returns 0 when there
// was nothing to do.
func (l *Loop) Work() (work int) {
	l.Turns++
	if l.inline != nil {
		work = l.inline.Work()
	}
	return work + l.take()
}

// take is a turn of the core alone.
func (l *Loop) take() (taken int) {
	for _, in := range l.inputs {
		for range batch {
			if !in.Pop(&l.e) {
				break
			}
			l.seq.Take(l.clock(), &l.e)
			taken++
		}
	}
	now := l.clock()
	if l.seq.core.NextTimer() <= now {
		l.seq.TakeTimer(now)
		taken++
	}
	l.seq.core.Serve(l.board, now)
	if r := l.request.Swap(nil); r != nil {
		r.look(l.seq)
		close(r.done)
	}
	l.turn()
	l.Events += uint64(taken)
	return taken
}

// Drain takes what is left in the inputs, after Run has returned and the producers
// have ended.
func (l *Loop) Drain() {
	for l.seq.Err() == nil && l.take() > 0 {
	}
}

// Run works until Stop or a failed journal.
func (l *Loop) Run() error {
	defer close(l.ended)
	if l.core >= 0 {
		undo, err := pin(l.core)
		if err == nil {
			defer undo()
		}
		l.pinned <- err
	}
	if l.idle == IdleSpin {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	idleTurns := 0
	for !l.stop.Load() && l.seq.Err() == nil {
		if l.Work() > 0 {
			idleTurns = 0
			continue
		}
		idleTurns++
		switch {
		case l.idle == IdleSpin, l.idle == IdlePark && idleTurns < spinTurns:
			safepoint()
		case l.idle == IdleYield:
			runtime.Gosched()
		default:
			if err := l.bell.wait(l.untilTimer(), l.ready); err != nil {
				return err
			}
		}
	}
	return l.seq.Err()
}

func (l *Loop) untilTimer() time.Duration {
	due := l.seq.core.NextTimer()
	if now := l.clock(); due < now+int64(parkMax) {
		return time.Duration(max(due-now, 0))
	}
	return parkMax
}

func (l *Loop) ready() bool {
	for _, in := range l.inputs {
		if in.Len() > 0 {
			return true
		}
	}
	return l.request.Load() != nil || l.board.Asked() || l.stop.Load()
}

// Stop makes Run return. Any goroutine.
func (l *Loop) Stop() {
	l.stop.Store(true)
	l.bell.Ring()
}

// inspection is a look at the core that another goroutine asked for.
type inspection struct {
	look func(*Sequencer)
	done chan struct{}
}

// Inspect runs look on the loop's goroutine between two events and waits for it:
// a consistent reading of the core. look must be short and must change nothing.
// ok is false when the loop has ended.
func (l *Loop) Inspect(look func(*Sequencer)) (ok bool) {
	l.looking.Lock()
	defer l.looking.Unlock()
	r := &inspection{look: look, done: make(chan struct{})}
	l.request.Store(r)
	l.bell.Ring()
	select {
	case <-r.done:
		return true
	case <-l.ended:
	}
	if l.request.CompareAndSwap(r, nil) {
		return false
	}
	<-r.done
	return true
}

// safepoint gives the scheduler a place to stop a spinning goroutine: its frame
// is large enough that the compiler keeps the stack check in its prologue.
//
//go:noinline
func safepoint() {
	var frame [256]byte
	touch(&frame)
}

//go:noinline
func touch(*[256]byte) {}
