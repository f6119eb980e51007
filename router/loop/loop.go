package loop

import (
	"runtime"
	"sync/atomic"
	"time"

	"penstock/book"
	"penstock/event"
	"penstock/internal/ring"
)

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

// Loop takes events from its inputs and drives a Sequencer. Stop, Inspect, Rest,
// NewReader, Stats and RingMarks may be called from any goroutine; New, Pin, Venues and
// Warm come before Run; the rest belongs to the goroutine that calls Run or Work.
type Loop struct {
	seq     *Sequencer
	inputs  []*ring.SPSC[event.Event]
	venues  *ring.SPSC[event.Event] // of inputs, nil: none
	inline  *IO                     // worked by this goroutine, nil: by its own
	idle    Idle
	wanted  Idle // of Pin
	clock   func() int64
	bell    parker
	stop    atomic.Bool
	looks   inspector
	board   *book.Board
	ended   chan struct{}
	turn    func()
	warm    warmth
	core    int // to run on alone, negative: none
	settled chan Settled
	rests   rests
	ahead   book.Lookahead
	byOrder bool // some venue's feed names orders

	stats     Stats
	last      int64 // end of the last turn, ns since epoch; 0: not known
	whole     int64 // the same of the last turn that did more than look
	tail      bool  // the end of the last turn had something to do
	published published
}

// New returns a loop over inputs, which it polls in the given order. clock gives
// ns since epoch; producers ring bell after they pushed. turn, if not nil, is
// called at the end of every turn.
func New(seq *Sequencer, inputs []*ring.SPSC[event.Event], bell *Bell, idle Idle,
	clock func() int64, turn func()) *Loop {
	if turn == nil {
		turn = func() {}
	}
	return &Loop{seq: seq, inputs: inputs, idle: idle.Resolved(false), clock: clock, bell: bell, turn: turn,
		ended: make(chan struct{}), core: -1, settled: make(chan Settled, 1), warm: warmth{next: beginning},
		board: seq.core.NewBoard(boardReaders, boardLevels), byOrder: seq.core.ByOrder()}
}

// Pin makes Run wire its goroutine to core, keep every other thread of the process off
// it, and settle the thread there. How far that could be had comes through the channel;
// the loop runs either way. wanted is the idle strategy that was asked for: auto is
// another one with a core of its own.
func (l *Loop) Pin(core int, wanted Idle) <-chan Settled {
	l.core, l.wanted, l.idle = core, wanted, wanted.Resolved(true)
	return l.settled
}

// PutOff makes a loop that keeps its core refuse the scheduler's requests to yield: see
// restNanos. Only for a process whose collections rest it, because whoever stops the world
// waits.
func (l *Loop) PutOff() {
	l.rests.put = true
}

// Rest runs f, which stops the world, while the loop gives the runtime every few turns what it
// needs for that. Any goroutine but the loop's.
func (l *Loop) Rest(f func()) {
	l.rests.wanted.Add(1)
	defer l.rests.wanted.Add(-1)
	l.bell.Ring()
	f()
}

// Venues names the input that carries what venues send: it waits when the journal's
// ring is nearly full, so that clients and operators are still heard.
func (l *Loop) Venues(in *ring.SPSC[event.Event]) { l.venues = in }

// Idle returns the strategy that the loop runs with.
func (l *Loop) Idle() Idle { return l.idle }

// NewInline returns a loop that works feeds and gateways itself: from the socket to
// the socket on one goroutine, without a wake-up in between. Producers on other
// goroutines ring io.
func NewInline(seq *Sequencer, inputs []*ring.SPSC[event.Event], io *IO, idle Idle,
	clock func() int64, turn func()) *Loop {
	l := New(seq, inputs, nil, idle, clock, turn)
	l.bell, l.inline = io, io
	io.inline, io.refusal, seq.io = true, &seq.refusal, io
	return l
}

// Work does one turn: what feeds and gateways have if they are inline, a bounded
// batch of every input, due timers, a view for a reader, a pending inspection. It returns 0 when there
// was nothing to do. A loop that puts requests to yield off does so from the first
// instruction of a turn to the last; a request that waits for it there is met by the
// prologue of work.
//
//go:nosplit
func (l *Loop) Work() (work int) {
	if !l.rests.refuses(l.last) {
		return l.work()
	}
	l.seq.refusal.begin()
	work = l.work()
	l.seq.refusal.end()
	return work
}

// work is a turn and, when it found nothing in a loop that keeps its core, a rehearsal. Nothing in it
// blocks but what it leaves the refusal for: a goroutine that parks while pinned ends the program.
//
//go:noinline
func (l *Loop) work() (work int) {
	if l.inline != nil {
		work = l.inline.Work()
		if work == 0 && l.idle.busy() {
			work = l.glance()
		}
	}
	taken, now := l.take()
	work += taken
	if l.last == 0 { // the first turn: when it began is not known
		l.last = now
	}
	l.stats.turn(now-l.last, work > 0 || l.tail, taken)
	l.last, l.whole, l.tail = now, now, false
	if l.finish(now) {
		work++
		l.tail = true
	}
	if work > 0 {
		l.warm.worked(l.last, l.seq.Commands)
	} else if l.idle.busy() && l.warm.hungry(now) {
		l.rehearse(now)
	}
	return work
}

// glanceNanos is how long a turn that found nothing goes on looking at its sockets and at what else there may be
// to do, before the next whole turn: as long as nothing more may be due in an idle loop.
const glanceNanos = 5_000

// glance looks at the sockets while nothing else is there to do: most of the time between
// two messages a socket is asked more often so than by whole turns. Bites fall between two looks.
func (l *Loop) glance() (work int) {
	l.inline.enter()
	for work == 0 {
		now := l.clock()
		if uint64(now-l.last) >= glanceNanos || l.asked(now) { // also of a clock that stepped back
			break
		}
		if l.warm.hungry(now) {
			l.inline.leave()
			l.rehearse(now)
			l.inline.enter()
		}
		work = l.inline.glance(now)
	}
	l.inline.leave()
	return work
}

// asked reports whether others than sockets have something for the loop at now.
func (l *Loop) asked(now int64) bool {
	for _, in := range l.inputs {
		if !in.Empty() {
			return true
		}
	}
	return l.seq.core.NextTimer() <= now || l.looks.wanted() || l.board.Asked() || l.rests.due(now)
}

// take is a turn of the core alone, up to now.
func (l *Loop) take() (taken int, now int64) {
	start := l.last
	if start == 0 {
		start = l.clock()
	}
	seq := l.seq.seq
	venues := l.seq.weigh(start)
	ready := venues && l.seq.seq == seq // what weigh took itself may not all be journalled
	for _, in := range l.inputs {
		if in == l.venues && !venues {
			continue
		}
		for n := range batch {
			e := in.Peek(0)
			if e == nil || !ready && !l.seq.Ready() {
				break
			}
			if l.byOrder && n%book.LookaheadEvents == 0 {
				l.lookAhead(in, e)
			}
			ready = false
			l.seq.take(l.clock(), e)
			in.Drop()
			taken++
		}
	}
	return taken, l.clock()
}

// lookAhead brings the memory nearer that the events of an input need, first being the next one.
func (l *Loop) lookAhead(in *ring.SPSC[event.Event], first *event.Event) {
	if in.Peek(1) == nil {
		l.seq.core.AheadOne(&l.ahead, first)
		return
	}
	for i := range min(book.LookaheadEvents, in.Cap()) {
		e := in.Peek(i)
		if e == nil {
			break
		}
		l.seq.core.Ahead(&l.ahead, e)
	}
	l.ahead.Fetch()
}

// finish is the end of a turn: what is due at now and what others have asked for.
func (l *Loop) finish(now int64) (work bool) {
	if l.seq.core.NextTimer() <= now && l.seq.Ready() {
		l.seq.TakeTimer(now)
		l.stats.Events++
		work = true
	}
	work = l.seq.core.Serve(l.board, now) || work
	l.seq.refusal.leave()
	work = l.looks.answer() || work
	l.turn()
	l.seq.refusal.enter()
	if now-l.stats.At > publishBusyNanos || !work && now-l.stats.At > publishIdleNanos {
		l.publish(now)
	}
	return work
}

func (l *Loop) publish(now int64) {
	l.stats.At = now
	l.stats.Seq, l.stats.Commands = l.seq.seq, l.seq.Commands
	l.stats.Withheld, l.stats.Overruns = l.seq.Withheld, l.seq.Overruns
	l.published.store(&l.stats)
}

// Drain takes what is left in the inputs, after Run has returned and the producers
// have ended. Here the loop waits for its journal: there is no market to miss.
func (l *Loop) Drain() {
	l.venues = nil
	l.seq.io = nil // the gateways have said goodbye
	for l.seq.Err() == nil {
		taken, now := l.take()
		if !l.finish(now) && taken == 0 && l.seq.Ready() {
			return
		}
		l.last = now
	}
}

// Run works until Stop or a failed journal.
func (l *Loop) Run() error {
	defer close(l.ended)
	defer func() { l.publish(l.clock()) }()
	defer l.settleDown()()
	idleTurns := 0
	for !l.stop.Load() && l.seq.Err() == nil {
		if l.inline == nil && l.rests.put {
			for l.peek() {
			}
		}
		worked := l.Work() > 0
		if l.idle.busy() {
			l.rests.point(l.last)
		}
		if worked {
			idleTurns = 0
			continue
		}
		idleTurns++
		switch l.idle {
		case IdleSpin:
		case IdlePause:
			pause()
		case IdleYield:
			runtime.Gosched()
		default:
			if idleTurns < spinTurns {
				safepoint()
				continue
			}
			if err := l.park(); err != nil {
				return err
			}
		}
	}
	return l.seq.Err()
}

// wholeNanos is how long the loop only looks for work between two whole turns, in which
// others may have to try again what found no room.
const wholeNanos = 100_000

// peek looks whether there is nothing to do, where a request to yield is refused:
// nothing here blocks or calls the runtime.
//
//go:nosplit
func (l *Loop) peek() (idle bool) {
	procPin()
	idle = l.nothing()
	procUnpin()
	return idle
}

// nothing reports that a turn would find nothing to do, counts it and takes a bite that is due.
//
//go:noinline
func (l *Loop) nothing() bool {
	now := l.clock()
	if l.last == 0 || now-l.whole >= wholeNanos || l.asked(now) {
		return false
	}
	l.stats.turn(now-l.last, l.tail, 0)
	l.last, l.tail = now, false
	if l.warm.hungry(now) {
		l.rehearse(now)
	}
	return true
}

// settleDown prepares the thread of Run and returns what undoes it.
func (l *Loop) settleDown() (undo func()) {
	unpin, unsettle := func() {}, func() {}
	if l.core >= 0 {
		s := Settled{Core: l.core}
		unpin, s.Pinned = pin(l.core)
		if s.Pinned != nil {
			unpin = func() {}
			l.idle = l.wanted.Resolved(false)
		} else {
			unsettle = settle(&s)
		}
		l.settled <- s
	}
	if !l.idle.busy() {
		return func() { unsettle(); unpin() }
	}
	runtime.LockOSThread()
	return func() { unsettle(); unpin(); runtime.UnlockOSThread() }
}

// park sleeps until there may be work.
func (l *Loop) park() error {
	if l.last-l.stats.At > publishParkNanos {
		l.publish(l.last)
	}
	l.stats.Parks++
	err := l.bell.wait(l.untilTimer(), l.ready)
	l.last = l.clock() // the time asleep is nobody's stall
	return err
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
	return l.looks.wanted() || l.board.Asked() || l.stop.Load()
}

// Stop makes Run return. Any goroutine.
func (l *Loop) Stop() {
	l.stop.Store(true)
	l.bell.Ring()
}
