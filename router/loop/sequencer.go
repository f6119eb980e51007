package loop

import (
	"errors"
	"fmt"
	"runtime"

	"penstock/event"
	"penstock/journal"
	"penstock/market"
	"penstock/router"
)

// Sequencer gives events their place in the total order, journals them and what
// the core answers, and hands the commands out. One goroutine.
//
// The journal's ring has room for what the core does in a while; who drives a
// Sequencer asks Ready before each event, and the event stays where it is when the
// answer is no. An event that was journalled is stepped, and its commands leave: they
// can be made again from the event. Their own records follow as room is found.
type Sequencer struct {
	core     *router.Core
	out      *event.Output
	journal  *journal.Writer // nil: nothing is recorded
	dispatch func(*event.Command)
	io       *IO // that this goroutine works as well, nil: others do
	seq      uint64
	now      int64
	failed   error
	timer    event.Event
	sent     int // of out's commands: how many have left
	written  int // of out's commands and then decisions: what the journal has
	lag      lag
	refusal  refusal

	Commands  uint64
	Decisions uint64
	Overruns  uint64 // events whose commands and decisions did not all fit at once
	Withheld  uint64 // times that new orders were stopped because the journal lagged
}

// NewSequencer returns a sequencer that goes on after the last event of core. dispatch
// gets each command once its event is journalled; the pointer is valid during the call.
func NewSequencer(core *router.Core, w *journal.Writer, dispatch func(*event.Command)) *Sequencer {
	return &Sequencer{core: core, out: core.OutputFor(), journal: w, dispatch: dispatch, seq: core.Seq(), now: core.Now()}
}

// Core returns the core, for reading on the sequencer's goroutine.
func (s *Sequencer) Core() *router.Core { return s.core }

// Seq returns the Seq of the last event taken.
func (s *Sequencer) Seq() uint64 { return s.seq }

// Now returns the StepTime of the last event taken, ns since epoch.
func (s *Sequencer) Now() int64 { return s.now }

// Err returns why the sequencer stopped, nil while it works. A journal that
// cannot be written stops trading: the open orders are cancelled first.
func (s *Sequencer) Err() error { return s.failed }

// Ready reports whether an event can be taken now: all of the last one is journalled
// and there is room for another.
func (s *Sequencer) Ready() bool {
	if s.journal == nil || s.failed != nil {
		return s.failed == nil
	}
	if s.written < len(s.out.Commands)+len(s.out.Decisions) && !s.settle() {
		return false
	}
	free, _ := s.journal.Room()
	return free >= eventRoom
}

// eventRoom is what one event may need: its record, and as much again where the ring
// wraps.
const eventRoom = 512

// Take journals e at now (ns since epoch), steps the core and dispatches what it
// wants. After an error it takes nothing any more. It does not wait when Ready was
// just true; otherwise it gives the processor away until it is.
func (s *Sequencer) Take(now int64, e *event.Event) {
	for !s.Ready() {
		if s.failed != nil {
			return
		}
		if err := s.journal.Err(); err != nil {
			s.stop(err)
			return
		}
		s.refusal.leave()
		runtime.Gosched()
		s.refusal.enter()
	}
	s.take(now, e)
}

// take is Take where Ready was just true.
func (s *Sequencer) take(now int64, e *event.Event) {
	s.step(now, e)
	if s.journal != nil {
		if err := s.journal.Append(journal.Event, s.now, e.Bytes()); err != nil {
			s.stop(err)
			return
		}
	}
	s.run(e)
	s.Commands += uint64(len(s.out.Commands))
	s.Decisions += uint64(len(s.out.Decisions))
	if s.journal != nil && !s.settle() {
		if s.failed == nil {
			s.Overruns++
		}
		return
	}
	s.out.Clear()
	s.written = 0
}

// send hands the commands out that have not left yet, where the scheduler may have its way: what
// dispatch calls is not the sequencer's to promise for.
func (s *Sequencer) send() {
	if s.sent == len(s.out.Commands) {
		return
	}
	if s.io != nil {
		s.io.open(s.now)
	}
	s.refusal.leave()
	for ; s.sent < len(s.out.Commands); s.sent++ {
		s.dispatch(&s.out.Commands[s.sent])
	}
	s.refusal.enter()
	if s.io != nil {
		s.io.deliver()
	}
}

// settle journals what the last event made, as far as there is room, and reports
// whether that is all.
func (s *Sequencer) settle() bool {
	for n := len(s.out.Commands) + len(s.out.Decisions); s.written < n; s.written++ {
		t, i := journal.Command, s.written
		var payload []byte
		if i < len(s.out.Commands) {
			payload = s.out.Commands[i].Bytes()
		} else {
			t, payload = journal.Decision, s.out.Decisions[i-len(s.out.Commands)].Bytes()
		}
		err := s.journal.Append(t, s.now, payload)
		if errors.Is(err, journal.ErrFull) {
			return false
		}
		if err != nil {
			s.stop(err)
			return false
		}
	}
	return true
}

// TakeTimer lets time pass: a Timer event at now.
func (s *Sequencer) TakeTimer(now int64) {
	s.timer = event.Event{Kind: event.Timer, RecvTime: now}
	s.Take(now, &s.timer)
}

func (s *Sequencer) step(now int64, e *event.Event) {
	s.seq++
	s.now = max(now, s.now) // a clock that steps back does not turn time around
	e.Seq, e.StepTime = s.seq, s.now
}

// run steps the core. What one parent sends leaves before the next one thinks.
func (s *Sequencer) run(e *event.Event) {
	s.out.Reset()
	s.written, s.sent = 0, 0
	for more := s.core.Begin(e, s.out); more; more = s.core.Continue() {
		s.send()
	}
	s.send()
}

// stop is the end after a journal failure: no new orders, cancel the open ones.
func (s *Sequencer) stop(err error) {
	s.refusal.leave() // words are made with what all goroutines share, behind a lock
	s.failed = fmt.Errorf("journal failed, trading is stopped: %w", err)
	s.refusal.enter()
	kill := event.Event{Kind: event.Operator, Code: uint8(event.OperatorKill), Venue: market.NoVenue}
	kill.ID, _ = event.MakeID("journal")
	kill.OrigID, _ = event.MakeID("journal failed")
	s.seq = s.core.Seq()
	s.step(s.now, &kill)
	s.run(&kill)
	s.out.Reset() // it has no place in a journal that failed
	s.written = 0
}
